#include "harness/golden/reference_files.h"

#include <gtest/gtest.h>

#include <map>
#include <set>
#include <sstream>

#include "tests/golden/run_python.h"

namespace loadpath {
namespace {

using Combination = std::pair<std::string, std::string>;

TEST(ReferenceFiles, AreThoseOfTheGenerator) {
  std::istringstream list(RunPython(LOADPATH_SOURCE "/scripts/generate_checkpoints.py --list"));
  std::map<std::string, std::set<Combination>> made, programs;
  for (std::string model, format, layout, file; list >> model >> format >> layout >> file;)
    (format == "aoti" ? programs[model] : made[model]).insert({format, layout});
  EXPECT_EQ(made.size(), 12u);
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
  EXPECT_EQ(ReferenceFiles("multi:A").data(), ReferenceFiles("multi:A+B").data());
}

}  // namespace
}  // namespace loadpath
