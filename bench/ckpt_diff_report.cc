#include <cstdio>

#include "bench/ckpt_diff.h"
#include "bench/ckpt_json.h"
#include "bench/ckpt_text.h"

namespace loadpath::ckpt {
namespace {

void AppendMismatches(std::string& out, std::string_view field, std::string_view key, std::span<const Mismatch> mismatches) {
  out += ",\"" + std::string(field) + "\":[";
  for (std::size_t i = 0; i < mismatches.size(); ++i) {
    if (i) out += ',';
    out += "{\"" + std::string(key) + "\":";
    AppendJsonString(out, mismatches[i].key);
    out += ",\"wanted\":";
    AppendJsonString(out, mismatches[i].wanted);
    out += ",\"have\":";
    AppendJsonString(out, mismatches[i].have);
    out += '}';
  }
  out += ']';
}

std::string Json(const Differences& differences) {
  std::string out = "{\"wanted\":";
  AppendJsonString(out, differences.wanted_name);
  out += ",\"have\":";
  AppendJsonString(out, differences.have_name);
  out += std::string(",\"equal\":") + (differences.equal() ? "true" : "false");
  if (differences.tolerance) {
    out += ",\"rtol\":";
    AppendJsonFloat(out, differences.tolerance->relative);
    out += ",\"atol\":";
    AppendJsonFloat(out, differences.tolerance->absolute);
  }
  out += ",\"compared\":" + std::to_string(differences.compared);
  out += ",\"missing\":";
  AppendJsonStrings(out, differences.missing);
  out += ",\"unexpected\":";
  AppendJsonStrings(out, differences.unexpected);
  AppendMismatches(out, "shapes", "key", differences.shapes);
  AppendMismatches(out, "dtypes", "key", differences.dtypes);
  out += ",\"tensors\":[";
  for (std::size_t i = 0; i < differences.tensors.size(); ++i) {
    const TensorDifference& tensor = differences.tensors[i];
    if (i) out += ',';
    out += "{\"key\":";
    AppendJsonString(out, tensor.key);
    out += ",\"elements\":" + std::to_string(tensor.elements) + ",\"differing\":" + std::to_string(tensor.differing);
    out += ",\"first\":" + std::to_string(tensor.first) + ",\"largest\":";
    AppendJsonFloat(out, tensor.largest);
    out += ",\"largest_at\":";
    AppendJsonNumbers(out, tensor.largest_at);
    out += ",\"relative\":";
    AppendJsonFloat(out, tensor.relative);
    out += ",\"relative_at\":";
    AppendJsonNumbers(out, tensor.relative_at);
    out += '}';
  }
  out += ']';
  AppendMismatches(out, "values", "path", differences.values);
  out += ",\"causes\":";
  AppendJsonStrings(out, differences.causes);
  return out + "}\n";
}

std::string Text(const Differences& differences) {
  std::string out;
  const auto section = [&](const std::string& title, const Table& table) {
    if (table.empty()) return;
    out += title + "\n";
    table.AppendTo(out, "  ");
  };
  const auto keys = [](std::span<const std::string> names) {
    Table table({Align::kLeft});
    for (const std::string& name : names) table.Add({Escaped(name)});
    return table;
  };
  const auto pairs = [](std::span<const Mismatch> mismatches) {
    Table table({Align::kLeft, Align::kLeft, Align::kLeft, Align::kLeft});
    for (const Mismatch& mismatch : mismatches) {
      table.Add({Escaped(mismatch.key), mismatch.wanted.empty() ? "nothing" : mismatch.wanted, "->",
                 mismatch.have.empty() ? "nothing" : mismatch.have});
    }
    return table;
  };
  const std::string wanted = Escaped(differences.wanted_name), have = Escaped(differences.have_name);
  section("missing in " + have, keys(differences.missing));
  section("unexpected in " + have, keys(differences.unexpected));
  section("other shape: " + wanted + " -> " + have, pairs(differences.shapes));
  section("other dtype: " + wanted + " -> " + have, pairs(differences.dtypes));
  const auto figure = [](const char* name, double value, std::span<const std::int64_t> at) {
    char text[48];
    std::snprintf(text, sizeof text, "%s %.3g at ", name, value);
    return text + Brackets(at);
  };
  Table tensors({Align::kLeft, Align::kRight, Align::kLeft, Align::kLeft});
  for (const TensorDifference& tensor : differences.tensors) {
    tensors.Add({Escaped(tensor.key), std::to_string(tensor.differing) + " of " + Counted(tensor.elements, "element"),
                 figure("largest difference", tensor.largest, tensor.largest_at),
                 figure("largest relative", tensor.relative, tensor.relative_at)});
  }
  std::string beyond;
  if (differences.tolerance) {
    char text[80];
    std::snprintf(text, sizeof text, " by more than %g + %g of the value", differences.tolerance->absolute, differences.tolerance->relative);
    beyond = text;
  }
  section("tensors that differ" + beyond, tensors);
  section("values: " + wanted + " -> " + have, pairs(differences.values));
  for (const std::string& cause : differences.causes) out += "likely cause: " + cause + "\n";
  out += differences.equal() ? "equal: " : "different: ";
  return out + Counted(differences.compared, "key") + " compared\n";
}

}  // namespace

DiffOutcome Report(const Differences& differences, bool json) {
  return {differences.equal(), json ? Json(differences) : Text(differences)};
}

}  // namespace loadpath::ckpt
