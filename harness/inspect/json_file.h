#ifndef LOADPATH_HARNESS_INSPECT_JSON_FILE_H_
#define LOADPATH_HARNESS_INSPECT_JSON_FILE_H_

#include <fstream>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <string>

namespace loadpath {

/// Reads a JSON file that may be a stranger's. Throws std::runtime_error with what is wrong, without the path: it
/// cannot be opened, is not JSON, or nests deeper than `deepest` (nlohmann_json copies by recursion).
inline nlohmann::json ReadJsonFile(const std::string& path, int deepest) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error("cannot be opened");
  const auto check = [deepest](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    if (depth > deepest) throw std::runtime_error("nests deeper than " + std::to_string(deepest));
    return true;
  };
  nlohmann::json json = nlohmann::json::parse(stream, check, /*allow_exceptions=*/false);
  if (json.is_discarded()) throw std::runtime_error("is not JSON");
  return json;
}

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_INSPECT_JSON_FILE_H_
