#include "harness/measure/machine_load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "harness/measure/fresh_process.h"

namespace loadpath {
namespace {

constexpr const char* kStat =
    "cpu  1000 20 300 9000 50 7 8 90 5 0\n"
    "cpu0 500 10 100 4000 30 3 4 40 5 0\n"
    "cpu1 300 5 150 3000 20 2 2 30 0 0\n"
    "cpu12 200 5 50 2000 0 2 2 20 0 0\n"
    "intr 740688 0 0\n";

TEST(CpuTimes, AreThoseOfTheProcessorsThatMayBeUsed) {
  CpuTimes times = ParseCpuTimes(kStat, std::array{0, 12}, 100);
  EXPECT_DOUBLE_EQ(times.busy, 8.65);  // user, nice and system; (610 + 255) hundredths
  EXPECT_DOUBLE_EQ(times.stolen, 0.6);
  EXPECT_EQ(times.processors, 2);
  times = ParseCpuTimes(kStat, std::array{1}, 100);
  EXPECT_DOUBLE_EQ(times.busy, 4.55);
  EXPECT_EQ(times.processors, 1);
  EXPECT_EQ(ParseCpuTimes("", std::array{0}, 100).processors, 0);
  EXPECT_EQ(ParseCpuTimes("cpu0 a b\ncpu0\n", std::array{0}, 100).processors, 0);
}

TEST(CpuTimes, OfThisMachineGoOn) {
  const CpuTimes begin = ReadCpuTimes();
  double sum = 1;
  CpuTimes end = begin;
  while (end.own < begin.own + 0.05) {
    for (int i = 0; i < 100'000; ++i) sum = sum * 1.0000001 + i;
    end = ReadCpuTimes();
  }
  EXPECT_GT(sum, 0);
  EXPECT_GE(end.at, begin.at);
  EXPECT_GE(end.busy, begin.busy);
  EXPECT_GT(begin.processors, 0);
}

// Python runs beside this process, and what it takes is no disturbance.
TEST(CpuTimes, CountAChildThatRuns) {
  if (!std::filesystem::exists("/proc/thread-self/children")) GTEST_SKIP() << "this kernel does not list children";
  const double before = ReadCpuTimes().own;
  FreshProcess child({"/bin/sh", "-c", "i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo done; read line"});
  EXPECT_EQ(child.Ask("", 60), "done");
  EXPECT_GT(ReadCpuTimes().own, before + 0.05);
}

TEST(MachineLoad, IsWhatOthersUsedPerSecond) {
  const CpuTimes begin = {.at = 10, .busy = 100, .stolen = 3, .own = 7, .processors = 4};
  const CpuTimes end = {.at = 12, .busy = 105, .stolen = 4, .own = 9, .processors = 4};
  const MachineLoad load = LoadBetween(begin, end);
  EXPECT_DOUBLE_EQ(load.seconds, 2);
  EXPECT_DOUBLE_EQ(load.others, 1.5);
  EXPECT_DOUBLE_EQ(load.stolen, 0.5);
  EXPECT_EQ(load.processors, 4);
}

TEST(MachineLoad, IsNeverBelowNothing) {
  // The kernel counts ticks, getrusage counts exactly.
  const CpuTimes begin = {.at = 1, .busy = 1, .own = 1, .processors = 1};
  const CpuTimes end = {.at = 2, .busy = 1.99, .own = 2, .processors = 1};
  EXPECT_EQ(LoadBetween(begin, end).others, 0);
  EXPECT_EQ(LoadBetween(begin, begin).others, 0);
}

TEST(MachineLoad, IsBusyFromATenthOfTheProcessorsOn) {
  EXPECT_FALSE(IsBusy({.seconds = 10, .others = 0.19, .stolen = 0, .processors = 2}));
  EXPECT_TRUE(IsBusy({.seconds = 10, .others = 0.2, .stolen = 0, .processors = 2}));
  EXPECT_FALSE(IsBusy({.seconds = 10, .others = 1, .stolen = 0, .processors = 64}));
  EXPECT_TRUE(IsBusy({.seconds = 10, .others = 7, .stolen = 0, .processors = 64}));
  EXPECT_FALSE(IsBusy({.seconds = 10, .others = 0, .stolen = 0.09, .processors = 2}));
  EXPECT_TRUE(IsBusy({.seconds = 10, .others = 0, .stolen = 0.1, .processors = 2}));
  EXPECT_FALSE(IsBusy({.seconds = 0.4, .others = 2, .stolen = 2, .processors = 2}));
  EXPECT_FALSE(IsBusy({.seconds = 10, .others = 0, .stolen = 0, .processors = 0}));
}

TEST(MachineLoad, IsToldWithItsCauses) {
  EXPECT_EQ(BusyText({.seconds = 1, .others = 0.93, .stolen = 0.01, .processors = 2}, "2.31"),
            "other processes used 0.9 of 2 processors (load average 2.31)");
  EXPECT_EQ(BusyText({.seconds = 1, .others = 1, .stolen = 0.5, .processors = 2}, ""),
            "other processes used 1.0 of 2 processors, the host of this virtual machine took 0.5 of 2 processors");
}

}  // namespace
}  // namespace loadpath
