// SPDX-License-Identifier: MIT
// Matrix products: how the kernels get them, and how threads share them.
#include <cstdint>
#include <new>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/matmul_float64.h"
#include "kernels/cpu/matmul_task.h"
#include "kernels/cpu/share_product.h"
#include "kernels/cpu/workspace.h"
#include "wick/core/backend/matrix.h"

namespace wick::cpu {
namespace {

// What PreparedRow::state holds.
struct RowState {
  MatmulTask<float> task;
  void (*matmul)(const MatmulTask<float>& task);
};
static_assert(sizeof(RowState) <= sizeof(PreparedRow::state));
static_assert(alignof(RowState) <= alignof(std::max_align_t));

void run_row(const PreparedRow& prepared, const void* a, void* c) {
  const auto& state = *std::launder(reinterpret_cast<const RowState*>(prepared.state.data()));
  MatmulTask<float> task = state.task;
  task.a = static_cast<const float*>(a);
  task.c = static_cast<float*>(c);
  state.matmul(task);
}

}  // namespace

void CpuBackend::run_matmul(const MatmulTask<float>& part) const {
  const std::int64_t workspace = kernels<float>().matmul_workspace(part);
  if (workspace == 0) return kernels<float>().matmul(part);
  MatmulTask<float> task = part;
  task.workspace = thread_workspace<float>(workspace);
  kernels<float>().matmul(task);
}

void CpuBackend::matmul(const MatmulArgs& args) {
  if (args.operand_dtype == DType::bfloat16) return matmul_bfloat16(args);
  if (args.c.rows != 0 && args.c.cols != 0) {
    if (args.dtype == DType::float64) {
      matmul_float64(args);
    } else {
      MatmulTask<float> task = make_task<float>(args);
      multiply(task);
    }
  }
  if (args.a_sums != nullptr) column_sums(args.dtype, args.a, args.a_sums, args.accumulate_sums);
}

void CpuBackend::multiply(MatmulTask<float>& task) {
  task.block_elements = block_elements_;
  kernels<float>().plan_matmul(&task);
  share_product(
      *pool_, task.rows, task.cols, task.depth, task.packed, [&] { run_matmul(task); },
      [&](std::int64_t first, std::int64_t last) { run_matmul(rows_of(task, first, last)); },
      [&](std::int64_t first, std::int64_t last) { run_matmul(cols_of(task, first, last)); });
}

std::size_t CpuBackend::packed_weight_bytes(DType dtype, std::int64_t outputs,
                                            std::int64_t inputs) const {
  if (dtype != DType::float32) return Backend::packed_weight_bytes(dtype, outputs, inputs);
  return static_cast<std::size_t>(kernels<float>().packed_size(outputs, inputs)) * sizeof(float);
}

void CpuBackend::pack_weight(DType dtype, ConstMatrixRef weight, void* packed) {
  if (dtype != DType::float32) return Backend::pack_weight(dtype, weight, packed);
  MatmulTask<float> task{};
  task.b = static_cast<const float*>(weight.data);
  task.b_row = 1;
  task.b_col = weight.stride;
  task.cols = weight.rows;
  task.depth = weight.cols;
  kernels<float>().pack(task, static_cast<float*>(packed));
}

void CpuBackend::prepare_row(const MatmulArgs& args, PreparedRow& prepared) const {
  prepared = {};
  if (args.dtype != DType::float32 || args.operand_dtype != DType::float32) return;
  MatmulTask<float> task = make_task<float>(args);
  task.rows = 1;
  // What threads share, and what needs memory, is matmul()'s.
  if (task.cols == 0 || task.cols * task.depth >= kParallelWork) return;
  task.block_elements = block_elements_;
  kernels<float>().plan_matmul(&task);
  if (kernels<float>().matmul_workspace(task) != 0) return;
  ::new (prepared.state.data()) RowState{task, kernels<float>().matmul};
  prepared.run = run_row;
}

}  // namespace wick::cpu
