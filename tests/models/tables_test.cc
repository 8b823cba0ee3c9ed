#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "models/models.h"
#include "tests/golden/run_python.h"
#include "tests/models/reference_module.h"

namespace loadpath {
namespace {

TEST(Models, AreThoseOfPythonInItsOrder) {
  std::istringstream list(RunPython("-B -c 'import sys; sys.path.insert(0, \"" LOADPATH_SOURCE
                                    "\"); import models; print(*models.NAMES)'"));
  std::vector<std::string> in_python, in_cpp;
  for (std::string name; list >> name;) in_python.push_back(name);
  for (const Model& model : Models()) in_cpp.emplace_back(model.name);
  for (const std::string& name : std::set<std::string>(in_cpp.begin(), in_cpp.end())) {
    EXPECT_EQ(std::ranges::count(in_cpp, name), 1) << "two models of models/*.cc are called " << name;
    EXPECT_EQ(std::ranges::count(in_python, name), 1)
        << "models/__init__.py lacks the name " << name << ", which a file of models/models.def has";
  }
  for (const std::string& name : in_python) {
    EXPECT_EQ(std::ranges::count(in_cpp, name), 1)
        << "no file of models/models.def has the model " << name << ", which models/__init__.py lists";
  }
  EXPECT_EQ(in_cpp, in_python) << "models/models.def and models/__init__.py list the models in another order";
}

TEST(Models, AreDocumented) {
  std::ifstream document(LOADPATH_SOURCE "/docs/models.md");
  std::string rows;
  for (std::string line; std::getline(document, line);) {
    if (line.starts_with("| `")) rows += line.substr(0, line.find(" | "));
  }
  for (const Model& model : Models()) {
    EXPECT_TRUE(rows.find("`" + std::string(model.name) + "`") != std::string::npos)
        << "docs/models.md has no row for the model " << model.name << ": say what it is in its table";
  }
}

TEST(Models, ThatHaveNoReferenceDataFailWithASentence) {
  const Model unknown = {
      .name = "nosuch", .summary = "", .make = {}, .example_inputs = {}, .forward = {}, .batches = {}};
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "";
  };
  const std::string expected =
      LOADPATH_REFERENCE "/manifest.json has no model nosuch: scripts/generate_checkpoints.py --models nosuch makes it";
  EXPECT_EQ(message([&] { ReferenceOf(unknown); }), expected);
  EXPECT_EQ(message([&] { ReferenceModule(unknown); }), expected);
}

}  // namespace
}  // namespace loadpath
