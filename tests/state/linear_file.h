#ifndef LOADPATH_TESTS_STATE_LINEAR_FILE_H_
#define LOADPATH_TESTS_STATE_LINEAR_FILE_H_

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "loadpath/state_dict.h"

namespace loadpath {

/// A state dict of a Linear(3, 2) with weights of 9 and a bias of 8, in a file of its own.
class LinearFile {
 public:
  LinearFile() : path_(testing::TempDir() + "linear_file." + std::to_string(::getpid()) + ".safetensors") {
    const std::string header =
        R"({"weight":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"bias":{"dtype":"F32","shape":[2],"data_offsets":[24,32]}})";
    const std::uint64_t length = header.size();
    const std::vector<float> values = {9, 9, 9, 9, 9, 9, 8, 8};
    std::ofstream file(path_, std::ios::binary);
    file.write(reinterpret_cast<const char*>(&length), sizeof length);
    file << header;
    file.write(reinterpret_cast<const char*>(values.data()), static_cast<std::streamsize>(4 * values.size()));
  }
  ~LinearFile() { std::filesystem::remove(path_); }
  LinearFile(const LinearFile&) = delete;
  LinearFile& operator=(const LinearFile&) = delete;
  StateDict Open() const { return StateDict::From(Checkpoint::Open(path_)); }

 private:
  std::string path_;
};

}  // namespace loadpath

#endif  // LOADPATH_TESTS_STATE_LINEAR_FILE_H_
