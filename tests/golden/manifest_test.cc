#include "harness/golden/manifest.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

namespace loadpath {
namespace {

constexpr char kGood[] = R"({"schema": 1, "versions": {"torch": "2.15.0"},
  "files": {
    "linear_model.pth": {"format": "zip", "layout": "nested", "size": 2277, "sha256": "ab", "made": "torch.save",
                         "models": [{"model": "linear", "key": "model_state_dict"}], "plain_dict": "linear_model.dict.pth"},
    "multi_model.pth": {"format": "zip", "layout": "multi", "size": 3, "sha256": "cd", "made": "torch.save",
                        "models": [{"model": "multi:A", "key": "a"}, {"model": "multi:B", "key": "b"}]}},
  "models": {
    "linear": {"python": "LinearModel", "weights": "seed 1", "rtol": 1.3e-6, "atol": 1e-5, "why": "the defaults",
               "tensors": {"linear.weight": {"dtype": "float32", "shape": [2, 10], "sha256": "ef"}},
               "goldens": {"1": "linear.golden.1.safetensors", "32": "linear.golden.32.safetensors"}}},
  "programs": {"linear.aoti.pt2": {"model": "linear", "size": 5, "sha256": "01", "made": "compiled"}}})";

class ManifestTest : public testing::Test {
 protected:
  ManifestTest() : directory_(testing::TempDir() + testing::UnitTest::GetInstance()->current_test_info()->name()) {
    std::filesystem::create_directories(directory_);
  }
  ~ManifestTest() override { std::filesystem::remove_all(directory_); }

  Manifest Read(const std::string& text) {
    std::ofstream(directory_ + "/manifest.json") << text;
    return Manifest::Read(directory_);
  }
  // Returns the error, without the file's path, of reading the good manifest with one place replaced.
  std::string ErrorWith(const std::string& from, const std::string& to) {
    std::string text = kGood;
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return ErrorOf(text.replace(at, from.size(), to));
  }
  std::string ErrorOf(const std::string& text) {
    try {
      Read(text);
    } catch (const std::runtime_error& error) {
      const std::string what = error.what(), prefix = directory_ + "/manifest.json: ";
      EXPECT_TRUE(what.starts_with(prefix)) << what;
      EXPECT_EQ(what.find('\n'), std::string::npos);
      return what.substr(prefix.size());
    }
    return "no error";
  }

  std::string directory_;
};

TEST_F(ManifestTest, AFileOfTheUsersOwnHasItsRules) {
  const Manifest manifest = Read(R"({"schema": 1, "models": {},
    "files": {"net.own.pth": {"format": "legacy", "layout": "own", "size": 1, "sha256": "ab", "made": "a copy",
                              "models": [{"model": "net", "key": "model"}], "prefixes": ["module.", "net."],
                              "rename": [["^a", "b"], ["c$", "d"]], "only": "^b", "skip": "x",
                              "loaded": ["b.weight"]},
              "net.zip.bare.pth": {"format": "zip", "layout": "bare", "size": 1, "sha256": "ab", "made": "torch.save",
                                   "models": [{"model": "net", "key": ""}]}},
    "not_made": {"net.torchscript.bare.pt": {"model": "net", "format": "torchscript", "layout": "bare",
                                             "reason": "it cannot be traced"}}})");
  const ManifestFile* own = manifest.FindFile("net", "legacy", kOwnLayout);
  ASSERT_NE(own, nullptr);
  EXPECT_EQ(own->rules, (KeyRules{{"module.", "net."}, {{"^a", "b"}, {"c$", "d"}}, "^b", "x"}));
  EXPECT_EQ(own->loaded, std::vector<std::string>{"b.weight"});
  EXPECT_TRUE(manifest.FindFile("net", "zip", "bare")->rules.empty());
  ASSERT_NE(manifest.FindNotMade("net", "torchscript", "bare"), nullptr);
  EXPECT_EQ(manifest.FindNotMade("net", "torchscript", "bare")->reason, "it cannot be traced");
  EXPECT_EQ(manifest.FindNotMade("net", "pt2", "bare"), nullptr);
  EXPECT_EQ(ErrorWith(R"("plain_dict": "linear_model.dict.pth")", R"("rename": [["a"]])"),
            "file \"linear_model.pth\" has a \"rename\" of another type, array");
}

TEST_F(ManifestTest, AFileStaysInTheFolder) {
  for (const char* name : {"../../etc/passwd", "/etc/passwd", "a/../../b", ""}) {
    EXPECT_EQ(ErrorWith("\"linear_model.dict.pth\"", "\"" + std::string(name) + "\""),
              std::string(name).empty()
                  ? "no error"
                  : "file \"linear_model.pth\" is not the name of a file in the folder: \"" + std::string(name) + "\"");
    EXPECT_EQ(ErrorWith("\"linear.golden.1.safetensors\"", "\"" + std::string(name) + "\""),
              "model \"linear\" is not the name of a file in the folder: \"" + std::string(name) + "\"");
  }
}

