#ifndef LOADPATH_CHECKPOINT_H_
#define LOADPATH_CHECKPOINT_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadpath/error.h"
#include "loadpath/progress.h"
#include "loadpath/tree.h"

namespace loadpath {

/// The place of some bytes: `length` bytes at `offset` of file number `file` of the checkpoint.
struct Extent {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// One storage of the checkpoint. Tensors are views of storages, and two tensors may share one.
struct Storage {
  std::string name;  ///< its key in the file: "0" (zip), "94212345" (legacy), the tensor's name (safetensors, dcp);
                     ///< in shards behind the shard's name and "/", in a value of a dcp behind the value's
  std::uint64_t nbytes = 0;  ///< uncompressed
  std::string location;      ///< the device it was saved from, "cpu" or "cuda:0": information, never obeyed
};

/// kAuto checks if a checksum was written. Over a record of 500 MB in the page cache, one core of a two-core AMD EPYC
/// copied 7.8 GB/s with pread, read 7.0 GB/s, and read and checked 4.7 GB/s; two threads scaled alike. So checking
/// costs half as much again as copying from the page cache, and nothing beside a disk of 2 GB/s. Nothing else notices a
/// flipped bit.
enum class CrcMode : std::uint8_t { kAuto, kOn, kOff };

/// What became of a storage's checksum.
enum class CrcStatus : std::uint8_t {
  kChecked,     ///< computed over the bytes and equal to the written one
  kNotWritten,  ///< the format or the writer gives none (0 on a non-empty record)
  kOff,         ///< not asked for
  kPartial,     ///< only a part of the storage was read, so there was nothing to compare
};
std::string_view Name(CrcStatus status);

/// A request for storage[begin, begin + dst.size()), written to dst in this machine's byte order for `dtype`.
struct ReadJob {
  StorageId storage = 0;
  std::uint64_t begin = 0;  ///< a multiple of the dtype's item size
  std::span<std::byte> dst;
  Dtype dtype = Dtype::kUint8;  ///< decides how bytes are swapped when the file has the other byte order
};

struct ReadOptions {
  int threads = 0;  ///< 0: one per core that this process may use
  CrcMode crc = CrcMode::kAuto;
  Progress progress = {};  ///< reports how far the read is, and cancels it
};

/// The costs of one call, and what was checked. The costs are exact: the same read of the same file costs the same.
struct ReadReport {
  std::uint64_t bytes_read = 0;     ///< from the file
  std::uint64_t read_calls = 0;     ///< pread and the like
  std::uint64_t bytes_checked = 0;  ///< over which a checksum was compared
  std::uint64_t bytes_copied = 0;   ///< from a buffer to the destination: records that are read together, or inflated
  std::vector<CrcStatus> crc;       ///< per job, in order
};

struct OpenOptions {
  /// Reads names of classes and functions that are not on PyTorch's weights_only list as inert objects instead of
  /// refusing them, and a pickled torch.nn.Module as the state dict that it would give. Nothing of the file is ever
  /// run. A few names that no checkpoint needs (sys, os, posix, nt, subprocess, builtins.eval, …) stay refused.
  bool opaque = false;
};

/// The bytes of a checkpoint that is no file here: a stream, a member of an archive, an encrypted file.
struct ByteReader {
  std::uint64_t size = 0;  ///< of the whole content
  /// Reads as pread does: writes bytes from `offset` on to `dst` and returns how many. It is called again for the rest.
  /// 0 means that there are no more. An exception becomes CheckpointError kIo with its text. Several threads call it at
  /// once, and it must give the same bytes every time. It lives as long as the checkpoint.
  std::function<std::size_t(std::uint64_t offset, std::span<std::byte> dst)> read = {};
  bool one_at_a_time = false;  ///< no two calls run at once: for a reader that is not thread-safe
};

/// An open checkpoint. Its directory and its pickle (or header) were read and validated; its tensors' bytes were not
/// read. Immutable. Several threads may read it.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  /// Opens `path` and recognises the format by content. `path` may also be a folder that holds one checkpoint: an index
  /// of shards, model.safetensors or pytorch_model.bin, or the .metadata of torch.distributed.checkpoint. Throws
  /// CheckpointError.
  static std::shared_ptr<const Checkpoint> Open(const std::string& path, const OpenOptions& options = {});

