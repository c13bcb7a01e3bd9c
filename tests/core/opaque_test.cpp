// SPDX-License-Identifier: MIT
// Tensors of the opaque dtypes, which are bytes with a shape and have no numbers.
#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using Bytes = std::vector<unsigned char>;

class OpaqueTensors : public ::testing::TestWithParam<DType> {
 protected:
  // The bytes 0, 1, 2, ...
  static Tensor counted(const Dims& shape) {
    Tensor tensor = Tensor::empty(shape, GetParam());
    auto* const bytes = static_cast<unsigned char*>(tensor.raw());
    for (std::size_t i = 0; i < tensor.nbytes(); ++i) bytes[i] = static_cast<unsigned char>(i);
    return tensor;
  }
  static Bytes bytes_of(const Tensor& tensor) {
    const Tensor plain = tensor.contiguous();
    const auto* const bytes = static_cast<const unsigned char*>(plain.raw());
    return {bytes, bytes + plain.nbytes()};
  }
  // The elements of counted() at these places.
  static Bytes elements(const std::vector<std::size_t>& places) {
    const std::size_t size = size_of(GetParam());
    Bytes bytes;
    for (const std::size_t place : places) {
      for (std::size_t i = 0; i < size; ++i) {
        bytes.push_back(static_cast<unsigned char>(place * size + i));
      }
    }
    return bytes;
  }
};

INSTANTIATE_TEST_SUITE_P(DTypes, OpaqueTensors,
                         ::testing::Values(DType::int1, DType::int4, DType::uint7, DType::bits1x8,
                                           DType::bits8, DType::bits16, DType::float4_e2m1fn_x2,
                                           DType::bcomplex32),
                         [](const auto& dtype) { return concat(dtype.param); });

TEST_P(OpaqueTensors, ViewsAndCopiesKeepTheBytes) {
  const Tensor whole = counted({2, 3});
  EXPECT_EQ(bytes_of(whole.transpose(0, 1)), elements({0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(bytes_of(whole.slice(1, 0, 3, 2)), elements({0, 2, 3, 5}));
  EXPECT_EQ(bytes_of(whole.select(1, 1)), elements({1, 4}));
  EXPECT_EQ(bytes_of(whole.view({6}).clone()), elements({0, 1, 2, 3, 4, 5}));
  EXPECT_TRUE(bitwise_equal(whole.to(GetParam()), whole));
  const Tensor target = Tensor::zeros({3, 2}, GetParam());
  target.transpose(0, 1).copy_(whole);
  EXPECT_EQ(bytes_of(target), elements({0, 3, 1, 4, 2, 5}));
  EXPECT_FALSE(bitwise_equal(target, Tensor::zeros({3, 2}, GetParam())));
}

TEST_P(OpaqueTensors, TheOnlyNumberIsZero) {
  const Tensor whole = counted({2, 2});
  whole.select(1, 1).zero_();
  Bytes expected = elements({0, 1, 2, 3});
  const std::size_t size = size_of(GetParam());
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (i / size % 2 == 1) expected[i] = 0;
  }
  EXPECT_EQ(bytes_of(whole), expected);
  whole.fill_(0);
  EXPECT_EQ(bytes_of(whole), Bytes(4 * size, 0));
  expect_throw_with<DTypeError>([&] { whole.fill_(1); }, concat("Tensor::fill_: ", GetParam()));
  expect_throw_with<DTypeError>([&] { whole.fill_(-0.0); }, concat("Tensor::fill_: ", GetParam()));
  expect_throw_with<DTypeError>([] { static_cast<void>(Tensor::ones({2}, GetParam())); },
                                concat(GetParam()));
}

TEST_P(OpaqueTensors, WhatNeedsNumbersIsRefused) {
  const Tensor one = counted({1});
  const auto refuse = [](const std::string& operation, auto&& statement) {
    expect_throw_with<DTypeError>(
        statement, concat(operation, ": ", GetParam(), " is carried as bytes only, and has no"));
  };
  const Tensor number = Tensor::ones({1});
  refuse("Tensor::to", [&] { static_cast<void>(one.to(DType::float32)); });
  refuse("Tensor::to", [&] { static_cast<void>(number.to(GetParam())); });
  refuse("Tensor::copy_", [&] { one.copy_(number); });
  refuse("Tensor::copy_", [&] { number.copy_(one); });
  refuse("Tensor::item", [&] { static_cast<void>(one.item<float>()); });
  refuse("Tensor::data", [&] { static_cast<void>(one.data<std::uint8_t>()); });
  // Nor where there is nothing to convert.
  refuse("Tensor::copy_", [] { Tensor::empty({0}).copy_(Tensor::empty({0}, GetParam())); });
}

TEST(OpaqueDTypes, TwoOfOneSizeAreNotConverted) {
  const Tensor bits = Tensor::zeros({2}, DType::bits8);
  expect_throw_with<DTypeError>([&] { bits.copy_(Tensor::zeros({2}, DType::int4)); }, "bits8");
  expect_throw_with<DTypeError>([&] { static_cast<void>(bits.to(DType::uint8)); }, "bits8");
}

}  // namespace
}  // namespace wick
