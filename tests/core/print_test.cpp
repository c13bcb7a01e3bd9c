// SPDX-License-Identifier: MIT
// Tensors as text. The texts are what PyTorch 2.15 prints of the same tensors;
// tests/interop/printing_parity.py compares hundreds of random ones.
#include "wick/core/print.h"

#include <cmath>
#include <complex>
#include <limits>
#include <sstream>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

TEST(Print, FloatsHaveFourDigits) {
  EXPECT_EQ(to_string(Tensor::from<float>({0.5F, -1.25F, 100})),
            "tensor([  0.5000,  -1.2500, 100.0000])");
  EXPECT_EQ(to_string(Tensor::from<float>({1, 2, 3}, {3, 1})),
            "tensor([[1.],\n        [2.],\n        [3.]])");
  EXPECT_EQ(to_string(Tensor::from<float>({1e-5F, 1})), "tensor([1.0000e-05, 1.0000e+00])");
  EXPECT_EQ(to_string(Tensor::scalar(2.5)), "tensor(2.5000, dtype=torch.float64)");
  const float nan = std::nanf("");
  EXPECT_EQ(to_string(Tensor::from<float>({-nan, -std::numeric_limits<float>::infinity(), 1})),
            "tensor([nan, -inf, 1.])");
}

TEST(Print, WholeNumbersAndBools) {
  EXPECT_EQ(to_string(Tensor::from<std::int64_t>({7, -10}, {2, 1})),
            "tensor([[  7],\n        [-10]])");
  EXPECT_EQ(to_string(Tensor::from<bool>({true, false})), "tensor([ True, False])");
  EXPECT_EQ(to_string(Tensor::from<std::uint8_t>({200})), "tensor([200], dtype=torch.uint8)");
  EXPECT_EQ(to_string(Tensor::from<std::uint64_t>({~0ULL})),
            "tensor([18446744073709551615], dtype=torch.uint64)");
}

TEST(Print, ComplexNumbers) {
  EXPECT_EQ(to_string(Tensor::from<std::complex<float>>({{1, 2}, {0.5F, -3}})),
            "tensor([1.0000+2.j, 0.5000-3.j])");
}

TEST(Print, ManyElementsAreSummarised) {
  EXPECT_EQ(to_string(Tensor::arange(1001)), "tensor([   0,    1,    2,  ...,  998,  999, 1000])");
  EXPECT_EQ(to_string(Tensor::zeros({40, 30})),
            "tensor([[0., 0., 0.,  ..., 0., 0., 0.],\n"
            "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
            "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
            "        ...,\n"
            "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
            "        [0., 0., 0.,  ..., 0., 0., 0.],\n"
            "        [0., 0., 0.,  ..., 0., 0., 0.]])");
  PrintOptions options;
  options.threshold = 2;
  options.edgeitems = 1;
  EXPECT_EQ(to_string(Tensor::arange(4), options), "tensor([0,  ..., 3])");
}

TEST(Print, LinesAreEightyLong) {
  EXPECT_EQ(to_string(Tensor::arange(22)),
            "tensor([ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11, 12, 13, 14, 15, 16, 17,\n"
            "        18, 19, 20, 21])");
}

TEST(Print, WhatElementsDoNotTell) {
  EXPECT_EQ(to_string(Tensor::empty({0})), "tensor([])");
  EXPECT_EQ(to_string(Tensor::empty({0, 2}, DType::int64)),
            "tensor([], size=(0, 2), dtype=torch.int64)");
  EXPECT_EQ(to_string(Tensor::empty({2}, DType::float16, kMeta)),
            "tensor(..., device='meta', size=(2,), dtype=torch.float16)");
  Tensor tensor = Tensor::ones({1});
  tensor.set_requires_grad(true);
  EXPECT_EQ(to_string(tensor), "tensor([1.], requires_grad=True)");
  EXPECT_EQ(to_string(Tensor::zeros({2}, DType::int4)), "tensor(..., size=(2,), dtype=torch.int4)");
  EXPECT_EQ(to_string(Tensor()), "Tensor(undefined)");
}

TEST(Print, StreamsPrintTheSame) {
  std::ostringstream out;
  out << Tensor::arange(2);
  EXPECT_EQ(out.str(), "tensor([0, 1])");
  EXPECT_EQ(concat(Tensor::arange(2)), "Tensor(int64 [2] cpu)") << "messages keep to the shape";
}

TEST(Print, RefusesOptionsThatShowNothing) {
  testing::expect_throw_with<ValueError>(
      [] { static_cast<void>(to_string(Tensor::ones({2}), {.edgeitems = 0})); }, "edgeitems");
  testing::expect_throw_with<ValueError>(
      [] { static_cast<void>(to_string(Tensor::ones({2}), {.precision = -1})); }, "precision");
}

}  // namespace
}  // namespace wick
