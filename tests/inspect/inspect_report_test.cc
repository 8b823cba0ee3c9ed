#include "harness/inspect/inspect_report.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "harness/inspect/print_key.h"
#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

const std::string kState = Dict({{"w", Tensor("0", 4, 0, {2, 2}, {2, 1})}, {"t", Tensor("0", 4, 0, {2, 2}, {1, 2})}});

Inspection Inspected(const std::string& value, const std::string& key = "", bool digest = false) {
  return Inspect({"x.pth", "x.pth", key}, Opened(value, {{"0", {1, 2, 3, 4}}}, {.opaque = true}), digest,
                 CrcMode::kAuto);
}

TEST(InspectReportTest, GivesTheJsonOfTheContract) {
  const std::string text = InspectJson(Inspected(Dict({{"state", kState}, {"epoch", Int(7)}}), "", /*digest=*/true));
  const auto json = nlohmann::ordered_json::parse(text);
  std::vector<std::string> names;
  for (const auto& [name, value] : json.items()) names.push_back(name);
  EXPECT_THAT(names, testing::ElementsAre("file", "format", "byteorder", "tensors", "values", "types", "attributes"));
  EXPECT_EQ(json["tensors"][0].dump(),
            R"({"path":["state","w"],"dtype":"float32","shape":[2,2],"stride":[2,1],"storage":"0","storage_offset":0,)"
            R"("nbytes":16,"sha256":")" +
                json["tensors"][0]["sha256"].get<std::string>() + "\"}");
  EXPECT_EQ(json["values"].dump(), R"({"state":{},"epoch":7})");
}

TEST(InspectReportTest, ReportsOnTheValueAtAKeyPath) {
  const std::string value = Dict({{"state", kState}, {"epoch", Int(7)}});
  const auto json = nlohmann::ordered_json::parse(InspectJson(Inspected(value, "state")));
  EXPECT_EQ(json["key"], "state");
  EXPECT_EQ(json["tensors"][0]["path"].dump(), R"(["w"])");
  EXPECT_THAT(InspectText(Inspected(value, "state")), testing::HasSubstr("key       state\n"));
}

TEST(InspectReportTest, NamesTheTensorThatStorageIsSharedWith) {
  EXPECT_THAT(InspectText(Inspected(kState)), testing::HasSubstr("stride [1, 2], shares the storage of w\n"));
}

TEST(InspectReportTest, ShowsAttributes) {
  // A module becomes its state dict; its class and its other attributes become attributes of that dict.
  const std::string empty = Call(Name("collections", "OrderedDict"), {});
  const std::string module = WithState(
      Call(Name("mine", "Net"), {}),
      Dict(
          {{"_parameters", empty}, {"_buffers", empty}, {"_modules", empty}, {"training", kTrue}, {"width", Int(45)}}));
  const std::string value = Dict({{"model", module}, {"w", Tensor("0", 4, 0, {4}, {1})}});
  const std::string text = InspectText(Inspected(value));
  EXPECT_THAT(text, testing::HasSubstr("\nattributes\n"));
  EXPECT_THAT(text, testing::ContainsRegex("model\\.class +'mine\\.Net'"));
}

TEST(InspectReportTest, ListsTheStateOfADictSubclassWherePrintFindsIt) {
  const std::string config =
      WithState(Name("a", "Config") + ")\x81(" + Text("x") + Int(1) + "u", Dict({{"note", Int(2)}}));
  const Inspection inspection = Inspected(Dict({{"cfg", config}, {"w", Tensor("0", 4, 0, {4}, {1})}}));
  const std::string text = InspectText(inspection);
  EXPECT_THAT(text, testing::HasSubstr("cfg.state.note  2\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("attributes")));
  EXPECT_EQ(PrintKey(*inspection.checkpoint, "cfg.state.note", CrcMode::kAuto), "2\n");
}

TEST(InspectReportTest, ShowsTheAttributesOfManyOwnersUpToTheLimit) {
  const std::string ordered = Call(Name("collections", "OrderedDict"), {});
  std::vector<std::string> owners;
  for (int i = 0; i < 300; ++i) owners.push_back(WithState(ordered, Dict({{"note", Int(i)}})));
  owners.push_back(Tensor("0", 4, 0, {4}, {1}));
  const std::string text = InspectText(Inspected(List(owners)));
  EXPECT_THAT(text, testing::HasSubstr("199.note  199\n"));
  EXPECT_THAT(text, testing::Not(testing::HasSubstr("200.note")));
}

TEST(InspectReportTest, SaysThatJsonShowsAllOfALongAttribute) {
  std::vector<std::pair<std::string, std::string>> items;
  for (int i = 0; i < 30; ++i) items.emplace_back("k" + std::to_string(i), Int(i));
  const std::string owner =
      WithState(Call(Name("collections", "OrderedDict"), {}), Dict({{"table", Dict(items)}, {"note", Int(1)}}));
  EXPECT_THAT(InspectText(Inspected(Dict({{"m", owner}, {"w", Tensor("0", 4, 0, {4}, {1})}}))),
              testing::ContainsRegex("m\\.table +… 26 more \\(--json shows all\\)"));
}

}  // namespace
}  // namespace loadpath
