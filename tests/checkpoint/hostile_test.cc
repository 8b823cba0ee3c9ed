// Files that must be refused, each with its exact sentence; and damage of every kind to files that are right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "harness/checkpoint/checkpoint.h"
#include "harness/checkpoint/globals.h"
#include "harness/checkpoint/sha256.h"
#include "tests/checkpoint/memory_file.h"

namespace loadpath {
namespace {

using nlohmann::json;

const std::string kDirectory = LOADPATH_HOSTILE;

// Everything that a file says: format, values as text, every tensor's bytes.
std::string Describe(const std::string& path) {
  const std::shared_ptr<const Checkpoint> checkpoint = Checkpoint::Open(path);
  const Tree& tree = checkpoint->tree();
  std::string text(checkpoint->format());
  tree.Walk(tree.root(), [&](const std::vector<std::string>& place, NodeId node) {
    for (const std::string& element : place) text += "/" + element;
    text += " " + tree.ShortText(node) + "\n";
    if (tree.kind(node) == NodeKind::kTensor) text += Sha256(ReadTensor(*checkpoint, tree.tensor(node))) + "\n";
    return true;
  });
  std::vector<std::byte> whole;
  for (StorageId id = 0; id < checkpoint->storages().size(); ++id) {
    whole.resize(checkpoint->storages()[id].nbytes);
    const ReadJob job{id, 0, whole};
    checkpoint->Read({&job, 1});
    text += Sha256(whole) + "\n";
  }
  return text;
}

TEST(Hostile, EveryFileIsRefusedInItsOwnWords) {
  const json expected = json::parse(std::ifstream(kDirectory + "/expected.json"));
  ASSERT_GT(expected.size(), 150u);
  for (const auto& [name, sentence] : expected.items()) {
    const std::string path = kDirectory + "/" + name;
    try {
      Describe(path);
      ADD_FAILURE() << name << " was read";
    } catch (const CheckpointError& error) {
      EXPECT_EQ(error.sentence(), sentence.get<std::string>()) << name;
      EXPECT_EQ(error.file(), path);
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos) << name;
    }
  }
}

TEST(Hostile, TheAllowListIsPyTorchs) {
  const json expected = json::parse(std::ifstream(kDirectory + "/allowed.json"));
  std::vector<std::string> ours;
  for (std::uint32_t i = 0; i < GlobalCount(); ++i) ours.emplace_back(GlobalAt(i).name);
  EXPECT_THAT(ours, ::testing::UnorderedElementsAreArray(expected.get<std::vector<std::string>>()));
}

// A copy of a right file in memory, to be cut and changed.
class Damaged : public ::testing::TestWithParam<std::string> {
 protected:
  Damaged() {
    std::ifstream file(Path(), std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
  }

  static std::string Path() { return kDirectory + "/" + GetParam(); }

  MemoryFile file_;
  std::string bytes_;
};

TEST_P(Damaged, EveryPrefixIsRefused) {
  ASSERT_FALSE(bytes_.empty());
  for (std::size_t size = 0; size < bytes_.size(); ++size) {
    file_.Write(std::string_view(bytes_).substr(0, size));
    EXPECT_THROW(Describe(file_.path()), CheckpointError) << size;
  }
  file_.Write(bytes_);
  EXPECT_EQ(Describe(file_.path()), Describe(Path()));
}

// A zip file holds a checksum of everything: a changed byte is found, or changes nothing. The other formats have none.
TEST_P(Damaged, EveryChangedByteIsFoundOrHarmless) {
  const std::string right = Describe(Path());
  const bool checked = right.starts_with("zip");
  for (std::size_t i = 0; i < bytes_.size(); ++i) {
    for (const char flip : {'\x01', '\x10', '\x80', '\xff'}) {
      std::string changed = bytes_;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      file_.Write(changed);
      try {
        const std::string text = Describe(file_.path());
        if (checked) {
          EXPECT_EQ(text, right) << "byte " << i << " ^ " << int{flip};
        }
      } catch (const CheckpointError&) {
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Files, Damaged,
                         ::testing::Values("right.zip", "right.legacy", "right.safetensors", "torch.zip", "deflated.zip"),
                         [](const auto& info) { return info.param.substr(0, info.param.find('.')) + "_" + info.param.substr(info.param.find('.') + 1); });

}  // namespace
}  // namespace loadpath
