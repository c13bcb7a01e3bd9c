// SPDX-License-Identifier: MIT
// A recurrent layer as products and pointwise steps: the loop that all devices have in common.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/memory.h"
#include "wick/core/backend/recurrent.h"

namespace wick {

/// `hidden` elements for each row.
struct StateRows {
  void* data = nullptr;  // or none
  std::int64_t stride = 0;
};
struct ConstStateRows {
  const void* data = nullptr;  // or none
  std::int64_t stride = 0;
  ConstStateRows() = default;
  ConstStateRows(const void* rows, std::int64_t pitch) : data(rows), stride(pitch) {}
  ConstStateRows(const StateRows& rows)  // NOLINT(*-explicit-*)
      : data(rows.data), stride(rows.stride) {}
};

/// The pointwise part of a step: kernels/formulas/recurrent.h for each row and element. A row whose
/// length is `step` or less keeps its state and has an output of zeros.
struct CellStep {
  CellOp op = CellOp::rnn_tanh;
  DType dtype = DType::float32;
  std::int64_t rows = 0;
  std::int64_t hidden = 0;
  std::int64_t step = 0;
  const std::int64_t* lengths = nullptr;
  StateRows gates{};  // slots * hidden for each row
  ConstStateRows h{};
  ConstStateRows c{};  // of lstm
  StateRows output{};  // or none
  StateRows h_next{};  // may be h
  StateRows c_next{};  // of lstm; may be c
};

/// Its gradient. A row that took no part has gradients of zeros by the gates, and grad_h and grad_c
/// stay as they are.
struct CellBackwardStep {
  CellOp op = CellOp::rnn_tanh;
  DType dtype = DType::float32;
  std::int64_t rows = 0;
  std::int64_t hidden = 0;
  std::int64_t step = 0;
  const std::int64_t* lengths = nullptr;
  StateRows gates{};
  ConstStateRows h{};
  ConstStateRows c{};            // of lstm
  ConstStateRows grad_output{};  // or none
  StateRows grad_h{};            // that by the state after the step, then by that before
  StateRows grad_c{};            // likewise, of lstm
};

namespace recurrent {

/// Where the rows of a step lie.
class Places {
 public:
  Places(const SequenceShape& shape, DType dtype)
      : shape_(shape), bytes_(static_cast<std::int64_t>(size_of(dtype))) {}

  /// Step number `i` in the order in which they are done.
  [[nodiscard]] std::int64_t step(std::int64_t i) const {
    return shape_.reverse ? shape_.steps - 1 - i : i;
  }
  [[nodiscard]] StateRows at(void* data, std::int64_t step, std::int64_t width) const {
    if (data == nullptr) return {};
    return {static_cast<std::byte*>(data) + step * shape_.step_pitch * width * bytes_,
            shape_.row_pitch * width};
  }
  [[nodiscard]] ConstStateRows at(const void* data, std::int64_t step, std::int64_t width) const {
    return at(const_cast<void*>(data), step, width);
  }
  [[nodiscard]] const void* offset(const void* data, std::int64_t elements) const {
    return data == nullptr ? nullptr : static_cast<const std::byte*>(data) + elements * bytes_;
  }
  [[nodiscard]] void* offset(void* data, std::int64_t elements) const {
    return static_cast<std::byte*>(data) + elements * bytes_;
  }

