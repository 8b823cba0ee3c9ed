// Tests what ApplyCopy and ApplyAssign cost and guarantee. make_cases.py writes the files.
#include "harness/state/apply.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/nn/module.h>
#include <torch/types.h>
#include <torch/utils.h>

#include <filesystem>
#include <fstream>

#include "loadpath/deferred_init.h"
#include "tests/state/modules.h"

namespace loadpath {
namespace {

using testing::Each;
using testing::HasSubstr;

// Expects that the bytes of the storages were read that often, and else only the records' headers.
testing::Matcher<std::uint64_t> Bytes(std::uint64_t storages) {
  return testing::AllOf(testing::Ge(storages), testing::Lt(storages + 4096));
}

const std::string kData = LOADPATH_STATE_CASES;
constexpr std::int64_t kCount = 6 << 20;  // the elements of each of the three tensors in large.pth
constexpr std::uint64_t kLargeBytes = 3 * kCount * 4;

struct Large : torch::nn::Module {
  Large() {
    const torch::NoGradGuard no_grad;
    float value = -1;
    for (const char* name : {"w0", "w1", "w2"}) register_parameter(name, torch::empty({kCount}).fill_(value--));
  }
};

at::Tensor LargeValues(int i) { return (torch::arange(kCount) % 251 + i).to(torch::kFloat); }

struct Pair : torch::nn::Module {
  Pair(const at::Tensor& a, const at::Tensor& b) {
    for (const auto& [name, weight] : {std::pair("a", a), std::pair("b", b)}) {
      register_module(name, std::make_shared<torch::nn::Module>())->register_parameter("weight", weight);
    }
  }
  at::Tensor Weight(const std::string& name) { return named_parameters()[name + ".weight"]; }
};

LoadPlan PlanFor(torch::nn::Module& module, const std::shared_ptr<const Checkpoint>& checkpoint, bool strict = true) {
  LoadStateDictOptions options;
  options.strict = strict;
  return PlanLoadStateDict(module, StateDict::From(checkpoint), options);
}

// A copy of a file that a test may damage.
class Damaged {
 public:
  explicit Damaged(const std::string& name) : path_(kData + "/damaged_" + name) {
    std::filesystem::copy_file(kData + "/" + name, path_, std::filesystem::copy_options::overwrite_existing);
  }
  ~Damaged() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

  void FlipLastByteOf(std::size_t tensor) {
    const auto checkpoint = Checkpoint::Open(path_);
    const NodeId node = ListTensors(checkpoint->tree(), checkpoint->tree().root())[tensor].node;
    const Extent extent = *checkpoint->Locate(checkpoint->tree().tensor(node).storage);
    std::fstream file(path_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(extent.offset + extent.length - 1));
    const char byte = static_cast<char>(file.get());
    file.seekp(static_cast<std::streamoff>(extent.offset + extent.length - 1));
    file.put(static_cast<char>(byte ^ 1));
  }
  void CutOff() { std::filesystem::resize_file(path_, std::filesystem::file_size(path_) / 2); }

 private:
  std::string path_;
};

void ExpectFirstValues(const Large& module) {
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(at::equal(module.parameters()[i], torch::full({kCount}, -1.0f - i))) << i;
  }
}

TEST(ApplyCopy, ChecksMoreThanAWindowBeforeItCopies) {
  const auto checkpoint = Checkpoint::Open(kData + "/large.pth");
  Large module;
  const ApplyReport report = ApplyCopy(*checkpoint, PlanFor(module, checkpoint).tensors, {.crc = CrcMode::kOn});
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(at::equal(module.parameters()[i], LargeValues(i))) << i;
  EXPECT_EQ(report.bytes_copied, kLargeBytes);
  EXPECT_THAT(report.read.bytes_read, Bytes(2 * kLargeBytes));
  EXPECT_EQ(report.read.bytes_checked, kLargeBytes);
  EXPECT_EQ(report.read.crc.size(), 3u);
  EXPECT_THAT(report.read.crc, Each(CrcStatus::kChecked));
}

TEST(ApplyCopy, ReadsOnceIntoATensorWithARecordedFill) {
  const auto checkpoint = Checkpoint::Open(kData + "/large.pth");
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Large>(); });
  const ApplyReport report = ApplyCopy(*checkpoint, PlanFor(*module, checkpoint).tensors, {.crc = CrcMode::kOn});
  deferred.Loaded(module->parameters());
  deferred.Finish();
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(at::equal(module->parameters()[i], LargeValues(i))) << i;
  EXPECT_THAT(report.read.bytes_read, Bytes(kLargeBytes));
  EXPECT_EQ(report.read.bytes_checked, kLargeBytes);
}

