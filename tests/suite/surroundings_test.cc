#include "harness/suite/report/surroundings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace loadpath {
namespace {

TEST(Surroundings, NameAnotherRunEvenIfItsProcessCannotBeSeen) {
  const std::string folder = "surroundings_test." + std::to_string(getpid());
  std::filesystem::create_directory(folder);
  EXPECT_EQ(Surroundings({folder}).OtherRuns(), "");
  EXPECT_EQ(Surroundings({}).OtherRuns(), "");
  {
    const RunLock other({folder});  // of this process, which is never named: like one of another container
    const std::string sentence =
        "another run measures at the same time (in another container): the times of all of them are worth less";
    EXPECT_EQ(Surroundings({folder}).OtherRuns(), sentence);
    EXPECT_THAT(Surroundings({folder}).Warnings(), testing::ElementsAre(sentence));
  }
  std::filesystem::remove(folder);
}

}  // namespace
}  // namespace loadpath
