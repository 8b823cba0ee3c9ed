#include "harness/golden/reference_files.h"

namespace loadpath {

std::span<const FormatAndLayout> ReferenceFiles(std::string_view model) {
  static constexpr FormatAndLayout kSingle[] = {
      {"zip", "bare"},    {"zip", "nested"},    {"zip", "deep"},         {"zip", "full"},
      {"legacy", "bare"}, {"legacy", "nested"}, {"safetensors", "bare"},
  };
  static constexpr FormatAndLayout kMulti[] = {{"zip", "multi"}, {"legacy", "multi"}};
  if (model.starts_with("multi:")) return kMulti;
  return kSingle;
}

}  // namespace loadpath
