#ifndef LOADPATH_HARNESS_CHECKPOINT_TREE_H_
#define LOADPATH_HARNESS_CHECKPOINT_TREE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "harness/base/huge_pages.h"
#include "harness/checkpoint/dtype.h"

namespace loadpath {

using NodeId = std::uint32_t;
using StorageId = std::uint32_t;
inline constexpr NodeId kNoNode = ~NodeId{0};

enum class NodeKind : std::uint8_t {
  kNone,
  kBool,
  kInt,
  kBigInt,
  kFloat,
  kComplex,
  kString,
  kBytes,
  kByteArray,
  kList,
  kTuple,
  kSize /* torch.Size */,
  kSet,
  kFrozenSet,
  kDict,
  kOrderedDict,
  kCounter,
  kTensor,   ///< a dense tensor; `parameter` where it was saved as torch.nn.Parameter
  kStorage,  ///< a storage saved as itself
  kName,     ///< an allow-listed name as a value: "torch.float32", "torch.strided", a device, a class
  kObject,   ///< an inert named object with arguments and state (sparse or quantised tensors, unknown classes)
};

/// A dense, strided view of a storage. It was checked when the file was opened: every element lies inside the
/// storage, the extents do not overflow, and shape and stride have equal length.
struct TensorView {
  Dtype dtype = Dtype::kFloat32;
  StorageId storage = 0;
  std::int64_t storage_offset = 0;   ///< in elements
  std::vector<std::int64_t> shape;   ///< in elements, each >= 0
  std::vector<std::int64_t> stride;  ///< in elements, each >= 0
  bool requires_grad = false;
  bool parameter = false;  ///< a torch.nn.Parameter
  bool conj = false;       ///< the conjugate bit: elements are the conjugates of the stored ones
  bool neg = false;        ///< the negative bit

  std::int64_t numel() const;
  std::uint64_t nbytes() const { return static_cast<std::uint64_t>(numel()) * ItemSize(dtype); }
  bool IsContiguous() const;  ///< row-major, as PyTorch's is_contiguous()
};

/// The values of a checkpoint, as an arena of nodes addressed by index: no recursion to build, walk or destroy it.
/// Shared and self-referential values are shared nodes.
class Tree {
 public:
  Tree() = default;
  Tree(Tree&&) = default;
  Tree& operator=(Tree&&) = default;
  Tree(const Tree&) = delete;  // nodes point into the pickle's bytes, which the tree keeps
  Tree& operator=(const Tree&) = delete;

  const std::string& file() const { return file_; }  ///< the checkpoint's file, for messages
  NodeId root() const { return root_; }
  std::size_t size() const { return nodes_.size(); }
  NodeKind kind(NodeId id) const { return nodes_[id].kind; }

  bool IsDict(NodeId id) const;      ///< dict, OrderedDict or Counter
  bool IsSequence(NodeId id) const;  ///< list, tuple or torch.Size

  bool boolean(NodeId id) const { return nodes_[id].integer != 0; }
  std::int64_t integer(NodeId id) const { return nodes_[id].integer; }  ///< kInt
  double real(NodeId id) const { return nodes_[id].real; }              ///< kFloat; the real part of kComplex
  double imag(NodeId id) const { return nodes_[id].imag; }              ///< kComplex
  /// kString and kName (UTF-8, where lone surrogates may stand: Python's strings may hold them), kBytes and kByteArray
  /// (raw), kBigInt (decimal), kObject (the allow-listed name that makes it: "torch._utils._rebuild_sparse_tensor").
  std::string_view text(NodeId id) const;

  /// Elements of a sequence or set; key, value, key, value … of a dict; the arguments of a kObject.
  std::span<const NodeId> items(NodeId id) const;
  /// The instance attributes that BUILD gave (OrderedDict's {"_metadata": …}, an object's state), or kNoNode.
  NodeId attributes(NodeId id) const { return nodes_[id].attributes; }

  const TensorView& tensor(NodeId id) const { return tensors_[nodes_[id].index]; }
  StorageId storage(NodeId id) const { return nodes_[id].index; }  ///< kStorage

  /// The value under a text key of a dict, or kNoNode. Linear in the dict's size: for looking up a few names.
  NodeId Find(NodeId dict, std::string_view key) const;

  /// Calls visit(path, node) for `from` and every value below it, in the file's order: path has one element per level,
  /// keys as text (KeyText), positions as numbers in text. `visit` returns whether to enter the value. A value that
  /// stands at two places is visited at both; inside itself it is visited, never entered. Iterative. The number of
  /// places is limited (limits.h): CheckpointError kLimitExceeded.
  void Walk(NodeId from, const std::function<bool(const std::vector<std::string>& path, NodeId node)>& visit) const;

  /// str(key) of Python for a dict's key, as it stands in a path: text as it is, 3 -> "3", None -> "None".
  std::string KeyText(NodeId key) const;
  /// repr(type(value)) of Python: "<class 'collections.OrderedDict'>".
  std::string TypeText(NodeId id) const;
  /// repr(value) of Python for scalars, short for containers ("<dict of 12>"): for people.
  std::string ShortText(NodeId id) const;

 private:
  friend class TreeBuilder;
  struct Node {
    NodeKind kind = NodeKind::kNone;
    std::uint32_t index = 0;  // tensor: into tensors_; storage: its id; containers: into children_
    NodeId attributes = kNoNode;
    union {
      std::int64_t integer = 0;
      double real;
      const char* data;
    };
    union {
      std::uint64_t size = 0;  // of text; of children
      double imag;
    };
  };
  std::string file_;
  NodeId root_ = 0;
  LargeVector<Node> nodes_;
  LargeVector<NodeId> children_;
  LargeVector<TensorView> tensors_;
  std::vector<std::byte> pickle_;   // what most texts point into
  std::vector<std::string> owned_;  // and the others
};

/// A tensor and where it stands in the tree: one element per level (keys as text, positions as numbers in text).
struct TensorPath {
  std::vector<std::string> path;
  NodeId node;
};

/// Every tensor of the tree in the file's own order (dicts by insertion); one that occurs at two places is listed at
/// both. Values that contain themselves are walked once per place and not entered again from inside themselves.
std::vector<TensorPath> ListTensors(const Tree& tree, NodeId from);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_CHECKPOINT_TREE_H_
