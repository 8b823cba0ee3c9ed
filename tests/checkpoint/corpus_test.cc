// The reader against PyTorch itself, over everything that make_corpus.py wrote.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>

#include "harness/checkpoint/checkpoint.h"
#include "harness/checkpoint/sha256.h"

namespace loadpath {
namespace {

using nlohmann::json;

const std::string kDirectory = LOADPATH_CORPUS;

const json& Expected() {
  static const json expected = json::parse(std::ifstream(kDirectory + "/expected.json"));
  return expected;
}

class Corpus : public ::testing::TestWithParam<std::string> {
 protected:
  std::shared_ptr<const Checkpoint> checkpoint_ = Checkpoint::Open(kDirectory + "/" + GetParam());
  const json& expected_ = Expected().at(GetParam());
};

// A storage's number by first mention, as make_corpus.py counts them: -1 for one without bytes.
class Groups {
 public:
  int Of(const Checkpoint& checkpoint, StorageId storage) {
    if (checkpoint.storages()[storage].nbytes == 0) return -1;
    return numbers_.emplace(storage, static_cast<int>(numbers_.size())).first->second;
  }

 private:
  std::map<StorageId, int> numbers_;
};

TEST_P(Corpus, TensorsAreThoseOfTorchLoad) {
  EXPECT_EQ(checkpoint_->format(), expected_["format"].get<std::string>());
  EXPECT_EQ(checkpoint_->byteorder(), expected_["byteorder"].get<std::string>());
  const bool flat = expected_["format"] == "safetensors";
  json actual = json::array();
  Groups groups;
  for (const TensorPath& entry : ListTensors(checkpoint_->tree(), checkpoint_->tree().root())) {
    const TensorView& view = checkpoint_->tree().tensor(entry.node);
    actual.push_back({{"path", entry.path},
                      {"dtype", Name(view.dtype)},
                      {"shape", view.shape},
                      {"stride", view.stride},
                      {"group", groups.Of(*checkpoint_, view.storage)},
                      {"storage_offset", view.storage_offset},
                      {"requires_grad", view.requires_grad},
                      {"parameter", view.parameter},
                      {"sha256", Sha256(ReadTensor(*checkpoint_, view))}});
    // The Python package hands out every tensor with a storage of its own.
    if (flat) actual.back()["group"] = expected_["tensors"][actual.size() - 1]["group"];
  }
  ASSERT_EQ(actual.size(), expected_["tensors"].size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_EQ(actual[i], expected_["tensors"][i]);
}

TEST_P(Corpus, ValuesAreThoseOfTorchLoad) {
  const Tree& tree = checkpoint_->tree();
  json actual = json::array();
  std::vector<NodeId> inside;
  tree.Walk(tree.root(), [&](const std::vector<std::string>& path, NodeId node) {
    inside.resize(std::min(inside.size(), path.size()));
    const bool again = std::find(inside.begin(), inside.end(), node) != inside.end();
    inside.push_back(node);
    const NodeKind kind = tree.kind(node);
    if (kind == NodeKind::kTensor) return true;
    std::string text = tree.ShortText(node);
    if (again) text = "<inside itself>";
    if (!again && (tree.IsDict(node) || tree.IsSequence(node))) {
      text = "<" + std::to_string(tree.items(node).size() / (tree.IsDict(node) ? 2 : 1)) + ">";
    }
    if (kind == NodeKind::kSet || kind == NodeKind::kFrozenSet) {
      std::vector<std::string> items;
      for (const NodeId item : tree.items(node)) items.push_back(tree.ShortText(item));
      std::sort(items.begin(), items.end());
      text.clear();
      for (const std::string& item : items) text += (text.empty() ? "" : ",") + item;
    }
    actual.push_back({path, tree.TypeText(node), text});
    return kind != NodeKind::kSet && kind != NodeKind::kFrozenSet;
  });
  // `_metadata` hangs at the dict, not in it.
  json expected = json::array();
  for (const json& value : expected_["values"]) {
    if (value[0].empty() || value[0].back() != "_metadata") {
      expected.push_back(value);
      continue;
    }
    NodeId node = tree.root();
    for (std::size_t i = 0; i + 1 < value[0].size(); ++i) node = tree.Find(node, value[0][i].get<std::string>());
    ASSERT_NE(tree.attributes(node), kNoNode);
    const NodeId metadata = tree.Find(tree.attributes(node), "_metadata");
    ASSERT_NE(metadata, kNoNode);
    EXPECT_EQ(tree.TypeText(metadata), value[1].get<std::string>());
    std::string keys;
    for (std::size_t i = 0; i < tree.items(metadata).size(); i += 2) {
      keys += (i == 0 ? "" : ",") + std::string(tree.text(tree.items(metadata)[i]));
    }
    EXPECT_EQ(keys, value[2].get<std::string>());
  }
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_EQ(actual[i], expected[i]);
}

// Every storage read whole at once, by one and by two threads, plainly and where Locate says that it lies.
TEST_P(Corpus, EveryWayOfReadingGivesTheSameBytes) {
  std::vector<std::vector<std::byte>> first;
  for (const int threads : {1, 2}) {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<ReadJob> jobs;
    for (const Storage& storage : checkpoint_->storages()) bytes.emplace_back(storage.nbytes);
    for (StorageId id = 0; id < bytes.size(); ++id) jobs.push_back({id, 0, bytes[id]});
    const ReadReport report = checkpoint_->Read(jobs, {threads, CrcMode::kOn});
    std::uint64_t checked = 0, all = 0;
    for (StorageId id = 0; id < bytes.size(); ++id) {
      all += bytes[id].size();
      if (report.crc[id] == CrcStatus::kChecked) checked += bytes[id].size();
    }
    EXPECT_EQ(report.bytes_checked, checked);
    const bool written = checkpoint_->format() == "zip" && GetParam() != "nocrc.pth";
    EXPECT_EQ(checked, written ? all : 0);
    if (first.empty()) first = bytes;
    EXPECT_EQ(first, bytes);
  }
  std::ifstream file(kDirectory + "/" + GetParam(), std::ios::binary);
  for (StorageId id = 0; id < first.size(); ++id) {
    const std::optional<Extent> extent = checkpoint_->Locate(id);
    EXPECT_EQ(extent.has_value(), GetParam() != "deflated.pth");
    if (!extent) continue;
    std::vector<std::byte> bytes(extent->length);
    file.seekg(static_cast<std::streamoff>(extent->offset));
    file.read(reinterpret_cast<char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    EXPECT_EQ(bytes, first[id]) << id;
  }
}

std::vector<std::string> Files() {
  std::vector<std::string> files;
  for (const auto& [name, entry] : Expected().items()) files.push_back(name);
  return files;
}

INSTANTIATE_TEST_SUITE_P(Files, Corpus, ::testing::ValuesIn(Files()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
});

}  // namespace
}  // namespace loadpath
