#include "harness/save/convert.h"

#include <gmock/gmock.h>

#include <filesystem>

#include "harness/checkpoint/formats/safetensors/header.h"
#include "harness/inspect/digest.h"
#include "tests/inspect/pickles.h"

namespace loadpath {
namespace {

using namespace pickles;

class ConvertTest : public testing::Test {
 protected:
  ConvertTest() { std::filesystem::remove(output_); }
  ~ConvertTest() override { std::filesystem::remove(output_); }

  Conversion Converted(const std::string& value, AliasRule rule = AliasRule::kApart) const {
    const MemoryFile file(File(value, {{"0", {1, 2, 3, 4}}}));
    return ConvertToSafetensors({file.path(), file.path(), ""}, output_, {.aliases = rule});
  }

  const std::string output_ =
      testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name() + ".safetensors";
};

const std::string kPlain = Tensor("0", 4, 0, {2, 2}, {2, 1});

TEST_F(ConvertTest, WritesTheSameElements) {
  const std::string value = Dict({{"w", kPlain}, {"t", Tensor("0", 4, 0, {2, 2}, {1, 2})}, {"step", Int(1)}});
  const Conversion done = Converted(value);
  EXPECT_EQ(done.tensors, 2);
  EXPECT_EQ(done.bytes, 32);
  EXPECT_THAT(done.left_out, testing::ElementsAre("step"));
  const auto before = Opened(value, {{"0", {1, 2, 3, 4}}}), after = Checkpoint::Open(output_);
  const auto digest = [](const Checkpoint& checkpoint, const char* key) {
    const std::vector<TensorPath> one = {{{key}, FollowKeyPath(checkpoint, key)}};
    return DigestTensors(checkpoint, one, CrcMode::kAuto);
  };
  for (const char* key : {"w", "t"}) EXPECT_EQ(digest(*before, key), digest(*after, key));
}

TEST_F(ConvertTest, WritesEqualTensorsOnceIfAsked) {
  const Conversion done = Converted(Dict({{"b", kPlain}, {"a", kPlain}}), AliasRule::kOnce);
  EXPECT_EQ(done.tensors, 1);
  const auto after = Checkpoint::Open(output_);
  EXPECT_EQ(ListTensors(after->tree(), after->tree().root())[0].path[0], "a");
}

TEST_F(ConvertTest, LeavesNothingOfAConversionThatIsRefused) {
  EXPECT_THROW(Converted(List({kPlain})), CheckpointError);
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST_F(ConvertTest, NeverWritesOverTheCheckpoint) {
  Converted(Dict({{"w", kPlain}}));
  EXPECT_THROW(ConvertToSafetensors({output_, output_, ""}, output_, {}), CheckpointError);
}

TEST_F(ConvertTest, WhatIsReadBackHasToBeWhatWasWritten) {
  Converted(Dict({{"a", kPlain}, {"b", Tensor("0", 4, 0, {2}, {1})}}));
  const auto written = Checkpoint::Open(output_);
  const std::vector<TensorPath> tensors = ListTensors(written->tree(), written->tree().root());
  const std::vector<std::string> digests = DigestTensors(*written, tensors, CrcMode::kOff);
  std::vector<SafetensorsEntry> entries;
  for (const TensorPath& tensor : tensors) {
    const TensorView& view = written->tree().tensor(tensor.node);
    entries.push_back({tensor.path[0], view.dtype, view.shape, view.nbytes(), 0});
  }
  const auto refused = [&](auto change) {
    std::vector<SafetensorsEntry> other_entries = entries;
    std::vector<std::string> other_digests = digests;
    change(other_entries, other_digests);
    EXPECT_THROW(RequireWritten(output_, *written, other_entries, other_digests), CheckpointError);
  };
  EXPECT_NO_THROW(RequireWritten(output_, *written, entries, digests));
  refused([](auto& changed, auto&) { changed[1].name = "c"; });
  refused([](auto& changed, auto&) { changed[1].dtype = Dtype::kInt32; });
  refused([](auto& changed, auto&) { changed[0].shape = {4}; });
  refused([](auto& changed, auto&) { changed.pop_back(); });
  refused([](auto&, auto& changed) { changed[1] = changed[0]; });
}

TEST(ConvertReportTest, Reports) {
  const Conversion done{
      {"a.pth::m", "a.pth", "m"}, "zip", "b.safetensors", 2, 16, {{"b", "a", true, true}}, {"step"}, 0.5};
  EXPECT_EQ(ConvertText(done),
            "file      a.pth, zip\n"
            "output    b.safetensors\n"
            "tensors   2, 16 bytes, each read back from the output and equal\n"
            "aliases   b is a, written apart\n"
            "left out  step: no tensors\n"
            "seconds   0.50\n");
  EXPECT_EQ(ConvertJson(done),
            R"({"file":"a.pth","format":"zip","key":"m","output":"b.safetensors","tensors":2,"bytes":16,)"
            R"("aliases":[{"name":"b","of":"a","equal":true,"written":true}],"left_out":["step"],"seconds":0.5})"
            "\n");
}

TEST_F(ConvertTest, RefusesAnAliasWhoseNameTheMetadataHasAlready) {
  try {
    Converted(Dict({{"format", kPlain}, {"a", kPlain}}), AliasRule::kOnce);
    ADD_FAILURE() << "no refusal";
  } catch (const CheckpointError& error) {
    EXPECT_EQ(error.sentence(),
              "cannot name the tensor format in __metadata__, which has another value under that name; write it with "
              "--aliases apart");
  }
  EXPECT_FALSE(std::filesystem::exists(output_));
}

TEST(LayOutTest, RefusesTwoValuesOfOneMetadataKey) {
  std::vector<SafetensorsEntry> entries;
  const std::vector<std::pair<std::string, std::string>> metadata = {{"a", "1"}, {"b", "2"}, {"a", "3"}};
  EXPECT_THROW(LayOut(entries, metadata), std::invalid_argument);
}

}  // namespace
}  // namespace loadpath
