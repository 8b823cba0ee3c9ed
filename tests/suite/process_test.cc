#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "harness/base/stopwatch.h"
#include "harness/measure/fresh_process.h"
#include "harness/suite/cases/startup.h"

namespace loadpath {
namespace {

TEST(RunProcess, EndsAProcessThatTakesTooLong) {
  Stopwatch watch;
  EXPECT_THAT(
      [] {
        RunProcess({"/bin/sleep", "60"}, 0.2);
      },
      testing::ThrowsMessage<std::runtime_error>(testing::HasSubstr("/bin/sleep: took longer than ")));
  EXPECT_LT(watch.Lap(), 30);
}

TEST(RunProcess, GivesTheOutputOfAProcessThatIsInTime) {
  const ProcessResult result = RunProcess({"/bin/sh", "-c", "printf hello; exit 3"}, 60);
  EXPECT_EQ(result.output, "hello");
  EXPECT_EQ(result.status, 3);
}

TEST(StartupArguments, NameTheCaseByItsFields) {
  EXPECT_EQ(StartupArguments("bench", {"{}", "data", 7}),
            (std::vector<std::string>{"bench", "--startup-sample", "{}", "--data", "data", "--started-at", "7"}));
}

}  // namespace
}  // namespace loadpath
