// SPDX-License-Identifier: MIT
// ReLU, column sums, argmax and hits at every level.
#include <cmath>

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"

namespace wick {
namespace {

using testing::all_levels;
using testing::Matrix;

TEST(ReLU, ForwardAndBackward) {
  Generator generator(1);
  for (const auto& backend : all_levels()) {
    for (const std::int64_t count : {0, 1, 7, 16, 33, 1000}) {
      const Matrix x = Matrix::random(1, count, generator);
      const Matrix dy = Matrix::random(1, count, generator);
      Matrix y(1, count);
      Matrix dx(1, count);
      backend->unary({.count = count, .x = x.data.data(), .y = y.data.data()});
      backend->unary_backward({.count = count,
                               .grad_output = dy.data.data(),
                               .saved = y.data.data(),
                               .grad_input = dx.data.data()});
      for (std::int64_t i = 0; i < count; ++i) {
        EXPECT_EQ(y.at(0, i), x.at(0, i) > 0.0F ? x.at(0, i) : 0.0F);
        EXPECT_EQ(dx.at(0, i), x.at(0, i) > 0.0F ? dy.at(0, i) : 0.0F);
      }
    }
  }
}

TEST(ReLU, KeepsNaN) {
  for (const auto& backend : all_levels()) {
    std::vector<float> x(37, std::nanf(""));
    backend->unary({.count = 37, .x = x.data(), .y = x.data()});
    for (const float value : x) EXPECT_TRUE(std::isnan(value));
  }
}

TEST(ColumnSums, OverwritesOrAccumulates) {
  Generator generator(2);
  for (const auto& backend : all_levels()) {
    for (const std::int64_t rows : {0, 1, 3, 4, 32, 101}) {
      for (const std::int64_t cols : {1, 10, 31, 64}) {
        const Matrix x = Matrix::random(rows, cols, generator, 3);
        for (const bool accumulate : {false, true}) {
          std::vector<float> out(static_cast<std::size_t>(cols), accumulate ? 2.5F : std::nanf(""));
          backend->column_sums(DType::float32, x.ref(), out.data(), accumulate);
          for (std::int64_t c = 0; c < cols; ++c) {
            double expected = accumulate ? 2.5 : 0.0;
            for (std::int64_t r = 0; r < rows; ++r) expected += static_cast<double>(x.at(r, c));
            EXPECT_NEAR(static_cast<double>(out[static_cast<std::size_t>(c)]), expected, 1e-5);
          }
        }
      }
    }
  }
}

TEST(Argmax, FirstOfEqualsAndNaNIsLargest) {
  const float nan = std::nanf("");
  const std::vector<float> x = {1,        3, 3, 2, /**/ -1, -2, -1, -3, /**/ 5, nan, 9, nan,
                                /**/ nan, 1, 2, 3};
  std::vector<std::int64_t> out(4);
  all_levels().front()->argmax(DType::float32, {x.data(), 4, 4, 4}, out.data());
  EXPECT_EQ(out, (std::vector<std::int64_t>{1, 0, 1, 0}));
}

TEST(CountHits, CountsRowsWhoseArgmaxIsTheLabel) {
  const std::vector<double> x = {0, 1, /**/ 1, 0, /**/ 0, 1};
  const std::vector<std::int64_t> labels = {1, 1, 1};
  std::int64_t hits = -1;
  all_levels().front()->count_hits(DType::float64, {x.data(), 3, 2, 2}, labels.data(), &hits);
  EXPECT_EQ(hits, 2);
}

}  // namespace
}  // namespace wick
