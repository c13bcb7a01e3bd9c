// SPDX-License-Identifier: MIT
// Memory, threads, and the way from the backend's operations to the kernels.
#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <new>

#include "core/error.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/matmul_float64.h"
#include "kernels/cpu/workspace.h"

namespace wick::cpu {
namespace {

constexpr std::size_t kAlignment = 64;

// Below this many multiply-adds, waking a second thread costs more than it saves.
constexpr std::int64_t kParallelWork = 2'000'000;

template <typename T>
MatmulTask<T> make_task(const MatmulArgs& args) {
  MatmulTask<T> task{};
  task.a = static_cast<const T*>(args.a.data);
  task.a_row = args.transpose_a ? 1 : args.a.stride;
  task.a_col = args.transpose_a ? args.a.stride : 1;
  task.b = static_cast<const T*>(args.b.data);
  task.b_row = args.transpose_b ? 1 : args.b.stride;
  task.b_col = args.transpose_b ? args.b.stride : 1;
  task.c = static_cast<T*>(args.c.data);
  task.c_row = args.c.stride;
  task.rows = args.c.rows;
  task.cols = args.c.cols;
  task.depth = args.transpose_a ? args.a.rows : args.a.cols;
  task.last = args.c.rows;
  task.accumulate = args.accumulate;
  task.relu = args.relu;
  task.bias = static_cast<const T*>(args.bias);
  task.relu_mask = static_cast<const T*>(args.relu_mask.data);
  task.mask_row = args.relu_mask.stride;
  return task;
}

template <typename T>
std::int64_t largest_at(const T* row, std::int64_t count) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < count; ++i) {
    if (row[i] > row[best] || (std::isnan(row[i]) && !std::isnan(row[best]))) best = i;
  }
  return best;
}

void check_index(const char* operation, std::int64_t index, std::int64_t rows) {
  if (index < 0 || index >= rows) {
    throw IndexError(concat(operation, ": index ", index, " is out of range for ", rows, " rows"));
  }
}

}  // namespace

CpuBackend::CpuBackend() : CpuBackend(choose_level()) {}

CpuBackend::CpuBackend(Level level) : level_(level), pool_(std::make_unique<ThreadPool>(1)) {}

void CpuBackend::set_num_threads(int count) {
  if (count < 1) throw ValueError(concat("set_num_threads: ", count, " is less than 1"));
  if (count != pool_->size()) pool_ = std::make_unique<ThreadPool>(count);
}

// -- Memory ---------------------------------------------------------------------------------------

void* CpuBackend::allocate(std::size_t bytes) {
  return ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{kAlignment});
}

void CpuBackend::deallocate(void* data, std::size_t /*bytes*/) noexcept {
  ::operator delete (data, std::align_val_t{kAlignment});
}

void CpuBackend::copy_from_host(void* to, const void* host, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, host, bytes);
}

void CpuBackend::copy_to_host(void* host, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(host, from, bytes);
}

void CpuBackend::zero(void* data, std::size_t bytes) {
  if (bytes != 0) std::memset(data, 0, bytes);
}

void CpuBackend::copy_strided(const StridedRef& to, const StridedRef& from) {
  cpu::copy_strided(to, from);
}

// -- Operations -----------------------------------------------------------------------------------

void CpuBackend::matmul(const MatmulArgs& args) {
  if (args.c.rows == 0 || args.c.cols == 0) return;
  if (args.dtype == DType::float64) return matmul_float64(args);
  const MatmulTask<float> task = make_task<float>(args);
  const KernelTable<float>& table = kernels<float>();
  const std::int64_t scratch = table.matmul_workspace(task.rows, task.cols, task.depth);
  const auto rows = [&](std::int64_t first, std::int64_t last) {
    MatmulTask<float> part = task;
    part.first = first;
    part.last = last;
    part.workspace = thread_workspace<float>(scratch);
    table.matmul(part);
  };
  const bool small = task.rows * task.cols * task.depth < kParallelWork;
  if (small || pool_->size() == 1) {
    rows(0, task.rows);
  } else {
    // Multiples of 24 rows fill every kernel's tiles.
    pool_->run(task.rows, 24, rows);
  }
}