TEST(ApplyCopy, AWrongChecksumLeavesTheModuleAsItWas) {
  for (const std::size_t tensor : {0, 1, 2}) {
    Damaged file("large.pth");
    file.FlipLastByteOf(tensor);
    const auto checkpoint = Checkpoint::Open(file.path());
    Large module;
    const LoadPlan plan = PlanFor(module, checkpoint);
    for (const auto apply : {ApplyCopy, ApplyAssign}) {
      EXPECT_THROW(apply(*checkpoint, plan.tensors, {.crc = CrcMode::kOn}), CheckpointError);
      ExpectFirstValues(module);
    }
  }
}

TEST(ApplyCopy, AWrongChecksumLeavesAModuleToItsRecordedFills) {
  Damaged file("large.pth");
  file.FlipLastByteOf(2);
  const auto checkpoint = Checkpoint::Open(file.path());
  DeferredInit deferred;
  const auto module = deferred.Construct([] { return std::make_shared<Large>(); });
  EXPECT_THROW(ApplyCopy(*checkpoint, PlanFor(*module, checkpoint).tensors, {.crc = CrcMode::kOn}), CheckpointError);
  deferred.Finish();
  ExpectFirstValues(*module);
}

TEST(Apply, ReportsOneProgressFromNothingToTheEnd) {
  const auto checkpoint = Checkpoint::Open(kData + "/large.pth");
  for (const auto apply : {ApplyCopy, ApplyAssign}) {
    Large module;
    const LoadPlan plan = PlanFor(module, checkpoint);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> told;
    apply(*checkpoint, plan.tensors, {.progress = [&](std::uint64_t done, std::uint64_t total) {
      told.emplace_back(done, total);
      return true;
    }});
    // Without recorded fills a copy of more than a window reads twice.
    const std::uint64_t total = (apply == ApplyCopy ? 2 : 1) * kLargeBytes;
    ASSERT_GE(told.size(), 3u);
    EXPECT_EQ(told.front(), std::pair(std::uint64_t{0}, total));
    for (std::size_t i = 1; i < told.size(); ++i) {
      EXPECT_GT(told[i].first, told[i - 1].first);
      EXPECT_EQ(told[i].second, total);
    }
    EXPECT_EQ(told.back().first, total);
  }
  EXPECT_EQ(BytesToCopy(*checkpoint, {}, {}), 0u);
}

// Whenever it is asked: before the first byte, in the reading for checksums, while it copies, at the end.
TEST(Apply, CancellingLeavesTheModuleAsItWasOrIsTooLate) {
  const auto checkpoint = Checkpoint::Open(kData + "/large.pth");
  std::size_t cancelled = 0, loaded = 0;
  for (const auto apply : {ApplyCopy, ApplyAssign}) {
    const std::uint64_t total = (apply == ApplyCopy ? 2 : 1) * kLargeBytes;
    for (std::uint64_t stop = 0; stop <= total; stop += total / 8) {
      Large module;
      const LoadPlan plan = PlanFor(module, checkpoint);
      try {
        apply(*checkpoint, plan.tensors, {.progress = [&](std::uint64_t done, std::uint64_t) { return done < stop; }});
        for (int i = 0; i < 3; ++i) EXPECT_TRUE(at::equal(module.parameters()[i], LargeValues(i))) << i;
        ++loaded;
      } catch (const CheckpointError& error) {
        EXPECT_EQ(error.code(), ErrorCode::kCancelled);
        EXPECT_THAT(error.sentence(), testing::MatchesRegex("was cancelled after [0-9]+ of [0-9]+ bytes"));
        ExpectFirstValues(module);
        ++cancelled;
      }
    }
  }
  EXPECT_GE(cancelled, 13u);
  EXPECT_GE(loaded, 1u);
}

TEST(ApplyCopy, AFileThatWasCutOffLeavesTheModuleAsItWas) {
  Damaged file("large.pth");
  const auto checkpoint = Checkpoint::Open(file.path());
  file.CutOff();
  Large module;
  const LoadPlan plan = PlanFor(module, checkpoint);
  for (const auto apply : {ApplyCopy, ApplyAssign}) {
    for (const CrcMode crc : {CrcMode::kOn, CrcMode::kOff}) {
      EXPECT_THROW(apply(*checkpoint, plan.tensors, {.crc = crc}), CheckpointError);
      ExpectFirstValues(module);
    }
  }
}

