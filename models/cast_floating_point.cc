#include <ATen/ATen.h>

#include "loadpath/model.h"

namespace loadpath {

void CastFloatingPoint(torch::nn::Module& module, at::ScalarType dtype) {
  const at::NoGradGuard no_grad;
  const auto cast = [dtype](at::Tensor tensor) {
    if (tensor.defined() && tensor.is_floating_point()) tensor.set_data(tensor.to(dtype));
  };
  for (const at::Tensor& parameter : module.parameters()) cast(parameter);
  for (const at::Tensor& buffer : module.buffers()) cast(buffer);
}

}  // namespace loadpath
