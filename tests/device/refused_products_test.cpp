// SPDX-License-Identifier: MIT
// Products that the library has no algorithm for where their operands lie. On simulated devices: no
// real library refuses at will.
#include <random>
#include <string>

#include "tests/device/device_under_test.h"
#include "tests/device/simulated_cublas_lt.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/recording.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::expect_throw_with;
using testing::kCuda;
using testing::OperandRules;
using testing::random_normal;
using testing::Refusal;
using testing::RefusedOperands;

using RefusedProducts = testing::OnDevice;

// In elements, of its storage.
std::int64_t begin_of(const Tensor& tensor) {
  const auto* const base = static_cast<const std::byte*>(tensor.storage()->data());
  return (static_cast<const std::byte*>(tensor.raw()) - base) /
         static_cast<std::int64_t>(size_of(tensor.dtype()));
}

class RandomProduct {
 public:
  explicit RandomProduct(std::mt19937& random, Generator& generator)
      : random_(random), generator_(generator) {
    constexpr DType kDtypes[] = {DType::float32, DType::float64, DType::bfloat16, DType::bfloat16};
    operands_ = kDtypes[random() % 4];
    dtype_ = operands_ == DType::bfloat16 && flip() ? DType::float32 : operands_;
    m_ = size();
    n_ = size();
    k_ = size();
    options_ = {.transpose_a = flip(), .transpose_b = flip(), .accumulate = flip(), .relu = flip()};
    a_ = matrix(options_.transpose_a ? k_ : m_, options_.transpose_a ? m_ : k_, operands_);
    b_ = matrix(options_.transpose_b ? n_ : k_, options_.transpose_b ? k_ : n_, operands_);
    c_ = matrix(m_, n_, dtype_);
    mask_ = matrix(m_, n_, dtype_);
    const std::int64_t begin = number(4);
    bias_ = random_normal({begin + n_}, generator_, dtype_).slice(0, begin, begin + n_);
    with_bias_ = flip();
    with_mask_ = flip();
    with_sums_ = options_.transpose_a && flip();
  }

  // The result, and the sums where there are some.
  [[nodiscard]] std::vector<Tensor> run(Device device) const {
    // A copy to a device is dense: the layout there is made anew.
    const auto there = [&](const Tensor& tensor) {
      const std::int64_t begin = begin_of(tensor);
      const Tensor memory =
          Tensor::zeros({begin + tensor.size(0) * tensor.strides()[0]}, tensor.dtype(), device);
      const Tensor view = memory.as_strided(tensor.shape(), tensor.strides(), begin);
      view.copy_(tensor.to(device));
      return view;
    };
    const Tensor bias = there(bias_);
    const Tensor mask = there(mask_);
    const Tensor c = there(c_);
    const Tensor sums = Tensor::empty({m_}, dtype_, device);
    ops::MatmulOptions options = options_;
    if (with_bias_) options.bias = &bias;
    if (with_mask_) options.relu_mask = &mask;
    if (with_sums_) options.a_sums = &sums;
    ops::matmul(there(a_), there(b_), c, options);
    if (!with_sums_) return {c.to(kCpu).clone()};
    return {c.to(kCpu).clone(), sums.to(kCpu)};
  }
  [[nodiscard]] double tolerance() const { return dtype_ == DType::bfloat16 ? 3e-2 : 1e-4; }
  [[nodiscard]] DType operands() const { return operands_; }
  [[nodiscard]] std::string describe() const {
    return concat(m_, " x ", k_, " x ", n_, " ", operands_, " into ", dtype_, ", strides ",
                  a_.strides(), b_.strides(), c_.strides(), ", offsets ", begin_of(a_), ", ",
                  begin_of(b_), ", ", begin_of(c_));
  }

 private:
  bool flip() { return random_() % 2 == 0; }
  std::int64_t number(std::uint64_t limit) { return static_cast<std::int64_t>(random_() % limit); }
  std::int64_t size() { return 1 + number(flip() ? 8 : 40); }
  // At any address, with any distance from row to row.
  Tensor matrix(std::int64_t rows, std::int64_t cols, DType dtype) {
    const std::int64_t stride = cols + number(5);
    const std::int64_t begin = number(9);
    return random_normal({begin + rows * stride}, generator_, dtype)
        .as_strided({rows, cols}, {stride, 1}, begin);
  }

  std::mt19937& random_;
  Generator& generator_;
  DType operands_{}, dtype_{};
  std::int64_t m_ = 0, n_ = 0, k_ = 0;
  ops::MatmulOptions options_;
  bool with_bias_ = false, with_mask_ = false, with_sums_ = false;
  Tensor a_, b_, c_, mask_, bias_;
};

TEST_F(RefusedProducts, AreDoneWithCopies) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE(concat("seed ", seed));
  std::mt19937 random(seed);
  Generator generator(seed);
  for (int round = 0; round < 200; ++round) {
    const RandomProduct product(random, generator);
    // Aligned operands alone, or none at all of bfloat16.
    const std::uint32_t least = 4U << random() % 3;
    const OperandRules rules{least, std::max(8U, least),
                             random() % 4 == 0 ? 0 : 2U << random() % 4};
    const auto how = static_cast<Refusal>(random() % 3);
    const std::string what =
        concat(product.describe(), "; rules ", rules.float32, ", ", rules.float64, ", ",
               rules.bfloat16, ", refused in way ", static_cast<int>(how));
    const RefusedOperands refused(rules, how);
    const std::vector<Tensor> expected = product.run(kCpu);
    std::vector<Tensor> actual;
    ASSERT_NO_THROW(actual = product.run(kCuda)) << what;
    for (std::size_t i = 0; i < expected.size(); ++i) {
      expect_near(actual[i], expected[i], product.tolerance(), what);
    }
  }
}

TEST_F(RefusedProducts, CanBeRecorded) {
  const RefusedOperands refused({16, 16, 0}, Refusal::heuristic_status);
  Generator generator(8);
  const auto there = [&](const Tensor& tensor) { return tensor.to(kCuda); };
  const Tensor a = Tensor::normal({13, 51}, 0.0, 1.0, generator).to(DType::bfloat16);
  const Tensor b = Tensor::normal({51, 7}, 0.0, 1.0, generator).to(DType::bfloat16);
  const Tensor a_there = there(a);
  const Tensor b_there = there(b);
  const Tensor sum = Tensor::zeros({13, 7});
  const Tensor sum_there = there(sum);
  {
    const auto recording = backend_for(kCuda).record(
        {[&] { ops::matmul(a_there, b_there, sum_there, {.accumulate = true}); }, [] {}});
    recording->replay(5);
    expect_near(
        sum_there,
        [&] {
          for (int i = 0; i < 5; ++i) ops::matmul(a, b, sum, {.accumulate = true});
          return sum;
        }(),
        1e-4);
  }
}

TEST_F(RefusedProducts, WhatNothingHelpsSaysSo) {
  const RefusedOperands refused({0, 8, 0}, Refusal::no_algorithm);
  const Tensor x = Tensor::ones({301, 3}, DType::bfloat16, kCuda);
  const Tensor y = Tensor::empty({3, 3}, DType::float32, kCuda);
  expect_throw_with<DeviceError>(
      [&] { ops::matmul(x, x, y, {.transpose_a = true}); },
      "matmul: cuBLASLt has no algorithm for 3 x 301 with 301 x 3 bfloat16 into float32");
}

}  // namespace
}  // namespace wick
