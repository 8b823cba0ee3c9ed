#ifndef LOADPATH_ERROR_H_
#define LOADPATH_ERROR_H_

#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace loadpath {

/// Why reading a checkpoint failed. Every failure that a file's bytes can cause is one of these.
enum class ErrorCode : std::uint8_t {
  kIo,               ///< the operating system refused: no such file, no permission, a failing read
  kUnknownFormat,    ///< not a checkpoint of any kind that is read here
  kBadArchive,       ///< the container (zip directory, headers, record extents) contradicts itself
  kMissingRecord,    ///< a record that the format demands is missing
  kBadVersion,       ///< a format version that is not read here
  kBadPickle,        ///< the pickle stream is cut off or malformed
  kForbiddenGlobal,  ///< the pickle names something that is not on PyTorch's weights_only list
  kBadTensor,        ///< a tensor reaches outside its storage, or its description contradicts itself
  kBadCrc,           ///< the bytes are not those that were written
  kUnsupported,      ///< valid, but not read here; the advice says what to do
  kLimitExceeded,    ///< larger or deeper than a limit of the reader (docs/hostile_files.md lists them)
  kKeyPath,          ///< a key path that leads nowhere in this checkpoint
  kKeyRule,          ///< a rule for keys that cannot be used, or not on these keys (see KeyRules)
  kOutOfMemory,      ///< an allocation failed that the file's real size justifies
  kCancelled,        ///< ReadOptions::progress asked to stop
};

/// The only exception that reading a checkpoint throws.
///
/// what() is one line: "FILE: SENTENCE", then ", record R" and ", offset N" if they are known, then ": ADVICE" if there
/// is any. Control characters from the file are escaped.
class CheckpointError : public std::runtime_error {
 public:
  static constexpr std::uint64_t kNoOffset = ~std::uint64_t{0};

  CheckpointError(ErrorCode code, std::string_view file, std::string_view sentence, std::string_view record = {},
                  std::uint64_t offset = kNoOffset, std::string_view advice = {});

  ErrorCode code() const { return code_; }
  const std::string& file() const { return file_; }
  const std::string& sentence() const { return sentence_; }
  const std::string& record() const { return record_; }
  std::uint64_t offset() const { return offset_; }
  const std::string& advice() const { return advice_; }  ///< what to do, if the sentence does not say it

 private:
  ErrorCode code_;
  std::string file_, sentence_, record_, advice_;
  std::uint64_t offset_;
};

}  // namespace loadpath

#endif  // LOADPATH_ERROR_H_
