#ifndef LOADPATH_HARNESS_LOAD_AUTO_COSTS_H_
#define LOADPATH_HARNESS_LOAD_AUTO_COSTS_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace loadpath {

/// What one way of loading takes, in nanoseconds: a straight line, fitted to a machine.
struct WayCosts {
  double load = 0;     ///< once
  double tensor = 0;   ///< for each tensor
  double byte = 0;     ///< for each byte that is in the page cache
  double missing = 0;  ///< for each byte that the disk must give first

  double Of(std::size_t tensors, std::uint64_t bytes, double resident) const {
    const double all = static_cast<double>(bytes);
    return load + tensor * static_cast<double>(tensors) + all * (byte * resident + missing * (1 - resident));
  }
};

/// What `auto` reckons with: mapping a file and touching it, and reading it into fresh memory.
struct AutoCosts {
  WayCosts map, read;
};

/// Those of the environment variable if it is set, else the default. Throws std::invalid_argument if the variable holds
/// anything but AutoCostsText. Tests change them.
AutoCosts& CurrentAutoCosts();
inline constexpr std::string_view kAutoCostsVariable = "LOADPATH_AUTO_COSTS";

/// "map 30000 2500 0.035 0.7 read 5000 1500 0.2 0.6": of each way load, tensor, byte and missing.
std::string AutoCostsText(const AutoCosts& costs);
/// Throws std::invalid_argument.
AutoCosts ParseAutoCosts(const std::string& text);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_LOAD_AUTO_COSTS_H_