  /// Opens a checkpoint that is not a file: every format of one file, with the same limits and messages. `name` stands
  /// in messages instead of the path. Nothing is written to a file, and the content is not copied as a whole. `bytes`
  /// must stay as they are while the checkpoint lives; the forms with a vector or an `owner` keep them alive.
  static std::shared_ptr<const Checkpoint> FromMemory(std::span<const std::byte> bytes,
                                                      const std::string& name = kNoName,
                                                      const OpenOptions& options = {});
  static std::shared_ptr<const Checkpoint> FromMemory(std::vector<std::byte>&& bytes, const std::string& name = kNoName,
                                                      const OpenOptions& options = {});
  static std::shared_ptr<const Checkpoint> FromMemory(std::shared_ptr<const void> owner,
                                                      std::span<const std::byte> bytes,
                                                      const std::string& name = kNoName,
                                                      const OpenOptions& options = {});
  static std::shared_ptr<const Checkpoint> FromMemory(ByteReader reader, const std::string& name = kNoName,
                                                      const OpenOptions& options = {});

  virtual std::string_view format() const = 0;     ///< "zip", "legacy", "safetensors", "sharded", "dcp", …
  virtual std::string_view byteorder() const = 0;  ///< "little" or "big"
  virtual const Tree& tree() const = 0;
  virtual std::span<const Storage> storages() const = 0;

  /// The path that was given to Open, or the name that was given to FromMemory.
  virtual const std::string& path() const = 0;
  /// What is odd about the checkpoint but no error, one sentence each.
  virtual std::span<const std::string> warnings() const { return {}; }
  virtual std::size_t file_count() const = 0;
  /// Returns false for a checkpoint of FromMemory.
  bool InFiles() const;
  /// Open for reading as long as the checkpoint lives. -1 if it does not lie in files.
  virtual int fd(std::uint32_t file) const = 0;
  virtual const std::string& file_path(std::uint32_t file) const = 0;

  /// Returns the place of the storage's bytes if they lie plainly in a file, in either byte order; nullopt if they do
  /// not (deflated, in chunks, or not in a file at all). Validates the record's local header. Throws CheckpointError.
  virtual std::optional<Extent> Locate(StorageId storage) const = 0;

  /// Reads all jobs in parallel. Checks the CRC-32 of every storage that one job covers whole (see CrcMode). Swaps
  /// bytes if the file has the other byte order. Throws CheckpointError; some destinations may have been written by
  /// then.
  virtual ReadReport Read(std::span<const ReadJob> jobs, const ReadOptions& options = {}) const = 0;

  /// The costs of Open.
  virtual const ReadReport& open_report() const = 0;

  /// Returns true if the file's byte order is not this machine's.
  bool Swapped() const;

  static constexpr const char* kNoName = "checkpoint in memory";
};

/// Returns the canonical path of every file that holds something of the checkpoint: of shards their index too. Of a
/// checkpoint that does not lie in files, none.
std::vector<std::string> FilesOf(const Checkpoint& checkpoint);

/// Returns the tensor's elements in row-major order, little-endian, with conjugation and negation resolved: the bytes
/// that digests are taken over.
std::vector<std::byte> ReadTensor(const Checkpoint& checkpoint, const TensorView& tensor,
                                  const ReadOptions& options = {});

/// Returns the value at a key path: "model_state_dict", "a.b.c", list positions as numbers. Every path that Tree::Walk
/// lists, joined by dots, leads to its value. Keys may contain dots: at each level the longest key that matches wins.
/// An empty path is the root. Throws CheckpointError kKeyPath in Python's words (KeyError: 'x'), followed by the names
/// that are there and the nearest one.
NodeId FollowKeyPath(const Checkpoint& checkpoint, std::string_view key_path);

}  // namespace loadpath

#endif  // LOADPATH_CHECKPOINT_H_
