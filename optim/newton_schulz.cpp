// SPDX-License-Identifier: MIT
#include "optim/newton_schulz.h"

#include <algorithm>

#include "wick/core/ops.h"
#include "wick/core/ops_vector_reduce.h"

namespace wick::optim {

void NewtonSchulz::apply(const Tensor& x, const Options& options) {
  const Device device = x.device();
  const std::int64_t rows = x.size(0);
  const std::int64_t cols = x.size(1);
  const bool is_tall = rows > cols;
  const Dims square(2, std::min(rows, cols));
  const Tensor& norm = norm_.get({1}, DType::float64, device);
  const Tensor& rounded = rounded_.get(x.shape(), DType::bfloat16, device);
  const Tensor& product = product_.get(x.shape(), DType::float32, device);
  const Tensor& gram = gram_.get(square, DType::float32, device);
  const Tensor& gram_square = gram_square_.get(square, DType::float32, device);
  const Tensor& gram_rounded = gram_rounded_.get(square, DType::bfloat16, device);
  const auto [a, b, c] = options.coefficients;

  ops::vector_reduce(VectorReduceOp::square_sum, x, norm);
  ops::scale_by_norm(x, norm, {.scale = NormScale::normalize, .limit = options.eps});
  for (std::int64_t step = 0; step < options.steps; ++step) {
    rounded.copy_(x);
    // Of a matrix with more rows than columns, the transpose is meant.
    ops::matmul(rounded, rounded, gram, {.transpose_a = is_tall, .transpose_b = !is_tall});
    gram_rounded.copy_(gram);
    ops::matmul(gram_rounded, gram_rounded, gram_square);
    ops::weighted_sum(b, gram, c, gram_square, gram);
    gram_rounded.copy_(gram);
    is_tall ? ops::matmul(rounded, gram_rounded, product)
            : ops::matmul(gram_rounded, rounded, product);
    ops::weighted_sum(a, x, 1.0, product, x);
  }
}

}  // namespace wick::optim
