// SPDX-License-Identifier: MIT
// Recurrent layers: how the steps' rows are shared among threads. The products in between share
// themselves.
#include "wick/core/backend/recurrent.h"

#include <cstddef>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/share.h"
#include "kernels/cpu/workspace.h"
#include "kernels/recurrent_steps.h"

namespace wick::cpu {
namespace {

template <typename T>
CellRows<T> rows_of(const StateRows& rows) {
  return {static_cast<T*>(rows.data), rows.stride};
}
template <typename T>
CellRows<const T> rows_of(const ConstStateRows& rows) {
  return {static_cast<const T*>(rows.data), rows.stride};
}

template <typename T>
CellRows<T> from_row(const CellRows<T>& rows, std::int64_t first) {
  return {offset(rows.data, first * rows.stride), rows.stride};
}

}  // namespace

// The weights of the steps' products in the order in which their kernels read them: once for all
// steps, where each of these would bring them into that order by itself.
recurrent::PackedPieces CpuBackend::pack_pieces(const RecurrentArgs& args) {
  recurrent::PackedPieces packed;
  const std::int64_t hidden = args.shape.hidden;
  constexpr std::int64_t kFewRows = 12;  // for which the kernels read the weights as they are
  constexpr std::int64_t kFewSteps = 4;
  if (args.dtype != DType::float32 || args.weight_hh == nullptr || args.shape.rows <= kFewRows ||
      args.shape.steps < kFewSteps) {
    return packed;
  }
  const auto size_of_piece = [&](const recurrent::Piece& piece) {
    return kernels<float>().packed_size(piece.gates * hidden, hidden);
  };
  std::int64_t size = 0;
  recurrent::for_pieces(args.op,
                        [&](const recurrent::Piece& piece) { size += size_of_piece(piece); });
  auto* memory = thread_workspace<float, RecurrentArgs>(size);
  recurrent::for_pieces(args.op, [&](const recurrent::Piece& piece) {
    const float* const weight =
        static_cast<const float*>(args.weight_hh) + piece.weight * hidden * hidden;
    pack_weight(args.dtype, {weight, piece.gates * hidden, hidden, hidden}, memory);
    packed.data[piece.weight == 0 ? 0 : 1] = memory;
    memory += size_of_piece(piece);
  });
  return packed;
}

void CpuBackend::recurrent(const RecurrentArgs& args) {
  visit_arithmetic(args.dtype, info_of(args.op).name, [&]<typename T>(TypeTag<T>) {
    const auto kernel = kernels<T>().cell[static_cast<std::size_t>(args.op)];
    recurrent::run(
        *this, args,
        [&](const CellStep& step) {
          const CellTask<T> whole{step.rows,
                                  step.hidden,
                                  step.step,
                                  step.lengths,
                                  rows_of<T>(step.gates),
                                  rows_of<T>(step.h),
                                  rows_of<T>(step.c),
                                  rows_of<T>(step.output),
                                  rows_of<T>(step.h_next),
                                  rows_of<T>(step.c_next)};
          const std::int64_t elements = step.rows * step.hidden * info_of(args.op).slots;
          share(*pool_, step.rows, 1, elements, [&](std::int64_t first, std::int64_t last) {
            CellTask<T> part = whole;
            part.rows = last - first;
            part.lengths = offset(whole.lengths, first);
            part.gates = from_row(whole.gates, first);
            part.h = from_row(whole.h, first);
            part.c = from_row(whole.c, first);
            part.output = from_row(whole.output, first);
            part.h_next = from_row(whole.h_next, first);
            part.c_next = from_row(whole.c_next, first);
            kernel(part);
          });
        },
        pack_pieces(args));
  });
}

void CpuBackend::recurrent_backward(const RecurrentBackwardArgs& args) {
  visit_arithmetic(args.dtype, info_of(args.op).name, [&]<typename T>(TypeTag<T>) {
    const auto kernel = kernels<T>().cell_backward[static_cast<std::size_t>(args.op)];
    recurrent::run_backward(*this, args, [&](const CellBackwardStep& step) {
      const CellBackwardTask<T> whole{step.rows,
                                      step.hidden,
                                      step.step,
                                      step.lengths,
                                      rows_of<T>(step.gates),
                                      rows_of<T>(step.h),
                                      rows_of<T>(step.c),
                                      rows_of<T>(step.grad_output),
                                      rows_of<T>(step.grad_h),
                                      rows_of<T>(step.grad_c)};
      const std::int64_t elements = step.rows * step.hidden * info_of(args.op).slots;
      share(*pool_, step.rows, 1, elements, [&](std::int64_t first, std::int64_t last) {
        CellBackwardTask<T> part = whole;
        part.rows = last - first;
        part.lengths = offset(whole.lengths, first);
        part.gates = from_row(whole.gates, first);
        part.h = from_row(whole.h, first);
        part.c = from_row(whole.c, first);
        part.grad_output = from_row(whole.grad_output, first);
        part.grad_h = from_row(whole.grad_h, first);
        part.grad_c = from_row(whole.grad_c, first);
        kernel(part);
      });
    });
  });
}

}  // namespace wick::cpu
