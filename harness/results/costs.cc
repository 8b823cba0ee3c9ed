#include "harness/results/costs.h"

#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

namespace loadpath {
namespace {

using Json = nlohmann::json;

struct CostField {
  const char* name;
  Record::Count Record::*member;
};
constexpr CostField kFields[] = {
    {"bytes", &Record::bytes},
    {"bytes_read", &Record::bytes_read},
    {"bytes_copied", &Record::bytes_copied},
    {"bytes_mapped", &Record::bytes_mapped},
    {"allocations", &Record::allocations},
    {"bytes_allocated", &Record::bytes_allocated},
    {"read_calls", &Record::read_calls},
};

// "497,759,232", or "unknown".
std::string Grouped(const ExactCosts& costs, const char* name) {
  const auto found = costs.find(name);
  if (found == costs.end()) return "unknown";
  std::string text = std::to_string(found->second);
  for (std::size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

}  // namespace

ExactCosts CostsOf(const Record& load) {
  ExactCosts costs;
  for (const CostField& field : kFields) {
    if (const Record::Count& value = load.*field.member) costs[field.name] = *value;
  }
  return costs;
}

CostsByCase CostsOf(std::span<const Record> records) {
  CostsByCase costs;
  for (const Record& record : records) {
    if (record.kind == CaseKind::kLoad && record.status == Status::kOk && record.bytes_read)
      costs[record.name] = CostsOf(record);
  }
  return costs;
}

std::string CostsText(const CostsByCase& costs) {
  return Json{{"schema", 1}, {"costs", costs}}.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

CostsByCase ReadCosts(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  if (!stream) throw std::runtime_error(path + ": cannot be opened");
  const Json json = Json::parse(stream, nullptr, /*allow_exceptions=*/false);
  try {
    if (json.at("schema") == 1) return json.at("costs").get<CostsByCase>();
  } catch (const Json::exception&) {
  }
  throw std::runtime_error(path + ": is not a costs file of schema 1");
}

std::vector<std::string> CostDifferences(const ExactCosts& before, const ExactCosts& now) {
  std::vector<std::string> differences;
  for (const CostField& field : kFields) {
    const std::string was = Grouped(before, field.name), is = Grouped(now, field.name);
    if (was != is) differences.push_back(std::string(field.name) + " " + was + " -> " + is);
  }
  return differences;
}

std::vector<std::string> CompareCosts(const CostsByCase& before, const CostsByCase& now,
                                      const std::vector<std::string>& catalogue,
                                      const std::vector<std::string>& chosen) {
  const std::set<std::string> there(catalogue.begin(), catalogue.end()), wanted(chosen.begin(), chosen.end());
  std::vector<std::string> findings;
  for (const auto& [name, costs] : before) {
    const auto found = now.find(name);
    if (found != now.end()) {
      for (const std::string& difference : CostDifferences(costs, found->second)) {
        findings.push_back(name + ": " + difference);
      }
    } else if (!there.contains(name)) {
      findings.push_back(name + ": there is no such case any more");
    } else if (wanted.contains(name)) {
      findings.push_back(name + ": has no costs now: it was skipped or failed");
    }
  }
  for (const auto& [name, costs] : now) {
    if (!before.contains(name)) findings.push_back(name + ": is a new case");
  }
  return findings;
}

}  // namespace loadpath
