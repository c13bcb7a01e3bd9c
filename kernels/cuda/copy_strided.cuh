// SPDX-License-Identifier: MIT
// Copies between layouts, with conversion between any two dtypes (kernels/convert.h).
//
// Three kernels: contiguous conversions that occur in training, compiled for their pair of types;
// moves of elements as they are, in any layout; and one for everything else, which takes each
// element through a wide value, so that 21 dtypes need no 441 kernels.
#pragma once

#include <complex>

#include "kernels/convert.h"
#include "kernels/cuda/loops.cuh"
#include "kernels/cuda/pack.cuh"

namespace wick::cuda {

inline constexpr int kCopyThreads = 256;

/// The loops of a copy: to, from.
using CopyLoops = KernelLoops<2>;

template <typename Index, typename Unit>
__global__ void __launch_bounds__(kCopyThreads)
    move_kernel(CopyLoops loops, Unit* to, const Unit* from) {
  for (std::int64_t i = grid_thread(); i < loops.count; i += grid_threads()) {
    const Offsets<2> at = offsets_of<Index>(loops, i);
    to[at.at[0]] = from[at.at[1]];
  }
}

/// An element of any dtype without loss. What has the type of a part of the result keeps its bits,
/// NaN's payload included, which a way through double would change.
struct WideValue {
  enum class Kind { signed_integer, unsigned_integer, half, single, real, complex_single, complex };
  Kind kind;
  std::int64_t integer;
  std::uint64_t natural;
  float16 half;
  float single;
  float single_imaginary;
  double real;
  double imaginary;
};

template <typename T>
__host__ __device__ inline WideValue widen(T value) {
  using Kind = WideValue::Kind;
  WideValue wide{};
  if constexpr (Complex<T>) {
    if constexpr (std::same_as<T, std::complex<double>>) {
      wide.kind = Kind::complex;
      wide.real = value.real();
      wide.imaginary = value.imag();
    } else {
      wide.kind = Kind::complex_single;
      wide.single = real_part(value);
      wide.single_imaginary = imaginary_part(value);
    }
  } else if constexpr (std::integral<T> && std::is_unsigned_v<T>) {
    wide.kind = Kind::unsigned_integer;
    wide.natural = static_cast<std::uint64_t>(value);
  } else if constexpr (std::integral<T>) {
    wide.kind = Kind::signed_integer;
    wide.integer = static_cast<std::int64_t>(value);
  } else if constexpr (std::same_as<T, double>) {
    wide.kind = Kind::real;
    wide.real = value;
  } else if constexpr (std::same_as<T, float16>) {
    wide.kind = Kind::half;
    wide.half = value;
  } else {
    wide.kind = Kind::single;
    wide.single = real_part(value);
  }
  return wide;
}

template <typename To>
__host__ __device__ inline To narrow(const WideValue& value) {
  using Kind = WideValue::Kind;
  switch (value.kind) {
    case Kind::signed_integer: return convert<To>(value.integer);
    case Kind::unsigned_integer: return convert<To>(value.natural);
    case Kind::half: return convert<To>(value.half);
    case Kind::single: return convert<To>(value.single);
    case Kind::real: return convert<To>(value.real);
    case Kind::complex_single:
      return convert<To>(std::complex<float>(value.single, value.single_imaginary));
    case Kind::complex: break;
  }
  return convert<To>(std::complex<double>(value.real, value.imaginary));
}

/// Calls visitor(TypeTag<T>{}) as visit() of core/dtype.h does, which a kernel cannot call, since
/// it throws.
template <typename Visitor>
__host__ __device__ inline void visit_in_kernel(DType dtype, const Visitor& visitor) {
  switch (dtype) {
    case DType::float32: return visitor(TypeTag<float>{});
    case DType::float64: return visitor(TypeTag<double>{});
    case DType::float16: return visitor(TypeTag<float16>{});
    case DType::bfloat16: return visitor(TypeTag<bfloat16>{});
    case DType::float8_e4m3fn: return visitor(TypeTag<float8_e4m3fn>{});
    case DType::float8_e5m2: return visitor(TypeTag<float8_e5m2>{});
    case DType::float8_e4m3fnuz: return visitor(TypeTag<float8_e4m3fnuz>{});
    case DType::float8_e5m2fnuz: return visitor(TypeTag<float8_e5m2fnuz>{});
    case DType::float8_e8m0fnu: return visitor(TypeTag<float8_e8m0fnu>{});
    case DType::uint8: return visitor(TypeTag<std::uint8_t>{});
    case DType::int8: return visitor(TypeTag<std::int8_t>{});
    case DType::int16: return visitor(TypeTag<std::int16_t>{});
    case DType::int32: return visitor(TypeTag<std::int32_t>{});
    case DType::int64: return visitor(TypeTag<std::int64_t>{});
    case DType::uint16: return visitor(TypeTag<std::uint16_t>{});
    case DType::uint32: return visitor(TypeTag<std::uint32_t>{});
    case DType::uint64: return visitor(TypeTag<std::uint64_t>{});
    case DType::boolean: return visitor(TypeTag<bool>{});
    case DType::complex32: return visitor(TypeTag<complex32>{});
    case DType::complex64: return visitor(TypeTag<std::complex<float>>{});
    case DType::complex128: return visitor(TypeTag<std::complex<double>>{});
    default: return;  // the opaque ones, which Tensor refuses to convert
  }
}

template <typename Index>
__global__ void __launch_bounds__(kCopyThreads)
    convert_kernel(CopyLoops loops, DType to_dtype, void* to, DType from_dtype, const void* from) {
  for (std::int64_t i = grid_thread(); i < loops.count; i += grid_threads()) {
    const Offsets<2> at = offsets_of<Index>(loops, i);
    WideValue value{};
    visit_in_kernel(from_dtype, [&]<typename From>(TypeTag<From>) {
      value = widen(static_cast<const From*>(from)[at.at[1]]);
    });
    visit_in_kernel(to_dtype, [&]<typename To>(TypeTag<To>) {
      static_cast<To*>(to)[at.at[0]] = narrow<To>(value);
    });
  }
}

/// Contiguous; `N` elements per access, to which both pointers are aligned.
template <int N, typename To, typename From>
__global__ void __launch_bounds__(kCopyThreads)
    convert_contiguous_kernel(To* to, const From* from, std::int64_t count) {
  const std::int64_t packs = count / N;
  for (std::int64_t i = grid_thread(); i < packs; i += grid_threads()) {
    const Pack<From, N> in = load_pack<N>(from + i * N);
    Pack<To, N> out;
    for (int j = 0; j < N; ++j) out[j] = convert<To>(in[j]);
    store_pack<N>(to + i * N, out);
  }
  const std::int64_t rest = packs * N + grid_thread();
  if (rest < count) to[rest] = convert<To>(from[rest]);
}

inline constexpr int kTile = 32;
inline constexpr int kTileRows = 8;

/// Rows of a column-major matrix become rows: to[r * to_stride + c] = from[c * from_stride + r], by
/// tiles in shared memory, so that both sides are accessed in runs.
template <typename Unit>
struct TransposeShared {
  Unit tile[kTile][kTile + 1];  // the spare column keeps columns in different banks
};

template <typename Unit>
__global__ void __launch_bounds__(kTile* kTileRows)
    transpose_kernel(std::int64_t rows, std::int64_t cols, Unit* to, std::int64_t to_stride,
                     const Unit* from, std::int64_t from_stride) {
  auto& shared = *shared_memory<TransposeShared<Unit>>();
  const int x = static_cast<int>(threadIdx.x) % kTile;
  const int y = static_cast<int>(threadIdx.x) / kTile;
  const std::int64_t tiles_across = (cols + kTile - 1) / kTile;
  const std::int64_t tiles = tiles_across * ((rows + kTile - 1) / kTile);
  for (std::int64_t tile = blockIdx.x; tile < tiles; tile += gridDim.x) {
    const std::int64_t row = tile / tiles_across * kTile;
    const std::int64_t col = tile % tiles_across * kTile;
    for (int j = y; j < kTile; j += kTileRows) {
      if (row + x < rows && col + j < cols) {
        shared.tile[j][x] = from[(col + j) * from_stride + row + x];
      }
    }
    __syncthreads();
    for (int j = y; j < kTile; j += kTileRows) {
      if (row + j < rows && col + x < cols) {
        to[(row + j) * to_stride + col + x] = shared.tile[x][j];
      }
    }
    __syncthreads();
  }
}

}  // namespace wick::cuda
