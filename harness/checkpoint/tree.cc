#include "loadpath/tree.h"

#include <algorithm>

#include "harness/base/error.h"
#include "harness/checkpoint/limits.h"
#include "harness/checkpoint/tree_memory.h"

namespace loadpath {
namespace {

std::uint64_t StepsOf(const std::string& element) { return 1 + element.size() / 4; }

}  // namespace

std::int64_t TensorView::numel() const {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return 0;
  std::int64_t product = 1;
  for (const std::int64_t size : shape) product *= size;
  return product;
}

bool TensorView::IsContiguous() const {
  std::int64_t expected = 1;
  if (numel() == 0) return true;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i] == 1) continue;
    if (stride[i] != expected) return false;
    expected *= shape[i];
  }
  return true;
}

bool Tree::IsDict(NodeId id) const {
  return kind(id) == NodeKind::kDict || kind(id) == NodeKind::kOrderedDict || kind(id) == NodeKind::kCounter;
}

bool Tree::IsSequence(NodeId id) const {
  return kind(id) == NodeKind::kList || kind(id) == NodeKind::kTuple || kind(id) == NodeKind::kSize;
}

std::string_view Tree::text(NodeId id) const {
  const Node& node = nodes_[id];
  // In a node of any other kind the file's numbers stand where the pointer and the size would be.
  switch (node.kind) {
    case NodeKind::kString:
    case NodeKind::kName:
    case NodeKind::kBytes:
    case NodeKind::kByteArray:
    case NodeKind::kBigInt:
      return {node.data, node.size};
    case NodeKind::kObject:
      return node.data;  // ends with a NUL; its size counts the arguments
    default:
      return {};
  }
}

std::string_view Tree::class_name(NodeId id) const {
  const bool container = kind(id) == NodeKind::kDict || kind(id) == NodeKind::kList || kind(id) == NodeKind::kSet;
  return container && nodes_[id].data != nullptr ? std::string_view(nodes_[id].data) : std::string_view();
}

bool Tree::HasState(NodeId id) const {
  return attributes(id) != kNoNode && (kind(id) == NodeKind::kObject || !class_name(id).empty());
}

bool Tree::IsOtherTensor(NodeId id) const {
  if (kind(id) == NodeKind::kStorage) return true;
  return kind(id) == NodeKind::kObject &&
         (text(id).starts_with("torch._utils._rebuild_") || text(id).starts_with("torch._tensor._rebuild_"));
}

bool Tree::IsContainer(NodeId id) const {
  switch (kind(id)) {
    case NodeKind::kList:
    case NodeKind::kTuple:
    case NodeKind::kSize:
    case NodeKind::kSet:
    case NodeKind::kFrozenSet:
    case NodeKind::kDict:
    case NodeKind::kOrderedDict:
    case NodeKind::kCounter:
    case NodeKind::kObject:
      return true;
    default:
      return false;
  }
}

std::span<const NodeId> Tree::items(NodeId id) const {
  if (!IsContainer(id)) return {};
  return children_.subspan(nodes_[id].index, nodes_[id].size);
}

NodeId Tree::Find(NodeId dict, std::string_view key) const {
  if (!IsDict(dict)) return kNoNode;
  const std::span<const NodeId> pairs = items(dict);
  for (std::size_t i = 0; i < pairs.size(); i += 2) {
    if (kind(pairs[i]) == NodeKind::kString && text(pairs[i]) == key) return pairs[i + 1];
  }
  return kNoNode;
}

std::uint64_t Tree::WalkLimit() const {
  std::uint64_t bytes = memory_->pickle.size();
  for (const std::string& text : memory_->owned) bytes += text.size();
  return limits::kWalkSteps + 16 * nodes_.size() + bytes;
}

void Tree::Walk(NodeId from,
                const std::function<bool(const std::vector<std::string>& path, NodeId node)>& visit) const {
  struct Level {
    NodeId node;
    std::size_t next = 0;
    bool state = false;  // an inert object's state comes behind its arguments or items
  };
  std::vector<Level> levels;
  std::vector<std::string> path;
  std::vector<bool> inside(nodes_.size());
  std::uint64_t steps = 0;
  const std::uint64_t limit = WalkLimit();
  const auto enter = [&](NodeId node) {
    steps += path.empty() ? 1 : StepsOf(path.back());
    if (steps > limit) {
      throw CheckpointError(ErrorCode::kLimitExceeded, file_,
                            "has values that hold each other so often that they cannot be listed");
    }
    const bool wanted = visit(path, node);
    const bool has_items = !items(node).empty() || HasState(node);
    if (!wanted || !has_items || inside[node]) return false;
    inside[node] = true;
    levels.push_back({node});
    return true;
  };
  enter(from);
  while (!levels.empty()) {
    Level& level = levels.back();
    const std::span<const NodeId> children = items(level.node);
    const std::size_t width = IsDict(level.node) ? 2 : 1;
    if (level.next < children.size()) {
      const std::size_t i = level.next;
      level.next += width;
      path.push_back(width == 2 ? KeyText(children[i]) : std::to_string(i));
      if (!enter(children[i + width - 1])) path.pop_back();
    } else if (HasState(level.node) && !level.state) {
      level.state = true;
      path.emplace_back("state");
      if (!enter(attributes(level.node))) path.pop_back();
    } else {
      inside[level.node] = false;
      levels.pop_back();
      if (!levels.empty()) path.pop_back();
    }
  }
}

std::vector<TensorPath> ListTensors(const Tree& tree, NodeId from) {
  std::vector<TensorPath> tensors;
  std::uint64_t steps = 0;
  const std::uint64_t limit = tree.WalkLimit();
  tree.Walk(from, [&](const std::vector<std::string>& path, NodeId node) {
    if (tree.kind(node) == NodeKind::kTensor) {
      for (const std::string& element : path) steps += StepsOf(element);
      if (steps > limit) {
        throw CheckpointError(
            ErrorCode::kLimitExceeded, tree.file(),
            "has so many tensors at such a depth, or under such long keys, that they cannot be listed");
      }
      tensors.push_back({path, node});
    }
    return true;
  });
  return tensors;
}

}  // namespace loadpath
