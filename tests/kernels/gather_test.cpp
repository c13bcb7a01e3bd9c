// SPDX-License-Identifier: MIT
// Gathering rows, plain and with conversion.
#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick {
namespace {

TEST(GatherAffine, PicksRowsAndScalesEachChannel) {
  const Tensor source = Tensor::arange(3 * 2 * 20, DType::uint8).view({3, 2, 4, 5});
  const Tensor indices = Tensor::from<std::int64_t>({2, 0, 2});
  const Tensor scale = Tensor::from<float>({0.5F, 2.0F});
  const Tensor shift = Tensor::from<float>({1.0F, -3.0F});
  const Tensor out = Tensor::empty({3, 40});
  ops::gather_affine(source, &indices, scale, shift, out);
  const auto picked = indices.to_vector<std::int64_t>();
  for (std::int64_t i = 0; i < 3; ++i) {
    for (std::int64_t j = 0; j < 40; ++j) {
      const auto value = static_cast<float>(picked[static_cast<std::size_t>(i)] * 40 + j);
      EXPECT_EQ(out.at<float>({i, j}), j < 20 ? value * 0.5F + 1.0F : value * 2.0F - 3.0F);
    }
  }
}

TEST(GatherAffine, WithoutIndicesTakesAllRowsOfFloats) {
  const Tensor source = Tensor::arange(6, DType::float64).view({2, 1, 3});
  const Tensor one = Tensor::from<double>({2.0});
  const Tensor out = Tensor::empty({2, 3}, DType::float64);
  ops::gather_affine(source, nullptr, one, one, out);
  EXPECT_EQ(out.to_vector<double>(), (std::vector<double>{2, 4, 6, 8, 10, 12}));
}

TEST(GatherAffine, RefusesIndicesOutside) {
  const Tensor source = Tensor::zeros({3, 1, 2}, DType::uint8);
  const Tensor factor = Tensor::from<float>({1.0F});
  const Tensor out = Tensor::empty({1, 2});
  for (const std::int64_t bad : {std::int64_t{-1}, std::int64_t{3}}) {
    const Tensor indices = Tensor::from<std::int64_t>({bad});
    EXPECT_THROW(ops::gather_affine(source, &indices, factor, factor, out), IndexError);
  }
}

TEST(GatherAffine, RefusesWhatDoesNotFit) {
  const Tensor source = Tensor::zeros({3, 1, 2}, DType::uint8);
  const Tensor factor = Tensor::from<float>({1.0F});
  EXPECT_THROW(ops::gather_affine(source, nullptr, factor, factor, Tensor::empty({3, 3})),
               ShapeError);
  EXPECT_THROW(ops::gather_affine(source, nullptr, factor, factor, Tensor::empty({2, 2})),
               ShapeError);
  EXPECT_THROW(
      ops::gather_affine(source.to(DType::int16), nullptr, factor, factor, Tensor::empty({3, 2})),
      DTypeError);
  EXPECT_THROW(ops::gather_affine(source, nullptr, Tensor::from<double>({1.0}), factor,
                                  Tensor::empty({3, 2})),
               DTypeError);
}

TEST(IndexSelect, CopiesRowsOfAnyDType) {
  const Tensor source = Tensor::arange(12, DType::int16).view({4, 3});
  const Tensor indices = Tensor::from<std::int64_t>({3, 3, 0});
  const Tensor out = Tensor::empty({3, 3}, DType::int16);
  ops::index_select(source, indices, out);
  EXPECT_EQ(out.to_vector<std::int16_t>(),
            (std::vector<std::int16_t>{9, 10, 11, 9, 10, 11, 0, 1, 2}));
  EXPECT_THROW(ops::index_select(source, Tensor::from<std::int64_t>({0, 4, 0}), out), IndexError);
  EXPECT_THROW(ops::index_select(source, indices, Tensor::empty({3, 2}, DType::int16)), ShapeError);
}

}  // namespace
}  // namespace wick
