#include "harness/suite/selection.h"

#include <algorithm>
#include <regex>
#include <set>

#include "harness/base/error.h"
#include "harness/base/nearest.h"
#include "harness/suite/case_kinds.h"

namespace loadpath {
namespace {

std::string NoMatch(const std::string& filter, const std::vector<Case>& catalogue, const std::string& program) {
  std::set<std::string> candidates;
  for (const Case& one : catalogue) {
    const std::string name = one.name();
    candidates.insert(name);
    for (std::size_t begin = 0, end = 0; end != std::string::npos; begin = end + 1) {
      end = name.find('/', begin);
      candidates.insert(name.substr(0, end));
      candidates.insert(name.substr(begin, end - begin));
    }
  }
  std::string plain = filter;
  std::erase_if(plain, [](char c) { return c == '^' || c == '$' || c == '\\'; });
  while (plain.ends_with('/')) plain.pop_back();
  while (plain.starts_with('/')) plain.erase(0, 1);
  const std::vector<std::string> list(candidates.begin(), candidates.end());
  const std::string nearest = Nearest(plain, list);
  std::string own;
  for (const Case& one : catalogue) {
    if (!one.checkpoint || !own.empty()) continue;
    own = " --checkpoint " + one.checkpoint->file + (one.checkpoint->key.empty() ? "" : "::" + one.checkpoint->key);
  }
  return "--filter " + filter + ": matches none of " + std::to_string(catalogue.size()) + " cases" +
         (nearest.empty() ? "" : "; did you mean " + nearest + "?") + " (" + program + " --list --filter ." + own +
         " lists them)";
}

}  // namespace

std::vector<Case> Select(const std::string& filter, const std::vector<Case>& catalogue, const std::string& program,
                         std::span<const Model> models) {
  std::vector<Case> chosen;
  if (filter.empty()) {
    std::ranges::copy_if(catalogue, std::back_inserter(chosen),
                         [](const Case& one) { return one.checkpoint.has_value(); });
    if (!chosen.empty()) return chosen;
  }
  const auto usual = [&](const std::string& name) {
    return std::ranges::none_of(models, [&](const Model& model) { return model.name == name && !model.usual; });
  };
  const std::string text = filter.empty() ? "^(limit|load|forward)/" : filter;
  const bool inverted = text.starts_with('-');
  std::regex expression;
  try {
    expression.assign(text.substr(inverted ? 1 : 0));
  } catch (const std::regex_error& error) {
    throw UsageError("--filter " + filter + ": not a regular expression (" + error.what() + ")");
  }
  const auto asked = [&text](CaseKind kind) {
    return !RowOf(kind).only_if_asked || text == "." || text.find(Name(kind)) != std::string::npos;
  };
  std::ranges::copy_if(catalogue, std::back_inserter(chosen), [&](const Case& one) {
    if (filter.empty() && !(usual(one.model) && std::ranges::all_of(one.models, usual))) return false;
    return asked(one.kind) && std::regex_search(one.name(), expression) != inverted;
  });
  if (chosen.empty()) throw UsageError(NoMatch(filter, catalogue, program));
  return chosen;
}

}  // namespace loadpath
