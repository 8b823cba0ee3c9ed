#include "harness/results/names.h"

#include <charconv>

namespace loadpath {

std::string DeviceName::text() const {
  std::string text(Name(kind));
  if (index >= 0) text.append(":").append(std::to_string(index));
  return text;
}

std::optional<DeviceName> DeviceName::Parse(std::string_view text) {
  const std::size_t colon = text.find(':');
  const auto kind = FromName<DeviceKind>(text.substr(0, colon));
  if (!kind) return std::nullopt;
  if (colon == std::string_view::npos) return DeviceName{*kind};
  const std::string_view digits = text.substr(colon + 1);
  int index = -1;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), index);
  const bool number = error == std::errc() && end == digits.data() + digits.size() && index >= 0;
  if (*kind == DeviceKind::kCpu || !number || digits.size() > 3) return std::nullopt;
  return DeviceName{*kind, index};
}

}  // namespace loadpath
