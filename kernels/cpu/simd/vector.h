// SPDX-License-Identifier: MIT
// Short vectors by the compilers' vector extension: arithmetic operators work on them as on
// scalars.
#pragma once

#include <cstdint>
#include <type_traits>

#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "kernels/cpu/simd/isa.h"
#include "kernels/cpu/simd/unroll.h"

namespace wick::cpu {

template <typename T, typename Isa>
struct VectorOf {
  static constexpr int kLanes = Isa::kVectorBytes / static_cast<int>(sizeof(T));
  typedef T Type __attribute__((vector_size(Isa::kVectorBytes)));
  // The same in memory: any alignment, and other types may alias it.
  typedef T Unaligned
      __attribute__((vector_size(Isa::kVectorBytes), aligned(sizeof(T)), may_alias));
};

template <typename T, typename Isa>
using Vector = typename VectorOf<T, Isa>::Type;

template <typename Isa>
struct IntVectorOf {
  typedef std::int32_t Type __attribute__((vector_size(Isa::kVectorBytes)));
};

template <typename T, typename Isa>
inline constexpr int kLanes = VectorOf<T, Isa>::kLanes;

template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> load(const T* from) {
  return *reinterpret_cast<const typename VectorOf<T, Isa>::Unaligned*>(from);
}

template <typename T, typename Isa>
[[gnu::always_inline]] inline void store(T* to, Vector<T, Isa> value) {
  *reinterpret_cast<typename VectorOf<T, Isa>::Unaligned*>(to) = value;
}

/// Copies 0 < count < 2 * Lanes elements, a power of two, by two overlapping vectors of the largest
/// size that fits twice over.
template <typename T, typename Isa, int Lanes>
[[gnu::always_inline]] inline void copy_overlapping(const T* from, T* to, int count) {
  using Piece = NarrowIsa<Isa, Lanes* static_cast<int>(sizeof(T))>;
  if constexpr (Lanes == 1) {
    *to = *from;
  } else if (count >= Lanes) {
    const auto head = load<T, Piece>(from);
    const auto tail = load<T, Piece>(from + count - Lanes);
    store<T, Piece>(to, head);
    store<T, Piece>(to + count - Lanes, tail);
  } else {
    copy_overlapping<T, Isa, Lanes / 2>(from, to, count);
  }
}

/// Whether parts of vectors are read and written by one instruction.
template <typename T, typename Isa>
inline constexpr bool kHasMasks = Isa::kVectorBytes == 64 && sizeof(T) == sizeof(float);

/// The first `count` lanes, 0 < count < kLanes; the others are zero and their memory is not
/// touched.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> load_first(const T* from, int count) {
#if defined(__AVX512F__)
  if constexpr (kHasMasks<T, Isa>) {
    return _mm512_maskz_loadu_ps(static_cast<__mmask16>((1U << count) - 1U), from);
  }
#endif
#if defined(__AVX2__)
  if constexpr (Isa::kVectorBytes == 32 && sizeof(T) == sizeof(float)) {
    const __m256i numbers = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_maskload_ps(from, _mm256_cmpgt_epi32(_mm256_set1_epi32(count), numbers));
  }
#endif
  T lanes[kLanes<T, Isa>] = {};
  copy_overlapping<T, Isa, kLanes<T, Isa> / 2>(from, lanes, count);
  return load<T, Isa>(lanes);
}

/// Writes the first `count` lanes, 0 < count < kLanes.
template <typename T, typename Isa>
[[gnu::always_inline]] inline void store_first(T* to, Vector<T, Isa> value, int count) {
#if defined(__AVX512F__)
  if constexpr (kHasMasks<T, Isa>) {
    _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1U << count) - 1U), value);
    return;
  }
#endif
  // By way of memory: a lane picked by a variable would force the vector out of its register.
  T lanes[kLanes<T, Isa>];
  store<T, Isa>(lanes, value);
  copy_overlapping<T, Isa, kLanes<T, Isa> / 2>(lanes, to, count);
}

