// TorchScript, torch::save of C++, torch.export and whole pickled modules against PyTorch itself, over everything that
// make_archives.py wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/base/sha256.h"
#include "harness/base/text.h"
#include "loadpath/checkpoint.h"
#include "tests/checkpoint/describe.h"

namespace loadpath {
namespace {

using nlohmann::json;

const std::string kDirectory = LOADPATH_ARCHIVES;

const json& Expected() {
  static const json expected = json::parse(std::ifstream(kDirectory + "/expected.json"));
  return expected;
}

std::shared_ptr<const Checkpoint> Open(const std::string& name, bool opaque = false) {
  return Checkpoint::Open(kDirectory + "/" + name, {.opaque = opaque});
}

// Every tensor below `from` as make_corpus.py describes it.
json Tensors(const Checkpoint& checkpoint, NodeId from) {
  json tensors = json::array();
  std::map<StorageId, int> groups;
  for (const TensorPath& entry : ListTensors(checkpoint.tree(), from)) {
    const TensorView& view = checkpoint.tree().tensor(entry.node);
    const bool empty = checkpoint.storages()[view.storage].nbytes == 0;
    tensors.push_back(
        {{"path", entry.path},
         {"dtype", Name(view.dtype)},
         {"shape", view.shape},
         {"stride", view.stride},
         {"group", empty ? -1 : groups.emplace(view.storage, static_cast<int>(groups.size())).first->second},
         {"storage_offset", view.storage_offset},
         {"requires_grad", view.requires_grad},
         {"parameter", view.parameter},
         {"sha256", Sha256(ReadTensor(checkpoint, view))}});
  }
  return tensors;
}

class Archives : public ::testing::TestWithParam<std::string> {};

TEST_P(Archives, StateIsThatOfPyTorch) {
  const json& expected = Expected().at(GetParam());
  const auto checkpoint = Open(GetParam(), expected["opaque"]);
  EXPECT_EQ(checkpoint->format(), expected["format"].get<std::string>());
  json actual = Tensors(*checkpoint, checkpoint->tree().root()), wanted = expected["tensors"];
  for (json* side : {&actual, &wanted}) {
    for (json& tensor : *side) {
      // TorchScript has no class for parameters: torch.jit.load gives plain tensors.
      if (expected["format"] == "torchscript" || expected["format"] == "cpp") tensor.erase("parameter");
    }
  }
  ASSERT_EQ(actual.size(), wanted.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_EQ(actual[i], wanted[i]);
}

// Several threads, whole storages, and where Locate says that they lie.
TEST_P(Archives, EveryWayOfReadingGivesTheSameBytes) {
  const auto checkpoint = Open(GetParam(), Expected().at(GetParam())["opaque"]);
  std::ifstream file(checkpoint->path(), std::ios::binary);
  for (StorageId id = 0; id < checkpoint->storages().size(); ++id) {
    std::vector<std::byte> bytes(checkpoint->storages()[id].nbytes), again(bytes.size());
    const ReadJob job{id, 0, bytes};
    const ReadReport report = checkpoint->Read({&job, 1}, {2, CrcMode::kOn});
    EXPECT_EQ(report.crc[0], checkpoint->format() == "legacy" ? CrcStatus::kNotWritten : CrcStatus::kChecked);
    const std::optional<Extent> extent = checkpoint->Locate(id);
    ASSERT_TRUE(extent.has_value());
    ASSERT_EQ(extent->length, bytes.size());
    file.seekg(static_cast<std::streamoff>(extent->offset));
    file.read(reinterpret_cast<char*>(again.data()), static_cast<std::streamsize>(again.size()));
    EXPECT_EQ(bytes, again) << id;
  }
}

std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& [name, entry] : Expected().items()) files.push_back(name);
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, Archives, ::testing::ValuesIn(Files()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

NodeId Attribute(const Tree& tree, NodeId node, std::string_view name) {
  return tree.Find(tree.attributes(node), name);
}

TEST(TorchScript, FurtherAttributesHangAtTheStateDict) {
  const auto checkpoint = Open("scripted.pt");
  const Tree& tree = checkpoint->tree();
  const NodeId attributes = Attribute(tree, tree.root(), "attributes");
  ASSERT_NE(attributes, kNoNode);
  std::vector<std::string> texts;
  for (const std::string_view name : {"a.plain", "a.count", "a.names", "a.device", "a.pair", "a.z"}) {
    texts.push_back(tree.ShortText(tree.Find(attributes, name)));
  }
  EXPECT_THAT(texts, ::testing::ElementsAre("<float32 tensor of [2]>", "3", "<list of 2>", "cpu", "(1, 'x')", "2j"));
}

TEST(TorchScript, AFrozenModuleIsSaidToBeOne) {
  for (const std::string& name : Files()) {
    std::vector<std::string> wanted;
    if (name == "frozen.pt") {
      wanted = {
          "the state_dict is empty, and 10 tensors of 136 bytes are constants of the code. torch.jit.freeze makes them "
          "of the weights: load what was saved before it"};
    }
    EXPECT_THAT(Open(name, Expected()[name]["opaque"])->warnings(), ::testing::ElementsAreArray(wanted)) << name;
  }
}

TEST(TorchExport, ConstantsHangAtTheStateDict) {
  const auto checkpoint = Open("constants.pt2");
  const json expected = json::parse(std::ifstream(kDirectory + "/constants.json"));
  const NodeId constants = Attribute(checkpoint->tree(), checkpoint->tree().root(), "constants");
  ASSERT_NE(constants, kNoNode);
  json actual = Tensors(*checkpoint, constants);
  ASSERT_EQ(actual.size(), expected.size());
  ASSERT_GE(actual.size(), 2u);
  for (std::size_t i = 0; i < actual.size(); ++i) {
    for (const char* field : {"path", "dtype", "shape", "stride", "sha256"})
      EXPECT_EQ(actual[i][field], expected[i][field]);
  }
}

TEST(Opaque, ModulesKeepTheNameOfTheirClassAndHaveNoMetadata) {
  for (const std::string name : {"whole_net.zip.p2.pth", "whole_net.legacy.p2.pth"}) {
    const auto checkpoint = Open(name, true);
    const Tree& tree = checkpoint->tree();
    EXPECT_EQ(tree.kind(tree.root()), NodeKind::kOrderedDict);
    EXPECT_EQ(tree.text(Attribute(tree, tree.root(), "class")), "a_project.models.Net");
    EXPECT_EQ(Attribute(tree, tree.root(), "_metadata"), kNoNode);
  }
}

std::string Listed(const Checkpoint& checkpoint) {
  std::string text;
  for (const TensorPath& entry : ListTensors(checkpoint.tree(), checkpoint.tree().root())) {
    text += DottedPath(entry.path) + " " + checkpoint.tree().ShortText(entry.node) + "\n";
  }
  return text;
}

TEST(Opaque, OtherObjectsAreInertAndTheirTensorsAreListed) {
  const auto checkpoint = Open("odd_objects.pth", true);
  const Tree& tree = checkpoint->tree();
  EXPECT_EQ(Listed(*checkpoint),
            "custom.w <float32 tensor of [2]>\n"
            "holder.state.tensor <int64 tensor of [3]>\n"
            "default.1.w.0 <float32 tensor of [1]>\n"
            "attributed.w <float32 tensor of [3]>\n"
            "attributed.state.w <float32 tensor of [3]>\n"
            "names.0 <float32 tensor of [4]>\n"
            "inner.deep.a.b <float32 tensor of [5]>\n");
  std::vector<std::string> types;
  for (const std::string_view key : {"custom", "holder", "default", "attributed", "names"})
    types.push_back(tree.TypeText(tree.Find(tree.root(), key)));
  EXPECT_THAT(types,
              ::testing::ElementsAre("<class 'a_project.models.Custom'>", "<class 'a_project.models.Holder'>",
                                     "<class 'collections.defaultdict'>", "<class 'a_project.models.Attributed'>",
                                     "<class 'a_project.models.Names'>"));
}

// A subclass of dict reads as the dict that it is: its items stand under their own keys.
TEST(Opaque, AFilledObjectIsAContainerOfItsClass) {
  const auto checkpoint = Open("odd_objects.pth", true);
  const Tree& tree = checkpoint->tree();
  const NodeId custom = tree.Find(tree.root(), "custom"), names = tree.Find(tree.root(), "names");
  EXPECT_TRUE(tree.IsDict(custom));
  EXPECT_EQ(tree.class_name(custom), "a_project.models.Custom");
  EXPECT_EQ(tree.class_name(names), "a_project.models.Names");
  EXPECT_EQ(tree.class_name(tree.root()), "");
  EXPECT_EQ(FollowKeyPath(*checkpoint, "custom.w"), tree.Find(custom, "w"));
  EXPECT_EQ(FollowKeyPath(*checkpoint, "names.0"), tree.items(names)[0]);
  EXPECT_EQ(tree.ShortText(FollowKeyPath(*checkpoint, "attributed.rate")), "0.5");
}

TEST_P(Archives, EveryPathThatIsListedCanBeFollowed) {
  const auto checkpoint = Open(GetParam(), Expected().at(GetParam())["opaque"]);
  ExpectPathsFollow(*checkpoint);
}

TEST(Opaque, EveryPathThatIsListedCanBeFollowed) { ExpectPathsFollow(*Open("odd_objects.pth", true)); }

TEST(Opaque, WithoutItTheRefusalNamesTheClassAndSaysWhatToDo) {
  for (const std::string name : {"whole_net.zip.p2.pth", "whole_net.legacy.p2.pth"}) {
    try {
      Open(name);
      ADD_FAILURE() << name << " was read";
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.code(), ErrorCode::kForbiddenGlobal);
      EXPECT_EQ(error.sentence(),
                "names a_project.models.Net, which is not on PyTorch's weights_only list (Unsupported global)");
      EXPECT_EQ(error.advice(), "the option opaque (--opaque) reads it as an inert object");
      EXPECT_TRUE(std::string(error.what()).ends_with(": " + error.advice())) << error.what();
    }
  }
}

}  // namespace
}  // namespace loadpath
