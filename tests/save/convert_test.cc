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
