// SPDX-License-Identifier: MIT
// Matrix products at every level against a float64 reference: all transposes, sizes that are
// multiples of nothing, every epilogue, and independence of the number of threads.
#include <cmath>
#include <tuple>

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "wick/core/backend/matrix.h"

namespace wick {
namespace {

using testing::all_levels;
using testing::Matrix;

struct Case {
  std::int64_t m;
  std::int64_t n;
  std::int64_t k;
};

// C in float64 together with the sum of magnitudes, which bounds the rounding error.
void expect_product(const Matrix& a, const Matrix& b, const Matrix& before, const Matrix& c,
                    const MatmulArgs& args, const std::string& label) {
  const std::int64_t depth = args.transpose_a ? a.rows : a.cols;
  const auto* const bias = static_cast<const float*>(args.bias);
  for (std::int64_t m = 0; m < c.rows; ++m) {
    for (std::int64_t n = 0; n < c.cols; ++n) {
      double sum = args.accumulate ? static_cast<double>(before.at(m, n)) : 0.0;
      double magnitude = std::fabs(sum);
      for (std::int64_t k = 0; k < depth; ++k) {
        const double left = static_cast<double>(args.transpose_a ? a.at(k, m) : a.at(m, k));
        const double right = static_cast<double>(args.transpose_b ? b.at(n, k) : b.at(k, n));
        sum += left * right;
        magnitude += std::fabs(left * right);
      }
      if (bias != nullptr) sum += static_cast<double>(bias[n]);
      if (args.relu) sum = std::max(sum, 0.0);
      const auto* const mask = static_cast<const float*>(args.relu_mask.data);
      if (mask != nullptr && !(mask[m * args.relu_mask.stride + n] > 0.0F)) sum = 0.0;
      const double tolerance = 1e-6 * (magnitude + 1.0);
      ASSERT_NEAR(static_cast<double>(c.at(m, n)), sum, tolerance)
          << label << " at " << m << ", " << n;
    }
  }
  EXPECT_TRUE(c.gaps_intact()) << label;
}

const std::vector<Case> kCases = {
    {1, 1, 1},
    {1, 10, 32},
    {1, 32, 784},
    {32, 32, 784},
    {32, 10, 32},
    {10, 32, 32},
    {32, 784, 32},
    {3, 5, 7},
    {17, 19, 23},
    {48, 33, 100},
    {49, 67, 300},
    {65, 129, 257},
    {7, 64, 600},
    {128, 96, 64},
    {2, 3, 1000},
    {5, 1, 9},
    {130, 200, 513},
    {4, 4, 0},
    // More than one block of k, turned round and not; more than one block of columns; copies of B
    // by the first tile, of A where its elements lie a page apart; columns that share out unevenly.
    {50, 60, 1030},
    {390, 515, 9},
    {14, 1100, 270},
    {210, 70, 300},
    {1024, 264, 20},
    {13, 50, 40},
    {20, 80, 5}};

TEST(Matmul, AgreesWithFloat64AtEveryLevelAndTranspose) {
  Generator generator(1);
  for (const auto& backend : all_levels()) {
    for (const Case& size : kCases) {
      for (const auto& [ta, tb] :
           {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
        const Matrix a = ta ? Matrix::random(size.k, size.m, generator, 3)
                            : Matrix::random(size.m, size.k, generator, 3);
        const Matrix b = tb ? Matrix::random(size.n, size.k, generator, 1)
                            : Matrix::random(size.k, size.n, generator, 1);
        Matrix c = Matrix::random(size.m, size.n, generator, 5);
        const Matrix before = c;
        const MatmulArgs args{
            .a = a.ref(), .b = b.ref(), .c = c.ref(), .transpose_a = ta, .transpose_b = tb};
        backend->matmul(args);
        expect_product(
            a, b, before, c, args,
            concat(backend->capability(), ' ', size.m, 'x', size.n, 'x', size.k, ta, tb));
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST(Matmul, AppliesTheEpiloguesInOrder) {
  Generator generator(2);
  for (const auto& backend : all_levels()) {
    for (const Case& size :
         {Case{33, 21, 40}, Case{70, 37, 300}, Case{3, 1100, 260}, Case{5, 3, 0}}) {
      for (int bits = 0; bits < 16; ++bits) {
        for (const bool tb : {false, true}) {
          const Matrix a = Matrix::random(size.m, size.k, generator);
          const Matrix b = tb ? Matrix::random(size.n, size.k, generator)
                              : Matrix::random(size.k, size.n, generator);
          const Matrix bias = Matrix::random(1, size.n, generator);
          const Matrix mask = Matrix::random(size.m, size.n, generator, 2);
          Matrix c = Matrix::random(size.m, size.n, generator);
          const Matrix before = c;
          MatmulArgs args{.a = a.ref(), .b = b.ref(), .c = c.ref(), .transpose_b = tb};
          args.accumulate = (bits & 1) != 0;
          args.bias = (bits & 2) != 0 ? bias.data.data() : nullptr;
          args.relu = (bits & 4) != 0;
          if ((bits & 8) != 0) args.relu_mask = mask.ref();
          backend->matmul(args);
          expect_product(a, b, before, c, args, concat(backend->capability(), " epilogue ", bits));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Matmul, Float64AgreesWithFloat32) {
  Generator generator(3);
  const auto backend = all_levels();
  for (const auto& [ta, tb] :
       {std::pair{false, false}, {false, true}, {true, false}, {true, true}}) {
    const std::int64_t m = 9;
    const std::int64_t n = 14;
    const std::int64_t k = 11;
    const Matrix a = ta ? Matrix::random(k, m, generator) : Matrix::random(m, k, generator);
    const Matrix b = tb ? Matrix::random(n, k, generator) : Matrix::random(k, n, generator);
    const Matrix bias = Matrix::random(1, n, generator);
    const Matrix mask = Matrix::random(m, n, generator);
    Matrix c = Matrix::random(m, n, generator);
    const auto wide = [](const Matrix& x) {
      return std::vector<double>(x.data.begin(), x.data.end());
    };
    const auto a64 = wide(a);
    const auto b64 = wide(b);
    const auto bias64 = wide(bias);
    const auto mask64 = wide(mask);
    auto c64 = wide(c);
    MatmulArgs args{.a = a.ref(),
                    .b = b.ref(),
                    .c = c.ref(),
                    .transpose_a = ta,
                    .transpose_b = tb,
                    .accumulate = true,
                    .bias = bias.data.data(),
                    .relu = true,
                    .relu_mask = mask.ref()};
    backend[0]->matmul(args);
    args.dtype = DType::float64;
    args.a.data = a64.data();
    args.b.data = b64.data();
    args.c.data = c64.data();
    args.bias = bias64.data();
    args.relu_mask.data = mask64.data();
    backend[0]->matmul(args);
    for (std::size_t i = 0; i < c64.size(); ++i) {
      EXPECT_NEAR(static_cast<double>(c.data[i]), c64[i], 1e-5);
    }
  }
}

TEST(Matmul, DoesNotDependOnTheNumberOfThreads) {
  Generator generator(4);
  for (const auto& backend : all_levels()) {
    for (const Case& size : {Case{100, 300, 257}, Case{33, 784, 512}, Case{512, 96, 100}}) {
      for (const bool tb : {false, true}) {
        const Matrix a = Matrix::random(size.m, size.k, generator);
        const Matrix b = tb ? Matrix::random(size.n, size.k, generator)
                            : Matrix::random(size.k, size.n, generator);
        std::vector<std::vector<float>> results;
        for (const int threads : {1, 2, 3, 5}) {
          backend->set_num_threads(threads);
          Matrix c(size.m, size.n);
          backend->matmul({.a = a.ref(), .b = b.ref(), .c = c.ref(), .transpose_b = tb});
          results.push_back(c.data);
        }
        for (const auto& result : results) EXPECT_EQ(result, results.front());
      }
    }
  }
}

TEST(Matmul, NaNPassesThroughReLU) {
  for (const auto& backend : all_levels()) {
    const Matrix a = [] {
      Matrix m(1, 16);
      std::fill(m.data.begin(), m.data.end(), std::nanf(""));
      return m;
    }();
    Generator generator(5);
    const Matrix b = Matrix::random(20, 16, generator);
    Matrix c(1, 20);
    backend->matmul({.a = a.ref(), .b = b.ref(), .c = c.ref(), .transpose_b = true, .relu = true});
    for (const float value : c.data) EXPECT_TRUE(std::isnan(value));
  }
}

}  // namespace
}  // namespace wick
