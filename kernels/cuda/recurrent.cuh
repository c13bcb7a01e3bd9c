// SPDX-License-Identifier: MIT
// The pointwise part of a step of a recurrent layer: the formulas of kernels/formulas/recurrent.h,
// one element of the state for each thread.
#pragma once

#include "kernels/cuda/launch.cuh"
#include "kernels/formulas/recurrent.h"
#include "kernels/formulas/scalar_math.h"

namespace wick::cuda {

inline constexpr int kCellThreads = 256;

/// `hidden` elements for each row.
template <typename T>
struct CellRows {
  T* data;  // or null
  std::int64_t stride;
  __device__ T& at(std::int64_t row, std::int64_t i) const { return data[row * stride + i]; }
};

/// CellStep.
template <typename T>
struct CellTask {
  std::int64_t rows;
  std::int64_t hidden;
  std::int64_t step;
  const std::int64_t* lengths;  // or null
  CellRows<T> gates;
  CellRows<const T> h;
  CellRows<const T> c;
  CellRows<T> output;
  CellRows<T> h_next;
  CellRows<T> c_next;
};

/// CellBackwardStep.
template <typename T>
struct CellBackwardTask {
  std::int64_t rows;
  std::int64_t hidden;
  std::int64_t step;
  const std::int64_t* lengths;  // or null
  CellRows<T> gates;
  CellRows<const T> h;
  CellRows<const T> c;
  CellRows<const T> grad_output;
  CellRows<T> grad_h;
  CellRows<T> grad_c;
};

template <CellOp Op, typename T>
__global__ void __launch_bounds__(kCellThreads) cell_kernel(CellTask<T> task) {
  constexpr int kSlots = static_cast<int>(info_of(Op).slots);
  const std::int64_t count = task.rows * task.hidden;
  for (std::int64_t e = grid_thread(); e < count; e += grid_threads()) {
    const std::int64_t row = e / task.hidden;
    const std::int64_t i = e - row * task.hidden;
    T h = task.h.at(row, i);
    T c{0};
    if constexpr (Op == CellOp::lstm) c = task.c.at(row, i);
    T output{0};
    if (task.lengths == nullptr || task.step < task.lengths[row]) {
      T g[kSlots];
      for (int k = 0; k < kSlots; ++k) g[k] = task.gates.at(row, k * task.hidden + i);
      formulas::Cell<Op>::template forward<formulas::ScalarMath<T>>(g, h, c);
      for (int k = 0; k < kSlots; ++k) task.gates.at(row, k * task.hidden + i) = g[k];
      output = h;
    }
    task.h_next.at(row, i) = h;
    if constexpr (Op == CellOp::lstm) task.c_next.at(row, i) = c;
    if (task.output.data != nullptr) task.output.at(row, i) = output;
  }
}

template <CellOp Op, typename T>
__global__ void __launch_bounds__(kCellThreads) cell_backward_kernel(CellBackwardTask<T> task) {
  constexpr int kSlots = static_cast<int>(info_of(Op).slots);
  const std::int64_t count = task.rows * task.hidden;
  for (std::int64_t e = grid_thread(); e < count; e += grid_threads()) {
    const std::int64_t row = e / task.hidden;
    const std::int64_t i = e - row * task.hidden;
    T g[kSlots] = {};
    if (task.lengths == nullptr || task.step < task.lengths[row]) {
      for (int k = 0; k < kSlots; ++k) g[k] = task.gates.at(row, k * task.hidden + i);
      T h{0};
      if constexpr (Op == CellOp::gru) h = task.h.at(row, i);
      T c{0};
      T dc{0};
      if constexpr (Op == CellOp::lstm) {
        c = task.c.at(row, i);
        dc = task.grad_c.at(row, i);
      }
      T dh = task.grad_h.at(row, i);
      if (task.grad_output.data != nullptr) dh += task.grad_output.at(row, i);
      formulas::Cell<Op>::template backward<formulas::ScalarMath<T>>(g, h, c, dh, dc);
      task.grad_h.at(row, i) = dh;
      if constexpr (Op == CellOp::lstm) task.grad_c.at(row, i) = dc;
    }
    for (int k = 0; k < kSlots; ++k) task.gates.at(row, k * task.hidden + i) = g[k];
  }
}

}  // namespace wick::cuda
