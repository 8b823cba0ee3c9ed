#include "harness/suite/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/error.h"

namespace loadpath {
namespace {

SuiteOptions Parsed(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "bench");
  std::vector<char*> argv;
  for (std::string& argument : arguments) argv.push_back(argument.data());
  return ParseOptions(static_cast<int>(argv.size()), argv.data()).value();
}

TEST(Options, GoogleBenchmarksNamesOfOurFlagsMeanTheSame) {
  const SuiteOptions options =
      Parsed({"--benchmark_filter=-^load/", "--benchmark_repetitions=7", "--benchmark_list_tests=true"});
  EXPECT_EQ(options.filter, "-^load/");
  EXPECT_EQ(options.samples, 7);
  EXPECT_EQ(options.task, Task::kListCases);
  EXPECT_EQ(Parsed({"--benchmark_list_tests=false"}).task, Task::kRun);
  EXPECT_THAT(options.google.arguments, testing::IsEmpty());
}

TEST(Options, GoogleBenchmarksOwnFlagsArePassedOn) {
  const SuiteOptions options = Parsed({"--benchmark_format=csv", "--benchmark_out=x.json", "--benchmark_min_time=2"});
  EXPECT_TRUE(options.google.display);
  EXPECT_EQ(options.google.min_time, 2);
  EXPECT_EQ(options.google.out, "x.json");
  EXPECT_EQ(options.google.arguments.size(), 2U);
}

TEST(Options, GoogleBenchmarksFlagsAreChecked) {
  for (const char* flag :
       {"--benchmark_nosuch=1", "--benchmark_format=xml", "--benchmark_out_format=", "--benchmark_color="}) {
    EXPECT_THROW(Parsed({flag}), UsageError) << flag;
    EXPECT_THROW(Parsed({"--list", flag}), UsageError) << flag;
  }
}

TEST(Options, AFlagIsNotTheValueOfAnother) {
  for (const char* flag : {"--filter", "--json", "--data", "--checkpoint", "--device", "--cache", "--memory",
                           "--repetitions", "--samples", "--time", "--seed"}) {
    const std::string line = std::string(flag) + " needs a value (bench --help lists the flags)";
    EXPECT_THAT([&] { Parsed({flag}); }, testing::ThrowsMessage<UsageError>(line));
    EXPECT_THAT([&] { Parsed({flag, "--quick"}); }, testing::ThrowsMessage<UsageError>(line));
    EXPECT_THAT([&] { Parsed({"--quick", flag, "--json", "x"}); }, testing::ThrowsMessage<UsageError>(line));
  }
  EXPECT_EQ(Parsed({"--filter", "-^load/", "--quick"}).filter, "-^load/");
  EXPECT_EQ(Parsed({"--filter=--json"}).filter, "--json");
}

TEST(Options, AllDevicesAreBoth) {
  EXPECT_TRUE(Parsed({"--device", "all"}).all_devices);
  EXPECT_EQ(Parsed({"--device", "all"}).devices.size(), 2U);
  EXPECT_EQ(Parsed({"--device", "cuda:3"}).devices, (std::vector<DeviceName>{{DeviceKind::kCuda, 3}}));
  for (const char* device : {"cpu:0", "cuda:", "cuda:-1", "cuda:9999", "gpu", ""}) {
    EXPECT_THROW(Parsed({"--device", device}), UsageError) << device;
  }
}

TEST(Options, ACheckpointThatIsGivenTwiceIsOne) {
  const SuiteOptions options =
      Parsed({"--checkpoint", "a.pth::k", "--checkpoint", "a.pth::k", "--checkpoint", "a.pth"});
  EXPECT_EQ(options.checkpoints, (std::vector<UserCheckpoint>{{"a.pth", "k"}, {"a.pth", ""}}));
}

TEST(Options, TheNumberOfRoundsOrTheirTimeIsSaid) {
  EXPECT_EQ(Parsed({}).samples, 0);
  EXPECT_EQ(Parsed({"--samples", "5"}).samples, 5);
  EXPECT_EQ(Parsed({"--time", "30s"}).time, 30);
  EXPECT_EQ(Parsed({"--time", "1.5m"}).time, 90);
  EXPECT_EQ(Parsed({"--time", "250ms"}).time, 0.25);
  EXPECT_EQ(Parsed({"--benchmark_min_time=0.5s"}).google.min_time, 0.5);
  for (const char* time : {"soon", "-1s", "0", "3h", "s", "1e9"})
    EXPECT_THROW(Parsed({"--time", time}), UsageError) << time;
}

TEST(Options, ASeedThatIsNotSaidIsAnotherEveryTime) {
  EXPECT_EQ(Parsed({"--seed", "7"}).seed, 7U);
  EXPECT_NE(Parsed({}).seed, Parsed({}).seed);
}

TEST(Options, MemoryIsBackedUnlessItIsSaid) {
  EXPECT_EQ(Parsed({}).memories, std::vector{MemoryState::kBacked});
  EXPECT_EQ(Parsed({"--memory", "all"}).memories, (std::vector{MemoryState::kBacked, MemoryState::kReturned}));
  EXPECT_THROW(Parsed({"--memory", "warm"}), UsageError);
}

}  // namespace
}  // namespace loadpath
