// SPDX-License-Identifier: MIT
// Launchers of the random numbers. Which thread draws for which element depends on the grid, and
// so on the device: the grid is that of PyTorch's calc_execution_policy.
#include "kernels/cuda/random.cuh"

namespace wick::cuda {
namespace {

std::int64_t random_blocks(std::int64_t count, const LaunchContext& context) {
  return resident_blocks(count, kRandomThreads, kRandomThreads, 1, context);
}

template <typename T, typename Numbers>
cudaError_t launch_numbers(void* out, std::int64_t count, Numbers numbers,
                           const PhiloxSource& source, const LaunchContext& context) {
  return launch({random_blocks(count, context), kRandomThreads}, context, random_kernel<T, Numbers>,
                static_cast<T*>(out), count, numbers, source);
}

}  // namespace

std::uint64_t philox_advance(DType dtype, std::int64_t count, const LaunchContext& context) {
  if (count == 0) return 0;
  const std::int64_t drawn = dtype == DType::float64 ? kDrawn<double> : kDrawn<float>;
  const std::int64_t per_round = random_blocks(count, context) * kRandomThreads * drawn;
  return 4 * static_cast<std::uint64_t>((count - 1) / per_round + 1);
}

cudaError_t launch_uniform(DType dtype, void* out, std::int64_t count, double low, double high,
                           PhiloxState state, PhiloxSchedule schedule,
                           const LaunchContext& context) {
  return visit_arithmetic(dtype, "uniform_", [&]<typename T>(TypeTag<T>) {
    const UniformNumbers<T> numbers{static_cast<T>(low), static_cast<T>(high)};
    return launch_numbers<T>(out, count, numbers, {state, schedule}, context);
  });
}

cudaError_t launch_normal(DType dtype, void* out, std::int64_t count, double mean, double deviation,
                          PhiloxState state, PhiloxSchedule schedule,
                          const LaunchContext& context) {
  return visit_arithmetic(dtype, "normal_", [&]<typename T>(TypeTag<T>) {
    const NormalNumbers<T> numbers{static_cast<T>(mean), static_cast<T>(deviation)};
    return launch_numbers<T>(out, count, numbers, {state, schedule}, context);
  });
}

}  // namespace wick::cuda
