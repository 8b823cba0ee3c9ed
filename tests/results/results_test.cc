#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>

#include "harness/results/record.h"
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
  EXPECT_EQ(Median({}), 0);
}

class Results : public testing::Test {
 protected:
  nlohmann::json Written(const Record& record) {
    const std::string file = "results_test." + std::to_string(getpid()) + ".json";
    WriteResults(file, {{"date", "today"}}, {&record, 1});
    const auto whole = nlohmann::json::parse(std::ifstream(file));
    std::filesystem::remove(file);
    EXPECT_EQ(whole["context"]["date"], "today");
    return whole["benchmarks"][0];
  }
};

TEST_F(Results, WhatDoesNotApplyIsLeftOut) {
  const auto row = Written({.name = "load/x", .kind = "load", .status = "skipped", .reason = "why"});
  EXPECT_EQ(row, nlohmann::json::parse(R"({"name":"load/x","run_name":"load/x","run_type":"iteration","repetitions":1,
    "repetition_index":0,"threads":1,"iterations":0,"case":"load","status":"skipped","reason":"why","checked":false,
    "samples_ns":[]})"));
}

TEST_F(Results, MediansRatesAndEverySampleAreWritten) {
  Record record{.name = "load/x", .kind = "load", .samples_ns = {300, 100, 200}, .bytes = 1000};
  record.phases_ns["open"] = {3, 1, 2};
  record.minor_faults = {7, 9, 8};
  const auto row = Written(record);
  EXPECT_EQ(row["samples_ns"], (std::vector<int>{300, 100, 200}));
  EXPECT_EQ(row["real_time"], 200);
  EXPECT_EQ(row["bytes_per_second"], 5e9);
  EXPECT_EQ(row["phases_ns"]["open"], 2);
  EXPECT_EQ(row["minor_faults"], 8);
  EXPECT_FALSE(row.contains("p90_ns"));
}

TEST_F(Results, NoNonFiniteNumberAndNoInvalidTextIsWritten) {
  Record record{.name = "load/\xff", .kind = "load", .samples_ns = {1}};
  record.part_of_limit = std::numeric_limits<double>::infinity();
  record.items_per_second = std::nan("");
  const auto row = Written(record);
  EXPECT_FALSE(row.contains("part_of_limit"));
  EXPECT_FALSE(row.contains("items_per_second"));
}

TEST_F(Results, AFileThatCannotBeWrittenIsNamed) {
  EXPECT_THAT([] { WriteResults("no/such/folder.json", {}, {}); },
              testing::ThrowsMessage<std::runtime_error>("no/such/folder.json: cannot be written"));
}

}  // namespace
}  // namespace loadpath
