// SPDX-License-Identifier: MIT
// Launchers of the steps of recurrent layers.
#include "kernels/cuda/recurrent.cuh"
#include "kernels/formulas/visit.h"

namespace wick::cuda {
namespace {

template <typename T>
CellRows<T> rows_of(const StateRows& rows) {
  return {static_cast<T*>(rows.data), rows.stride};
}
template <typename T>
CellRows<const T> rows_of(const ConstStateRows& rows) {
  return {static_cast<const T*>(rows.data), rows.stride};
}

Grid grid_of(std::int64_t rows, std::int64_t hidden) {
  return {blocks_for(rows * hidden, kCellThreads), kCellThreads};
}

}  // namespace

cudaError_t launch_cell(const CellStep& step, const LaunchContext& context) {
  return visit_arithmetic(step.dtype, info_of(step.op).name, [&]<typename T>(TypeTag<T>) {
    const CellTask<T> task{step.rows,
                           step.hidden,
                           step.step,
                           step.lengths,
                           rows_of<T>(step.gates),
                           rows_of<T>(step.h),
                           rows_of<T>(step.c),
                           rows_of<T>(step.output),
                           rows_of<T>(step.h_next),
                           rows_of<T>(step.c_next)};
    cudaError_t status = cudaSuccess;
    formulas::visit_enumerator<kCellOpCount>(step.op, [&]<CellOp Op>(formulas::Constant<Op>) {
      status = launch(grid_of(step.rows, step.hidden), context, cell_kernel<Op, T>, task);
    });
    return status;
  });
}

cudaError_t launch_cell_backward(const CellBackwardStep& step, const LaunchContext& context) {
  return visit_arithmetic(step.dtype, info_of(step.op).name, [&]<typename T>(TypeTag<T>) {
    const CellBackwardTask<T> task{step.rows,
                                   step.hidden,
                                   step.step,
                                   step.lengths,
                                   rows_of<T>(step.gates),
                                   rows_of<T>(step.h),
                                   rows_of<T>(step.c),
                                   rows_of<T>(step.grad_output),
                                   rows_of<T>(step.grad_h),
                                   rows_of<T>(step.grad_c)};
    cudaError_t status = cudaSuccess;
    formulas::visit_enumerator<kCellOpCount>(step.op, [&]<CellOp Op>(formulas::Constant<Op>) {
      status = launch(grid_of(step.rows, step.hidden), context, cell_backward_kernel<Op, T>, task);
    });
    return status;
  });
}

}  // namespace wick::cuda
