// SPDX-License-Identifier: MIT
// Layers with packed weights at every level against a float64 reference, one row to many, one
// output to many, on several threads too.
#include <cmath>
#include <cstddef>
#include <vector>

#include <gtest/gtest.h>

#include "tests/kernels/reference.h"
#include "wick/core/backend/matrix.h"

namespace wick {
namespace {

using testing::all_levels;
using testing::Matrix;

struct Case {
  std::int64_t rows;
  std::int64_t outputs;
  std::int64_t inputs;
};

constexpr Case kCases[] = {{1, 1, 1},      {1, 10, 32},    {1, 10, 512},   {1, 33, 200},
                           {5, 10, 128},   {5, 12, 127},   {5, 13, 300},   {32, 32, 784},
                           {33, 10, 1100}, {70, 70, 1030}, {130, 300, 65}, {130, 260, 513},
                           {4, 0, 9},      {3, 20, 0},     {1, 20, 0}};

void expect_layer(const Matrix& x, const Matrix& w, const Matrix& bias, bool relu,
                  const Matrix& y) {
  for (std::int64_t m = 0; m < y.rows; ++m) {
    for (std::int64_t n = 0; n < y.cols; ++n) {
      auto sum = static_cast<double>(bias.at(0, n));
      double magnitude = std::fabs(sum);
      for (std::int64_t k = 0; k < x.cols; ++k) {
        const double product = static_cast<double>(x.at(m, k)) * static_cast<double>(w.at(n, k));
        sum += product;
        magnitude += std::fabs(product);
      }
      if (relu) sum = std::fmax(sum, 0.0);
      ASSERT_NEAR(static_cast<double>(y.at(m, n)), sum, 1e-6 * (magnitude + 1.0))
          << y.rows << 'x' << y.cols << 'x' << x.cols << " at " << m << ", " << n;
    }
  }
}

TEST(PackedLinear, AgreesWithFloat64AtEveryLevel) {
  Generator generator(7);
  for (const auto& backend : all_levels()) {
    for (const Case& size : kCases) {
      const Matrix x = Matrix::random(size.rows, size.inputs, generator, 1);
      const Matrix w = Matrix::random(size.outputs, size.inputs, generator);
      const Matrix bias = Matrix::random(1, size.outputs, generator);
      std::vector<std::byte> packed(
          backend->packed_weight_bytes(DType::float32, size.outputs, size.inputs));
      backend->pack_weight(DType::float32, w.ref(), packed.data());
      std::vector<std::vector<float>> results;
      for (const int threads : {1, 2, 3}) {
        backend->set_num_threads(threads);
        for (const bool relu : {false, true}) {
          Matrix y(size.rows, size.outputs, 3);
          backend->matmul({.a = x.ref(),
                           .b = {packed.data(), size.outputs, size.inputs, size.inputs},
                           .c = y.ref(),
                           .transpose_b = true,
                           .packed_b = true,
                           .bias = bias.data.data(),
                           .relu = relu});
          if (threads == 1) expect_layer(x, w, bias, relu, y);
          EXPECT_TRUE(y.gaps_intact());
          results.push_back(y.data);
        }
      }
      for (std::size_t i = 2; i < results.size(); ++i) EXPECT_EQ(results[i], results[i % 2]);
      backend->set_num_threads(1);
    }
  }
}

}  // namespace
}  // namespace wick
