#include "harness/results/costs.h"

#include <set>
#include <stdexcept>

#include "harness/inspect/json_file.h"

namespace loadpath {
namespace {

using Json = nlohmann::json;

struct CostField {
  const char* name;
  Record::Count Record::*member;
  bool of_one_file = false;
};
constexpr CostField kFields[] = {
    {"bytes", &Record::bytes},
    {"bytes_read", &Record::bytes_read, /*of_one_file=*/true},
    {"bytes_copied", &Record::bytes_copied},
    {"bytes_mapped", &Record::bytes_mapped},
    {"allocations", &Record::allocations},
    {"bytes_allocated", &Record::bytes_allocated},
    {"read_calls", &Record::read_calls, /*of_one_file=*/true},
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

void SetCosts(const ExactCosts& costs, Record& record) {
  for (const CostField& field : kFields) {
    const auto found = costs.find(field.name);
    record.*field.member = found == costs.end() ? Record::Count() : Record::Count(found->second);
  }
}

CostsByCase CostsOf(std::span<const Record> records) {
  CostsByCase costs;
  for (const Record& record : records) {
    if (record.kind == CaseKind::kLoad && record.status == Status::kOk && record.bytes_read) {
      costs[record.name].costs = CostsOf(record);
    }
  }
  return costs;
}

std::string CostsText(const CostsByCase& costs) {
  Json loads = Json::object();
  for (const auto& [name, one] : costs) loads[name] = {{"file", one.file}, {"costs", one.costs}};
  return Json{{"schema", 1}, {"loads", loads}}.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

CostsByCase ReadCosts(const std::string& path) {
  try {
    const Json json = ReadJsonFile(path, /*deepest=*/5);
    if (json.at("schema") == 1) {
      CostsByCase all;
      for (const auto& [name, one] : json.at("loads").get_ref<const Json::object_t&>()) {
        CaseCosts& costs = all[name] = {one.at("file").get<std::string>(), {}};
        for (const auto& [field, value] : one.at("costs").get_ref<const Json::object_t&>()) {
          costs.costs[field] = value.get_ref<const Json::number_unsigned_t&>();  // not 3.9
        }
      }
      return all;
    }
  } catch (const Json::exception&) {
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path + ": " + error.what());
  }
  throw std::runtime_error(path + ": is not a costs file of schema 1");
}

std::vector<std::string> DifferingCosts(const ExactCosts& a, const ExactCosts& b) {
  std::vector<std::string> names;
  for (const CostField& field : kFields) {
    const auto in_a = a.find(field.name), in_b = b.find(field.name);
    const bool same =
        in_a == a.end() || in_b == b.end() ? (in_a == a.end()) == (in_b == b.end()) : in_a->second == in_b->second;
    if (!same) names.emplace_back(field.name);
  }
  return names;
}

std::vector<std::string> CostDifferences(const ExactCosts& before, const ExactCosts& now, bool same_file) {
  std::vector<std::string> differences;
  // What can be mapped depends on where the tensors lie in the file: the rest is copied.
  const bool mapped = before.contains("bytes_mapped") || now.contains("bytes_mapped");
  for (const CostField& field : kFields) {
    if (!same_file && (field.of_one_file || (mapped && field.member != &Record::bytes))) continue;
    const std::string was = Grouped(before, field.name), is = Grouped(now, field.name);
    if (was == is) continue;
    std::string& difference = differences.emplace_back(field.name);
    difference.append(" ").append(was).append(" -> ").append(is);
  }
  return differences;
}

CostComparison CompareCosts(const CostsByCase& before, const CostsByCase& now,
                            const std::vector<std::string>& catalogue, const std::vector<std::string>& chosen) {
  const std::set<std::string> there(catalogue.begin(), catalogue.end()), wanted(chosen.begin(), chosen.end());
  CostComparison comparison;
  const auto add = [&](const std::string& name, const std::string& what) {
    comparison.findings.push_back(name + ": " + what);
  };
  for (const auto& [name, was] : before) {
    const auto found = now.find(name);
    if (found != now.end()) {
      const bool same_file = was.file == found->second.file;
      if (!same_file) ++comparison.other_files;
      for (const std::string& one : CostDifferences(was.costs, found->second.costs, same_file)) add(name, one);
    } else if (!there.contains(name)) {
      add(name, "there is no such case any more");
    } else if (wanted.contains(name)) {
      add(name, "has no costs now: it was skipped or failed");
    }
  }
  for (const auto& [name, costs] : now) {
    if (!before.contains(name)) add(name, "is a new case");
  }
  return comparison;
}

}  // namespace loadpath
