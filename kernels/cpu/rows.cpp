// SPDX-License-Identifier: MIT
// Operations on the rows of a matrix.
#include "core/backend/rows.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "core/backend/matrix.h"
#include "core/error.h"
#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"

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

// Columns that are summed by one thread at the least.
constexpr std::int64_t kPartCols = 64;

}  // namespace

void CpuBackend::column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate) {
  visit_arithmetic(dtype, "column_sums", [&]<typename T>(TypeTag<T>) {
    const auto sum = [&](std::int64_t first, std::int64_t last) {
      kernels<T>().column_sums(static_cast<const T*>(x.data) + first, x.rows, last - first,
                               x.stride, static_cast<T*>(out) + first, accumulate);
    };
    if (x.rows * x.cols < kParallelElements) {
      sum(0, x.cols);
    } else {
      pool_->run(x.cols, kPartCols, sum);
    }
  });
}

void CpuBackend::cross_entropy(const CrossEntropyArgs& args) {
  const std::int64_t classes = args.logits.cols;
  for (std::int64_t r = 0; r < args.logits.rows; ++r) {
    const std::int64_t target = args.targets[r];
    if (target != args.ignore_index && (target < 0 || target >= classes)) {
      throw IndexError(concat("cross_entropy: target ", target, " of row ", r, " is not in [0, ",
                              classes, ") and not ignore_index ", args.ignore_index));
    }
  }
  visit_arithmetic(args.dtype, "cross_entropy", [&]<typename T>(TypeTag<T>) {
    kernels<T>().cross_entropy({static_cast<const T*>(args.logits.data), args.logits.stride,
                                args.logits.rows, classes, args.targets,
                                static_cast<const T*>(args.class_weights), args.label_smoothing,
                                args.ignore_index, args.mean, static_cast<T*>(args.loss),
                                static_cast<T*>(args.grad.data), args.grad.stride});
    if (args.loss_sum != nullptr) {
      *args.loss_sum += static_cast<double>(*static_cast<const T*>(args.loss));
    }
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
    if (args.count * row_elements < kParallelElements) {
      gather(0, args.count);
    } else {
      pool_->run(args.count, 1, gather);
    }
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

}  // namespace wick::cpu
