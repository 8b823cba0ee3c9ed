#ifndef LOADPATH_TESTS_CHECKPOINT_HAND_MADE_H_
#define LOADPATH_TESTS_CHECKPOINT_HAND_MADE_H_

#include <memory>
#include <string>
#include <string_view>

#include "loadpath/checkpoint.h"
#include "tests/checkpoint/memory_file.h"

namespace loadpath {

/// Opens a legacy file around `pickle`.
inline std::shared_ptr<const Checkpoint> OpenPickle(std::string_view pickle, std::string_view keys = "].",
                                                    std::string_view data = {}) {
  const MemoryFile file(Legacy(pickle, keys, data));
  return Checkpoint::Open(file.path());
}

inline std::string Repeat(std::string_view text, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

/// The persistent id of a float storage of four elements with key `key`.
inline std::string StorageId4(char key, std::string_view view = "N") {
  using namespace std::string_literals;
  return "(U\x07storagectorch\nFloatStorage\nU\x01"s + key +
         "U\x03"
         "cpuK\x04"s +
         std::string(view) + "tQ"s;
}

/// The bytes of that storage in a legacy file.
inline const std::string kFour =
    Bytes<std::uint64_t>(4) + std::string("\0\0\x80\x3f\0\0\0\x40\0\0\x40\x40\0\0\x80\x40", 16);  // 1, 2, 3, 4

/// Returns the sentence of the CheckpointError that `function` throws.
template <typename Function>
std::string ErrorOf(const Function& function) {
  try {
    function();
  } catch (const CheckpointError& error) {
    return error.sentence();
  }
  return "no error";
}

}  // namespace loadpath

#endif  // LOADPATH_TESTS_CHECKPOINT_HAND_MADE_H_
