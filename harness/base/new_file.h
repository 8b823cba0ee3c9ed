#ifndef LOADPATH_HARNESS_BASE_NEW_FILE_H_
#define LOADPATH_HARNESS_BASE_NEW_FILE_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace loadpath {

/// A file that appears under its name whole or not at all. Until Commit it has no name (O_TMPFILE), so that nothing is
/// left of it whatever happens to the program. If the filesystem has no such files, it has a temporary name in the same
/// folder, which the destructor removes. Throws CheckpointError kIo with one line that names `path`.
class NewFile {
 public:
  /// Symbolic links are followed. A file that is there and may not be written is refused, and so is what is there and
  /// is no regular file: a device's name is never replaced.
  explicit NewFile(std::string path);
  ~NewFile();
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;

  /// Throws if the disk has no room for so many bytes. If the filesystem cannot tell, nothing happens.
  void Reserve(std::uint64_t bytes) const;
  /// Several threads may write to different places.
  void WriteAt(std::uint64_t offset, std::span<const std::byte> bytes) const;
  void WriteAt(std::uint64_t offset, std::string_view text) const { WriteAt(offset, std::as_bytes(std::span(text))); }
  /// Returns a path by which this process can read what was written so far.
  std::string ReadablePath() const;
  /// Writes bytes and name to the disk. Replaces a file that had the name.
  void Commit();

 private:
  [[noreturn]] void Fail(int error) const;

  std::string path_, temporary_;  // temporary_: empty while the file has no name
  int fd_ = -1;
};

/// Throws CheckpointError kIo if `output` is one of these files, by whatever name: it would be lost. `what` tells the
/// user which it is ("the checkpoint itself").
void RefuseToOverwrite(const std::string& output, std::span<const std::string> files, std::string_view what);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_NEW_FILE_H_
