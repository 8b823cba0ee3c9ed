#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "harness/suite/suite.h"

namespace loadpath {
namespace {

class FakeRun : public Run {
 public:
  FakeRun(CaseKind kind, Status status, std::string reason = "") : Run({.kind = kind}) {
    record.status = status;
    record.reason = std::move(reason);
  }
  void Verify() override {}
  double Sample() override { return 1; }
};

class ExitStatus : public testing::Test {
 protected:
  FakeRun& Add(Status status, std::string reason = "") {
    runs_.push_back(std::make_unique<FakeRun>(CaseKind::kLoad, status, std::move(reason)));
    return *runs_.back();
  }
  // With one limit before them, which nobody asked for.
  SuiteResult Ended(bool interrupted = false) {
    FakeRun limit(CaseKind::kLimit, Status::kOk);
    std::vector<loadpath::Run*> all = {&limit};
    for (const auto& run : runs_) all.push_back(run.get());
    SuiteResult result;
    SetExitStatus(all, 1, interrupted, result);
    return result;
  }

 private:
  std::vector<std::unique_ptr<FakeRun>> runs_;
};

TEST_F(ExitStatus, IsZeroIfAllIsRightOrRefusedWithReason) {
  Add(Status::kOk);
  Add(Status::kSkipped, "torch::jit::load refuses it");
  EXPECT_EQ(Ended().exit_status, 0);
  EXPECT_THAT(Ended().messages, testing::IsEmpty());
}

TEST_F(ExitStatus, IsOneIfACaseIsWrong) {
  Add(Status::kOk);
  Add(Status::kError, "wrong");
  EXPECT_EQ(Ended().exit_status, 1);
}

TEST_F(ExitStatus, IsOneIfNothingThatWasAskedForWasTimed) {
  Add(Status::kSkipped, "torch::jit::load refuses it");
  EXPECT_EQ(Ended().exit_status, 1);
  EXPECT_THAT(Ended().messages, testing::ElementsAre("nothing was timed: every case was skipped or is wrong"));
}

TEST_F(ExitStatus, IsOneIfReferenceDataAreMissing) {
  Add(Status::kOk);
  Add(Status::kSkipped, "no zip/bare of linear").missing_data = true;
  EXPECT_EQ(Ended().exit_status, 1);
  EXPECT_THAT(Ended().messages, testing::ElementsAre(testing::StartsWith("1 case was skipped because reference data")));
}

TEST_F(ExitStatus, IsTwoIfThereIsNothingButBadInput) {
  for (int i = 0; i < 2; ++i) Add(Status::kError, "a.txt: not a checkpoint").bad_input = true;
  Add(Status::kError, "b.txt: not a checkpoint").bad_input = true;
  Add(Status::kSkipped, "may run code");
  EXPECT_EQ(Ended().exit_status, 2);
  EXPECT_THAT(Ended().messages, testing::ElementsAre("a.txt: not a checkpoint", "b.txt: not a checkpoint"));
}

TEST_F(ExitStatus, IsOneIfThereIsBadInputBesideAGoodFile) {
  Add(Status::kError, "a.txt: not a checkpoint").bad_input = true;
  Add(Status::kOk);
  EXPECT_EQ(Ended().exit_status, 1);
  EXPECT_THAT(Ended().messages, testing::ElementsAre("a.txt: not a checkpoint"));
}

TEST_F(ExitStatus, Is130AfterAnInterrupt) {
  Add(Status::kError, "wrong");
  EXPECT_EQ(Ended(/*interrupted=*/true).exit_status, 130);
}

}  // namespace
}  // namespace loadpath
