// SPDX-License-Identifier: MIT
// Parts of sums and extremes.
#pragma once

#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/reduce_table.h"
#include "kernels/cpu/simd/unroll.h"

namespace wick::cpu {

/// As many elements as a vector of float64 has lanes, as float64.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<double, Isa> load_wide(const T* from) {
  if constexpr (sizeof(T) == sizeof(double)) {
    return load<double, Isa>(from);
  } else {
    using Half = NarrowIsa<Isa, Isa::kVectorBytes / 2>;
    return __builtin_convertvector(load<float, Half>(from), Vector<double, Isa>);
  }
}

/// 32 sums side by side, whatever the vectors are, then half by half.
template <typename T, typename Isa>
double sum_run(const T* x, std::int64_t count) {
  constexpr int kWide = kLanes<double, Isa>;
  constexpr int kSums = 32;
  Vector<double, Isa> sums[kSums / kWide] = {};
  std::int64_t i = 0;
  for (; i + kSums <= count; i += kSums) {
    unroll<kSums / kWide>([&](auto k) __attribute__((always_inline)) {
      sums[k] += load_wide<T, Isa>(x + i + k * kWide);
    });
  }
  double lanes[kSums];
  unroll<kSums / kWide>([&](auto k) __attribute__((always_inline)) {
    store<double, Isa>(lanes + k * kWide, sums[k]);
  });
  for (int lane = 0; i < count; ++i, ++lane) lanes[lane] += static_cast<double>(x[i]);
  for (int half = kSums / 2; half > 0; half /= 2) {
    for (int lane = 0; lane < half; ++lane) lanes[lane] += lanes[lane + half];
  }
  return lanes[0];
}

template <typename T, typename Isa>
void sum_rows(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
              double* __restrict sums) {
  for (std::int64_t c = 0; c < cols; ++c) sums[c] = static_cast<double>(x[c]);
  for (std::int64_t r = 1; r < rows; ++r) {
    const T* const row = x + r * stride;
    for (std::int64_t c = 0; c < cols; ++c) sums[c] += static_cast<double>(row[c]);
  }
}

/// Whether x takes the place of `best`, which stands before it: a NaN does, and nothing takes its.
/// Of vectors, lane by lane.
template <bool Max, typename V>
[[gnu::always_inline]] inline auto takes_place(V x, V best) {
  if constexpr (Max) {
    return ((x > best) | (x != x)) & (best == best);
  } else {
    return ((x < best) | (x != x)) & (best == best);
  }
}

template <typename T, typename Isa, bool Max>
T extreme_run(const T* x, std::int64_t count) {
  T best = x[0];
  constexpr int kWide = kLanes<T, Isa>;
  std::int64_t i = 0;
  if (count >= kWide) {
    Vector<T, Isa> vector = load<T, Isa>(x);
    for (i = kWide; i + kWide <= count; i += kWide) {
      const Vector<T, Isa> here = load<T, Isa>(x + i);
      vector = takes_place<Max>(here, vector) ? here : vector;
    }
    T lanes[kWide];
    store<T, Isa>(lanes, vector);
    best = lanes[0];
    for (int lane = 1; lane < kWide; ++lane) {
      if (takes_place<Max>(lanes[lane], best)) best = lanes[lane];
    }
  }
  for (; i < count; ++i) {
    if (takes_place<Max>(x[i], best)) best = x[i];
  }
  return best;
}

template <typename T, typename Isa, bool Max>
void extreme_rows(const T* x, std::int64_t rows, std::int64_t cols, std::int64_t stride,
                  std::int64_t first_row, T* __restrict values, std::int64_t* __restrict indices) {
  for (std::int64_t c = 0; c < cols; ++c) values[c] = x[c];
  if (indices == nullptr) {
    for (std::int64_t r = 1; r < rows; ++r) {
      const T* const row = x + r * stride;
      for (std::int64_t c = 0; c < cols; ++c) {
        values[c] = takes_place<Max>(row[c], values[c]) ? row[c] : values[c];
      }
    }
    return;
  }
  for (std::int64_t c = 0; c < cols; ++c) indices[c] = first_row;
  for (std::int64_t r = 1; r < rows; ++r) {
    const T* const row = x + r * stride;
    for (std::int64_t c = 0; c < cols; ++c) {
      const bool better = takes_place<Max>(row[c], values[c]);
      values[c] = better ? row[c] : values[c];
      indices[c] = better ? first_row + r : indices[c];
    }
  }
}

}  // namespace wick::cpu
