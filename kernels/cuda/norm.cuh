// SPDX-License-Identifier: MIT
// What the kernels of normalisations share. The formulas are those of kernels/cpu/norm.cpp: with
// d = x - mean, r = rstd, n elements to a mean, p = grad_output weight, and S a sum over those n:
//   y = d r weight + bias
//   grad_input = r (p - S(p) / n - d r^2 S(p d) / n), and without a mean the middle term is missing
//   grad_weight = sum of grad_output d r, grad_bias = sum of grad_output
// A mean that is rounded to T has lost `rest`, which is taken into account wherever it is used.
//
// Sums are taken in double over a few terms at a time that are summed in T. No variance is the
// difference of a mean of squares and a squared mean of raw values: rows that fit into registers
// take a second pass over them; elsewhere, differences from an `origin` are summed, the mean of the
// first k <= 8 of the n elements. As k (origin - mean)^2 is at most the sum of the squared
// deviations, what cancels is at most n / k times the result, for any data, and next to nothing
// for data in no particular order (Chan, Golub and LeVeque 1983, "shifted data").
#pragma once

#include "kernels/cuda/pack.cuh"
#include "kernels/cuda/reduce.cuh"

namespace wick::cuda {

inline constexpr int kNormThreads = 256;
inline constexpr int kNormUnroll = 4;  // loads under way per thread and operand
inline constexpr int kNormMostSums = 3;
inline constexpr int kNormOrigin = 8;  // elements whose mean is the origin

/// Of a statistic: what y is made from.
struct NormStat {
  double mean;
  double rstd;
  double variance;
};

/// Of a statistic: grad_input = a p + b d + c.
struct NormFactors {
  double a;
  double b;
  double c;
};

struct NormShared {
  double scratch[kNormMostSums * kNormThreads / kWarpSize];
  int is_last;
};

/// n / divisor for n >= 0 without a division (after Lemire, Kaser and Kurz 2019, "Faster remainder
/// by direct computation"): the product with 2^64 / divisor, rounded up, is too large by less than
/// n / 2^64, which is below one half.
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(std::int64_t divisor)
      : divisor_(divisor), factor_(~std::uint64_t{0} / static_cast<std::uint64_t>(divisor) + 1) {}
  [[nodiscard]] __device__ std::int64_t quotient(std::int64_t n) const {
    if (divisor_ == 1) return n;
    const std::int64_t above = high_product(factor_, static_cast<std::uint64_t>(n));
    return above * divisor_ > n ? above - 1 : above;
  }
  [[nodiscard]] __device__ std::int64_t divisor() const { return divisor_; }

 private:
  __device__ static std::int64_t high_product(std::uint64_t a, std::uint64_t b) {
#ifdef __CUDA_ARCH__
    return static_cast<std::int64_t>(__umul64hi(a, b));
#else
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::int64_t>((static_cast<Wide>(a) * b) >> 64);
#endif
  }
  std::int64_t divisor_ = 1;
  std::uint64_t factor_ = 0;
};

/// How the threads of a team go over rows of `inner` elements: `width` of them, a power of two,
/// share a piece of a row, each with kNormUnroll packs; the next ones take the next piece or row.
struct RowPieces {
  int log_width;
  std::int64_t inner;
  std::int64_t piece;   // elements
  std::int64_t pieces;  // per row
  Divisor per_row;      // of pieces
  // From a thread's piece to its next one: so many rows and so many pieces.
  std::int64_t step_rows;
  std::int64_t step_pieces;

  [[nodiscard]] __device__ std::int64_t groups(int threads) const { return threads >> log_width; }
};

/// Where a thread is.
struct PiecePosition {
  std::int64_t row;
  std::int64_t piece;
  __device__ PiecePosition(const RowPieces& pieces, std::int64_t item)
      : row(pieces.per_row.quotient(item)), piece(item - row * pieces.pieces) {}
  __device__ void advance(const RowPieces& pieces) {
    row += pieces.step_rows;
    piece += pieces.step_pieces;
    if (piece >= pieces.pieces) {
      piece -= pieces.pieces;
      ++row;
    }
  }
};

template <int N, typename T>
__device__ inline Pack<T, N> filled(T value) {
  Pack<T, N> pack;
  for (int j = 0; j < N; ++j) pack[j] = value;
  return pack;
}

/// The packs of a piece; those behind the end of the row are `outside`.
template <int N, typename T>
__device__ inline void load_piece(Pack<T, N> (&packs)[kNormUnroll], const T* row, std::int64_t at,
                                  const RowPieces& pieces, T outside) {
#pragma unroll
  for (int u = 0; u < kNormUnroll; ++u) {
    const std::int64_t i = at + (std::int64_t{u} * N << pieces.log_width);
    packs[u] = i < pieces.inner ? load_pack<N>(row + i) : filled<N>(outside);
  }
}

__device__ inline float reciprocal_root(float x) {
  return 1.0F / sqrtf(x);
}
__device__ inline double reciprocal_root(double x) {
  return 1.0 / sqrt(x);
}

}  // namespace wick::cuda
