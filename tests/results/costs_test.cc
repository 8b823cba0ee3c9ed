#include "harness/results/costs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace loadpath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

Record Load(const std::string& name) {
  Record record;
  record.kind = CaseKind::kLoad;
  record.status = Status::kOk;
  record.name = name;
  record.bytes = record.bytes_read = 497759232;
  record.bytes_copied = 0;
  record.allocations = 3;
  return record;
}

TEST(Costs, AreThoseOfRightLoadsWhoseReaderCounts) {
  Record wrong = Load("b"), forward = Load("c"), libtorch = Load("d");
  wrong.status = Status::kError;
  forward.kind = CaseKind::kForward;
  libtorch.bytes_read = std::nullopt;
  const std::vector<Record> records = {Load("a"), wrong, forward, libtorch};
  EXPECT_EQ(
      CostsOf(records),
      (CostsByCase{
          {"a", {"", {{"bytes", 497759232}, {"bytes_read", 497759232}, {"bytes_copied", 0}, {"allocations", 3}}}}}));
}

TEST(Costs, AreReadAsTheyWereWritten) {
  const std::string file = "costs_test." + std::to_string(getpid()) + ".json";
  const CostsByCase costs = {{"load/x", {"ab", {{"bytes", 88}, {"read_calls", 1}}}}, {"load/y", {}}};
  std::ofstream(file) << CostsText(costs);
  EXPECT_EQ(ReadCosts(file), costs);
  for (const char* text : {"[]", "{\"schema\": 2, \"loads\": {}}", "{\"schema\": 1}",
                           "{\"schema\": 1, \"loads\": {\"a\": {\"file\": \"\", \"costs\": {\"bytes\": \"x\"}}}}",
                           "{\"schema\": 1, \"loads\": {\"a\": {\"file\": \"\", \"costs\": {\"bytes\": 3.9}}}}"}) {
    std::ofstream(file) << text;
    EXPECT_THAT([&] { ReadCosts(file); },
                testing::ThrowsMessage<std::runtime_error>(file + ": is not a costs file of schema 1"))
        << text;
  }
  for (const auto& [text, sentence] :
       {std::pair(std::string(), "is not JSON"), std::pair(std::string(200'000, '['), "nests deeper than 5")}) {
    std::ofstream(file) << text;
    EXPECT_THAT([&] { ReadCosts(file); }, testing::ThrowsMessage<std::runtime_error>(file + ": " + sentence));
  }
  unlink(file.c_str());
  EXPECT_THAT([&] { ReadCosts(file); }, testing::ThrowsMessage<std::runtime_error>(file + ": cannot be opened"));
}

TEST(Costs, ADifferenceSaysWhichCostAndByHowMuch) {
  const CostsByCase before = CostsOf(std::vector{Load("a")});
  Record worse = Load("a");
  worse.bytes_copied = 995518464;
  worse.bytes_mapped = 1000;
  EXPECT_THAT(CompareCosts(before, before, {"a"}, {"a"}).findings, IsEmpty());
  EXPECT_THAT(CompareCosts(before, CostsOf(std::vector{worse}), {"a"}, {"a"}).findings,
              ElementsAre("a: bytes_copied 0 -> 995,518,464", "a: bytes_mapped unknown -> 1,000"));
}

TEST(Costs, WhatIsReadIsComparedForTheSameFileAlone) {
  CostsByCase before = CostsOf(std::vector{Load("a")}), now = before;
  before["a"].file = now["a"].file = "ab";
  ++now["a"].costs["bytes_read"];
  EXPECT_THAT(CompareCosts(before, now, {"a"}, {"a"}).findings,
              ElementsAre("a: bytes_read 497,759,232 -> 497,759,233"));
  EXPECT_EQ(CompareCosts(before, now, {"a"}, {"a"}).other_files, 0U);
  now["a"].file = "cd";
  EXPECT_THAT(CompareCosts(before, now, {"a"}, {"a"}).findings, IsEmpty());
  EXPECT_EQ(CompareCosts(before, now, {"a"}, {"a"}).other_files, 1U);
  ++now["a"].costs["allocations"];
  EXPECT_THAT(CompareCosts(before, now, {"a"}, {"a"}).findings, ElementsAre("a: allocations 3 -> 4"));
  // In another file the tensors may lie where they cannot be mapped.
  before["a"].costs["bytes_mapped"] = 88;
  EXPECT_THAT(CompareCosts(before, now, {"a"}, {"a"}).findings, IsEmpty());
  EXPECT_THAT(CompareCosts(now, before, {"a"}, {"a"}).findings, IsEmpty());
  ++now["a"].costs["bytes"];
  EXPECT_THAT(CompareCosts(before, now, {"a"}, {"a"}).findings, ElementsAre("a: bytes 497,759,232 -> 497,759,233"));
}

TEST(Costs, ACaseThatIsNewGoneOrSkippedIsAFinding) {
  const CostsByCase before = CostsOf(std::vector{Load("a"), Load("b"), Load("c")});
  const CostsByCase now = CostsOf(std::vector{Load("a"), Load("d")});
  EXPECT_THAT(CompareCosts(before, now, {"a", "b", "d"}, {"a", "b", "d"}).findings,
              ElementsAre("b: has no costs now: it was skipped or failed", "c: there is no such case any more",
                          "d: is a new case"));
  EXPECT_THAT(CompareCosts(before, now, {"a", "b", "c", "d"}, {"a", "d"}).findings, ElementsAre("d: is a new case"));
}

}  // namespace
}  // namespace loadpath
