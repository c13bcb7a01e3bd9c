// SPDX-License-Identifier: MIT
// Reductions along one dimension. Work is cut into units, whose bounds depend on the shape alone:
// some neighbouring columns, or one output of any other layout, over a part of the dimension. What
// the parts give is put together in their order.
#include "wick/core/backend/reduce.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/simd/isa.h"
#include "kernels/cpu/simd/reduce.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/visit_values.h"

namespace wick::cpu {
namespace {

// Elements of a unit, where the dimension has as many.
constexpr std::int64_t kUnitElements = 64 * 1024;
// Columns of a unit.
constexpr std::int64_t kUnitCols = 128;

// Elements that are `stride` apart, one behind the other in `buffer` (kSumRun).
template <typename T>
const T* gather(const T* x, std::int64_t count, std::int64_t stride, T* buffer) {
  if (stride == 1) return x;
  for (std::int64_t i = 0; i < count; ++i) buffer[i] = x[i * stride];
  return buffer;
}

// A part of one output, or of `cols` neighbouring ones.
template <typename T>
struct Part {
  const T* x;
  std::int64_t first;  // position along the dimension
  std::int64_t count;
  std::int64_t stride;  // along the dimension
  std::int64_t cols;    // 1: any stride; else columns that are contiguous
};

// How many of them the first half has: a power of two of units.
std::int64_t first_half(std::int64_t count, std::int64_t unit) {
  std::int64_t half = unit;
  while (2 * half < count) half *= 2;
  return half;
}

// Sums of floats, in float64, by pairs of runs.
template <typename T>
class FloatSums {
 public:
  using Sum = double;
  FloatSums(const ReduceTable<T>& kernels, const ReduceArgs& args)
      : kernels_(kernels),
        divisor_(args.op == ReduceOp::mean ? static_cast<double>(args.size) : 1.0),
        out_(static_cast<T*>(args.out)) {}

  void reduce(const Part<T>& part, double* sums) const {
    if (part.cols == 1) {
      sums[0] = sum(part.x, part.count, part.stride);
    } else {
      sum_columns(part, part.count, sums);
    }
  }
  static void join(double* sums, const double* more, std::int64_t cols) {
    for (std::int64_t c = 0; c < cols; ++c) sums[c] += more[c];
  }
  void store(double value, std::int64_t at) const { out_[at] = static_cast<T>(value / divisor_); }

 private:
  [[nodiscard]] double sum(const T* x, std::int64_t count, std::int64_t stride) const {
    if (count <= kSumRun) {
      T buffer[kSumRun];
      return kernels_.sum_run(gather(x, count, stride, buffer), count);
    }
    const std::int64_t half = first_half(count, kSumRun);
    return sum(x, half, stride) + sum(x + half * stride, count - half, stride);
  }
  void sum_columns(Part<T> part, std::int64_t rows, double* sums) const {
    if (rows <= kSumRows) return kernels_.sum_rows(part.x, rows, part.cols, part.stride, sums);
    const std::int64_t half = first_half(rows, kSumRows);
    double more[kUnitCols];
    sum_columns(part, half, sums);
    part.x += half * part.stride;
    sum_columns(part, rows - half, more);
    join(sums, more, part.cols);
  }

  const ReduceTable<T>& kernels_;
  double divisor_;
  T* out_;
};

// Sums of int64 and bool, which wrap.
template <typename T>
class WholeSums {
 public:
  using Sum = std::uint64_t;
  explicit WholeSums(const ReduceArgs& args) : out_(static_cast<std::int64_t*>(args.out)) {}

  void reduce(const Part<T>& part, std::uint64_t* sums) const {
    std::fill_n(sums, part.cols, 0);
    for (std::int64_t r = 0; r < part.count; ++r) {
      const T* const row = part.x + r * part.stride;
      for (std::int64_t c = 0; c < part.cols; ++c) sums[c] += static_cast<std::uint64_t>(row[c]);
    }
  }
  static void join(std::uint64_t* sums, const std::uint64_t* more, std::int64_t cols) {
    for (std::int64_t c = 0; c < cols; ++c) sums[c] += more[c];
  }
  void store(std::uint64_t value, std::int64_t at) const {
    out_[at] = static_cast<std::int64_t>(value);
  }

 private:
  std::int64_t* out_;
};

template <typename T>
struct Extreme {
  T value;
  std::int64_t index;
};

// The kernels of int64 and bool are loops of one element at a time.
template <typename T, bool Max>
class Extremes {
 public:
  using Sum = Extreme<T>;
  Extremes(const ReduceTable<T>* kernels, const ReduceArgs& args)
      : kernels_(kernels), out_(static_cast<T*>(args.out)), indices_(args.indices) {}

