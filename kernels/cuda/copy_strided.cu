// SPDX-License-Identifier: MIT
// Launcher of the copies: simplifies the layouts and picks a kernel.
#include "kernels/cuda/copy_strided.cuh"
#include "wick/core/backend/memory.h"

namespace wick::cuda {
namespace {

Grid copy_grid(std::int64_t count, int per_thread) {
  return {blocks_for(divide_up(count, per_thread), kCopyThreads), kCopyThreads};
}

template <typename Unit>
cudaError_t launch_move(const CopyLoops& loops, void* to, const void* from,
                        const LaunchContext& context) {
  auto* const out = static_cast<Unit*>(to);
  const auto* const in = static_cast<const Unit*>(from);
  if (loops.dims == 2 && loops.strides[0][1] == 1 && loops.strides[1][0] == 1) {
    const std::int64_t tiles = divide_up(loops.shape[0], kTile) * divide_up(loops.shape[1], kTile);
    return launch({resident_blocks(tiles, 1, kTile * kTileRows, 8, context), kTile * kTileRows,
                   sizeof(TransposeShared<Unit>)},
                  context, transpose_kernel<Unit>, loops.shape[0], loops.shape[1], out,
                  loops.strides[0][0], in, loops.strides[1][1]);
  }
  auto* const kernel =
      fits_32_bits(loops) ? move_kernel<std::uint32_t, Unit> : move_kernel<std::uint64_t, Unit>;
  return launch(copy_grid(loops.count, 1), context, kernel, loops, out, in);
}

cudaError_t launch_moves(std::size_t bytes, const CopyLoops& loops, void* to, const void* from,
                         const LaunchContext& context) {
  switch (bytes) {
    case 1: return launch_move<std::uint8_t>(loops, to, from, context);
    case 2: return launch_move<std::uint16_t>(loops, to, from, context);
    case 4: return launch_move<std::uint32_t>(loops, to, from, context);
    case 8: return launch_move<std::uint64_t>(loops, to, from, context);
    default: break;
  }
  return launch_move<EightByteAligned16>(loops, to, from, context);
}

template <typename To, typename From>
cudaError_t launch_pair(void* to, const void* from, std::int64_t count,
                        const LaunchContext& context) {
  auto* const out = static_cast<To*>(to);
  const auto* const in = static_cast<const From*>(from);
  // 16 bytes of the larger type.
  constexpr int N = kPackSize<std::conditional_t<(sizeof(To) > sizeof(From)), To, From>>;
  const bool vectors = is_aligned(out, sizeof(To) * N) && is_aligned(in, sizeof(From) * N);
  auto* const kernel =
      vectors ? convert_contiguous_kernel<N, To, From> : convert_contiguous_kernel<1, To, From>;
  return launch(copy_grid(count, vectors ? N : 1), context, kernel, out, in, count);
}

cudaError_t launch_conversion(const CopyLoops& loops, const StridedRef& to, const StridedRef& from,
                              const LaunchContext& context) {
  if (is_contiguous(loops)) {
    const auto is = [&](DType a, DType b) { return to.dtype == a && from.dtype == b; };
    const auto pair = [&]<typename To, typename From>(TypeTag<To>, TypeTag<From>) {
      return launch_pair<To, From>(to.data, from.data, loops.count, context);
    };
    constexpr TypeTag<float> kFloat;
    if (is(DType::float32, DType::float64)) return pair(kFloat, TypeTag<double>{});
    if (is(DType::float64, DType::float32)) return pair(TypeTag<double>{}, kFloat);
    if (is(DType::float32, DType::bfloat16)) return pair(kFloat, TypeTag<bfloat16>{});
    if (is(DType::bfloat16, DType::float32)) return pair(TypeTag<bfloat16>{}, kFloat);
    if (is(DType::float32, DType::float16)) return pair(kFloat, TypeTag<float16>{});
    if (is(DType::float16, DType::float32)) return pair(TypeTag<float16>{}, kFloat);
    if (is(DType::float32, DType::uint8)) return pair(kFloat, TypeTag<std::uint8_t>{});
  }
  auto* const kernel =
      fits_32_bits(loops) ? convert_kernel<std::uint32_t> : convert_kernel<std::uint64_t>;
  return launch(copy_grid(loops.count, 1), context, kernel, loops, to.dtype, to.data, from.dtype,
                from.data);
}

}  // namespace

cudaError_t launch_copy_strided(const StridedRef& to, const StridedRef& from,
                                const LaunchContext& context) {
  for (const std::int64_t size : to.shape) {
    if (size == 0) return cudaSuccess;
  }
  const auto to_size = static_cast<std::int64_t>(size_of(to.dtype));
  const auto from_size = static_cast<std::int64_t>(size_of(from.dtype));
  return launch_loops<2>(
      coalesce<2>(to.shape, {&to.strides, &from.strides}),
      [&](const CopyLoops& loops, const Offsets<2>& at) {
        StridedRef target = to;
        StridedRef source = from;
        target.data = static_cast<unsigned char*>(to.data) + at.at[0] * to_size;
        source.data = static_cast<unsigned char*>(from.data) + at.at[1] * from_size;
        if (to.dtype != from.dtype) return launch_conversion(loops, target, source, context);
        if (is_contiguous(loops)) {
          return cudaMemcpyAsync(target.data, source.data,
                                 static_cast<std::size_t>(loops.count * to_size),
                                 cudaMemcpyDeviceToDevice, context.stream);
        }
        return launch_moves(size_of(to.dtype), loops, target.data, source.data, context);
      });
}

}  // namespace wick::cuda
