#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "harness/base/error.h"
#include "harness/results/fields.h"
#include "harness/results/statistics.h"

namespace loadpath {
namespace {

std::vector<std::int64_t> UpTo(std::int64_t n) {
  std::vector<std::int64_t> samples(n);
  std::iota(samples.rbegin(), samples.rend(), 1);
  return samples;
}

TEST(Statistics, PercentilesAreInterpolatedAndAppearWithEnoughSamples) {
  EXPECT_EQ(Summarize(UpTo(1)).median, 1);
  EXPECT_EQ(Summarize(UpTo(4)).median, 2.5);
  EXPECT_EQ(Summarize(UpTo(9)).p90, std::nullopt);
  EXPECT_DOUBLE_EQ(*Summarize(UpTo(10)).p90, 9.1);  // numpy.percentile(range(1, 11), 90)
  EXPECT_EQ(Summarize(UpTo(99)).p99, std::nullopt);
  EXPECT_DOUBLE_EQ(*Summarize(UpTo(101)).p99, 100);
  EXPECT_EQ(Median(std::span<const std::int64_t>()), 0);
}

TEST(Statistics, TheIntervalOfAMedianIsThatOfPercentileBootstrap) {
  EXPECT_FALSE(MedianInterval(UpTo(4)));
  const std::vector<std::int64_t> same(20, 7);
  EXPECT_EQ(MedianInterval(same)->low, 7);
  EXPECT_EQ(MedianInterval(same)->high, 7);
  // scipy.stats.bootstrap((range(1, 102),), np.median, method="percentile") gives 41 and 61 within 1.
  const Interval interval = *MedianInterval(UpTo(101));
  EXPECT_NEAR(interval.low, 41, 1.5);
  EXPECT_NEAR(interval.high, 61, 1.5);
  EXPECT_EQ(MedianInterval(UpTo(101))->low, interval.low);
}

nlohmann::json Written(std::span<const Record> records, const RunNotes& notes = {}) {
  const std::string file = "results_test." + std::to_string(getpid()) + ".json";
  TextOutput whole(file);
  WriteResults(whole, {{"date", "today"}}, records, notes);
  const auto json = nlohmann::json::parse(std::ifstream(file));
  std::filesystem::remove(file);
  return json;
}

TEST(Results, WhatWasTimedAndWhatWasNotStandApart) {
  std::vector<Record> records(2);
  records[0].name = "load/a";
  records[0].samples = {{.wall_ns = 1}};
  records[1].name = "load/b";
  records[1].status = Status::kSkipped;
  records[1].reason = "why";
  const auto whole = Written(records);
  EXPECT_EQ(whole["context"]["date"], "today");
  EXPECT_EQ(whole["context"]["schema_version"], kResultsSchemaVersion);
  ASSERT_EQ(whole["benchmarks"].size(), 1U);
  EXPECT_EQ(whole["benchmarks"][0]["name"], "load/a");
  EXPECT_EQ(whole["not_timed"],
            nlohmann::json::parse(R"([{"name":"load/b","case":"load","status":"skipped","reason":"why"}])"));
}

TEST(Results, TheContextSaysThatTheRunWasInterruptedAndWhatDisturbedIt) {
  EXPECT_EQ(Written({})["context"].size(), 3U);  // schema_version, caches, and the date above
  const auto context = Written({}, {.interrupted = true, .warnings = {"busy", "not alone"}})["context"];
  EXPECT_EQ(context["interrupted"], true);
  EXPECT_EQ(context["warnings"], (std::vector<std::string>{"busy", "not alone"}));
}

TEST(Results, CachesAreAsGoogleBenchmarkWritesThem) {
  const auto wanted = nlohmann::json::parse(R"([{"type": "Data", "level": 1, "size": 32768, "num_sharing": 2}])");
  EXPECT_EQ(Written({}, {.caches = {{"Data", 1, 32768, 2}}})["context"]["caches"], wanted);
  EXPECT_EQ(Written({})["context"]["caches"], nlohmann::json::array());
}

TEST(Results, MediansRatesAndEverySampleAreWritten) {
  Record record;
  record.samples = {{.wall_ns = 300, .cpu_ns = 500, .phases_ns = {{"open", 3}}, .minor_faults = 7, .round = 0},
                    {.wall_ns = 100, .cpu_ns = 700, .phases_ns = {{"open", 1}}, .minor_faults = 9, .round = 1},
                    {.wall_ns = 200,
                     .cpu_ns = 600,
                     .phases_ns = {{"open", 2}},
                     .costs = {{"bytes", 1000}},
                     .minor_faults = 8,
                     .residency_before = 0.5,
                     .round = 2,
                     .position = 7,
                     .checked = true}};
  record.bytes = 1000;
  record.threads = 2;
  record.repetitions = 3;
  record.device = DeviceName{DeviceKind::kCuda, 1};
  record.cache = CacheState::kCold;
  const auto row = ToJson(record);
  EXPECT_EQ(row["samples_ns"], (std::vector<int>{300, 100, 200}));
  EXPECT_EQ(row["iterations"], 3);
  EXPECT_EQ(row["samples"][0],
            nlohmann::ordered_json::parse(
                R"({"round":0,"position":0,"wall_ns":300,"cpu_ns":500,"phases_ns":{"open":3},"minor_faults":7})"));
  EXPECT_EQ(row["samples"][2], nlohmann::ordered_json::parse(R"({"round":2,"position":7,"wall_ns":200,"cpu_ns":600,
      "phases_ns":{"open":2},"costs":{"bytes":1000},"minor_faults":8,"residency_before":0.5,"checked":true})"));
  EXPECT_EQ(row["greatest_residency"], 0.5);
  EXPECT_EQ(row["repetitions"], 3);
  EXPECT_EQ(row["threads"], 2);
  EXPECT_EQ(row["real_time"], 200);
  EXPECT_EQ(row["cpu_time"], 600);
  EXPECT_EQ(row["bytes_per_second"], 5e9);
  EXPECT_EQ(row["phases_ns"]["open"], 2);
  EXPECT_EQ(row["minor_faults"], 8);
  EXPECT_EQ(row["device"], "cuda:1");
  EXPECT_EQ(row["cache"], "cold");
  EXPECT_FALSE(row.contains("p90_ns"));
}

TEST(Results, TheFirstPassOfEachTurnStandsApart) {
  Record record;
  for (const std::int64_t ns : {9, 3, 2}) record.samples.push_back({.wall_ns = ns, .round = 0});
  EXPECT_EQ(ToJson(record)["first_ns"], 9);
  for (const std::int64_t ns : {5, 4, 4}) record.samples.push_back({.wall_ns = ns, .round = 1});
  EXPECT_EQ(ToJson(record)["first_ns"], 7);
  EXPECT_EQ(ToJson(record)["real_time"], 4);
  record.samples.resize(1);
  EXPECT_FALSE(ToJson(record).contains("first_ns"));
}

TEST(Results, NoNonFiniteNumberAndNoInvalidTextIsWritten) {
  Record record;
  record.name = "load/\xff";
  record.part_of_limit = std::numeric_limits<double>::infinity();
  record.items_per_second = std::nan("");
  const auto row = Written({&record, 1})["benchmarks"][0];
  EXPECT_EQ(row["name"], "load/\xef\xbf\xbd");
  EXPECT_FALSE(row.contains("part_of_limit"));
  EXPECT_FALSE(row.contains("items_per_second"));
}

TEST(Results, AFileThatCannotBeWrittenIsNamedBeforeAnythingIsMeasured) {
  EXPECT_THAT([] { TextOutput("no/such/folder.json"); },
              testing::ThrowsMessage<CheckpointError>(testing::HasSubstr("no/such/folder.json: cannot be written")));
}

TEST(ResultFields, HaveNamesOfTheirOwnAndDescriptions) {
  std::set<std::string_view> names;
  for (const ResultField& field : ResultFields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name << " is there twice";
    EXPECT_FALSE(field.description.empty()) << field.name << " has no description in harness/results/fields.def";
  }
}

TEST(ResultFields, AreWhatTheSchemaSays) {
  const auto written = nlohmann::ordered_json::parse(std::ifstream(RESULTS_SCHEMA));
  EXPECT_TRUE(written == ResultsSchema())
      << "results/schema.json is not what harness/results/fields.def gives: run build/bin/results-schema > "
         "results/schema.json";
}

TEST(DeviceName, IsParsedAsItIsWritten) {
  for (const char* text : {"cpu", "cuda", "cuda:0", "cuda:12"}) EXPECT_EQ(DeviceName::Parse(text).value().text(), text);
  for (const char* text : {"", "cpu:0", "cuda:", "cuda:x", "cuda:1x", "cuda:-1", "cuda:1000", "xpu"}) {
    EXPECT_EQ(DeviceName::Parse(text), std::nullopt) << text;
  }
}

TEST(Names, LeadBackToTheirValues) {
  EXPECT_EQ(Name(CaseKind::kForward), "forward");
  EXPECT_EQ(FromName<CaseKind>("limit"), CaseKind::kLimit);
  EXPECT_EQ(FromName<Status>("error"), Status::kError);
  EXPECT_EQ(FromName<CacheState>("lukewarm"), std::nullopt);
}

}  // namespace
}  // namespace loadpath
