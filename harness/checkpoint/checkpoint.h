#ifndef LOADPATH_HARNESS_CHECKPOINT_CHECKPOINT_H_
#define LOADPATH_HARNESS_CHECKPOINT_CHECKPOINT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/error.h"
#include "harness/checkpoint/tree.h"

namespace loadpath {

/// Where bytes lie: `length` bytes at `offset` of file number `file` of the checkpoint.
struct Extent {
  std::uint32_t file = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
};

/// One storage of the checkpoint: tensors are views of it, and two tensors may share it.
struct Storage {
  std::string name;  ///< its key in the file: "0" (zip), "94212345" (legacy), the tensor's name (safetensors, dcp);
                     ///< in shards behind the shard's name and "/", in a value of a dcp behind the value's
  std::uint64_t nbytes = 0;  ///< uncompressed
  std::string location;      ///< the device it was saved from, "cpu" or "cuda:0": information, never obeyed
};

/// kAuto checks wherever a checksum was written. Measured over a record of 500 MB in the page cache, in processor time
/// of one core of a two-core AMD EPYC: pread alone 7.8 GB/s, read 7.0 GB/s, read and checked 4.7 GB/s, the same with
/// one and with two threads. So it costs half as much again as copying from the page cache, nothing beside a disk of 2
/// GB/s (summing is faster than that, in the reading threads), and it is the only thing that notices a flipped bit.
enum class CrcMode : std::uint8_t { kAuto, kOn, kOff };

/// What became of a storage's checksum.
enum class CrcStatus : std::uint8_t {
  kChecked,     ///< computed over the bytes and equal to the written one
  kNotWritten,  ///< the format or the writer gives none (0 on a non-empty record)
  kOff,         ///< not asked for
  kPartial,     ///< only a part of the storage was read, so there was nothing to compare
};
std::string_view Name(CrcStatus status);

/// Bytes wanted: storage[begin, begin + dst.size()), written to dst in this machine's byte order for `dtype`.
struct ReadJob {
  StorageId storage = 0;
  std::uint64_t begin = 0;  ///< a multiple of the dtype's item size
  std::span<std::byte> dst;
  Dtype dtype = Dtype::kUint8;  ///< decides how bytes are swapped when the file has the other byte order
};

struct ReadOptions {
  int threads = 0;  ///< 0: one per core that this process may use
  CrcMode crc = CrcMode::kAuto;
};

/// Exact costs and what was checked. Sums over one call.
struct ReadReport {
  std::uint64_t bytes_read = 0;     ///< from the file
  std::uint64_t read_calls = 0;     ///< pread and the like
  std::uint64_t bytes_checked = 0;  ///< over which a checksum was compared
  std::uint64_t bytes_copied = 0;   ///< from a buffer to the destination: records that are read together, or inflated
  std::vector<CrcStatus> crc;       ///< per job, in order
};

struct OpenOptions {
  /// Names of classes and functions that are not on PyTorch's weights_only list become inert objects instead of being
  /// refused, and a pickled torch.nn.Module becomes the state dict that it would give. Nothing of the file is ever run.
  /// A few names that no checkpoint needs (sys, os, posix, nt, subprocess, builtins.eval, …) stay refused.
  bool opaque = false;
};

/// A checkpoint file, opened: its directory and its pickle (or header) were read and validated, its tensors' bytes
/// were not. Immutable and safe to read from several threads.
class Checkpoint {
 public:
  virtual ~Checkpoint() = default;

  /// Recognises the format by content. `path` may also be a folder that holds one checkpoint: an index of shards or
  /// what it is the index of in one file (model.safetensors, pytorch_model.bin), or the .metadata of
  /// torch.distributed.checkpoint. Throws CheckpointError.
  static std::shared_ptr<const Checkpoint> Open(const std::string& path, const OpenOptions& options = {});

  virtual std::string_view format() const = 0;     ///< "zip", "legacy", "safetensors", "sharded", "dcp", …
  virtual std::string_view byteorder() const = 0;  ///< "little" or "big"
  virtual const Tree& tree() const = 0;
  virtual std::span<const Storage> storages() const = 0;

  /// The file as it was named at Open, and all files that hold bytes (one, but for sharded formats).
  virtual const std::string& path() const = 0;
  /// What is odd about the checkpoint and yet no error, a sentence each.
  virtual std::span<const std::string> warnings() const { return {}; }
  virtual std::size_t file_count() const = 0;
  virtual int fd(std::uint32_t file) const = 0;  ///< open for reading as long as the checkpoint lives
  virtual const std::string& file_path(std::uint32_t file) const = 0;

  /// Where the storage's bytes lie plainly (stored, native byte order or not), or nullopt where they do not
  /// (deflated). Validates the record's local header. Throws CheckpointError.
  virtual std::optional<Extent> Locate(StorageId storage) const = 0;

  /// Reads all jobs, in parallel, checks CRC-32 of every storage that one job covers whole (see CrcMode), swaps byte
  /// order where the file's differs. Throws CheckpointError; bytes may have been written to the destinations by then.
  virtual ReadReport Read(std::span<const ReadJob> jobs, const ReadOptions& options = {}) const = 0;

  /// Costs of Open itself.
  virtual const ReadReport& open_report() const = 0;

  /// True where the file's byte order is not this machine's.
  bool Swapped() const;
};

/// The tensor's elements in row-major order, little-endian, conjugation and negation resolved, gathered into one
/// buffer: what digests are taken over. `threads` as in ReadOptions.
std::vector<std::byte> ReadTensor(const Checkpoint& checkpoint, const TensorView& tensor,
                                  const ReadOptions& options = {});

/// Follows a key path ("model_state_dict", "a.b.c", list positions as numbers; keys that themselves contain dots are
/// found: at each level the longest key that matches wins). Empty: the root. Throws CheckpointError kKeyPath, in
/// Python's words (KeyError: 'x') followed by what is there and the nearest name.
NodeId FollowKeyPath(const Checkpoint& checkpoint, std::string_view key_path);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_CHECKPOINT_H_
