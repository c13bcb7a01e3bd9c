// SPDX-License-Identifier: MIT
// PReLU and its gradients. Sums over elements are in float64, of parts that do not depend on the
// number of threads, and added up in the parts' order.
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

struct WeightSums {};

// A part of a task, from element `at` on.
template <typename T>
PreluTask<T> part_of(const PreluTask<T>& task, std::int64_t at, std::int64_t count) {
  PreluTask<T> part = task;
  part.x += at;
  part.grad_output = offset(part.grad_output, at);
  part.out = offset(part.out, at);
  part.count = count;
  return part;
}

// What the parts have left, `channels` each, added up in the first one's place.
void add_parts(double* sums, std::int64_t parts, std::int64_t channels) {
  for (std::int64_t part = 1; part < parts; ++part) {
    for (std::int64_t c = 0; c < channels; ++c) sums[c] += sums[part * channels + c];
  }
}

}  // namespace

// One weight for all elements.
template <typename T>
void CpuBackend::run_prelu_flat(const PreluTask<T>& task, double* sum) {
  if (sum == nullptr) {
    share_elements(*pool_, task.count, [&](std::int64_t first, std::int64_t last) {
      kernels<T>().prelu(part_of(task, first, last - first));
    });
    return;
  }
  const FixedParts parts(task.count, FixedParts::kLeastElements);
  std::array<double, FixedParts::kMost> sums{};
  parts.run(*pool_, [&](std::size_t i, std::int64_t begin, std::int64_t count) {
    PreluTask<T> part = part_of(task, begin, count);
    part.sums = &sums[i];
    kernels<T>().prelu(part);
  });
  add_parts(sums.data(), parts.count(), 1);
  *sum = sums[0];
}

// Rows of one element of each channel.
template <typename T>
void CpuBackend::run_prelu_columns(const PreluTask<T>& task, std::int64_t rows,
                                   std::int64_t channels, double* sums) {
  const auto run = [&](std::int64_t first, std::int64_t last, double* own) {
    for (std::int64_t r = first; r < last; ++r) {
      PreluTask<T> row = part_of(task, r * channels, channels);
      row.each = true;
      row.sums = own;
      kernels<T>().prelu(row);
    }
  };
  if (sums == nullptr) {
    share(*pool_, rows, 1, rows * channels,
          [&](std::int64_t first, std::int64_t last) { run(first, last, nullptr); });
    return;
  }
  const FixedParts parts(rows, std::max<std::int64_t>(1, FixedParts::kLeastElements / channels));
  auto* const of_parts = thread_workspace<double, WeightSums>(parts.count() * channels);
  parts.run(*pool_, [&](std::size_t i, std::int64_t begin, std::int64_t count) {
    double* const own = of_parts + static_cast<std::int64_t>(i) * channels;
    std::fill_n(own, channels, 0.0);
    run(begin, begin + count, own);
  });
  add_parts(of_parts, parts.count(), channels);
  std::copy_n(of_parts, channels, sums);
}

// Rows of one channel's elements.
template <typename T>
void CpuBackend::run_prelu_channels(const PreluTask<T>& task, std::int64_t outer,
                                    std::int64_t channels, double* sums) {
  const std::int64_t inner = task.count;
  const auto run = [&](std::int64_t r, double* own) {
    PreluTask<T> row = part_of(task, r * inner, inner);
    row.weight += r % channels;
    row.sums = own;
    kernels<T>().prelu(row);
  };
  const std::int64_t rows = outer * channels;
  if (sums == nullptr) {
    share(*pool_, rows, 1, rows * inner, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) run(r, nullptr);
    });
    return;
  }
  const FixedParts parts(outer, 1);
  auto* const of_parts = thread_workspace<double, WeightSums>(parts.count() * channels);
  std::fill_n(of_parts, parts.count() * channels, 0.0);
  if (parts.count() == outer) {  // few samples: their channels are shared, too
    share(*pool_, rows, 1, rows * inner, [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t r = first; r < last; ++r) run(r, of_parts + r);
    });
  } else {
    parts.run(*pool_, [&](std::size_t i, std::int64_t begin, std::int64_t count) {
      double* const own = of_parts + static_cast<std::int64_t>(i) * channels;
      for (std::int64_t r = begin * channels; r < (begin + count) * channels; ++r) {
        run(r, own + r % channels);
      }
    });
  }
  add_parts(of_parts, parts.count(), channels);
  std::copy_n(of_parts, channels, sums);
}

template <typename T>
void CpuBackend::run_prelu(PreluTask<T> task, std::int64_t outer, std::int64_t channels,
                           std::int64_t inner, double* sums) {
  if (outer * channels * inner == 0) return;
  if (channels == 1) {
    task.count = outer * inner;
    run_prelu_flat(task, sums);
  } else if (inner == 1) {
    run_prelu_columns(task, outer, channels, sums);
  } else {
    task.count = inner;
    run_prelu_channels(task, outer, channels, sums);
  }
}

void CpuBackend::prelu(const PreluArgs& args) {
  visit_arithmetic(args.dtype, "prelu", [&]<typename T>(TypeTag<T>) {
    PreluTask<T> task{};
    task.x = static_cast<const T*>(args.x);
    task.weight = static_cast<const T*>(args.weight);
    task.out = static_cast<T*>(args.y);
    run_prelu<T>(task, args.outer, args.channels, args.inner, nullptr);
  });
}

void CpuBackend::prelu_backward(const PreluBackwardArgs& args) {
  visit_arithmetic(args.dtype, "prelu_backward", [&]<typename T>(TypeTag<T>) {
    PreluTask<T> task{};
    task.x = static_cast<const T*>(args.x);
    task.grad_output = static_cast<const T*>(args.grad_output);
    task.weight = static_cast<const T*>(args.weight);
    task.out = static_cast<T*>(args.grad_input);
    auto* const grad = static_cast<T*>(args.grad_weight);
    if (grad == nullptr) {
      run_prelu<T>(task, args.outer, args.channels, args.inner, nullptr);
      return;
    }
    struct Totals {};
    auto* const sums = thread_workspace<double, Totals>(args.channels);
    std::fill_n(sums, args.channels, 0.0);
    run_prelu<T>(task, args.outer, args.channels, args.inner, sums);
    for (std::int64_t c = 0; c < args.channels; ++c) {
      const double before = args.accumulate_weight ? static_cast<double>(grad[c]) : 0.0;
      grad[c] = static_cast<T>(before + sums[c]);
    }
  });
}

}  // namespace wick::cpu
