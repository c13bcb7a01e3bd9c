// SPDX-License-Identifier: MIT
// Reductions of a vector at every level against sums written out, and scaling by a norm.
#include "wick/core/backend/vector_reduce.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "wick/core/backend/elementwise.h"

namespace wick {
namespace {

using testing::all_levels;

constexpr std::int64_t kCounts[] = {0, 1, 31, 32, 1000, 70'001};
constexpr VectorReduceOp kOps[] = {VectorReduceOp::dot, VectorReduceOp::square_sum,
                                   VectorReduceOp::abs_sum, VectorReduceOp::abs_max,
                                   VectorReduceOp::power_sum};

template <typename T>
class VectorReduce : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(VectorReduce, Types);

template <typename T>
std::vector<T> random_vector(std::int64_t count, Generator& generator) {
  return Tensor::normal({count}, 0.0, 1.0, generator, dtype_of<T>).template to_vector<T>();
}

double term(VectorReduceOp op, double a, double b) {
  switch (op) {
    case VectorReduceOp::dot: return a * b;
    case VectorReduceOp::square_sum: return a * a;
    case VectorReduceOp::power_sum: return std::pow(std::abs(a), 2.5);
    default: return std::abs(a);
  }
}

TYPED_TEST(VectorReduce, IsTheSumOrTheLargestOfTheElements) {
  using T = TypeParam;
  Generator generator(3);
  for (const auto& backend : all_levels()) {
    for (const std::int64_t count : kCounts) {
      const std::vector<T> a = random_vector<T>(count, generator);
      const std::vector<T> b = random_vector<T>(count, generator);
      for (const VectorReduceOp op : kOps) {
        double expected = 0.0;
        double size = 1e-300;
        for (std::size_t i = 0; i < a.size(); ++i) {
          const double one = term(op, static_cast<double>(a[i]), static_cast<double>(b[i]));
          expected = op == VectorReduceOp::abs_max ? std::max(expected, one) : expected + one;
          size += std::abs(one);
        }
        double result = -7.0;
        VectorReduceArgs args{.op = op,
                              .dtype = dtype_of<T>,
                              .count = count,
                              .a = a.data(),
                              .b = op == VectorReduceOp::dot ? b.data() : nullptr,
                              .power = 2.5,
                              .out = &result};
        backend->vector_reduce(args);
        EXPECT_NEAR(result, expected, size * 1e-13) << name_of(op) << " of " << count;
        result = 100.0;
        args.accumulate = true;
        backend->vector_reduce(args);
        EXPECT_NEAR(result, op == VectorReduceOp::abs_max ? 100.0 : 100.0 + expected,
                    size * 1e-13 + 1e-11);
      }
    }
  }
}

TYPED_TEST(VectorReduce, NaNIsTheLargest) {
  using T = TypeParam;
  for (const auto& backend : all_levels()) {
    for (const std::size_t at : {0U, 40U, 99U}) {
      std::vector<T> a(100, T{2});
      a[50] = std::numeric_limits<T>::infinity();
      a[at] = std::numeric_limits<T>::quiet_NaN();
      double result = 1.0;
      VectorReduceArgs args{.op = VectorReduceOp::abs_max,
                            .dtype = dtype_of<T>,
                            .count = 100,
                            .a = a.data(),
                            .out = &result};
      backend->vector_reduce(args);
      EXPECT_TRUE(std::isnan(result)) << at;
      a[at] = T{1};
      args.accumulate = true;
      backend->vector_reduce(args);
      EXPECT_TRUE(std::isnan(result)) << "what was there, too";
    }
  }
}

TYPED_TEST(VectorReduce, ScalesByANorm) {
  using T = TypeParam;
  for (const auto& backend : all_levels()) {
    std::vector<T> data = {T{3}, T{-4}, T{0}};
    const double square = 25.0;
    double norm = 0.0;
    ScaleByNormArgs args{.dtype = dtype_of<T>,
                         .count = 3,
                         .data = data.data(),
                         .reduced = &square,
                         .limit = 10.0,
                         .norm_dtype = DType::float64,
                         .norm = &norm};
    backend->scale_by_norm(args);
    EXPECT_EQ(norm, 5.0);
    EXPECT_EQ(data, (std::vector<T>{T{3}, T{-4}, T{0}})) << "it is small enough";
    args.limit = 1.0;
    backend->scale_by_norm(args);
    const auto scale = static_cast<T>(1.0 / (5.0 + 1e-6));
    EXPECT_NEAR(static_cast<double>(data[1]), static_cast<double>(T{-4} * scale), 1e-7);
    data = {T{3}, T{-4}, T{0}};
    args.scale = NormScale::normalize;
    args.limit = 1e-7;
    backend->scale_by_norm(args);
    EXPECT_NEAR(static_cast<double>(data[0]), 0.6, 1e-7);
    data = {T{3}, T{-4}, T{0}};
    args.limit = 8.0;
    backend->scale_by_norm(args);
    EXPECT_NEAR(static_cast<double>(data[1]), -0.5, 1e-7) << "divided by no less than the limit";
  }
}

}  // namespace
}  // namespace wick
