#ifndef LOADPATH_HARNESS_CHECKPOINT_FORMATS_FORMATS_H_
#define LOADPATH_HARNESS_CHECKPOINT_FORMATS_FORMATS_H_

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "harness/base/file_source.h"
#include "harness/checkpoint/formats/single_file.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

/// A row of the table of formats (formats.cc). A new format is a folder here with a header, and one row.
struct Format {
  enum class Recognised : std::uint8_t {
    kByMagic,  ///< by first bytes that no other kind of file has
    kByShape,  ///< by first bytes that other kinds of file may have too: asked after these were ruled out
  };

  std::string_view folder;                  ///< that holds its sources, under formats/
  std::span<const std::string_view> names;  ///< that Checkpoint::format() returns for it
  std::span<const std::string_view> files;  ///< that open a folder: "model.safetensors", "*.index.json"
  Recognised recognised;
  /// Returns true if a file of this format may begin with `head`: the first kHeadBytes of a file, or all of a shorter
  /// one.
  bool (*is)(std::string_view head);

  /// Opens a checkpoint in one file. Null for a format of several files.
  std::shared_ptr<const SingleFile> (*open_file)(std::unique_ptr<FileSource> file, const OpenOptions& options);
  /// Opens a checkpoint in several files, of which `index` lists the others. `path` is what the user named: `index` or
  /// its folder. Null for a format of one file.
  std::shared_ptr<const Checkpoint> (*open_several)(std::string path, std::unique_ptr<FileSource> index,
                                                    const OpenOptions& options);
};

inline constexpr std::uint64_t kHeadBytes = 512;

std::span<const Format> Formats();

/// Returns the format of a file, by its first bytes, in one read call. If the file is not a checkpoint, throws
/// CheckpointError, and the sentence names what it is: a git-lfs pointer, a web page, a compressed file.
const Format& RecogniseFormat(const FileSource& file);

/// Opens a file that must be a whole checkpoint itself: a shard, or a file inside an archive. Throws CheckpointError.
std::shared_ptr<const SingleFile> OpenSingleFile(std::unique_ptr<FileSource> file, const OpenOptions& options);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_FORMATS_FORMATS_H_
