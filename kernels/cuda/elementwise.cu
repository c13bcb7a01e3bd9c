// SPDX-License-Identifier: MIT
// Launchers of fill, matmul's epilogue and the counter.
#include <cstring>

#include "kernels/convert.h"
#include "kernels/cuda/elementwise.cuh"
#include "kernels/formulas/visit.h"
#include "wick/core/backend/elementwise.h"

namespace wick::cuda {

cudaError_t launch_fill(DType dtype, void* data, std::int64_t count, double value,
                        const LaunchContext& context) {
  if (count == 0) return cudaSuccess;
  Pattern pattern{};
  visit(dtype, [&]<typename T>(TypeTag<T>) {
    const T element = convert<T>(value);
    for (std::size_t at = 0; at < sizeof(pattern); at += sizeof(T)) {
      std::memcpy(pattern.bytes + at, &element, sizeof(T));
    }
  });
  const std::int64_t bytes = count * static_cast<std::int64_t>(size_of(dtype));
  const auto beyond = static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(data) % 16);
  const std::int64_t head = std::min(beyond == 0 ? 0 : 16 - beyond, bytes);
  const std::int64_t middle = (bytes - head) / 16;
  const std::int64_t tail = bytes - head - middle * 16;
  return launch({blocks_for(std::max<std::int64_t>(middle, 16), kMapThreads), kMapThreads}, context,
                fill_kernel, static_cast<unsigned char*>(data), static_cast<int>(head), middle,
                static_cast<int>(tail), pattern);
}

namespace {

template <typename T>
cudaError_t launch_epilogue_of(const EpilogueArgs& args, const LaunchContext& context) {
  const EpilogueTask<T> task{static_cast<T*>(args.c.data),
                             args.c.rows,
                             args.c.cols,
                             args.c.stride,
                             static_cast<const T*>(args.bias),
                             args.relu,
                             static_cast<const T*>(args.relu_mask.data),
                             args.relu_mask.stride,
                             static_cast<unsigned*>(args.relu_bits),
                             relu_bits_stride(args.c.cols) / 32};
  const bool vectors = rows_aligned(args.c, sizeof(T)) && rows_aligned(args.relu_mask, sizeof(T));
  const std::int64_t stretch = kWarpSize * kMapUnroll * (vectors ? kPackSize<T> : 1);
  const std::int64_t per_row = divide_up(task.cols, stretch);
  const std::int64_t blocks = blocks_for(task.rows * per_row, kMapThreads / kWarpSize);
  if (vectors) {
    return launch({blocks, kMapThreads}, context, epilogue_kernel<kPackSize<T>, T>, task, per_row);
  }
  return launch({blocks, kMapThreads}, context, epilogue_kernel<1, T>, task, per_row);
}

}  // namespace

cudaError_t launch_epilogue(const EpilogueArgs& args, const LaunchContext& context) {
  if (args.c.rows == 0 || args.c.cols == 0) return cudaSuccess;
  if (args.bias == nullptr && !args.relu && args.relu_mask.data == nullptr) return cudaSuccess;
  if (args.dtype == DType::bfloat16) return launch_epilogue_of<bfloat16>(args, context);
  return visit_arithmetic(args.dtype, "epilogue", [&]<typename T>(TypeTag<T>) {
    return launch_epilogue_of<T>(args, context);
  });
}

cudaError_t launch_move_error(ErrorFlag* from, ErrorFlag* to, const LaunchContext& context) {
  return launch({1, 1}, context, move_error_kernel, from, to);
}

cudaError_t launch_advance(std::int64_t* counter, const LaunchContext& context, std::int64_t by) {
  return launch({1, 1}, context, advance_kernel, counter, by);
}

}  // namespace wick::cuda
