#ifndef LOADPATH_TESTS_FUZZ_SCRATCH_H_
#define LOADPATH_TESTS_FUZZ_SCRATCH_H_

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

namespace loadpath::fuzz {

/// A folder in memory for checkpoints of several files, gone with the process.
class Scratch {
 public:
  Scratch() : folder_("/dev/shm/loadpath-fuzz-XXXXXX") {
    if (::mkdtemp(folder_.data()) == nullptr) std::abort();
  }
  ~Scratch() { std::filesystem::remove_all(folder_); }
  const std::string& folder() const { return folder_; }
  void Write(const char* name, std::string_view bytes) const {
    std::ofstream(folder_ + "/" + name, std::ios::binary | std::ios::trunc)
        .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  }

 private:
  std::string folder_;
};

/// Takes a part off the front of an input: its length in four bytes, little-endian, then as much of it as is there.
inline std::string_view TakePart(std::string_view& input) {
  std::uint32_t length = 0;
  for (std::size_t i = 0; i < 4 && i < input.size(); ++i)
    length |= std::uint32_t{static_cast<unsigned char>(input[i])} << (8 * i);
  input.remove_prefix(std::min<std::size_t>(4, input.size()));
  const std::string_view part = input.substr(0, length);
  input.remove_prefix(part.size());
  return part;
}

}  // namespace loadpath::fuzz

#endif  // LOADPATH_TESTS_FUZZ_SCRATCH_H_
