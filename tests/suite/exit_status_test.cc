#include "harness/suite/report/exit_status.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

namespace loadpath {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class FakeRun : public Run {
 public:
  FakeRun(const Case& one, Status status, std::string reason) : Run(one) {
    record.status = status;
    record.reason = std::move(reason);
  }
  void Verify() override {}
  Sample TakeSample(bool) override { return {}; }
};

class ExitStatusTest : public testing::Test {
 protected:
  // A case "load/linear/zip/bare/PATH/cpu/hot".
  FakeRun& Add(const std::string& path, Status status, std::string reason = "") {
    return Add({.kind = CaseKind::kLoad,
                .model = "linear",
                .format = "zip",
                .layout = "bare",
                .path = path,
                .device = DeviceName{},
                .cache = CacheState::kHot},
               status, std::move(reason));
  }
  FakeRun& Add(const Case& one, Status status, std::string reason = "") {
    runs_.push_back(std::make_unique<FakeRun>(one, status, std::move(reason)));
    return *runs_.back();
  }
  ExitStatus Ended(const std::string& filter = "", bool interrupted = false) {
    std::vector<loadpath::Run*> all;
    for (const auto& run : runs_) all.push_back(run.get());
    return ExitStatusOf(all, filter, interrupted);
  }

 private:
  std::vector<std::unique_ptr<FakeRun>> runs_;
};

TEST_F(ExitStatusTest, IsZeroIfAllIsRightOrRefusedByAReaderOfLibTorch) {
  Add("direct", Status::kOk);
  Add("jit_load", Status::kSkipped, "torch::jit::load refuses it");
  Add({.kind = CaseKind::kForward, .model = "linear", .path = "aoti", .device = DeviceName{}, .batch = 1},
      Status::kSkipped, "compiled for the CPU");
  Add("mmap", Status::kSkipped, "device cuda: no driver").no_device = true;
  for (const char* filter : {"", "^load/linear/", "jit_load", "load/linear/zip/bare/(direct|jit_load)/cpu/hot"}) {
    EXPECT_EQ(Ended(filter).code, 0) << filter;
    EXPECT_THAT(Ended(filter).messages, IsEmpty());
  }
}

TEST_F(ExitStatusTest, IsOneIfACaseIsWrong) {
  Add("direct", Status::kOk);
  Add("mmap", Status::kError, "w differs\n  from the file");
  EXPECT_EQ(Ended().code, 1);
  EXPECT_THAT(Ended().messages,
              ElementsAre("1 case failed: load/linear/zip/bare/mmap/cpu/hot: w differs from the file"));
  Add("copy", Status::kError, "b differs");
  EXPECT_THAT(Ended().messages, ElementsAre("2 cases failed, the first is load/linear/zip/bare/mmap/cpu/hot: "
                                            "w differs from the file"));
}

TEST_F(ExitStatusTest, IsOneIfNothingThatWasAskedForWasTimed) {
  Add("jit_load", Status::kSkipped, "torch::jit::load refuses it:\nit is no archive");
  EXPECT_EQ(Ended("jit").code, 1);
  EXPECT_THAT(Ended("jit").messages,
              ElementsAre("nothing was timed: 1 case was skipped: load/linear/zip/bare/jit_load/cpu/hot: "
                          "torch::jit::load refuses it: it is no archive"));
  Add("pickle_load", Status::kSkipped, "torch::pickle_load refuses it");
  EXPECT_THAT(Ended("load").messages,
              ElementsAre(testing::StartsWith("nothing was timed: 2 cases were skipped, the first is load/linear/")));
}

TEST_F(ExitStatusTest, IsOneIfACaseWasSkippedWhoseFullNameTheFilterHas) {
  Add("direct", Status::kOk);
  Add("jit_load", Status::kSkipped, "torch::jit::load refuses it");
  const std::string name = "load/linear/zip/bare/jit_load/cpu/hot";
  for (const std::string& filter : {name + "|/direct/", "^(" + name + "|load/linear/zip/bare/direct/cpu/hot)$",
                                    std::string("direct|load\\/linear/zip/bare/jit_load/cpu/hot")}) {
    EXPECT_EQ(Ended(filter).code, 1) << filter;
    EXPECT_THAT(Ended(filter).messages, ElementsAre("1 case was skipped: " + name + ": torch::jit::load refuses it"));
  }
}

TEST_F(ExitStatusTest, AFullNameEndsWhereTheNameEnds) {
  Add({.kind = CaseKind::kLimit, .path = "disk", .threads = 16}, Status::kOk);
  Add({.kind = CaseKind::kLimit, .path = "disk", .threads = 1}, Status::kSkipped, "no disk");
  EXPECT_EQ(Ended("limit/disk/threads:16|limit/disk").code, 0);
  EXPECT_EQ(Ended("limit/disk/threads:16|limit/disk/threads:1").code, 1);
}

TEST_F(ExitStatusTest, IsOneIfReferenceDataAreMissing) {
  Add("direct", Status::kOk);
  Add("jit_load", Status::kSkipped, "no zip/bare of linear").missing_data = true;
  EXPECT_EQ(Ended().code, 1);
  EXPECT_THAT(Ended().messages,
              ElementsAre("1 case was skipped: load/linear/zip/bare/jit_load/cpu/hot: no zip/bare of linear"));
}

TEST_F(ExitStatusTest, IsZeroIfPyTorchCannotMakeAFileOfTheModel) {
  Add("copy", Status::kOk);
  Add("direct", Status::kSkipped, "no torchscript/bare of linear can be made: it cannot be traced").not_made = true;
  EXPECT_EQ(Ended().code, 0);
  EXPECT_EQ(Ended("^load/linear/zip/bare/direct/cpu/hot$").code, 1);
}

TEST_F(ExitStatusTest, IsOneIfAPathOfOursWasSkipped) {
  Add("copy", Status::kOk);
  Add("direct", Status::kSkipped, "no model linear in this program");
  EXPECT_EQ(Ended().code, 1);
  EXPECT_THAT(Ended().messages, ElementsAre("1 case was skipped: load/linear/zip/bare/direct/cpu/hot: no model linear "
                                            "in this program"));
}

TEST_F(ExitStatusTest, IsTwoIfThereIsNothingButBadInput) {
  for (const char* path : {"copy", "direct"}) Add(path, Status::kError, "a.txt: not a checkpoint").bad_input = true;
  Add("copy", Status::kError, "b.txt: not a checkpoint").bad_input = true;
  Add("jit_load", Status::kSkipped, "may run code");
  EXPECT_EQ(Ended().code, 2);
  EXPECT_THAT(Ended().messages, ElementsAre("a.txt: not a checkpoint", "b.txt: not a checkpoint"));
}

TEST_F(ExitStatusTest, IsOneIfThereIsBadInputBesideAGoodFile) {
  Add("copy", Status::kError, "a.txt: not a checkpoint").bad_input = true;
  Add("copy", Status::kOk);
  EXPECT_EQ(Ended().code, 1);
  EXPECT_THAT(Ended().messages, ElementsAre("a.txt: not a checkpoint"));
}

TEST_F(ExitStatusTest, Is130AfterAnInterrupt) {
  Add("direct", Status::kError, "wrong");
  EXPECT_EQ(Ended("", /*interrupted=*/true).code, 130);
  EXPECT_THAT(Ended("", true).messages, ElementsAre("interrupted: what was measured until then is reported"));
}

}  // namespace
}  // namespace loadpath
