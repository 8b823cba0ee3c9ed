#include "harness/golden/reference_files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/golden/run_python.h"

namespace loadpath {
namespace {

using testing::ElementsAre;
using testing::SizeIs;
using Combination = std::pair<std::string, std::string>;

TEST(ReferenceFiles, AreThoseOfTheGenerator) {
  std::istringstream list(RunPython(LOADPATH_SOURCE "/scripts/generate_checkpoints.py --list"));
  std::map<std::string, std::set<Combination>> made, programs;
  for (std::string model, format, layout, file; list >> model >> format >> layout >> file;)
    (format == "aoti" ? programs[model] : made[model]).insert({format, layout});
  EXPECT_TRUE(made.contains("linear") && made.contains("multi:A+B"));
  for (const auto& [model, combinations] : made) {
    std::set<Combination> known;
    for (const auto& [format, layout] : ReferenceFiles(model)) known.emplace(format, layout);
    EXPECT_EQ(known, combinations) << model;
  }
  std::set<std::string> compiled;
  for (const auto& [model, combinations] : programs) {
    compiled.insert(model);
    EXPECT_EQ(combinations, (std::set<Combination>{{"aoti", "bare"}})) << model;
  }
  EXPECT_EQ(std::set<std::string>(ReferencePrograms().begin(), ReferencePrograms().end()), compiled);
}

TEST(ReferenceFiles, OfAModelThatIsNotBundledAreThoseOfEveryModel) {
  EXPECT_EQ(ReferenceFiles("mynet").data(), ReferenceFiles("linear").data());
  for (const FormatAndLayout& file : ReferenceFiles("mynet")) EXPECT_NE(file.layout, "multi");
}

TEST(SharedFiles, StandForTheirModels) {
  ASSERT_THAT(SharedFiles(), SizeIs(1));
  const SharedFile& pair = SharedFiles()[0];
  EXPECT_EQ(pair.name, "multi:A+B");
  EXPECT_EQ(pair.layout, "multi");
  EXPECT_THAT(pair.models, ElementsAre("multi:A", "multi:B"));
  EXPECT_THAT(pair.openings, ElementsAre("once", "twice"));
  for (const char* name : {"multi:A+B", "multi:A", "multi:B"}) {
    EXPECT_EQ(FindSharedFile(name), &pair);
    EXPECT_EQ(ReferenceFiles(name).data(), ReferenceFiles("multi:A+B").data());
  }
  EXPECT_EQ(FindSharedFile("linear"), nullptr);
  EXPECT_THAT(ModelsOf("multi:A+B"), ElementsAre("multi:A", "multi:B"));
  EXPECT_THAT(ModelsOf("multi:B"), ElementsAre("multi:B"));
  EXPECT_THAT(ModelsOf("linear"), ElementsAre("linear"));
}

}  // namespace
}  // namespace loadpath
