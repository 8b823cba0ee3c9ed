#include "harness/checkpoint/check_view.h"

#include <algorithm>

#include "harness/base/error.h"
#include "harness/checkpoint/limits.h"

namespace loadpath {

std::string ShapeText(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  return text + "]";
}

ByteRange ReachOf(const TensorView& view) {
  if (view.numel() == 0) return {};
  std::int64_t last = view.storage_offset;
  for (std::size_t i = 0; i < view.shape.size(); ++i) last += (view.shape[i] - 1) * view.stride[i];
  const std::uint64_t item = ItemSize(view.dtype);
  return {static_cast<std::uint64_t>(view.storage_offset) * item, (static_cast<std::uint64_t>(last) + 1) * item};
}

std::string ViewProblem(const TensorView& view, std::uint64_t nbytes) {
  if (view.shape.size() != view.stride.size()) {
    return "has a tensor with " + std::to_string(view.shape.size()) + " sizes and " +
           std::to_string(view.stride.size()) + " strides";
  }
  if (view.shape.size() > limits::kDimensions) return "has a tensor of more than 64 dimensions";
  const auto negative = [](std::int64_t value) { return value < 0; };
  if (view.storage_offset < 0 || std::any_of(view.shape.begin(), view.shape.end(), negative) ||
      std::any_of(view.stride.begin(), view.stride.end(), negative)) {
    return "has a tensor with a negative size, stride or offset: shape " + ShapeText(view.shape) + ", stride " +
           ShapeText(view.stride) + ", offset " + std::to_string(view.storage_offset);
  }
  if (std::find(view.shape.begin(), view.shape.end(), 0) != view.shape.end()) return {};
  std::int64_t bytes = static_cast<std::int64_t>(ItemSize(view.dtype)), last = view.storage_offset;
  bool overflow = false;
  for (std::size_t i = 0; i < view.shape.size(); ++i) {
    std::int64_t reach = 0;
    overflow |= __builtin_mul_overflow(bytes, view.shape[i], &bytes);
    overflow |= __builtin_mul_overflow(view.shape[i] - 1, view.stride[i], &reach);
    overflow |= __builtin_add_overflow(last, reach, &last);
  }
  std::int64_t end = 0;
  overflow |= __builtin_add_overflow(last, std::int64_t{1}, &end);
  overflow |= __builtin_mul_overflow(end, static_cast<std::int64_t>(ItemSize(view.dtype)), &end);
  if (overflow || static_cast<std::uint64_t>(end) > nbytes) {
    return "has a tensor that reaches outside its storage: shape " + ShapeText(view.shape) + ", stride " +
           ShapeText(view.stride) + ", offset " + std::to_string(view.storage_offset) + ", " +
           std::string(Name(view.dtype)) + ", in " + Counted(nbytes, "byte");
  }
  return {};
}

}  // namespace loadpath