TEST_F(ManifestTest, WhatTheCasesCountOnIsThere) {
  EXPECT_EQ(ErrorWith(R"([{"model": "linear", "key": "model_state_dict"}])", "[]"),
            "file \"linear_model.pth\" has no models");
  EXPECT_EQ(ErrorWith(R"({"1": "linear.golden.1.safetensors", "32": "linear.golden.32.safetensors"})", "{}"),
            "model \"linear\" has no goldens");
  EXPECT_EQ(ErrorWith(R"("layout": "multi", "size": 3, "sha256": "cd", "made": "torch.save",
                        "models": [{"model": "multi:A")",
                      R"("layout": "nested", "size": 3, "sha256": "cd", "made": "torch.save",
                        "models": [{"model": "linear")"),
            "file \"multi_model.pth\" is zip/nested of linear, as \"linear_model.pth\" is");
}

TEST_F(ManifestTest, IsReadWhole) {
  const Manifest manifest = Read(kGood);
  ASSERT_EQ(manifest.files().size(), 2u);
  const ManifestFile* file = manifest.FindFile("linear", "zip", "nested");
  ASSERT_NE(file, nullptr);
  EXPECT_EQ(file->name, "linear_model.pth");
  EXPECT_EQ(file->size, 2277u);
  EXPECT_EQ(file->sha256, "ab");
  EXPECT_EQ(file->plain_dict, "linear_model.dict.pth");
  EXPECT_EQ(file->models.front().second, "model_state_dict");
  EXPECT_EQ(manifest.PathOf(file->name), directory_ + "/linear_model.pth");
  EXPECT_EQ(manifest.FindFile("linear", "zip", "bare"), nullptr);
  EXPECT_EQ(manifest.FindFile("multi:A", "zip", "multi"), manifest.FindFile("multi:B", "zip", "multi"));
  const ManifestModel* model = manifest.FindModel("linear");
  ASSERT_NE(model, nullptr);
  EXPECT_EQ(model->rtol, 1.3e-6);
  EXPECT_EQ(model->atol, 1e-5);
  EXPECT_EQ(model->why, "the defaults");
  EXPECT_EQ(model->tensors.at("linear.weight").shape, (std::vector<std::int64_t>{2, 10}));
  EXPECT_EQ(model->tensors.at("linear.weight").sha256, "ef");
  EXPECT_EQ(model->goldens.at(32), "linear.golden.32.safetensors");
  EXPECT_EQ(manifest.FindModel("nosuch"), nullptr);
  ASSERT_NE(manifest.FindProgram("linear"), nullptr);
  EXPECT_EQ(manifest.FindProgram("linear")->name, "linear.aoti.pt2");
  EXPECT_EQ(manifest.FindProgram("multi:A"), nullptr);
}

TEST_F(ManifestTest, SaysWhereItIsWrong) {
  EXPECT_EQ(ErrorOf("{"), "is not JSON");
  EXPECT_EQ(ErrorOf(std::string(200'000, '[')), "nests deeper than 8");
  EXPECT_EQ(ErrorOf("[]"), "is not a JSON object");
  EXPECT_EQ(ErrorOf("{}"), "has no \"schema\"");
  EXPECT_EQ(ErrorWith("\"schema\": 1", "\"schema\": 2"),
            "has schema 2, and only schema 1 is read: make it anew by scripts/generate_checkpoints.py");
  EXPECT_EQ(ErrorWith("\"schema\": 1", "\"schema\": \"1\""), "has a \"schema\" of another type, string");
  EXPECT_EQ(ErrorWith("\"files\": {", "\"filez\": {"), "has no \"files\"");
  EXPECT_EQ(ErrorWith("\"size\": 2277, ", ""), "file \"linear_model.pth\" has no \"size\"");
  EXPECT_EQ(ErrorWith("\"key\": \"a\"", "\"key\": 1"),
            "file \"multi_model.pth\" has a \"key\" of another type, number");
  EXPECT_EQ(ErrorWith("1.3e-6", "\"small\""), "model \"linear\" has a \"rtol\" of another type, string");
  EXPECT_EQ(ErrorWith("\"sha256\": \"ef\"", "\"sha\": \"ef\""),
            "model \"linear\" tensor \"linear.weight\" has no \"sha256\"");
  EXPECT_EQ(ErrorWith("\"32\": ", "\"32x\": "), "model \"linear\" has a golden for \"32x\", which is not a batch size");
  EXPECT_EQ(ErrorWith("\"32\": ", "\"many\": "),
            "model \"linear\" has a golden for \"many\", which is not a batch size");
  EXPECT_EQ(ErrorWith("[2, 10]", "3"),
            "model \"linear\" tensor \"linear.weight\" has a \"shape\" of another type, number");
}

TEST_F(ManifestTest, SaysThatThereIsNone) {
  try {
    Manifest::Read(directory_ + "/nosuch");
    FAIL();
  } catch (const std::runtime_error& error) {
    EXPECT_EQ(std::string(error.what()), directory_ + "/nosuch/manifest.json: cannot be opened");
  }
}

}  // namespace
}  // namespace loadpath
