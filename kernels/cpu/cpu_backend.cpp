// SPDX-License-Identifier: MIT
// Memory, threads, and the way from the backend's operations to the kernels.
#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "core/backend/elementwise.h"
#include "core/backend/matrix.h"
#include "core/backend/memory.h"
#include "core/backend/rows.h"
#include "core/backend/update.h"
#include "core/error.h"
#include "kernels/cpu/copy.h"
#include "kernels/cpu/matmul_bfloat16.h"
#include "kernels/cpu/matmul_float64.h"
#include "kernels/cpu/matmul_task.h"
#include "kernels/cpu/workspace.h"
#include "kernels/step_scalars.h"

namespace wick::cpu {
namespace {

constexpr std::size_t kAlignment = 64;
// From so many bytes on, memory is asked for in huge pages. It is not aligned to them: the C
// library would then take it from the system each time, instead of giving out again what was freed.
constexpr std::size_t kLargeBytes = std::size_t{4} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Below this many multiply-adds, waking a second thread costs more than it saves.
constexpr std::int64_t kParallelWork = 2'000'000;

// Likewise for elements that are gathered, summed or updated. An optimizer's parts are multiples of
// kPartElements, so that the elements that fill no vector are the same ones however many threads
// there are.
constexpr std::int64_t kParallelElements = 64 * 1024;
constexpr std::int64_t kPartElements = 1024;

// Grains of rows and columns of a shared product: small enough to share fairly, large enough for
// tiles that are worth it.
constexpr std::int64_t kPartRows = 16;
constexpr std::int64_t kPartCols = 64;

// And one part for each thread, since every part brings the same B into order.
constexpr std::int64_t kProductParts = 1;

// Elements of a block of B, which a product reads again and again: half of the second-level cache.
std::int64_t choose_block_elements() {
  long bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  bytes = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  if (bytes <= 0) bytes = 1L << 20;
  constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
  return std::clamp<std::int64_t>(bytes / 2 / kFloat, 32 << 10, 256 << 10);
}

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

void ask_for(const void* rows, std::int64_t index, std::size_t row_bytes) {
  const auto* const row =
      static_cast<const std::byte*>(rows) + static_cast<std::size_t>(index) * row_bytes;
  for (std::size_t at = 0; at < row_bytes; at += kAlignment) __builtin_prefetch(row + at);
}

void check_index(const char* operation, std::int64_t index, std::int64_t rows) {
  if (index < 0 || index >= rows) {
    throw IndexError(concat(operation, ": index ", index, " is out of range for ", rows, " rows"));
  }
}

}  // namespace

CpuBackend::CpuBackend() : CpuBackend(choose_level()) {}

CpuBackend::CpuBackend(Level level)
    : level_(level),
      block_elements_(choose_block_elements()),
      pool_(std::make_unique<ThreadPool>(1)) {}

void CpuBackend::set_num_threads(int count) {
  if (count < 1) throw ValueError(concat("set_num_threads: ", count, " is less than 1"));
  if (count != pool_->size()) pool_ = std::make_unique<ThreadPool>(count);
}

// -- Memory ---------------------------------------------------------------------------------------

void* CpuBackend::allocate(std::size_t bytes) {
  void* const data = ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{kAlignment});
#if defined(__linux__)
  // A product of large matrices otherwise waits for page tables. Advice: its failure is no error.
  if (bytes >= kLargeBytes) {
    void* first = data;
    std::size_t left = bytes;
    std::align(kHugePage, kHugePage, first, left);
    ::madvise(first, left / kHugePage * kHugePage, MADV_HUGEPAGE);
  }
#endif
  return data;
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

void CpuBackend::run_matmul(const MatmulTask<float>& part) const {
  const std::int64_t workspace = kernels<float>().matmul_workspace(part);
  if (workspace == 0) return kernels<float>().matmul(part);
  MatmulTask<float> task = part;
  task.workspace = thread_workspace<float>(workspace);
  kernels<float>().matmul(task);
}

void CpuBackend::matmul(const MatmulArgs& args) {
  if (args.operand_dtype == DType::bfloat16) return matmul_bfloat16(args, *this);
  if (args.c.rows != 0 && args.c.cols != 0) {
    if (args.dtype == DType::float64) {
      matmul_float64(args);
    } else {
      multiply(make_task<float>(args));
    }
  }
  if (args.a_sums != nullptr) column_sums(args.dtype, args.a, args.a_sums, args.accumulate_sums);
}

void CpuBackend::multiply(MatmulTask<float> task) {
  task.block_elements = block_elements_;
  kernels<float>().plan_matmul(&task);
  if (pool_->size() == 1 || task.rows * task.cols * task.depth < kParallelWork) {
    run_matmul(task);
  } else if (task.packed || task.rows >= task.cols) {
    pool_->run(
        task.rows, kPartRows,
        [&](std::int64_t first, std::int64_t last) { run_matmul(rows_of(task, first, last)); },
        kProductParts);
  } else {
    pool_->run(
        task.cols, kPartCols,
        [&](std::int64_t first, std::int64_t last) { run_matmul(cols_of(task, first, last)); },
        kProductParts);
  }
}

std::size_t CpuBackend::packed_linear_bytes(DType dtype, std::int64_t outputs,
                                            std::int64_t inputs) const {
  if (dtype != DType::float32) return Backend::packed_linear_bytes(dtype, outputs, inputs);
  return static_cast<std::size_t>(kernels<float>().packed_size(outputs, inputs)) * sizeof(float);
}

void CpuBackend::pack_linear(DType dtype, ConstMatrixRef weight, void* packed) {
  if (dtype != DType::float32) return Backend::pack_linear(dtype, weight, packed);
  MatmulTask<float> task{};
  task.b = static_cast<const float*>(weight.data);
  task.b_row = 1;
  task.b_col = weight.stride;
  task.cols = weight.rows;
  task.depth = weight.cols;
  kernels<float>().pack(task, static_cast<float*>(packed));
}

void CpuBackend::packed_linear(const PackedLinearArgs& args) {
  if (args.y.rows == 0 || args.y.cols == 0) return;
  if (args.dtype != DType::float32) return Backend::packed_linear(args);
  multiply(make_packed_task<float>(args));
}

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

template <typename Job>
void CpuBackend::share_elements(std::int64_t count, const Job& job) {
  if (count < kParallelElements) {
    job(0, count);
  } else {
    pool_->run(count, kPartElements, job);
  }
}

void CpuBackend::unary(const UnaryArgs& args) {
  visit_arithmetic(args.dtype, info_of(args.op).name, [&]<typename T>(TypeTag<T>) {
    const auto kernel = kernels<T>().unary[static_cast<std::size_t>(args.op)];
    share_elements(args.count, [&](std::int64_t first, std::int64_t last) {
      kernel({static_cast<const T*>(args.x) + first, static_cast<T*>(args.y) + first, last - first,
              static_cast<T>(args.parameters.a), static_cast<T>(args.parameters.b)});
    });
  });
}

void CpuBackend::unary_backward(const UnaryBackwardArgs& args) {
  visit_arithmetic(args.dtype, info_of(args.op).backward_name, [&]<typename T>(TypeTag<T>) {
    const auto kernel = kernels<T>().unary_backward[static_cast<std::size_t>(args.op)];
    share_elements(args.count, [&](std::int64_t first, std::int64_t last) {
      kernel({static_cast<const T*>(args.grad_output) + first,
              static_cast<const T*>(args.saved) + first, static_cast<T*>(args.grad_input) + first,
              last - first, static_cast<T>(args.parameters.a), static_cast<T>(args.parameters.b)});
    });
  });
}

void CpuBackend::binary(const BinaryArgs& args) {
  visit_arithmetic(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const auto kernel = args.op == BinaryOp::add ? kernels<T>().add : kernels<T>().multiply;
    share_elements(args.count, [&](std::int64_t first, std::int64_t last) {
      kernel(static_cast<const T*>(args.a) + first, static_cast<const T*>(args.b) + first,
             static_cast<T*>(args.out) + first, last - first);
    });
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

void CpuBackend::sgd_step(const SgdArgs& args) {
  const StepScalars scalars = step_scalars(args);
  visit_arithmetic(args.dtype, "sgd_step", [&]<typename T>(TypeTag<T>) {
    const SgdTask<T> whole{args.count,
                           static_cast<T*>(args.param),
                           static_cast<const T*>(args.grad),
                           static_cast<T*>(args.momentum_buffer),
                           args.first_step,
                           args.nesterov,
                           T{args.maximize ? -1.0F : 1.0F},
                           static_cast<T>(scalars.lr),
                           static_cast<T>(args.momentum),
                           static_cast<T>(1.0 - args.dampening),
                           static_cast<T>(args.weight_decay),
                           static_cast<T>(scalars.mean_weight)};
    share_elements(args.count, [&](std::int64_t first, std::int64_t last) {
      SgdTask<T> part = whole;
      part.count = last - first;
      part.param += first;
      part.grad += first;
      if (part.momentum_buffer != nullptr) part.momentum_buffer += first;
      kernels<T>().sgd(part);
    });
  });
}

void CpuBackend::adam_step(const AdamArgs& args) {
  const StepScalars scalars = step_scalars(args);
  const bool decoupled = args.decoupled_weight_decay;
  visit_arithmetic(args.dtype, "adam_step", [&]<typename T>(TypeTag<T>) {
    const AdamTask<T> whole{args.count,
                            static_cast<T*>(args.param),
                            static_cast<const T*>(args.grad),
                            static_cast<T*>(args.exp_avg),
                            static_cast<T*>(args.exp_avg_sq),
                            static_cast<T*>(args.max_exp_avg_sq),
                            T{args.maximize ? -1.0F : 1.0F},
                            static_cast<T>(scalars.decay),
                            static_cast<T>(decoupled ? 0.0 : args.weight_decay),
                            static_cast<T>(args.beta2),
                            static_cast<T>(1.0 - args.beta1),
                            static_cast<T>(1.0 - args.beta2),
                            static_cast<T>(scalars.step_size),
                            static_cast<T>(scalars.inverse_bias_correction2_sqrt),
                            static_cast<T>(args.eps),
                            static_cast<T>(scalars.mean_weight),
                            negligible_square<T>(args.eps, args.beta2)};
    share_elements(args.count, [&](std::int64_t first, std::int64_t last) {
      AdamTask<T> part = whole;
      part.count = last - first;
      part.param += first;
      part.grad += first;
      part.exp_avg += first;
      part.exp_avg_sq += first;
      if (part.max_exp_avg_sq != nullptr) part.max_exp_avg_sq += first;
      kernels<T>().adam(part);
    });
  });
}

}  // namespace wick::cpu