/// All lanes equal. (x - 0 keeps the sign of a zero, which x + 0 would not.)
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> broadcast(T value) {
  return value - Vector<T, Isa>{};
}

/// The first (`High` false) or the second half of the lanes.
template <typename T, typename Isa, bool High>
[[gnu::always_inline]] inline auto half_of(Vector<T, Isa> value) {
  constexpr int kCount = kLanes<T, Isa>;
  constexpr int kFirst = High ? kCount / 2 : 0;
  if constexpr (kCount == 4) {
    return __builtin_shufflevector(value, value, kFirst, kFirst + 1);
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(value, value, kFirst, kFirst + 1, kFirst + 2, kFirst + 3);
  } else {
    static_assert(kCount == 16);
    return __builtin_shufflevector(value, value, kFirst, kFirst + 1, kFirst + 2, kFirst + 3,
                                   kFirst + 4, kFirst + 5, kFirst + 6, kFirst + 7);
  }
}

/// All lanes by the operation, half with half.
template <typename T, typename Isa, typename Operation>
[[gnu::always_inline]] inline T reduce(Vector<T, Isa> value, const Operation& operation) {
  if constexpr (kLanes<T, Isa> == 2) {
    return operation(value[0], value[1]);
  } else {
    using Half = NarrowIsa<Isa, Isa::kVectorBytes / 2>;
    return reduce<T, Half>(operation(half_of<T, Isa, false>(value), half_of<T, Isa, true>(value)),
                           operation);
  }
}

/// The first half of the result holds the sums of a's neighbouring lanes, the second half b's.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> add_neighbours(Vector<T, Isa> a, Vector<T, Isa> b) {
  constexpr int kCount = kLanes<T, Isa>;
  if constexpr (kCount == 2) {
    return __builtin_shufflevector(a, b, 0, 2) + __builtin_shufflevector(a, b, 1, 3);
  } else if constexpr (kCount == 4) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6) + __builtin_shufflevector(a, b, 1, 3, 5, 7);
  } else if constexpr (kCount == 8) {
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14) +
           __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15);
  } else {
    static_assert(kCount == 16);
    return __builtin_shufflevector(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28,
                                   30) +
           __builtin_shufflevector(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31);
  }
}

// The first Count / 2 vectors become the sums of the neighbouring lanes of the first Count, and so
// on down to one.
template <typename T, typename Isa, int Count>
[[gnu::always_inline]] inline void add_pairs(Vector<T, Isa>* vectors) {
  if constexpr (Count > 1) {
    unroll<Count / 2>([vectors](auto i) {
      vectors[i] = add_neighbours<T, Isa>(vectors[2 * i], vectors[2 * i + 1]);
    });
    add_pairs<T, Isa, Count / 2>(vectors);
  }
}

/// Lane i of the result is the sum over the lanes of vectors[i]; there are as many vectors as
/// lanes. The order of the additions is the same for each.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> add_across(Vector<T, Isa>* vectors) {
  add_pairs<T, Isa, kLanes<T, Isa>>(vectors);
  return vectors[0];
}

/// Without its sign.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> magnitude(Vector<T, Isa> value) {
  using Bits = decltype(value < value);  // lanes of integers
  using Lane = std::remove_cvref_t<decltype(Bits{}[0])>;
  constexpr auto kAllButSign = static_cast<Lane>(~(std::uint64_t{1} << 63) >> (64 - 8 * sizeof(T)));
  return reinterpret_cast<Vector<T, Isa>>(reinterpret_cast<Bits>(value) & kAllButSign);
}

// Here and below, masks that leave nothing out: GCC 12 warns of what the plain intrinsics pass on.