 private:
  SequenceShape shape_;
  std::int64_t bytes_;
};

/// Where a product begins among the weights' rows and in the slots, and how wide it is: all gates
/// at once, but the part of a GRU's n by itself.
struct Piece {
  std::int64_t weight;
  std::int64_t slot;
  std::int64_t gates;
};
template <typename Visit>
void for_pieces(CellOp op, const Visit& visit) {
  if (op == CellOp::gru) {
    visit(Piece{0, 0, 2});
    visit(Piece{2, 3, 1});
  } else {
    visit(Piece{0, 0, info_of(op).gates});
  }
}

/// What Backend::pack_weight() has made of the weights of each piece, where that pays. The products
/// add to what is there, so that only a device whose packed products do so may give them.
struct PackedPieces {
  const void* data[2] = {};  // or none
};

/// Calls cell(CellStep) for all steps, with the products in between.
template <typename Cell>
void run(Backend& backend, const RecurrentArgs& args, const Cell& cell,
         const PackedPieces& packed = {}) {
  const SequenceShape& shape = args.shape;
  const std::int64_t hidden = shape.hidden;
  const std::int64_t width = info_of(args.op).slots * hidden;
  const Places places(shape, args.dtype);
  const auto keep = [&](const void* state, void* before) {
    const StateRows to = places.at(before, places.step(0), hidden);
    const Dims sizes{shape.rows, hidden};
    // The source of a copy is only read.
    backend.copy_strided({to.data, args.dtype, sizes, {to.stride, 1}},
                         {const_cast<void*>(state), args.dtype, sizes, {hidden, 1}});
  };
  if (args.h_before != nullptr && shape.steps > 0) keep(args.h_0, args.h_before);
  if (args.c_before != nullptr && shape.steps > 0) keep(args.c_0, args.c_before);
  for (std::int64_t i = 0; i < shape.steps; ++i) {
    const std::int64_t t = places.step(i);
    const bool last = i + 1 == shape.steps;
    CellStep step{args.op, args.dtype, shape.rows, hidden, t, args.lengths};
    step.gates = places.at(args.gates, t, width);
    const auto before = [&](const void* all, const void* first) {
      return all != nullptr ? places.at(all, t, hidden) : ConstStateRows{first, hidden};
    };
    const auto after = [&](void* all, void* end) {
      return last ? StateRows{end, hidden} : places.at(all, places.step(i + 1), hidden);
    };
    step.h = before(args.h_before, args.h_0);
    step.h_next = after(args.h_before, args.h_n);
    if (args.op == CellOp::lstm) {
      step.c = before(args.c_before, args.c_0);
      step.c_next = after(args.c_before, args.c_n);
    }
    step.output = places.at(args.output, t, args.output_stride);
    if (args.weight_hh != nullptr) {
      for_pieces(args.op, [&](const Piece& piece) {
        MatmulArgs product{.dtype = args.dtype, .operand_dtype = args.dtype};
        product.a = {step.h.data, shape.rows, hidden, step.h.stride};
        product.b = {places.offset(args.weight_hh, piece.weight * hidden * hidden),
                     piece.gates * hidden, hidden, hidden};
        product.c = {places.offset(step.gates.data, piece.slot * hidden), shape.rows,
                     piece.gates * hidden, step.gates.stride};
        const void* const pack = packed.data[piece.weight == 0 ? 0 : 1];
        if (pack != nullptr) {
          product.b.data = pack;
          product.packed_b = true;
        }
        product.transpose_b = true;
        product.accumulate =
            piece.slot == piece.weight;  // there is no part from x in the last slot
        product.bias = places.offset(args.bias_hh, piece.weight * hidden);
        backend.matmul(product);
      });
    }
    cell(step);
  }
}

/// Calls cell(CellBackwardStep) for all steps from the last to the first, with the products.
template <typename Cell>
void run_backward(Backend& backend, const RecurrentBackwardArgs& args, const Cell& cell) {
  const SequenceShape& shape = args.shape;
  const std::int64_t hidden = shape.hidden;
  const std::int64_t width = info_of(args.op).slots * hidden;
  const Places places(shape, args.dtype);
  for (std::int64_t i = shape.steps; i-- > 0;) {
    const std::int64_t t = places.step(i);
    CellBackwardStep step{args.op, args.dtype, shape.rows, hidden, t, args.lengths};
    step.gates = places.at(args.gates, t, width);
    step.h = places.at(args.h_before, t, hidden);
    step.c = places.at(args.c_before, t, hidden);
    step.grad_output = places.at(args.grad_output, t, args.output_stride);
    step.grad_h = {args.grad_h, hidden};
    step.grad_c = {args.grad_c, hidden};
    cell(step);
    for_pieces(args.op, [&](const Piece& piece) {
      MatmulArgs product{.dtype = args.dtype, .operand_dtype = args.dtype};
      product.a = {places.offset(step.gates.data, piece.slot * hidden), shape.rows,
                   piece.gates * hidden, step.gates.stride};
      product.b = {places.offset(args.weight_hh, piece.weight * hidden * hidden),
                   piece.gates * hidden, hidden, hidden};
      product.c = {args.grad_h, shape.rows, hidden, hidden};
      product.accumulate = true;
      backend.matmul(product);
    });
  }
}

}  // namespace recurrent
}  // namespace wick