  void reduce(const Part<T>& part, Sum* best) const {
    if (part.cols == 1) {
      best[0] = find(part);
      return;
    }
    T values[kUnitCols];
    std::int64_t indices[kUnitCols] = {};
    std::int64_t* const wanted = indices_ == nullptr ? nullptr : indices;
    if constexpr (std::is_floating_point_v<T>) {
      (Max ? kernels_->max_rows : kernels_->min_rows)(part.x, part.count, part.cols, part.stride,
                                                      part.first, values, wanted);
    } else {
      extreme_rows<T, Baseline, Max>(part.x, part.count, part.cols, part.stride, part.first, values,
                                     wanted);
    }
    for (std::int64_t c = 0; c < part.cols; ++c) best[c] = {values[c], indices[c]};
  }
  static void join(Sum* best, const Sum* more, std::int64_t cols) {
    for (std::int64_t c = 0; c < cols; ++c) {
      if (takes_place<Max>(more[c].value, best[c].value)) best[c] = more[c];
    }
  }
  void store(const Sum& best, std::int64_t at) const {
    if (out_ != nullptr) out_[at] = best.value;
    if (indices_ != nullptr) indices_[at] = best.index;
  }

 private:
  [[nodiscard]] Sum find(const Part<T>& part) const {
    Sum best{part.x[0], part.first};
    if constexpr (std::is_floating_point_v<T>) {
      // The extreme of a run by vectors, then the first element that is it.
      for (std::int64_t at = 0; at < part.count; at += kSumRun) {
        const std::int64_t count = std::min(kSumRun, part.count - at);
        T buffer[kSumRun];
        const T* const x = gather(part.x + at * part.stride, count, part.stride, buffer);
        const T value = (Max ? kernels_->max_run : kernels_->min_run)(x, count);
        if (!takes_place<Max>(value, best.value)) continue;
        std::int64_t i = 0;
        while (indices_ != nullptr && x[i] != value && (value == value || x[i] == x[i])) ++i;
        best = {value, part.first + at + i};
      }
    } else {
      for (std::int64_t i = 1; i < part.count; ++i) {
        const T value = part.x[i * part.stride];
        if (takes_place<Max>(value, best.value)) best = {value, part.first + i};
      }
    }
    return best;
  }

  const ReduceTable<T>* kernels_;
  T* out_;
  std::int64_t* indices_;
};

struct Partials {};  // what the memory of the parts is for

template <typename T, typename Reduction>
void run(ThreadPool& pool, const ReduceArgs& args, const Reduction& reduction) {
  using Sum = typename Reduction::Sum;
  const bool columns = args.inner > 1 && args.inner_stride == 1 && args.size_stride != 1;
  const std::int64_t width = columns ? std::min(args.inner, kUnitCols) : 1;
  const std::int64_t blocks = (args.inner + width - 1) / width;  // of each outer position
  const std::int64_t length = std::max<std::int64_t>(kUnitElements / width, 1);
  const std::int64_t parts = std::max<std::int64_t>((args.size + length - 1) / length, 1);
  const std::int64_t groups = args.outer * blocks;
  const auto* const data = static_cast<const T*>(args.x);
  const auto cols_of = [&](std::int64_t group) {
    return std::min(width, args.inner - group % blocks * width);
  };
  const auto store = [&](std::int64_t group, const Sum* sums) {
    const std::int64_t at = group / blocks * args.inner + group % blocks * width;
    for (std::int64_t c = 0; c < cols_of(group); ++c) reduction.store(sums[c], at + c);
  };
  const auto reduce = [&](std::int64_t group, std::int64_t part, Sum* sums) {
    const std::int64_t first = part * length;
    const T* const x = data + group / blocks * args.outer_stride +
                       group % blocks * width * args.inner_stride + first * args.size_stride;
    reduction.reduce(
        {x, first, std::min(length, args.size - first), args.size_stride, cols_of(group)}, sums);
  };
  const std::int64_t elements = args.outer * args.size * args.inner;
  if (parts == 1) {
    share(pool, groups, 1, elements, [&](std::int64_t first, std::int64_t last) {
      Sum sums[kUnitCols];
      for (std::int64_t group = first; group < last; ++group) {
        reduce(group, 0, sums);
        store(group, sums);
      }
    });
    return;
  }
  Sum* const partial = thread_workspace<Sum, Partials>(groups * parts * width);
  share(pool, groups * parts, 1, elements, [&](std::int64_t first, std::int64_t last) {
    for (std::int64_t unit = first; unit < last; ++unit) {
      reduce(unit / parts, unit % parts, partial + unit * width);
    }
  });
  for (std::int64_t group = 0; group < groups; ++group) {
    Sum* const sums = partial + group * parts * width;
    // By pairs of neighbours, so that the order of extremes stays.
    for (std::int64_t step = 1; step < parts; step *= 2) {
      for (std::int64_t at = 0; at + step < parts; at += 2 * step) {
        Reduction::join(sums + at * width, sums + (at + step) * width, cols_of(group));
      }
    }
    store(group, sums);
  }
}

}  // namespace

void CpuBackend::reduce(const ReduceArgs& args) {
  if (args.outer == 0 || args.inner == 0) return;
  visit_values(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const ReduceTable<T>* table = nullptr;
    if constexpr (std::is_floating_point_v<T>) table = &kernels<T>();
    switch (args.op) {
      case ReduceOp::sum:
      case ReduceOp::mean:
        if constexpr (std::is_floating_point_v<T>) {
          return run<T>(*pool_, args, FloatSums<T>(*table, args));
        } else {
          return run<T>(*pool_, args, WholeSums<T>(args));
        }
      case ReduceOp::min: return run<T>(*pool_, args, Extremes<T, false>(table, args));
      case ReduceOp::max: return run<T>(*pool_, args, Extremes<T, true>(table, args));
    }
  });
}

}  // namespace wick::cpu
