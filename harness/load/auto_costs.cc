#include "harness/load/auto_costs.h"

#include <cmath>
#include <cstdlib>
#include <locale>
#include <sstream>
#include <stdexcept>

#include "harness/base/text.h"

namespace loadpath {
namespace {

// Fitted to medians of `bench` on two cores of an AMD EPYC in a virtual machine, on memory that the machine backs
// (2026-11-28). What the disk must give first takes mapping and reading equally long.
constexpr AutoCosts kDefault{.map = {.load = 70'000, .tensor = 1'300, .byte = 0.04, .missing = 0.5},
                             .read = {.load = 14'000, .tensor = 400, .byte = 0.2, .missing = 0.505}};

AutoCosts FromEnvironment() {
  const char* text = std::getenv(std::string(kAutoCostsVariable).c_str());
  return text == nullptr || *text == '\0' ? kDefault : ParseAutoCosts(text);
}

}  // namespace

AutoCosts& CurrentAutoCosts() {
  static AutoCosts costs = FromEnvironment();
  return costs;
}

std::string AutoCostsText(const AutoCosts& costs) {
  std::ostringstream text;
  text.imbue(std::locale::classic());
  text.precision(4);
  for (const auto& [name, way] : {std::pair("map", costs.map), std::pair(" read", costs.read)})
    text << name << ' ' << way.load << ' ' << way.tensor << ' ' << way.byte << ' ' << way.missing;
  return text.str();
}

AutoCosts ParseAutoCosts(const std::string& text) {
  std::istringstream stream(text);
  stream.imbue(std::locale::classic());
  AutoCosts costs;
  bool right = true;
  for (const auto& [name, way] : {std::pair("map", &costs.map), std::pair("read", &costs.read)}) {
    std::string word;
    right = right && stream >> word && word == name;
    for (double* value : {&way->load, &way->tensor, &way->byte, &way->missing})
      right = right && stream >> *value && std::isfinite(*value) && *value >= 0;
  }
  std::string rest;
  if (!right || stream >> rest) {
    throw std::invalid_argument(std::string(kAutoCostsVariable) + "=" + Escaped(text) +
                                ": not what bench --calibrate prints (such as: " + AutoCostsText(kDefault) + ")");
  }
  return costs;
}

}  // namespace loadpath
