// SPDX-License-Identifier: MIT
// Operations on the rows of a matrix.
#include "wick/core/backend/rows.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/error.h"

namespace wick::cpu {
namespace {

template <typename T>
std::int64_t largest_at(const T* row, std::int64_t count) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < count; ++i) {
    if (row[i] > row[best] || (std::isnan(row[i]) && !std::isnan(row[best]))) best = i;
  }
  return best;
}

// How many rows of a gather are asked for before their turn.
constexpr std::int64_t kRowsAhead = 4;

constexpr std::size_t kCacheLine = 64;

void ask_for(const void* rows, std::int64_t index, std::size_t row_bytes) {
  const auto* const row =
      static_cast<const std::byte*>(rows) + static_cast<std::size_t>(index) * row_bytes;
  for (std::size_t at = 0; at < row_bytes; at += kCacheLine) __builtin_prefetch(row + at);
}

void check_index(const char* operation, std::int64_t index, std::int64_t rows) {
  if (index < 0 || index >= rows) {
    throw IndexError(concat(operation, ": index ", index, " is out of range for ", rows, " rows"));
  }
}

// Columns of a softmax that are one thread's.
constexpr std::int64_t kSoftmaxCols = 256;
// Below so many elements, a softmax is one thread's.
constexpr std::int64_t kSharedSoftmaxElements = 16 * 1024;

// Columns that are summed by one thread at the least.
constexpr std::int64_t kPartCols = 64;

}  // namespace

void CpuBackend::column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate) {
  visit_arithmetic(dtype, "column_sums", [&]<typename T>(TypeTag<T>) {
    const auto sum = [&](std::int64_t first, std::int64_t last) {
      kernels<T>().column_sums(static_cast<const T*>(x.data) + first, x.rows, last - first,
                               x.stride, static_cast<T*>(out) + first, accumulate);
    };
    share(*pool_, x.cols, kPartCols, x.rows * x.cols, sum);
  });
}

void CpuBackend::cross_entropy(const CrossEntropyArgs& args) {
  run_class_loss(args, "cross_entropy", false);
}

void CpuBackend::nll_loss(const CrossEntropyArgs& args) {
  run_class_loss(args, "nll_loss", true);
}

void CpuBackend::run_class_loss(const CrossEntropyArgs& args, const char* name, bool are_logs) {
  const std::int64_t classes = args.logits.cols;
  for (std::int64_t r = 0; r < args.logits.rows; ++r) {
    const std::int64_t target = args.targets[r];
    if (target != args.ignore_index && (target < 0 || target >= classes)) {
      throw IndexError(concat(name, ": target ", target, " of row ", r, " is not in [0, ", classes,
                              ") and not ignore_index ", args.ignore_index));
    }
  }
  visit_arithmetic(args.dtype, name, [&]<typename T>(TypeTag<T>) {
    const auto kernel = are_logs ? kernels<T>().nll_loss : kernels<T>().cross_entropy;
    kernel({static_cast<const T*>(args.logits.data), args.logits.stride, args.logits.rows, classes,
            args.targets, static_cast<const T*>(args.class_weights), args.label_smoothing,
            args.ignore_index, args.mean, static_cast<T*>(args.loss), static_cast<T*>(args.losses),
            static_cast<T*>(args.grad.data), args.grad.stride});
    if (args.loss_sum != nullptr) {
      *args.loss_sum += static_cast<double>(*static_cast<const T*>(args.loss));
    }
  });
}

template <typename T>
void CpuBackend::run_softmax(SoftmaxTask<T> task) {
  const std::int64_t elements = task.outer * task.size * task.inner;
  // A unit: a row, or some of the columns of one of the outer parts.
  const std::int64_t blocks = (task.inner + kSoftmaxCols - 1) / kSoftmaxCols;
  const auto run = [&](std::int64_t first, std::int64_t last) {
    if (task.inner == 1) {
      SoftmaxTask<T> part = task;
      part.x += first * task.size;
      part.grad_output = offset(part.grad_output, first * task.size);
      part.out += first * task.size;
      part.outer = last - first;
      kernels<T>().softmax(part);
      return;
    }
    for (std::int64_t unit = first; unit < last; ++unit) {
      const std::int64_t column = unit % blocks * kSoftmaxCols;
      const std::int64_t at = unit / blocks * task.size * task.inner + column;
      SoftmaxTask<T> part = task;
      part.x += at;
      part.grad_output = offset(part.grad_output, at);
      part.out += at;
      part.outer = 1;
      part.cols = std::min(kSoftmaxCols, task.inner - column);
      kernels<T>().softmax(part);
    }
  };
  if (elements < kSharedSoftmaxElements) {
    run(0, task.outer * blocks);
  } else {
    pool_->run(task.outer * blocks, 1, run);
  }
}

void CpuBackend::softmax(const SoftmaxArgs& args) {
  visit_arithmetic(args.dtype, args.log ? "log_softmax" : "softmax", [&]<typename T>(TypeTag<T>) {
    run_softmax<T>({static_cast<const T*>(args.x), nullptr, static_cast<T*>(args.y), args.outer,
                    args.size, args.inner, args.inner, args.log});
  });
}