/// The smaller one of each lane; b where one is NaN. One instruction, which compilers do not make
/// of `a < b ? a : b` for vectors.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> smaller(Vector<T, Isa> a, Vector<T, Isa> b) {
  if constexpr (sizeof(T) == sizeof(float)) {
#if defined(__AVX512F__)
    if constexpr (Isa::kVectorBytes == 64) return _mm512_maskz_min_ps(0xFFFF, a, b);
#endif
#if defined(__AVX__)
    if constexpr (Isa::kVectorBytes == 32) return _mm256_min_ps(a, b);
#endif
#if defined(__SSE2__)
    if constexpr (Isa::kVectorBytes == 16) return _mm_min_ps(a, b);
#endif
  }
  return a < b ? a : b;
}
/// The larger one, likewise.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> larger(Vector<T, Isa> a, Vector<T, Isa> b) {
  if constexpr (sizeof(T) == sizeof(float)) {
#if defined(__AVX512F__)
    if constexpr (Isa::kVectorBytes == 64) return _mm512_maskz_max_ps(0xFFFF, a, b);
#endif
#if defined(__AVX__)
    if constexpr (Isa::kVectorBytes == 32) return _mm256_max_ps(a, b);
#endif
#if defined(__SSE2__)
    if constexpr (Isa::kVectorBytes == 16) return _mm_max_ps(a, b);
#endif
  }
  return a > b ? a : b;
}

template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> square_root(Vector<T, Isa> value) {
  constexpr bool kFloat = sizeof(T) == sizeof(float);
#if defined(__AVX512F__)
  if constexpr (Isa::kVectorBytes == 64) {
    if constexpr (kFloat) {
      return _mm512_maskz_sqrt_ps(0xFFFF, value);
    } else {
      return _mm512_maskz_sqrt_pd(0xFF, value);
    }
  }
#endif
#if defined(__AVX__)
  if constexpr (Isa::kVectorBytes == 32) {
    if constexpr (kFloat) {
      return _mm256_sqrt_ps(value);
    } else {
      return _mm256_sqrt_pd(value);
    }
  }
#endif
#if defined(__SSE2__)
  if constexpr (Isa::kVectorBytes == 16) {
    if constexpr (kFloat) {
      return _mm_sqrt_ps(value);
    } else {
      return _mm_sqrt_pd(value);
    }
  }
#endif
  for (int i = 0; i < kLanes<T, Isa>; ++i) {
    value[i] = kFloat ? static_cast<T>(__builtin_sqrtf(static_cast<float>(value[i])))
                      : static_cast<T>(__builtin_sqrt(static_cast<double>(value[i])));
  }
  return value;
}

/// a / b, for a b that is at least 2^-60, or NaN. Where square roots already keep the divider busy,
/// by a reciprocal of 14 bits and two corrections: the first doubles its bits, the second takes
/// account of what is left of `a`, which is up to 2^-48 times as small.
template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> quotient(Vector<T, Isa> a, Vector<T, Isa> b) {
#if defined(__AVX512F__)
  if constexpr (kHasMasks<T, Isa>) {
    // Left to the divider: a divisor that is infinite or no number, or could make the inverse
    // vanish; and of dividends all but zeros and those whose quotient is finite and whose rest is
    // normal. The bits of a number without its sign are in the order of the numbers.
    constexpr int kLeast = (127 - 76) << 23;  // 2^-76
    constexpr int kMost = (127 + 66) << 23;   // 2^66
    const __m512i bits = _mm512_castps_si512(magnitude<T, Isa>(a));
    const __m512i above = _mm512_sub_epi32(bits, _mm512_set1_epi32(kLeast));
    const __mmask16 far = _mm512_mask_cmpgt_epu32_mask(_mm512_test_epi32_mask(bits, bits), above,
                                                       _mm512_set1_epi32(kMost - kLeast));
    const __mmask16 large = _mm512_cmp_ps_mask(b, _mm512_set1_ps(0x1p60F), _CMP_NLE_UQ);
    if ((far | large) == 0) {
      const __m512 one = _mm512_set1_ps(1.0F);
      const __m512 rough = _mm512_maskz_rcp14_ps(0xFFFF, b);
      const __m512 inverse = _mm512_fmadd_ps(rough, _mm512_fnmadd_ps(b, rough, one), rough);
      const __m512 result = _mm512_mul_ps(a, inverse);
      return _mm512_fmadd_ps(inverse, _mm512_fnmadd_ps(b, result, a), result);
    }
  }
#endif
  return a / b;
}

}  // namespace wick::cpu
