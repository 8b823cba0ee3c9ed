#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_TORCH_ARCHIVE_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_TORCH_ARCHIVE_H_

#include <memory>
#include <string>
#include <vector>

#include "harness/checkpoint/formats/single_file.h"
#include "harness/checkpoint/formats/zip/directory.h"
#include "harness/checkpoint/pickle/torch_calls.h"

namespace loadpath {

/// The common part of PyTorch's zip archives (caffe2/serialize/inline_container.cc): version, byte order, one record a
/// storage.
class TorchArchive : public SingleFile {
 public:
  Slot SlotOf(StorageId storage) const override;
  std::string RecordName(StorageId storage) const override;
  std::uint64_t ParseHead(StorageId storage, std::span<const std::byte> head) const override;

 protected:
  TorchArchive(std::unique_ptr<FileSource> file, ZipDirectory directory);

  const ZipDirectory& directory() const { return directory_; }
  bool big_endian() const { return big_endian_; }
  /// Returns a short record as text, or `missing` if it is not there.
  std::string ReadText(std::string_view name, std::string missing) const;
  /// Records that storage number `record_count()` lies in `record`.
  void AddRecord(const ZipRecord& record) {
    record_of_.push_back(static_cast<std::uint32_t>(&record - directory_.records().data()));
  }
  std::size_t record_count() const { return record_of_.size(); }

 private:
  void CheckVersion() const;

  ZipDirectory directory_;
  std::vector<std::uint32_t> record_of_;
  bool big_endian_ = false;
};

/// An archive whose storages are named by the persistent ids of its data.pkl and lie in data/.
class PickledArchive : public TorchArchive, protected TorchCalls {
 protected:
  PickledArchive(std::unique_ptr<FileSource> file, ZipDirectory directory, bool opaque)
      : TorchArchive(std::move(file), std::move(directory)), TorchCalls(opaque) {}

  /// Runs data.pkl. `get_root` may return another root in the place of the pickle's.
  template <typename GetRoot>
  void ReadPickle(const GetRoot& get_root);

 private:
  std::vector<std::byte> PickleBytes() const;
  void FinishTree(Heap&& heap, std::vector<std::byte> pickle, Value root);
  void CheckStorage(Unpickler& unpickler, const Storage& storage) override;
  bool HasViews() const override { return false; }
};

template <typename GetRoot>
void PickledArchive::ReadPickle(const GetRoot& get_root) {
  PickleInput input(source(), "data.pkl", PickleBytes());
  Heap heap;
  Unpickler unpickler(input, heap, this);
  const Value pickled = unpickler.Run();
  if (const std::size_t behind = input.bytes().size() - unpickler.position(); behind > 0) {
    input.Fail(ErrorCode::kBadPickle, "has " + std::to_string(behind) + " bytes behind its pickle",
               unpickler.position());
  }
  const Value root = get_root(heap, pickled);
  FinishTree(std::move(heap), input.Take(), root);
}

/// Open the kinds of archive. Throw CheckpointError.
std::shared_ptr<const SingleFile> OpenTorchZip(std::unique_ptr<FileSource> source, ZipDirectory directory,
                                               const OpenOptions& options);
std::shared_ptr<const SingleFile> OpenTorchScript(std::unique_ptr<FileSource> source, ZipDirectory directory);
std::shared_ptr<const SingleFile> OpenTorchExport(std::unique_ptr<FileSource> source, ZipDirectory directory,
                                                  const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_ZIP_TORCH_ARCHIVE_H_
