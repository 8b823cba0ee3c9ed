#include <algorithm>
#include <cstdio>

#include "harness/base/error.h"
#include "harness/base/text.h"
#include "harness/diff/differences.h"
#include "harness/inspect/json_text.h"

namespace loadpath {
namespace {

ReportJson MismatchesJson(std::string_view key, std::span<const Mismatch> mismatches) {
  ReportJson list = ReportJson::array();
  for (const Mismatch& mismatch : mismatches)
    list.push_back({{std::string(key), mismatch.key}, {"wanted", mismatch.wanted}, {"have", mismatch.have}});
  return list;
}

ReportJson TensorsJson(std::span<const TensorDifference> tensors) {
  ReportJson list = ReportJson::array();
  for (const TensorDifference& tensor : tensors) {
    list.push_back({{"key", tensor.key},
                    {"elements", tensor.elements},
                    {"differing", tensor.differing},
                    {"first", tensor.first},
                    {"largest", JsonFloat(tensor.largest)},
                    {"largest_at", tensor.largest_at},
                    {"relative", JsonFloat(tensor.relative)},
                    {"relative_at", tensor.relative_at}});
    if (tensor.nan > 0) list.back()["nan"] = tensor.nan;
  }
  return list;
}

ReportJson ProposalJson(const RuleProposal& proposal, const std::string& command) {
  ReportJson rename = ReportJson::array();
  for (const KeyRename& rule : proposal.rules.rename) rename.push_back({rule.pattern, rule.replacement});
  return {{"key", proposal.key_path},
          {"prefixes", proposal.rules.prefixes},
          {"rename", rename},
          {"matched", proposal.matched},
          {"matched_before", proposal.matched_before},
          {"wanted", proposal.wanted},
          {"missing", proposal.missing},
          {"unexpected", proposal.unexpected},
          {"shapes", MismatchesJson("key", proposal.shapes)},
          {"by_order", proposal.by_order()},
          {"command", command}};
}

void AppendProposal(std::string& out, const RuleProposal& proposal, const std::string& command) {
  constexpr std::size_t kMostNamed = 6;
  out += "proposal: with these rules " + std::to_string(proposal.matched) + " of " + Counted(proposal.wanted, "key") +
         (proposal.matched == 1 ? " matches, " : " match, ") + std::to_string(proposal.matched_before) +
         " without them\n";
  Table rules({Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft});
  for (const RuleEffect& effect : proposal.effects) {
    rules.Add({Escaped(effect.rule), "changes " + Counted(effect.keys, "key"),
               Escaped(effect.from) + " -> " + Escaped(effect.to), effect.by_order ? "by shape and order alone" : ""});
  }
  rules.AppendTo(out, "  ");
  const auto unmatched = [&](const char* what, const std::vector<std::string>& keys) {
    if (keys.empty()) return;
    out += std::string("  still ") + what + ": ";
    for (std::size_t i = 0; i < std::min(keys.size(), kMostNamed); ++i) out += (i == 0 ? "" : ", ") + Escaped(keys[i]);
    out += keys.size() > kMostNamed ? " and " + std::to_string(keys.size() - kMostNamed) + " more\n" : "\n";
  };
  unmatched("missing", proposal.missing);
  unmatched("unexpected", proposal.unexpected);
  std::vector<std::string> shapes;
  for (const Mismatch& one : proposal.shapes) shapes.push_back(one.key + " " + one.wanted + " -> " + one.have);
  unmatched("of another shape", shapes);
  if (!shapes.empty()) out += "  (a load with --skip-mismatched leaves these as the model has them)\n";
  if (proposal.by_order()) out.append("  ").append(kByOrder).append("\n");
  out += "  " + command + "\n";
}

// "different: 2 missing, 1 of another shape; 5 keys compared"
std::string Verdict(const Differences& differences) {
  std::string counts;
  const auto add = [&](std::size_t count, const char* what) {
    if (count > 0) counts.append(counts.empty() ? "" : ", ").append(std::to_string(count)).append(" ").append(what);
  };
  add(differences.missing.size(), "missing");
  add(differences.unexpected.size(), "unexpected");
  add(differences.shapes.size(), "of another shape");
  add(differences.dtypes.size(), "of another dtype");
  add(differences.tensors.size(), "with other elements");
  add(differences.values.size(), differences.values.size() == 1 ? "other value" : "other values");
  add(differences.refused.size(), "refused by load_state_dict");
  const std::string different = differences.proposal ? "different without these rules: " : "different: ";
  return (differences.equal() ? "equal: " : different + counts + "; ") + Counted(differences.compared, "key") +
         " compared" + (differences.against_model ? " by name, shape and dtype; values are not\n" : "\n");
}

}  // namespace

std::string DiffJson(const Differences& differences) {
  ReportJson report = {
      {"wanted", differences.wanted_name}, {"have", differences.have_name}, {"equal", differences.equal()}};
  if (differences.tolerance) {
    report["rtol"] = JsonFloat(differences.tolerance->rtol);
    report["atol"] = JsonFloat(differences.tolerance->atol);
  }
  report["compared"] = differences.compared;
  report["missing"] = differences.missing;
  report["unexpected"] = differences.unexpected;
  report["shapes"] = MismatchesJson("key", differences.shapes);
  report["dtypes"] = MismatchesJson("key", differences.dtypes);
  report["tensors"] = TensorsJson(differences.tensors);
  report["values"] = MismatchesJson("path", differences.values);
  if (!differences.refused.empty()) report["errors"] = differences.refused;
  report["causes"] = differences.causes;
  if (differences.proposal) report["proposal"] = ProposalJson(*differences.proposal, differences.proposed_command);
  return JsonLine(report);
}

std::string DiffText(const Differences& differences) {
  std::string out;
  const auto section = [&](const std::string& title, const Table& table) {
    if (table.empty()) return;
    out += title + "\n";
    table.AppendTo(out, "  ");
  };
  const auto keys = [](std::span<const std::string> names) {
    Table table({Align::kLeft});
    for (const std::string& name : names) table.Add({name.empty() ? "(itself)" : Escaped(name)});
    return table;
  };
  const auto pairs = [](std::span<const Mismatch> mismatches) {
    Table table({Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft});
    for (const Mismatch& mismatch : mismatches) {
      table.Add({mismatch.key.empty() ? "(itself)" : Escaped(mismatch.key),
                 mismatch.wanted.empty() ? "nothing" : mismatch.wanted, "->",
                 mismatch.have.empty() ? "nothing" : mismatch.have});
    }
    return table;
  };
  const std::string wanted = Escaped(differences.wanted_name), have = Escaped(differences.have_name);
  section("missing in " + have, keys(differences.missing));
  section("unexpected in " + have, keys(differences.unexpected));
  section("refused by load_state_dict", keys(differences.refused));
  section("other shape: " + wanted + " -> " + have, pairs(differences.shapes));
  section("other dtype: " + wanted + " -> " + have, pairs(differences.dtypes));
  const auto figure = [](const char* name, double value, std::span<const std::int64_t> at) {
    char text[48];
    std::snprintf(text, sizeof text, "%s %.3g at ", name, value);
    return text + Brackets(at);
  };
  Table tensors({Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft, Align::kLeft});
  for (const TensorDifference& tensor : differences.tensors) {
    std::vector<std::string> row = {Escaped(tensor.key),
                                    std::to_string(tensor.differing) + " of " + Counted(tensor.elements, "element")};
    if (tensor.nan < tensor.differing && tensor.largest == 0) {
      row.emplace_back("no number differs: other bits (-0, NaN)");
    } else if (tensor.nan < tensor.differing) {
      row.push_back(figure("largest difference", tensor.largest, tensor.largest_at));
      row.push_back(figure("largest relative", tensor.relative, tensor.relative_at));
    }
    if (tensor.nan > 0) row.push_back(std::to_string(tensor.nan) + " NaN");
    tensors.Add(std::move(row));
  }
  std::string beyond;
  if (differences.tolerance) {
    char text[80];
    std::snprintf(text, sizeof text, " by more than %g + %g of the value", differences.tolerance->atol,
                  differences.tolerance->rtol);
    beyond = text;
  }
  section("tensors that differ" + beyond, tensors);
  section("values: " + wanted + " -> " + have, pairs(differences.values));
  if (differences.proposal) AppendProposal(out, *differences.proposal, differences.proposed_command);
  for (const std::string& cause : differences.causes) {
    out += differences.proposal ? "likely cause of the rest: " : "likely cause: ";
    out += cause + "\n";
  }
  return out + Verdict(differences);
}

}  // namespace loadpath
