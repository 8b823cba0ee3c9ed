#ifndef LOADPATH_HARNESS_BASE_ERROR_H_
#define LOADPATH_HARNESS_BASE_ERROR_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace loadpath {

/// What can be wrong with a checkpoint. Closed: every failure that a file's bytes can cause is one of these.
enum class ErrorCode : std::uint8_t {
  kIo,               ///< the operating system refused: not there, no permission, a directory, a failing read
  kUnknownFormat,    ///< not a checkpoint of any kind that is read here
  kBadArchive,       ///< the container (zip directory, headers, record extents) contradicts itself
  kMissingRecord,    ///< a record that the format demands is not there
  kBadVersion,       ///< a format version that is not read here
  kBadPickle,        ///< the pickle stream is cut off or malformed
  kForbiddenGlobal,  ///< the pickle names something that is not on PyTorch's weights_only list
  kBadTensor,        ///< a tensor reaches outside its storage, or its description contradicts itself
  kBadCrc,           ///< the bytes are not those that were written
  kUnsupported,      ///< valid, but not read here; the sentence says what to do
  kLimitExceeded,    ///< larger or deeper than a limit of the reader (see limits.h)
  kKeyPath,          ///< a key path that leads nowhere in this checkpoint
  kOutOfMemory,      ///< the allocation that the file's real size justifies failed
};

/// The one exception that reading a checkpoint throws.
///
/// what() is one line, "FILE: SENTENCE" with ", record R" and ", offset N" where they are known, and control
/// characters from the file escaped. Nothing else escapes from a file's bytes.
class CheckpointError : public std::runtime_error {
 public:
  static constexpr std::uint64_t kNoOffset = ~std::uint64_t{0};

  CheckpointError(ErrorCode code, std::string_view file, std::string_view sentence, std::string_view record = {},
                  std::uint64_t offset = kNoOffset);

  ErrorCode code() const { return code_; }
  const std::string& file() const { return file_; }
  const std::string& sentence() const { return sentence_; }
  const std::string& record() const { return record_; }
  std::uint64_t offset() const { return offset_; }

 private:
  ErrorCode code_;
  std::string file_, sentence_, record_;
  std::uint64_t offset_;
};

/// "1 tensor", "2 tensors": a count in a sentence.
std::string Counted(std::uint64_t count, std::string_view noun);

/// "1 byte is missing", "7 bytes are missing".
std::string MissingText(std::uint64_t count);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_BASE_ERROR_H_
