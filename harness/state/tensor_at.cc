#include "loadpath/tensor_at.h"

#include <ATen/ops/from_blob.h>

#include <memory>
#include <string>
#include <vector>

#include "harness/base/text.h"
#include "harness/state/scalar_type.h"
#include "loadpath/error.h"

namespace loadpath {

at::Tensor TensorAt(const Checkpoint& checkpoint, std::string_view key_path, const ReadOptions& options) {
  const Tree& tree = checkpoint.tree();
  const NodeId node = FollowKeyPath(checkpoint, key_path);
  const std::string place = key_path.empty() ? "its top level" : '"' + Escaped(key_path) + '"';
  if (tree.kind(node) != NodeKind::kTensor) {
    throw CheckpointError(ErrorCode::kKeyPath, checkpoint.path(),
                          "has no dense tensor at " + place + ", but " + Escaped(tree.ShortText(node)));
  }
  const TensorView& view = tree.tensor(node);
  const std::optional<at::ScalarType> type = FindScalarType(view.dtype);
  if (!type) {
    throw CheckpointError(ErrorCode::kUnsupported, checkpoint.path(),
                          "has at " + place + " a tensor of dtype " + std::string(Name(view.dtype)) +
                              ", which this LibTorch does not have: use a newer LibTorch");
  }
  auto bytes = std::make_shared<std::vector<std::byte>>(ReadTensor(checkpoint, view, options));
  void* data = bytes->data();
  return at::from_blob(
      data, view.shape, [bytes](void*) {}, at::TensorOptions(*type));
}

}  // namespace loadpath
