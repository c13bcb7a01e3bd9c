// SPDX-License-Identifier: MIT
// PReLU and its gradients.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/rows.h"

namespace wick::cpu {
namespace {

// So many sums go on beside each other for one weight.
constexpr std::int64_t kSums = 64;

struct WeightSums {};

}  // namespace

template <typename T>
void CpuBackend::run_prelu(PreluTask<T> task, std::int64_t outer, std::int64_t channels,
                           std::int64_t inner) {
  if (inner == 0 || channels == 0) return;
  if (channels == 1) {
    share_elements(*pool_, outer * inner, [&](std::int64_t first, std::int64_t last) {
      kernels<T>().prelu({task.x + first, offset(task.grad_output, first), task.weight, false,
                          task.out + first, last - first});
    });
    return;
  }
  // Rows of one channel's elements, or of one element of each channel.
  const bool each = inner == 1;
  const std::int64_t rows = each ? outer : outer * channels;
  const std::int64_t cols = each ? channels : inner;
  share(*pool_, rows, 1, rows * cols, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t r = first; r < last; ++r) {
      const T* const weight = each ? task.weight : task.weight + r % channels;
      kernels<T>().prelu({task.x + r * cols, offset(task.grad_output, r * cols), weight, each,
                          task.out + r * cols, cols});
    }
  });
}

void CpuBackend::prelu(const PreluArgs& args) {
  visit_arithmetic(args.dtype, "prelu", [&]<typename T>(TypeTag<T>) {
    run_prelu<T>({static_cast<const T*>(args.x), nullptr, static_cast<const T*>(args.weight), false,
                  static_cast<T*>(args.y), 0},
                 args.outer, args.channels, args.inner);
  });
}

// Sums in float64, in an order that does not depend on threads: one thread's.
template <typename T>
void CpuBackend::sum_prelu_weight_grads(const PreluBackwardArgs& args) {
  const auto* const g = static_cast<const T*>(args.grad_output);
  const auto* const x = static_cast<const T*>(args.x);
  auto* const grad = static_cast<T*>(args.grad_weight);
  const auto keep = [&](std::int64_t c, double sum) {
    const double before = args.accumulate_weight ? static_cast<double>(grad[c]) : 0.0;
    grad[c] = static_cast<T>(before + sum);
  };
  const std::int64_t channels = args.channels;
  if (channels > 1 && args.inner == 1) {
    auto* const sums = thread_workspace<double, WeightSums>(channels);
    std::fill_n(sums, channels, 0.0);
    for (std::int64_t r = 0; r < args.outer; ++r) {
      kernels<T>().prelu_weight_grads(g + r * channels, x + r * channels, sums, channels);
    }
    for (std::int64_t c = 0; c < channels; ++c) keep(c, sums[c]);
    return;
  }
  for (std::int64_t c = 0; c < channels; ++c) {
    std::array<double, kSums> sums{};
    for (std::int64_t r = 0; r < args.outer; ++r) {
      const std::int64_t at = (r * channels + c) * args.inner;
      for (std::int64_t i = 0; i < args.inner; i += kSums) {
        kernels<T>().prelu_weight_grads(g + at + i, x + at + i, sums.data(),
                                        std::min(kSums, args.inner - i));
      }
    }
    double sum = 0.0;
    for (const double each : sums) sum += each;
    keep(c, sum);
  }
}

void CpuBackend::prelu_backward(const PreluBackwardArgs& args) {
  visit_arithmetic(args.dtype, "prelu_backward", [&]<typename T>(TypeTag<T>) {
    if (args.grad_input != nullptr) {
      run_prelu<T>({static_cast<const T*>(args.x), static_cast<const T*>(args.grad_output),
                    static_cast<const T*>(args.weight), false, static_cast<T*>(args.grad_input), 0},
                   args.outer, args.channels, args.inner);
    }
    if (args.grad_weight != nullptr) sum_prelu_weight_grads<T>(args);
  });
}

}  // namespace wick::cpu
