// SPDX-License-Identifier: MIT
// Products of bfloat16 with every epilogue. Whole numbers, so that sums are exact: float32 results
// are the reference's bits, bfloat16 ones its rounded bits.
#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "tests/support.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/ops.h"

namespace wick {
namespace {

using testing::all_bfloat16_levels;
using testing::Matrix;

// Whole numbers from -limit to limit, none of them -0.
Matrix whole_numbers(std::int64_t rows, std::int64_t cols, float limit, Generator& generator,
                     std::int64_t gap) {
  Matrix matrix = Matrix::random(rows, cols, generator, gap);
  for (std::int64_t r = 0; r < rows; ++r) {
    for (std::int64_t c = 0; c < cols; ++c)
      matrix.at(r, c) = std::round(matrix.at(r, c) * limit) + 0.0F;
  }
  return matrix;
}

std::vector<bfloat16> narrow(const std::vector<float>& values) {
  std::vector<bfloat16> result;
  for (const float value : values) result.push_back(from_float<bfloat16>(value));
  return result;
}

float rounded(float value, bool narrow_result) {
  return narrow_result ? to_float(from_float<bfloat16>(value)) : value;
}

TEST(MatmulBfloat16, EveryEpilogueAndTranspose) {
  Generator generator(1);
  for (const auto& backend : all_bfloat16_levels()) {
    for (const auto& [m, n, k] : {std::tuple<std::int64_t, std::int64_t, std::int64_t>{1, 1, 1},
                                  {33, 21, 40},
                                  {5, 67, 300},
                                  {5, 3, 0},
                                  {4, 0, 3}}) {
      for (int bits = 0; bits < 256; ++bits) {
        const bool ta = (bits & 1) != 0;
        const bool tb = (bits & 2) != 0;
        const bool narrow_result = (bits & 64) != 0;
        const Matrix a = whole_numbers(ta ? k : m, ta ? m : k, 9, generator, 2);
        const Matrix b = whole_numbers(tb ? n : k, tb ? k : n, 9, generator, 0);
        const Matrix before = whole_numbers(m, n, 200, generator, 3);
        const Matrix mask = whole_numbers(m, n, 2, generator, 1);
        const Matrix bias = whole_numbers(1, n, 90, generator, 0);
        const Matrix sums = whole_numbers(1, m, 90, generator, 0);
        std::vector<float> expected = before.data;
        std::vector<float> expected_sums = sums.data;
        const bool accumulate = (bits & 4) != 0;
        const bool wants_sums = ta && (bits & 128) != 0;
        for (std::int64_t i = 0; i < m; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            float sum = accumulate ? before.at(i, j) : 0.0F;
            for (std::int64_t l = 0; l < k; ++l) {
              sum += (ta ? a.at(l, i) : a.at(i, l)) * (tb ? b.at(j, l) : b.at(l, j));
            }
            if ((bits & 8) != 0) sum += bias.at(0, j);
            if ((bits & 16) != 0) sum = std::max(sum, 0.0F);
            if ((bits & 32) != 0 && !(mask.at(i, j) > 0.0F)) sum = 0.0F;
            expected[static_cast<std::size_t>(i * before.stride + j)] = rounded(sum, narrow_result);
          }
          float sum = accumulate ? sums.at(0, i) : 0.0F;
          for (std::int64_t l = 0; ta && l < k; ++l) sum += a.at(l, i);
          if (wants_sums) expected_sums[static_cast<std::size_t>(i)] = rounded(sum, narrow_result);
        }

        const std::vector<bfloat16> a16 = narrow(a.data);
        const std::vector<bfloat16> b16 = narrow(b.data);
        MatmulArgs args{.dtype = narrow_result ? DType::bfloat16 : DType::float32,
                        .operand_dtype = DType::bfloat16,
                        .a = {a16.data(), a.rows, a.cols, a.stride},
                        .b = {b16.data(), b.rows, b.cols, b.stride},
                        .transpose_a = ta,
                        .transpose_b = tb,
                        .accumulate = accumulate,
                        .relu = (bits & 16) != 0,
                        .accumulate_sums = accumulate};
        // Where the result is bfloat16, so is everything beside the operands.
        const auto run = [&](auto c, const auto& bias_data, const auto& mask_data, auto sum_data) {
          args.c = {c.data(), m, n, before.stride};
          if ((bits & 8) != 0) args.bias = bias_data.data();
          if ((bits & 32) != 0) args.relu_mask = {mask_data.data(), m, n, mask.stride};
          if (wants_sums) args.a_sums = sum_data.data();
          backend->matmul(args);
          return std::pair(c, sum_data);
        };
        const std::string label =
            concat(backend->capability(), ", bits ", bits, ", ", m, 'x', n, 'x', k);
        if (narrow_result) {
          const auto [c, sum] =
              run(narrow(before.data), narrow(bias.data), narrow(mask.data), narrow(sums.data));
          for (std::size_t i = 0; i < c.size(); ++i) {
            ASSERT_EQ(c[i].bits, from_float<bfloat16>(expected[i]).bits) << label;
          }
          for (std::size_t i = 0; i < sum.size(); ++i) {
            ASSERT_EQ(sum[i].bits, from_float<bfloat16>(expected_sums[i]).bits) << label;
          }
        } else {
          const auto [c, sum] = run(before.data, bias.data, mask.data, sums.data);
          ASSERT_EQ(c, expected) << label;
          ASSERT_EQ(sum, expected_sums) << label;
        }
      }
    }
  }
}

TEST(MatmulBfloat16, SumsOfColumnsInOtherDtypes) {
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Tensor a = Tensor::from<double>({1, 2, 3, 4, 5, 6}, {3, 2}).to(dtype);
    const Tensor b = Tensor::ones({3, 0}, dtype);
    const Tensor sums = Tensor::ones({2}, dtype);
    ops::matmul(a, b, Tensor::empty({2, 0}, dtype), {.transpose_a = true, .a_sums = &sums});
    EXPECT_EQ(sums.to(DType::float64).to_vector<double>(), (std::vector<double>{9, 12}));
    const Tensor c = Tensor::empty({2, 2}, dtype);
    ops::matmul(a, a, c, {.transpose_a = true, .a_sums = &sums, .accumulate_sums = true});
    EXPECT_EQ(sums.to(DType::float64).to_vector<double>(), (std::vector<double>{18, 24}));
    EXPECT_EQ(c.to(DType::float64).to_vector<double>(), (std::vector<double>{35, 44, 44, 56}));
  }
}

TEST(MatmulBfloat16, RefusesWhatDoesNotFit) {
  const auto zeros = [](DType dtype) { return Tensor::zeros({2, 2}, dtype); };
  const Tensor narrow = zeros(DType::bfloat16);
  const Tensor single = zeros(DType::float32);
  const auto refused = [](const Tensor& a, const Tensor& b, const Tensor& c) {
    EXPECT_THROW(ops::matmul(a, b, c), DTypeError);
  };
  refused(narrow, single, single);
  refused(single, single, narrow);
  refused(narrow, narrow, zeros(DType::float64));
  refused(zeros(DType::int32), zeros(DType::int32), zeros(DType::int32));
  refused(zeros(DType::float16), zeros(DType::float16), zeros(DType::float32));
  const Tensor bias = Tensor::zeros({2}, DType::bfloat16);
  EXPECT_THROW(ops::matmul(narrow, narrow, single, {.bias = &bias}), DTypeError);
  const Tensor sums = Tensor::zeros({2});
  testing::expect_throw_with<ValueError>(
      [&] { ops::matmul(single, single, single.clone(), {.a_sums = &sums}); }, "set transpose_a");
}

}  // namespace
}  // namespace wick