void CpuBackend::column_sums(DType dtype, ConstMatrixRef x, void* out, bool accumulate) {
  visit_arithmetic(dtype, "column_sums", [&]<typename T>(TypeTag<T>) {
    kernels<T>().column_sums(static_cast<const T*>(x.data), x.rows, x.cols, x.stride,
                             static_cast<T*>(out), accumulate);
  });
}

void CpuBackend::relu(DType dtype, const void* x, void* y, std::int64_t count) {
  visit_arithmetic(dtype, "relu", [&]<typename T>(TypeTag<T>) {
    kernels<T>().relu(static_cast<const T*>(x), static_cast<T*>(y), count);
  });
}

void CpuBackend::relu_backward(DType dtype, const void* dy, const void* y, void* dx,
                               std::int64_t count) {
  visit_arithmetic(dtype, "relu_backward", [&]<typename T>(TypeTag<T>) {
    kernels<T>().relu_backward(static_cast<const T*>(dy), static_cast<const T*>(y),
                               static_cast<T*>(dx), count);
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
    auto* out = static_cast<T*>(args.out);
    if (args.source_dtype != DType::uint8 && args.source_dtype != args.dtype) {
      throw DTypeError(concat("gather_affine: cannot make ", args.dtype, " from ",
                              args.source_dtype, "; use uint8 or ", args.dtype));
    }
    for (std::int64_t i = 0; i < args.count; ++i) {
      const std::int64_t row = args.indices == nullptr ? i : args.indices[i];
      check_index("gather_affine", row, args.source_rows);
      for (std::int64_t c = 0; c < args.channels; ++c, out += args.pixels) {
        const std::int64_t at = (row * args.channels + c) * args.pixels;
        if (args.source_dtype == DType::uint8) {
          kernels<T>().affine_u8(static_cast<const std::uint8_t*>(args.source) + at, scale[c],
                                 shift[c], out, args.pixels);
        } else {
          kernels<T>().affine(static_cast<const T*>(args.source) + at, scale[c], shift[c], out,
                              args.pixels);
        }
      }
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

void CpuBackend::sgd_step(const SgdArgs& args) {
  visit_arithmetic(args.dtype, "sgd_step", [&]<typename T>(TypeTag<T>) {
    kernels<T>().sgd({args.count, static_cast<T*>(args.param), static_cast<const T*>(args.grad),
                      static_cast<T*>(args.momentum_buffer), args.first_step, args.nesterov,
                      T{args.maximize ? -1.0F : 1.0F}, static_cast<T>(args.lr),
                      static_cast<T>(args.momentum), static_cast<T>(1.0 - args.dampening),
                      static_cast<T>(args.weight_decay)});
  });
}

void CpuBackend::adam_step(const AdamArgs& args) {
  const double correction1 = 1.0 - std::pow(args.beta1, args.step);
  const double correction2 = 1.0 - std::pow(args.beta2, args.step);
  const bool decoupled = args.decoupled_weight_decay;
  visit_arithmetic(args.dtype, "adam_step", [&]<typename T>(TypeTag<T>) {
    kernels<T>().adam({args.count, static_cast<T*>(args.param), static_cast<const T*>(args.grad),
                       static_cast<T*>(args.exp_avg), static_cast<T*>(args.exp_avg_sq),
                       static_cast<T*>(args.max_exp_avg_sq), T{args.maximize ? -1.0F : 1.0F},
                       static_cast<T>(decoupled ? 1.0 - args.lr * args.weight_decay : 1.0),
                       static_cast<T>(decoupled ? 0.0 : args.weight_decay),
                       static_cast<T>(args.beta2), static_cast<T>(1.0 - args.beta1),
                       static_cast<T>(1.0 - args.beta2), static_cast<T>(args.lr / correction1),
                       static_cast<T>(1.0 / std::sqrt(correction2)), static_cast<T>(args.eps)});
  });
}

}  // namespace wick::cpu
