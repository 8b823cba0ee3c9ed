#ifndef LOADPATH_HARNESS_RESULTS_NAMES_H_
#define LOADPATH_HARNESS_RESULTS_NAMES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace loadpath {

/// What a case measures.
enum class CaseKind : std::uint8_t { kLoad, kStartup, kForward, kLimit };
/// What became of a case.
enum class Status : std::uint8_t { kOk, kSkipped, kError };
/// The state of the page cache before each load. kCopy: the file is cold, and a copy that was never read before, for
/// disks with a cache of their own.
enum class CacheState : std::uint8_t { kHot, kCold, kCopy };
/// What free memory is before each load: the host of a virtual machine may have taken it back, and the first touch then
/// takes ten times as long.
enum class MemoryState : std::uint8_t { kBacked, kReturned };
enum class DeviceKind : std::uint8_t { kCpu, kCuda };

/// The names of an enum's values, in the order of the values: the same in case names, the command line and the JSON.
template <class Enum>
inline constexpr std::array<std::string_view, 0> kNames{};
template <>
inline constexpr std::array<std::string_view, 4> kNames<CaseKind> = {"load", "startup", "forward", "limit"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<Status> = {"ok", "skipped", "error"};
template <>
inline constexpr std::array<std::string_view, 3> kNames<CacheState> = {"hot", "cold", "copy"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<MemoryState> = {"backed", "returned"};
template <>
inline constexpr std::array<std::string_view, 2> kNames<DeviceKind> = {"cpu", "cuda"};

template <class Enum>
concept NamedEnum = !kNames<Enum>.empty();

template <NamedEnum Enum>
constexpr std::string_view Name(Enum value) {
  return kNames<Enum>[static_cast<std::size_t>(value)];
}

/// Returns nullopt if no value of the enum has this name.
template <NamedEnum Enum>
constexpr std::optional<Enum> FromName(std::string_view name) {
  for (std::size_t i = 0; i < kNames<Enum>.size(); ++i) {
    if (kNames<Enum>[i] == name) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

/// A device as people name it: "cpu", "cuda" or "cuda:1".
struct DeviceName {
  DeviceKind kind = DeviceKind::kCpu;
  int index = -1;  ///< -1: without an index

  bool operator==(const DeviceName&) const = default;
  std::string text() const;
  /// Returns nullopt for any other text. An index has at most three digits.
  static std::optional<DeviceName> Parse(std::string_view text);
};

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_RESULTS_NAMES_H_
