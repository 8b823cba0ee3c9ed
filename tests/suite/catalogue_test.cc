#include "harness/suite/catalogue.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

#include "harness/base/error.h"
#include "harness/load/load_path.h"
#include "harness/suite/case_kinds.h"
#include "harness/suite/selection.h"
#include "models/models.h"

namespace loadpath {
namespace {

using testing::Contains;
using testing::Each;
using testing::Not;

const std::vector<DeviceName> kCpu = {{DeviceKind::kCpu}};
const std::vector<DeviceName> kAllDevices = {{DeviceKind::kCpu}, {DeviceKind::kCuda}};
const std::vector<CacheState> kAllCaches = {CacheState::kHot, CacheState::kCold};

std::vector<Case> Everything() { return Catalogue({Models(), kAllDevices, kAllCaches, {}}); }

Model Named(std::string_view name, bool usual = true) {
  Model model;
  model.name = name;
  model.batches = {1};
  model.usual = usual;
  return model;
}

std::vector<std::string> NamesOf(const std::vector<Case>& cases) {
  std::vector<std::string> names;
  for (const Case& one : cases) names.push_back(one.name());
  return names;
}

std::set<CaseKind> KindsOf(const std::vector<Case>& cases) {
  std::set<CaseKind> kinds;
  for (const Case& one : cases) kinds.insert(one.kind);
  return kinds;
}

TEST(Catalogue, NoTwoCasesHaveOneName) {
  const auto names = NamesOf(Everything());
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
}

TEST(Catalogue, EveryKindHasCases) {
  EXPECT_EQ(KindsOf(Everything()).size(), kNames<CaseKind>.size());
  for (const CaseKindRow& row : CaseKindRows()) EXPECT_TRUE(row.form.starts_with(Name(row.kind))) << row.form;
}

TEST(Catalogue, HasOnlyTheModelsThatItIsGiven) {
  const auto cases = Catalogue({Models().first(1), kCpu, {CacheState::kHot}, {}});
  for (const Case& one : cases) {
    EXPECT_TRUE(one.kind == CaseKind::kLimit || one.model == Models().front().name) << one.name();
  }
  EXPECT_EQ(KindsOf(cases).size(), kNames<CaseKind>.size());
}

TEST(Catalogue, AFileOfTheUsersOwnIsLoadedByEveryPath) {
  const std::vector<Model> own = {Named("mine")};
  const auto names = NamesOf(Catalogue({own, kCpu, {CacheState::kHot}, {}, {{"mine", "legacy"}, {"other", "zip"}}}));
  for (const LoadPath& path : LoadPaths()) {
    EXPECT_THAT(names, Contains("load/mine/legacy/own/" + std::string(path.name) + "/cpu/hot"));
    EXPECT_THAT(names, Contains("startup/mine/legacy/own/" + std::string(path.name) + "/cpu/hot"));
  }
  EXPECT_THAT(names, Each(Not(testing::HasSubstr("other"))));
}

TEST(Catalogue, TwoModelsOfOneFileAreLoadedByOneCase) {
  const auto cases = Everything();
  const auto found = std::ranges::find(cases, "load/multi:A+B/zip/multi:once/direct/cpu/hot", &Case::name);
  ASSERT_NE(found, cases.end());
  EXPECT_EQ(found->models, (std::vector<std::string>{"multi:A", "multi:B"}));
  EXPECT_EQ(found->file_layout, "multi");
  EXPECT_TRUE(found->opened_once);
}

TEST(Catalogue, FilesOfTheUsersOwnReplaceTheModels) {
  const auto cases = Catalogue({Models(), kCpu, {CacheState::kHot}, {{"some/mine.pth", "a.b"}}});
  EXPECT_EQ(KindsOf(cases), (std::set{CaseKind::kLimit, CaseKind::kLoad}));
  EXPECT_THAT(NamesOf(cases), Contains("load/mine/file/mine.pth::a.b/direct/cpu/hot"));
}

TEST(Catalogue, FilesWithOneNameAreToldApart) {
  const auto cases =
      Catalogue({Models(), kCpu, {CacheState::kHot}, {{"a/mine.pth", ""}, {"b/mine.pth", ""}, {"b/mine.pth", "key"}}});
  const auto names = NamesOf(cases);
  EXPECT_EQ(std::set(names.begin(), names.end()).size(), names.size());
  EXPECT_THAT(names, Contains("load/mine/file/a/mine.pth/direct/cpu/hot"));
  EXPECT_THAT(names, Contains("load/mine/file/b/mine.pth::key/direct/cpu/hot"));
}

TEST(Case, IsTheSameAfterAWayThroughJson) {
  auto cases = Everything();
  cases.push_back({.kind = CaseKind::kLoad,
                   .path = "copy",
                   .device = DeviceName{DeviceKind::kCuda, 1},
                   .checkpoint = UserCheckpoint{"a \"file\"", "key"}});
  for (const Case& one : cases) EXPECT_EQ(CaseFromJson(CaseToJson(one)), one) << one.name();
}

TEST(Case, NothingElseIsTakenForOne) {
  for (const char* text : {"", "[]", "{}", R"({"case":"nosuch"})"})
    EXPECT_THROW(CaseFromJson(text), UsageError) << text;
}

TEST(Case, OfAKindWithoutARowIsRefused) {
  Session session(Models(), "no/such/folder", /*quick=*/true);
  const Case one{.kind = static_cast<CaseKind>(77), .path = "memcpy", .threads = 1};
  EXPECT_THROW(MakeRun(one, session), std::logic_error);
}

TEST(Select, AFilterFindsNamesAndAMinusTurnsItRound) {
  const auto cases = Everything();
  EXPECT_THAT(NamesOf(Select("^load/linear/zip/nested/direct/cpu/hot$", cases)),
              testing::ElementsAre("load/linear/zip/nested/direct/cpu/hot"));
  EXPECT_EQ(KindsOf(Select("-^(load|startup|limit)/", cases)), std::set{CaseKind::kForward});
}

TEST(Select, StartupCasesNeedAFilterThatAsksForThem) {
  const auto cases = Everything();
  EXPECT_THAT(KindsOf(Select("/linear/", cases)), Not(Contains(CaseKind::kStartup)));
  EXPECT_EQ(KindsOf(Select("^startup/linear/", cases)), std::set{CaseKind::kStartup});
  EXPECT_EQ(Select(".", cases).size(), cases.size());
}

TEST(Select, WithoutAFilterTheUsersFilesAreChosenAlone) {
  const auto cases = Catalogue({Models(), kCpu, {CacheState::kHot}, {{"mine.pth", ""}}});
  EXPECT_EQ(Select("", cases).size(), LoadPaths().size());
  EXPECT_EQ(Select("/direct/", cases).size(), 1U);
}

TEST(Select, WithoutAFilterTheUsualModelsAreChosen) {
  std::set<std::string> models;
  for (const Case& one : Select("", Everything(), "bench", Models())) models.insert(one.model);
  EXPECT_EQ(models, (std::set<std::string>{"", "linear", "custom", "multi:A", "multi:B", "multi:A+B", "crepe:full"}));
  const std::vector<Model> own = {Named("mine"), Named("large", /*usual=*/false)};
  models.clear();
  for (const Case& one : Select("", Catalogue({own, kCpu, {CacheState::kHot}, {}}), "mine", own)) {
    models.insert(one.model);
    EXPECT_NE(one.kind, CaseKind::kStartup);
  }
  EXPECT_EQ(models, (std::set<std::string>{"", "mine"}));
}

TEST(Select, AFilterThatMatchesNothingIsBadUse) {
  EXPECT_THAT([] { Select("lod/linear", Everything()); },
              testing::ThrowsMessage<UsageError>(testing::HasSubstr("did you mean load/linear?")));
  EXPECT_THROW(Select("(", Everything()), UsageError);
}

}  // namespace
}  // namespace loadpath
