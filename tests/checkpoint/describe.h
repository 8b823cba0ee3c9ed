#ifndef LOADPATH_TESTS_CHECKPOINT_DESCRIBE_H_
#define LOADPATH_TESTS_CHECKPOINT_DESCRIBE_H_

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "harness/base/sha256.h"
#include "loadpath/checkpoint.h"

namespace loadpath {

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

/// Every tensor, as describe() of make_corpus.py gives them.
inline nlohmann::json DescribeTensors(const Checkpoint& checkpoint) {
  nlohmann::json tensors = nlohmann::json::array();
  Groups groups;
  for (const TensorPath& entry : ListTensors(checkpoint.tree(), checkpoint.tree().root())) {
    const TensorView& view = checkpoint.tree().tensor(entry.node);
    tensors.push_back({{"path", entry.path},
                       {"dtype", Name(view.dtype)},
                       {"shape", view.shape},
                       {"stride", view.stride},
                       {"group", groups.Of(checkpoint, view.storage)},
                       {"storage_offset", view.storage_offset},
                       {"requires_grad", view.requires_grad},
                       {"parameter", view.parameter},
                       {"sha256", Sha256(ReadTensor(checkpoint, view))}});
  }
  return tensors;
}

/// Compares every other value with `described`, the values that describe() of make_corpus.py gives.
inline void ExpectValues(const Tree& tree, const nlohmann::json& described) {
  using nlohmann::json;
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
  for (const json& value : described) {
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
      if (i > 0) keys += ',';
      keys += tree.text(tree.items(metadata)[i]);
    }
    EXPECT_EQ(keys, value[2].get<std::string>());
  }
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) EXPECT_EQ(actual[i], expected[i]);
}

/// Every tensor can be found again by the path under which it is listed, as `--key` and `--print` take it.
inline void ExpectPathsFollow(const Checkpoint& checkpoint) {
  for (const TensorPath& entry : ListTensors(checkpoint.tree(), checkpoint.tree().root())) {
    std::string path;
    for (const std::string& element : entry.path) path += (&element == &entry.path.front() ? "" : ".") + element;
    EXPECT_EQ(FollowKeyPath(checkpoint, path), entry.node) << path;
  }
}

/// The tests of every checkpoint in Folder::path, by the facts in its expected.json.
template <class Folder>
class OfEveryCheckpoint : public ::testing::TestWithParam<std::string> {
 public:
  static const nlohmann::json& Expected() {
    static const nlohmann::json expected = nlohmann::json::parse(std::ifstream(Folder::path + "/expected.json"));
    return expected;
  }
  static std::vector<std::string> Names() {
    std::vector<std::string> names;
    for (const auto& [name, entry] : Expected().items()) names.push_back(name);
    return names;
  }

 protected:
  std::shared_ptr<const Checkpoint> checkpoint_ = Checkpoint::Open(Folder::path + "/" + GetParam());
  const nlohmann::json& expected_ = Expected().at(GetParam());
};

/// Returns a checkpoint's name with all but letters and digits replaced, for INSTANTIATE_TEST_SUITE_P.
inline std::string TestName(const ::testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

}  // namespace loadpath

#endif  // LOADPATH_TESTS_CHECKPOINT_DESCRIBE_H_
