// SPDX-License-Identifier: MIT
// Steps of recurrent layers: what the kernels get, and which there are.
#pragma once

#include <cstdint>

#include "wick/core/backend/recurrent.h"

namespace wick::cpu {

/// `hidden` elements for each row.
template <typename T>
struct CellRows {
  T* data;  // or null
  std::int64_t stride;
};

/// Rows of CellStep, or of CellBackwardStep (kernels/recurrent_steps.h).
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

template <typename T>
struct CellTable {
  // By CellOp.
  void (*cell[kCellOpCount])(const CellTask<T>&);
  void (*cell_backward[kCellOpCount])(const CellBackwardTask<T>&);
};
template <typename T, typename Isa>
[[nodiscard]] CellTable<T> cell_table();

}  // namespace wick::cpu
