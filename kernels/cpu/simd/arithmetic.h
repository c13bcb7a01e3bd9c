// SPDX-License-Identifier: MIT
// Arithmetic between rows of elements: plain loops over the formulas of
// kernels/formulas/arithmetic.h, which the compiler vectorises for the instruction set at hand.
#pragma once

#include "kernels/cpu/simd/arithmetic_table.h"
#include "kernels/formulas/arithmetic.h"

namespace wick::cpu {

template <typename T, typename Isa, BinaryOp Op>
void binary_row(const BinaryRow<T>& row) {
  using Formula = formulas::Binary<Op>;
  using Out = typename Formula::template Result<T>;
  const T* const a = row.a;
  const T* const b = row.b;
  auto* const out = static_cast<Out*>(row.out);
  const std::int64_t count = row.count;
  const T alpha = row.alpha;
  // The usual cases: contiguous, and one of them a number.
  if (row.out_stride == 1 && row.a_stride == 1 && row.b_stride == 1) {
    for (std::int64_t i = 0; i < count; ++i) out[i] = Formula::apply(a[i], b[i], alpha);
  } else if (row.out_stride == 1 && row.a_stride == 1 && row.b_stride == 0) {
    const T right = *b;
    for (std::int64_t i = 0; i < count; ++i) out[i] = Formula::apply(a[i], right, alpha);
  } else if (row.out_stride == 1 && row.a_stride == 0 && row.b_stride == 1) {
    const T left = *a;
    for (std::int64_t i = 0; i < count; ++i) out[i] = Formula::apply(left, b[i], alpha);
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      out[i * row.out_stride] = Formula::apply(a[i * row.a_stride], b[i * row.b_stride], alpha);
    }
  }
}

template <typename T, typename Isa, TernaryOp Op>
void ternary_row(const TernaryRow<T>& row) {
  using Formula = formulas::Ternary<Op>;
  const std::int64_t count = row.count;
  const bool contiguous = row.out_stride == 1 && row.a_stride == 1;
  if (contiguous && row.b_stride == 1 && row.c_stride == 0) {
    const T c = *row.c;
    for (std::int64_t i = 0; i < count; ++i) row.out[i] = Formula::apply(row.a[i], row.b[i], c);
  } else if (contiguous && row.b_stride == 0 && row.c_stride == 0) {
    const T b = *row.b;
    const T c = *row.c;
    for (std::int64_t i = 0; i < count; ++i) row.out[i] = Formula::apply(row.a[i], b, c);
  } else if (contiguous && row.b_stride == 1 && row.c_stride == 1) {
    for (std::int64_t i = 0; i < count; ++i) {
      row.out[i] = Formula::apply(row.a[i], row.b[i], row.c[i]);
    }
  } else {
    for (std::int64_t i = 0; i < count; ++i) {
      row.out[i * row.out_stride] =
          Formula::apply(row.a[i * row.a_stride], row.b[i * row.b_stride], row.c[i * row.c_stride]);
    }
  }
}

}  // namespace wick::cpu
