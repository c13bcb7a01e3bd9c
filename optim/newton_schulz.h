// SPDX-License-Identifier: MIT
// The orthogonalisation of a matrix by the Newton-Schulz iteration.
#pragma once

#include <array>
#include <cstdint>

#include "wick/core/scratch.h"
#include "wick/core/tensor.h"

namespace wick::optim {

/// Replaces the singular values of a matrix by numbers near 1: X = U S V' becomes about U V'
/// (Jordan, https://kellerjordan.github.io/posts/muon/). Keeps its scratch memory, so that nothing
/// is allocated once the largest matrix has been seen. Thread safety: none.
class NewtonSchulz {
 public:
  struct Options {
    std::array<double, 3> coefficients{};  // a, b, c: X becomes a X + (b X X' + c (X X')^2) X
    std::int64_t steps = 0;
    double eps = 0.0;  // the smallest norm that the matrix is divided by
  };

  /// In place; x (M, N), float32, contiguous. Its products round their operands to bfloat16.
  void apply(const Tensor& x, const Options& options);

 private:
  Scratch norm_;
  Scratch rounded_;       // x in bfloat16
  Scratch product_;       // of the size of x
  Scratch gram_;          // X X', or X' X, the smaller one
  Scratch gram_square_;   // its square
  Scratch gram_rounded_;  // in bfloat16
};

}  // namespace wick::optim
