#include <cstdio>

#include "bench/ckpt/diff.h"
#include "harness/base/text.h"
#include "harness/inspect/json_text.h"

namespace loadpath::ckpt {
namespace {

void AppendMismatches(std::string& out, std::string_view key, std::span<const Mismatch> mismatches) {
  AppendJsonObjects(out, mismatches, [&](JsonMembers& one, const Mismatch& mismatch) {
    one.Text(key, mismatch.key).Text("wanted", mismatch.wanted).Text("have", mismatch.have);
  });
}

std::string Json(const Differences& differences) {
  std::string out;
  JsonMembers members(out);
  members.Text("wanted", differences.wanted_name)
      .Text("have", differences.have_name)
      .Bool("equal", differences.equal());
  if (differences.tolerance)
    members.Float("rtol", differences.tolerance->relative).Float("atol", differences.tolerance->absolute);
  members.Integer("compared", differences.compared)
      .Texts("missing", differences.missing)
      .Texts("unexpected", differences.unexpected);
  members.Name("shapes");
  AppendMismatches(out, "key", differences.shapes);
  members.Name("dtypes");
  AppendMismatches(out, "key", differences.dtypes);
  members.Name("tensors");
  AppendJsonObjects(out, differences.tensors, [](JsonMembers& one, const TensorDifference& tensor) {
    one.Text("key", tensor.key).Integer("elements", tensor.elements).Integer("differing", tensor.differing);
    one.Integer("first", static_cast<std::uint64_t>(tensor.first)).Float("largest", tensor.largest);
    one.Numbers("largest_at", tensor.largest_at)
        .Float("relative", tensor.relative)
        .Numbers("relative_at", tensor.relative_at);
  });
  members.Name("values");
  AppendMismatches(out, "path", differences.values);
  members.Texts("causes", differences.causes).Close();
  return out + "\n";
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
    std::snprintf(text, sizeof text, " by more than %g + %g of the value", differences.tolerance->absolute,
                  differences.tolerance->relative);
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