void CpuBackend::softmax_backward(const SoftmaxBackwardArgs& args) {
  visit_arithmetic(args.dtype, "softmax_backward", [&]<typename T>(TypeTag<T>) {
    run_softmax<T>({static_cast<const T*>(args.y), static_cast<const T*>(args.grad_output),
                    static_cast<T*>(args.grad_input), args.outer, args.size, args.inner, args.inner,
                    args.log});
  });
}

void CpuBackend::argmax(DType dtype, ConstMatrixRef x, std::int64_t* out) {
  visit_arithmetic(dtype, "argmax", [&]<typename T>(TypeTag<T>) {
    const auto* const data = static_cast<const T*>(x.data);
    for (std::int64_t r = 0; r < x.rows; ++r) out[r] = largest_at(data + r * x.stride, x.cols);
  });
}

void CpuBackend::count_hits(DType dtype, ConstMatrixRef x, const std::int64_t* labels,
                            std::int64_t* hits) {
  visit_arithmetic(dtype, "count_hits", [&]<typename T>(TypeTag<T>) {
    const auto* const data = static_cast<const T*>(x.data);
    *hits = 0;
    for (std::int64_t r = 0; r < x.rows; ++r) {
      *hits += largest_at(data + r * x.stride, x.cols) == labels[r] ? 1 : 0;
    }
  });
}

void CpuBackend::gather_affine(const GatherAffineArgs& args) {
  visit_arithmetic(args.dtype, "gather_affine", [&]<typename T>(TypeTag<T>) {
    const auto* const scale = static_cast<const T*>(args.scale);
    const auto* const shift = static_cast<const T*>(args.shift);
    auto* const out = static_cast<T*>(args.out);
    if (args.source_dtype != DType::uint8 && args.source_dtype != args.dtype) {
      throw DTypeError(concat("gather_affine: cannot make ", args.dtype, " from ",
                              args.source_dtype, "; use uint8 or ", args.dtype));
    }
    const auto row_at = [&args](std::int64_t i) {
      return args.indices == nullptr ? i : args.indices[i];
    };
    for (std::int64_t i = 0; i < args.count; ++i) {
      check_index("gather_affine", row_at(i), args.source_rows);
    }
    const std::int64_t row_elements = args.channels * args.pixels;
    const auto row_bytes = static_cast<std::size_t>(row_elements) * size_of(args.source_dtype);
    const auto gather = [&](std::int64_t first, std::int64_t last) {
      T* to = out + first * row_elements;
      for (std::int64_t i = first; i < last; ++i) {
        // Rows in random order are beyond what the processor foresees.
        if (args.indices != nullptr && i + kRowsAhead < last) {
          ask_for(args.source, args.indices[i + kRowsAhead], row_bytes);
        }
        for (std::int64_t c = 0; c < args.channels; ++c, to += args.pixels) {
          const std::int64_t at = row_at(i) * row_elements + c * args.pixels;
          if (args.source_dtype == DType::uint8) {
            kernels<T>().affine_u8(static_cast<const std::uint8_t*>(args.source) + at, scale[c],
                                   shift[c], to, args.pixels);
          } else {
            kernels<T>().affine(static_cast<const T*>(args.source) + at, scale[c], shift[c], to,
                                args.pixels);
          }
        }
      }
    };
    share(*pool_, args.count, 1, args.count * row_elements, gather);
  });
}

void CpuBackend::index_select(const IndexSelectArgs& args) {
  const auto* const source = static_cast<const std::byte*>(args.source);
  auto* out = static_cast<std::byte*>(args.out);
  for (std::int64_t i = 0; i < args.count; ++i, out += args.row_bytes) {
    check_index("index_select", args.indices[i], args.source_rows);
    std::memcpy(out, source + static_cast<std::size_t>(args.indices[i]) * args.row_bytes,
                args.row_bytes);
  }
}

void CpuBackend::index_add(const IndexAddArgs& args) {
  for (std::int64_t i = 0; i < args.count; ++i) {
    if (args.indices[i] != args.ignore_index) {
      check_index("index_add", args.indices[i], args.source_rows);
    }
  }
  visit_arithmetic(args.dtype, "index_add", [&]<typename T>(TypeTag<T>) {
    const auto* const rows = static_cast<const T*>(args.rows);
    auto* const sums = static_cast<T*>(args.sums);
    // A thread adds up what belongs to the sums from `first` on.
    const auto add = [&](std::int64_t first, std::int64_t last) {
      for (std::int64_t i = 0; i < args.count; ++i) {
        const std::int64_t index = args.indices[i];
        if (index < first || index >= last || index == args.ignore_index) continue;
        kernels<T>().add_row(rows + i * args.cols, sums + index * args.cols, args.cols);
      }
    };
    share(*pool_, args.source_rows, 1, args.count * args.cols, add);
  });
}

}  // namespace wick::cpu
