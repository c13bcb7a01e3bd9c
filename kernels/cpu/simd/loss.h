// SPDX-License-Identifier: MIT
// Losses that are sums over elements, with their gradients: the formulas of kernels/formulas/loss.h
// in vectors of float32, and in float64 one element at a time.
#pragma once

#include "kernels/cpu/simd/kernel_table.h"
#include "kernels/cpu/simd/vector_lanes.h"
#include "kernels/formulas/loss.h"

namespace wick::cpu {

/// Some elements of one row: their gradients, and the sum of their losses. Losses of float32 are
/// added up in float32 for so many vectors only.
template <typename Isa, LossOp Op>
[[gnu::always_inline]] inline double loss_of_row(const PointwiseLossTask<float>& task,
                                                 std::int64_t first) {
  using M = Math<float, Isa>;
  using V = Vector<float, Isa>;
  constexpr int kWide = kLanes<float, Isa>;
  constexpr int kVectorsPerSum = 32;
  const V one = M::set(1.0F);
  const V scale = M::set(task.scale);
  const auto part = [&](V x, V t, V weight, V positive, V * grad) __attribute__((always_inline)) {
    const auto result = formulas::PointwiseLoss<Op>::template of<M>(x, t, task.a, positive);
    *grad = result.grad * weight * scale;
    return result.loss * weight;
  };
  double sum = 0.0;
  std::int64_t c = 0;
  while (c + kWide <= task.cols) {
    V partial{};
    for (int i = 0; i < kVectorsPerSum && c + kWide <= task.cols; ++i, c += kWide) {
      V grad;
      const V weight = task.weight == nullptr ? one : load<float, Isa>(task.weight + c);
      const V positive = task.pos_weight == nullptr ? one : load<float, Isa>(task.pos_weight + c);
      partial += part(load<float, Isa>(task.input + first + c),
                      load<float, Isa>(task.target + first + c), weight, positive, &grad);
      if (task.grad != nullptr) store<float, Isa>(task.grad + first + c, grad);
    }
    for (int lane = 0; lane < kWide; ++lane) sum += static_cast<double>(partial[lane]);
  }
  if (c < task.cols) {
    const int rest = static_cast<int>(task.cols - c);
    V grad;
    const V weight = task.weight == nullptr ? one : load_first<float, Isa>(task.weight + c, rest);
    const V positive =
        task.pos_weight == nullptr ? one : load_first<float, Isa>(task.pos_weight + c, rest);
    const V loss =
        part(load_first<float, Isa>(task.input + first + c, rest),
             load_first<float, Isa>(task.target + first + c, rest), weight, positive, &grad);
    if (task.grad != nullptr) store_first<float, Isa>(task.grad + first + c, grad, rest);
    float losses[kWide];
    store<float, Isa>(losses, loss);
    for (int lane = 0; lane < rest; ++lane) sum += static_cast<double>(losses[lane]);
  }
  return sum;
}

template <typename Isa, LossOp Op>
[[gnu::always_inline]] inline double loss_of_row(const PointwiseLossTask<double>& task,
                                                 std::int64_t first) {
  using M = Math<double, Isa>;
  double sum = 0.0;
  for (std::int64_t c = 0; c < task.cols; ++c) {
    const double weight = task.weight == nullptr ? 1.0 : task.weight[c];
    const double positive = task.pos_weight == nullptr ? 1.0 : task.pos_weight[c];
    const auto result = formulas::PointwiseLoss<Op>::template of<M>(
        task.input[first + c], task.target[first + c], task.a, positive);
    sum += result.loss * weight;
    if (task.grad != nullptr) task.grad[first + c] = result.grad * weight * task.scale;
  }
  return sum;
}

template <typename T, typename Isa, LossOp Op>
double pointwise_loss(const PointwiseLossTask<T>& task) {
  double sum = 0.0;
  for (std::int64_t r = 0; r < task.rows; ++r) sum += loss_of_row<Isa, Op>(task, r * task.cols);
  return sum;
}

template <typename T, typename Isa, std::size_t... I>
constexpr void fill_losses(KernelTable<T>& table, std::index_sequence<I...> /*all*/) {
  ((table.pointwise_loss[I] = pointwise_loss<T, Isa, static_cast<LossOp>(I)>), ...);
}

}  // namespace wick::cpu
