#ifndef LOADPATH_TREE_H_
#define LOADPATH_TREE_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "loadpath/dtype.h"

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
  kTensor,   ///< a dense tensor; `parameter` if it was saved as torch.nn.Parameter
  kStorage,  ///< a storage saved as itself
  kName,     ///< an allow-listed name as a value: "torch.float32", "torch.strided", a device, a class
  kObject,   ///< an inert named object with arguments and state (sparse or quantised tensors, unknown classes)
};

/// The Python type of a kName, and of what a kObject stands for.
enum class NamedType : std::uint8_t {
  kItself,  ///< of a kObject: the class that it names
  kTensor,
  kClass,
  kFunction,
  kBuiltinFunction,
  kDtype,
  kQscheme,
  kDevice,
  kLayout,
  kStorageType,
  kTensorMeta,
  kTensorType,
};

/// A dense, strided view of a storage. It was checked when the file was opened: every element lies inside the storage,
/// the extents do not overflow, and shape and stride have the same length.
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

/// The values of a checkpoint, as an arena of nodes addressed by index. Building, walking and destroying it takes no
/// recursion. Values that are shared or contain themselves are shared nodes.
class Tree {
 public:
  Tree() = default;
  Tree(Tree&&) = default;
  Tree& operator=(Tree&&) = default;
  Tree(const Tree&) = delete;
  Tree& operator=(const Tree&) = delete;

  const std::string& file() const { return file_; }  ///< the checkpoint's file, for messages
  NodeId root() const { return root_; }
  std::size_t size() const { return nodes_.size(); }
  NodeKind kind(NodeId id) const { return nodes_[id].kind; }

  bool IsDict(NodeId id) const;       ///< dict, OrderedDict or Counter
  bool IsSequence(NodeId id) const;   ///< list, tuple or torch.Size
  bool IsContainer(NodeId id) const;  ///< any kind that may have items
  /// A tensor that is no view of a storage, but an object: quantised, sparse, or without values ("meta").
  bool IsOtherTensor(NodeId id) const;

  bool boolean(NodeId id) const { return nodes_[id].integer != 0; }
  std::int64_t integer(NodeId id) const { return nodes_[id].integer; }  ///< kInt
  double real(NodeId id) const { return nodes_[id].real; }              ///< kFloat; the real part of kComplex
  double imag(NodeId id) const { return nodes_[id].imag; }              ///< kComplex
  /// The text of kString and kName (UTF-8 with lone surrogates, which Python's strings may hold), the bytes of kBytes
  /// and kByteArray, the decimal digits of kBigInt, and the name that makes a kObject
  /// ("torch._utils._rebuild_sparse_tensor"). Empty for any other kind.
  std::string_view text(NodeId id) const;

  /// Returns the elements of a sequence or set; key, value, key, value … of a dict; the arguments of a kObject.
  std::span<const NodeId> items(NodeId id) const;
  /// Returns the class of a container that a pickle made as an object of an unknown class and filled (a subclass of
  /// dict, list or set, with OpenOptions::opaque): "a_project.Config". Returns an empty text for any other value.
  std::string_view class_name(NodeId id) const;
  /// The instance attributes that BUILD gave (OrderedDict's {"_metadata": …}, an object's state), or kNoNode.
  NodeId attributes(NodeId id) const { return nodes_[id].attributes; }

  /// Returns true if the attributes are the state of an inert object. Walk lists them below it, at "state".
  bool HasState(NodeId id) const;

  const TensorView& tensor(NodeId id) const { return tensors_[nodes_[id].index]; }
  StorageId storage(NodeId id) const { return nodes_[id].index; }  ///< kStorage

  /// Returns the value under a text key of a dict, or kNoNode. Linear in the dict's size: meant for a few names.
  NodeId Find(NodeId dict, std::string_view key) const;

  /// Calls visit(path, node) for `from` and every value below it, in the file's order. `path` has one element a level:
  /// keys as text (KeyText), positions as numbers in text. `visit` returns true to enter the value. A value that stands
  /// at two places is visited at both. Inside itself it is visited but not entered. Iterative. Throws CheckpointError
  /// kLimitExceeded if there are too many places (limits.h).
  void Walk(NodeId from, const std::function<bool(const std::vector<std::string>& path, NodeId node)>& visit) const;

  /// Returns Python's str(key), as it stands in a path: a text as it is, 3 as "3", None as "None".
  std::string KeyText(NodeId key) const;
  /// Returns Python's repr(type(value)): "<class 'collections.OrderedDict'>".
  std::string TypeText(NodeId id) const;
  /// Returns Python's repr(value) of a scalar; of a container what ShortText gives.
  std::string WholeText(NodeId id) const;
  /// Returns WholeText, but a short form of a text of more than 200 bytes ("<str of 301>") and of a container ("<dict
  /// of 12>"): for people.
  std::string ShortText(NodeId id) const;

  /// Returns how many steps a walk may take: one a place, and one for every four bytes of its key.
  std::uint64_t WalkLimit() const;

 private:
  friend class TreeBuilder;
  struct Node {
    NodeKind kind = NodeKind::kNone;
    NamedType type = NamedType::kItself;  // of a kName or kObject
    std::uint32_t index = 0;              // tensor: into tensors_; storage: its id; containers: into children_
    NodeId attributes = kNoNode;
    union {
      std::int64_t integer = 0;
      double real;
      const char* data;  // of text; of a container: its class_name, or null
    };
    union {
      std::uint64_t size = 0;  // of text; of children
      double imag;
    };
  };
  struct Memory;
  std::string file_;
  NodeId root_ = 0;
  std::span<const Node> nodes_;  // these three lie in memory_
  std::span<const NodeId> children_;
  std::span<const TensorView> tensors_;
  std::shared_ptr<const Memory> memory_;
};

/// A tensor and its place in the tree: one element a level, keys as text, positions as numbers in text.
struct TensorPath {
  std::vector<std::string> path;
  NodeId node;
};

/// Returns every tensor of the tree in the file's own order (dicts by insertion). A tensor at two places is listed at
/// both. A value that contains itself is not entered from inside itself.
std::vector<TensorPath> ListTensors(const Tree& tree, NodeId from);

}  // namespace loadpath

#endif  // LOADPATH_TREE_H_
