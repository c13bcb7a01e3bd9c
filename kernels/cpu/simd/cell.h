// SPDX-License-Identifier: MIT
// Steps of recurrent layers: the formulas of kernels/formulas/recurrent.h in vectors of float32,
// and in float64 one element at a time.
#pragma once

#include "kernels/cpu/simd/cell_table.h"
#include "kernels/cpu/simd/formula_lanes.h"
#include "kernels/formulas/recurrent.h"

namespace wick::cpu {

template <typename T, typename Isa>
[[gnu::always_inline]] inline void copy_state(const T* from, T* to, std::int64_t count) {
  if (from == to) return;
  for (std::int64_t i = 0; i < count; ++i) to[i] = from[i];
}
template <typename T, typename Isa>
[[gnu::always_inline]] inline void zero_state(T* to, std::int64_t count) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = T{0};
}

template <typename T, typename Isa, CellOp Op>
void cell(const CellTask<T>& task) {
  using M = Math<T, Isa>;
  using Lanes = FormulaLanes<T, Isa>;
  using V = typename Lanes::V;
  constexpr int kSlots = static_cast<int>(info_of(Op).slots);
  const std::int64_t hidden = task.hidden;
  for (std::int64_t row = 0; row < task.rows; ++row) {
    T* const gates = task.gates.data + row * task.gates.stride;
    const T* const h = task.h.data + row * task.h.stride;
    T* const h_next = task.h_next.data + row * task.h_next.stride;
    const T* c = nullptr;
    T* c_next = nullptr;
    if constexpr (Op == CellOp::lstm) {
      c = task.c.data + row * task.c.stride;
      c_next = task.c_next.data + row * task.c_next.stride;
    }
    T* const output =
        task.output.data == nullptr ? nullptr : task.output.data + row * task.output.stride;
    if (task.lengths != nullptr && task.step >= task.lengths[row]) {
      copy_state<T, Isa>(h, h_next, hidden);
      if constexpr (Op == CellOp::lstm) copy_state<T, Isa>(c, c_next, hidden);
      if (output != nullptr) zero_state<T, Isa>(output, hidden);
      continue;
    }
    Lanes::for_all(
        hidden, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
          V g[kSlots];
          for (int k = 0; k < kSlots; ++k) {
            g[k] = Lanes::template load<Whole>(gates + k * hidden + i, count);
          }
          V state = Lanes::template load<Whole>(h + i, count);
          V memory{};
          if constexpr (Op == CellOp::lstm) {
            memory = Lanes::template load<Whole>(c + i, count);
          }
          formulas::Cell<Op>::template forward<M>(g, state, memory);
          for (int k = 0; k < kSlots; ++k) {
            Lanes::template store<Whole>(gates + k * hidden + i, g[k], count);
          }
          Lanes::template store<Whole>(h_next + i, state, count);
          if constexpr (Op == CellOp::lstm) {
            Lanes::template store<Whole>(c_next + i, memory, count);
          }
          if (output != nullptr) {
            Lanes::template store<Whole>(output + i, state, count);
          }
        });
  }
}

template <typename T, typename Isa, CellOp Op>
void cell_backward(const CellBackwardTask<T>& task) {
  using M = Math<T, Isa>;
  using Lanes = FormulaLanes<T, Isa>;
  using V = typename Lanes::V;
  constexpr int kSlots = static_cast<int>(info_of(Op).slots);
  const std::int64_t hidden = task.hidden;
  for (std::int64_t row = 0; row < task.rows; ++row) {
    T* const gates = task.gates.data + row * task.gates.stride;
    if (task.lengths != nullptr && task.step >= task.lengths[row]) {
      zero_state<T, Isa>(gates, kSlots * hidden);
      continue;
    }
    const T* const h = task.h.data + row * task.h.stride;
    T* const grad_h = task.grad_h.data + row * task.grad_h.stride;
    const T* c = nullptr;
    T* grad_c = nullptr;
    if constexpr (Op == CellOp::lstm) {
      c = task.c.data + row * task.c.stride;
      grad_c = task.grad_c.data + row * task.grad_c.stride;
    }
    const T* const grad_output = task.grad_output.data == nullptr
                                     ? nullptr
                                     : task.grad_output.data + row * task.grad_output.stride;
    Lanes::for_all(
        hidden, [&]<bool Whole>(std::int64_t i, int count) __attribute__((always_inline)) {
          V g[kSlots];
          for (int k = 0; k < kSlots; ++k) {
            g[k] = Lanes::template load<Whole>(gates + k * hidden + i, count);
          }
          V dh = Lanes::template load<Whole>(grad_h + i, count);
          if (grad_output != nullptr) {
            dh += Lanes::template load<Whole>(grad_output + i, count);
          }
          V state{};
          if constexpr (Op == CellOp::gru) {
            state = Lanes::template load<Whole>(h + i, count);
          }
          V memory{};
          V dc{};
          if constexpr (Op == CellOp::lstm) {
            memory = Lanes::template load<Whole>(c + i, count);
            dc = Lanes::template load<Whole>(grad_c + i, count);
          }
          formulas::Cell<Op>::template backward<M>(g, state, memory, dh, dc);
          for (int k = 0; k < kSlots; ++k) {
            Lanes::template store<Whole>(gates + k * hidden + i, g[k], count);
          }
          Lanes::template store<Whole>(grad_h + i, dh, count);
          if constexpr (Op == CellOp::lstm) {
            Lanes::template store<Whole>(grad_c + i, dc, count);
          }
        });
  }
}

}  // namespace wick::cpu
