#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_SINGLE_FILE_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_SINGLE_FILE_H_

#include <memory>
#include <string>
#include <vector>

#include "harness/checkpoint/read/records.h"

namespace loadpath {

/// A checkpoint in one file. The format supplies Records; everything else is here.
class SingleFile : public Checkpoint, public Records {
 public:
  std::string_view byteorder() const override { return big_endian_ ? "big" : "little"; }
  const Tree& tree() const override { return tree_; }
  std::span<const Storage> storages() const override { return storages_; }
  const std::string& path() const override { return source_->path(); }
  std::size_t file_count() const override { return 1; }
  int fd(std::uint32_t) const override { return source_->fd(); }
  const std::string& file_path(std::uint32_t) const override { return source_->path(); }
  const ReadReport& open_report() const override { return open_report_; }
  const FileSource& source() const override { return *source_; }
  RecordFile record_file() const { return {this, payloads_.get(), storages_, Swapped()}; }

  std::optional<Extent> Locate(StorageId storage) const override;
  ReadReport Read(std::span<const ReadJob> jobs, const ReadOptions& options) const override;

 protected:
  explicit SingleFile(std::unique_ptr<FileSource> source) : source_(std::move(source)) {}
  /// Takes over what the format found. The constructor calls it once, at its end.
  void Finish(Tree tree, std::vector<Storage> storages, bool big_endian);

 private:
  std::unique_ptr<FileSource> source_;
  Tree tree_;
  std::vector<Storage> storages_;
  bool big_endian_ = false;
  std::unique_ptr<Payloads> payloads_;
  ReadReport open_report_;
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_SINGLE_FILE_H_