TEST(ApplyCopy, ReadsOnlyTheBytesThatASmallViewNeeds) {
  const auto checkpoint = Checkpoint::Open(kData + "/part.pth");
  const auto plan_for = [&](Pair& module) { return PlanFor(module, checkpoint, /*strict=*/false); };
  Pair module(torch::zeros({3, 2}), torch::zeros({3, 2}));
  const ApplyReport some = ApplyCopy(*checkpoint, plan_for(module).tensors, {.crc = CrcMode::kAuto});
  EXPECT_TRUE(at::equal(module.Weight("a"), torch::arange(512, 518, torch::kFloat).view({3, 2})));
  EXPECT_THAT(some.read.bytes_read, Bytes(24));
  EXPECT_THAT(some.read.crc, Each(CrcStatus::kPartial));
  const ApplyReport all = ApplyCopy(*checkpoint, plan_for(module).tensors, {.crc = CrcMode::kOn});
  EXPECT_THAT(all.read.bytes_read, Bytes(4 << 20));
  EXPECT_THAT(all.read.crc, Each(CrcStatus::kChecked));
}

TEST(ApplyCopy, TheLaterKeyWinsIfTargetsOverlap) {
  const auto checkpoint = Checkpoint::Open(kData + "/overlapping.pth");
  const at::Tensor memory = torch::zeros(9);
  Pair module(memory.narrow(0, 3, 6).view({3, 2}), memory.narrow(0, 0, 6).view({3, 2}));
  ApplyCopy(*checkpoint, PlanFor(module, checkpoint).tensors);
  // a = 0 … 5 at element 3, then b = 3 … 8 at element 0.
  EXPECT_TRUE(at::equal(memory, torch::tensor({3.f, 4.f, 5.f, 6.f, 7.f, 8.f, 3.f, 4.f, 5.f})));
}

TEST(ApplyAssign, TensorsThatShareMemoryInTheFileShareItInTheModule) {
  const auto checkpoint = Checkpoint::Open(kData + "/overlapping.pth");
  Pair module(torch::zeros({3, 2}), torch::zeros({3, 2}));
  const at::Tensor held = module.Weight("a");
  const ApplyReport report = ApplyAssign(*checkpoint, PlanFor(module, checkpoint).tensors);
  EXPECT_TRUE(module.Weight("a").storage().is_alias_of(module.Weight("b").storage()));
  EXPECT_EQ(module.Weight("b").storage_offset(), 3);
  EXPECT_TRUE(at::equal(module.Weight("a"), torch::arange(0, 6, torch::kFloat).view({3, 2})));
  EXPECT_TRUE(at::equal(module.Weight("b"), torch::arange(3, 9, torch::kFloat).view({3, 2})));
  EXPECT_TRUE(held.is_same(module.Weight("a"))) << "whoever held the parameter holds it still";
  EXPECT_TRUE(held.requires_grad());
  EXPECT_THAT(report.read.bytes_read, Bytes(4096)) << "a shared storage is read once";
  EXPECT_EQ(report.bytes_copied, 0u);
}

TEST(ApplyAssign, ModulesThatShareATensorStillShareIt) {
  const auto checkpoint = Checkpoint::Open(kData + "/overlapping.pth");
  const at::Tensor tied = torch::zeros({3, 2});
  Pair module(tied, tied);
  ApplyAssign(*checkpoint, PlanFor(module, checkpoint).tensors);
  EXPECT_TRUE(module.Weight("a").is_same(module.Weight("b")));
  EXPECT_TRUE(at::equal(module.Weight("a"), torch::arange(3, 9, torch::kFloat).view({3, 2}))) << "the later key wins";
}

TEST(StateDictFrom, FollowsAPathAndNamesTheTypeOfAValueThatIsNoDict) {
  const auto checkpoint = Checkpoint::Open(kData + "/nested.pth");
  EXPECT_EQ(StateDict::From(checkpoint, "model.state.dict.0").entries().size(), 2u);
  try {
    StateDict::From(checkpoint, "modle");
    FAIL();
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.code(), ErrorCode::kKeyPath);
    EXPECT_THAT(error.what(), HasSubstr("KeyError: 'modle'"));
    EXPECT_THAT(error.what(), HasSubstr("model"));
  }
  const std::pair<const char*, const char*> not_dicts[] = {
      {"model.state.dict", "Expected state_dict to be dict-like, got <class 'list'>."},
      {"epoch", "Expected state_dict to be dict-like, got <class 'int'>."},
  };
  for (const auto& [path, error_text] : not_dicts) {
    try {
      StateDict::From(checkpoint, path);
      FAIL();
    } catch (const StateDictError& error) {
      EXPECT_STREQ(error.what(), error_text);
    }
  }
}

}  // namespace
}  // namespace loadpath
