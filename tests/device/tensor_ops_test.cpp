// SPDX-License-Identifier: MIT
// Arithmetic between tensors, reductions, joins and products of batches on a CUDA device against
// the CPU's, on broadcast and strided operands.
#include "core/broadcast.h"
#include "tests/device/device_under_test.h"
#include "wick/core/ops.h"
#include "wick/core/ops_arithmetic.h"
#include "wick/core/ops_join.h"
#include "wick/core/ops_reduce.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::OnDevice;
using testing::random_normal;
using testing::tolerance;

class TensorOps : public OnDevice {
 protected:
  // The same values and strides on both devices.
  struct Pair {
    Tensor here;
    Tensor there;
  };
  Pair pair(const Dims& shape, DType dtype, bool transposed = false) {
    const Tensor here = (ops::mul(random_normal(shape, generator_, DType::float64), 3)).to(dtype);
    if (!transposed) return {here, here.to(kCuda)};
    const Tensor turned = here.transpose(0, -1).contiguous();
    return {turned.transpose(0, -1), turned.to(kCuda).transpose(0, -1)};
  }
  Generator generator_{1};
};

TEST_F(TensorOps, ArithmeticOfEveryDType) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int64, DType::boolean}) {
    const Pair a = pair({3, 1, 70}, dtype, true);
    const Pair b = pair({41, 70}, dtype);
    for (std::size_t i = 0; i < kBinaryOpCount; ++i) {
      const auto op = static_cast<BinaryOp>(i);
      if (op == BinaryOp::div && !is_floating_point(dtype)) continue;
      if (op == BinaryOp::sub && dtype == DType::boolean) continue;
      const std::string what = concat(name_of(op), ' ', dtype);
      expect_near(ops::binary(op, a.there, b.there), ops::binary(op, a.here, b.here), 0.0, what);
      expect_near(ops::binary(op, b.there, true), ops::binary(op, b.here, true), 0.0, what);
    }
    if (dtype == DType::boolean) continue;
    expect_near(ops::clamp(b.there, -1, a.there), ops::clamp(b.here, -1, a.here), 0.0);
    const Tensor mask = ops::gt(b.here, 0);
    expect_near(ops::where(mask.to(kCuda), a.there, 7), ops::where(mask, a.here, 7), 0.0);
    if (dtype == DType::int64) continue;
    expect_near(ops::lerp(a.there, b.there, 0.25), ops::lerp(a.here, b.here, 0.25),
                tolerance(dtype));
    ops::add_(b.here, b.here.transpose(0, 1).clone().transpose(0, 1), 0.5);
    ops::add_(b.there, b.there.transpose(0, 1).clone().transpose(0, 1), 0.5);
    expect_near(b.there, b.here, tolerance(dtype));
    ops::lerp_(b.here, a.here[0], 0.01);
    ops::lerp_(b.there, a.there[0], 0.01);
    expect_near(b.there, b.here, tolerance(dtype));
  }
}

TEST_F(TensorOps, Reductions) {
  for (const DType dtype : {DType::float32, DType::float64, DType::int64}) {
    for (const bool transposed : {false, true}) {
      const Pair x = pair({6, 50, 33}, dtype, transposed);
      for (const ops::ReduceDims& dims :
           {ops::ReduceDims{}, ops::ReduceDims{1}, ops::ReduceDims{0, 2}, ops::ReduceDims{2, 1}}) {
        expect_near(ops::sum(x.there, dims, true), ops::sum(x.here, dims, true), tolerance(dtype));
        expect_near(ops::amin(x.there, dims), ops::amin(x.here, dims), 0.0);
        if (dtype == DType::int64) continue;
        expect_near(ops::mean(x.there, dims), ops::mean(x.here, dims), tolerance(dtype));
      }
      for (const std::int64_t dim : {0, 1, -1}) {
        const ops::Extremes here = ops::max(x.here, dim);
        const ops::Extremes there = ops::max(x.there, dim);
        expect_near(there.values, here.values, 0.0);
        expect_near(there.indices, here.indices, 0.0);
        expect_near(ops::argmin(x.there, dim, true), ops::argmin(x.here, dim, true), 0.0);
      }
      expect_near(ops::argmax(x.there), ops::argmax(x.here), 0.0);
    }
  }
  expect_near(ops::sum(Tensor::zeros({3, 0}, DType::float32, kCuda), 1), Tensor::zeros({3}), 0.0);
}

TEST_F(TensorOps, JoinsSoftmaxAndProductsOfBatches) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Pair a = pair({4, 1, 5, 7}, dtype);
    const Pair b = pair({3, 7, 6}, dtype, true);
    expect_near(ops::matmul(a.there, b.there), ops::matmul(a.here, b.here), tolerance(dtype));
    expect_near(ops::matmul(a.there, b.there[0]), ops::matmul(a.here, b.here[0]), tolerance(dtype));
    expect_near(ops::matmul(b.there[0].select(1, 2), b.there),
                ops::matmul(b.here[0].select(1, 2), b.here), tolerance(dtype));
    expect_near(ops::matmul(expand(a.there[0][0][0], {5, 7}), b.there[0]),
                ops::matmul(expand(a.here[0][0][0], {5, 7}), b.here[0]), tolerance(dtype));
    expect_near(ops::softmax(b.there, 1), ops::softmax(b.here, 1), tolerance(dtype));
    expect_near(ops::cat({b.there, b.there.slice(1, 0, 2)}, 1),
                ops::cat({b.here, b.here.slice(1, 0, 2)}, 1), 0.0);
    expect_near(ops::stack({b.there, b.there}, -1), ops::stack({b.here, b.here}, -1), 0.0);
  }
}

}  // namespace
}  // namespace wick
