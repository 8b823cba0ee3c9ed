#ifndef LOADPATH_HARNESS_STATE_COPY_RULES_H_
#define LOADPATH_HARNESS_STATE_COPY_RULES_H_

#include <ATen/core/Tensor.h>

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "loadpath/tree.h"

namespace loadpath {

/// A tensor of a checkpoint that is not dense (sparse, quantised, meta, a wrapper subclass). In the tree it is a
/// kObject.
struct InertTensor {
  enum class Layout { kSparseCoo, kSparseCompressed, kQuantised, kMeta, kOther };
  Layout layout = Layout::kOther;
  std::optional<std::vector<std::int64_t>> shape;  ///< nullopt if the file does not say
  std::optional<Dtype> dtype;                      ///< of a sparse tensor's values
};
/// Returns nullopt if the value is no tensor.
std::optional<InertTensor> AsInertTensor(const Tree& tree, NodeId node);

/// Returns the text of the exception that Python raises if a checkpoint's tensor is copied or assigned into a module's,
/// or nullopt if it raises none. LibTorch itself decides, by a copy of one element, once for each pair of dtypes.
class CopyRules {
 public:
  std::optional<std::string> CopyError(const at::Tensor& target, const TensorView& source);
  std::optional<std::string> CopyError(const at::Tensor& target, const InertTensor& source);
  static std::optional<std::string> AssignError(const at::Tensor& target, bool is_parameter, const TensorView& source);
  static std::string AssignError(const InertTensor& source);

 private:
  using Case = std::tuple<at::ScalarType, Dtype, bool, bool, at::Device>;
  struct Less {
    bool operator()(const Case& a, const Case& b) const;
  };
  std::map<Case, std::optional<std::string>, Less> known_;
};

/// Returns PyTorch's warning for a copy that drops the imaginary part; empty for other copies.
std::string CopyWarning(at::ScalarType target, Dtype source);

}  // namespace loadpath

#endif  // LOADPATH_HARNESS_STATE_COPY_RULES_H_
