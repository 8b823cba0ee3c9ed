#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SEVERAL_FILES_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SEVERAL_FILES_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "harness/checkpoint/read/records.h"

namespace loadpath {

/// A checkpoint whose bytes lie in several files, opened by a file that lists them.
class SeveralFiles : public Checkpoint {
 public:
  std::string_view byteorder() const override { return big_endian_ ? "big" : "little"; }
  const Tree& tree() const override { return tree_; }
  std::span<const Storage> storages() const override { return storages_; }
  const std::string& path() const override { return path_; }
  std::span<const std::string> warnings() const override { return warnings_; }
  const ReadReport& open_report() const override { return open_report_; }

 protected:
  explicit SeveralFiles(std::string path) : path_(std::move(path)) {}

  std::string path_;  // as it was named
  Tree tree_;
  std::vector<Storage> storages_;
  bool big_endian_ = false;
  std::vector<std::string> warnings_;
  ReadReport open_report_;
};

/// Opens `path`, which the file `index` lists. Throws CheckpointError kIo, which names both, if it cannot be opened.
std::unique_ptr<FileSource> OpenListedFile(const std::string& path, const std::string& index);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SEVERAL_FILES_H_
