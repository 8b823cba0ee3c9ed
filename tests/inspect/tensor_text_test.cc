#include "harness/inspect/tensor_text.h"

#include <gtest/gtest.h>

#include <numeric>
#include <vector>

namespace loadpath {
namespace {

// The wanted texts are those of str(tensor) in PyTorch 2.15.
template <class T>
std::string Printed(const std::vector<T>& elements, Dtype dtype, const std::vector<std::int64_t>& shape) {
  return TensorText(std::as_bytes(std::span(elements)), dtype, shape);
}

TEST(TensorTextTest, PrintsAsPyTorch) {
  EXPECT_EQ(Printed<float>({1, -20, 300}, Dtype::kFloat32, {3}), "tensor([  1., -20., 300.])");
  EXPECT_EQ(Printed<float>({0.5F, 1.25F}, Dtype::kFloat32, {2}), "tensor([0.5000, 1.2500])");
  EXPECT_EQ(Printed<double>({2.5}, Dtype::kFloat64, {}), "tensor(2.5000, dtype=torch.float64)");
  EXPECT_EQ(Printed<std::int64_t>({1, 2, 3, 4}, Dtype::kInt64, {2, 2}), "tensor([[1, 2],\n        [3, 4]])");
  EXPECT_EQ(Printed<float>({}, Dtype::kFloat32, {0, 3}), "tensor([], size=(0, 3))");
}

TEST(TensorTextTest, ShortensLargeTensors) {
  std::vector<std::int64_t> numbers(1200);
  std::iota(numbers.begin(), numbers.end(), 0);
  EXPECT_EQ(Printed(numbers, Dtype::kInt64, {1200}), "tensor([   0,    1,    2,  ..., 1197, 1198, 1199])");
}

}  // namespace
}  // namespace loadpath
