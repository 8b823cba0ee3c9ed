#include "harness/golden/reference_files.h"

namespace loadpath {

std::span<const FormatAndLayout> ReferenceFiles(std::string_view model) {
  static constexpr FormatAndLayout kSingle[] = {
      {"zip", "bare"},         {"zip", "nested"},       {"zip", "deep"},         {"zip", "full"},
      {"legacy", "bare"},      {"legacy", "nested"},    {"safetensors", "bare"}, {"sharded", "bare"},
      {"sharded_bin", "bare"}, {"torchscript", "bare"}, {"cpp", "bare"},         {"pt2", "bare"},
      {"dcp", "bare"},         {"opaque", "bare"},
  };
  static constexpr FormatAndLayout kMulti[] = {{"zip", "multi"}, {"legacy", "multi"}};
  if (model.starts_with("multi:")) return kMulti;
  return kSingle;
}

std::span<const std::string_view> ReferencePrograms() {
  static constexpr std::string_view kPrograms[] = {"custom", "resnet50"};
  return kPrograms;
}

}  // namespace loadpath
