// SPDX-License-Identifier: MIT
// Losses that are sums over elements, with their gradients: the formulas of kernels/formulas/loss.h
// in vectors of float32, and in float64 one element at a time.
#pragma once

#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/loss_table.h"
#include "kernels/cpu/simd/vector_lanes.h"
#include "kernels/formulas/loss.h"
#include "wick/core/backend/loss.h"

namespace wick::cpu {

/// The gradients of one row, and the sum of its losses. `kSummed` losses at a time are added up in
/// float32, these sums in float64.
template <typename Isa, LossOp Op>
[[gnu::always_inline]] inline double loss_of_row(const PointwiseLossTask<float>& task,
                                                 std::int64_t first) {
  using M = Math<float, Isa>;
  using V = Vector<float, Isa>;
  constexpr std::int64_t kSummed = 32 * kLanes<float, Isa>;  // elements
  const V one = M::set(1.0F);
  const V scale = M::set(task.scale);
  double sum = 0.0;
  for (std::int64_t begin = 0; begin < task.cols; begin += kSummed) {
    const std::int64_t left = task.cols - begin;
    V whole{};
    V rest{};
    int rest_count = 0;
    for_vectors<float, Isa>(
        left < kSummed ? left : kSummed, [&]<bool Whole>(std::int64_t i,
                                                         int count) __attribute__((always_inline)) {
          const std::int64_t c = begin + i;
          const std::int64_t at = first + c;
          const V weight =
              task.weight == nullptr ? one : load_some<float, Isa, Whole>(task.weight + c, count);
          V positive = one;
          if constexpr (Op == LossOp::gaussian_nll_loss) {
            positive = load_some<float, Isa, Whole>(task.var + at, count);
          } else if (task.pos_weight != nullptr) {
            positive = load_some<float, Isa, Whole>(task.pos_weight + c, count);
          }
          const auto result = formulas::PointwiseLoss<Op>::template of<M>(
              load_some<float, Isa, Whole>(task.input + at, count),
              load_some<float, Isa, Whole>(task.target + at, count), {task.a, task.b}, positive);
          if (task.grad != nullptr) {
            store_some<float, Isa, Whole>(task.grad + at, result.grad * weight * scale, count);
          }
          if constexpr (Op == LossOp::gaussian_nll_loss) {
            if (task.grad_var != nullptr) {
              store_some<float, Isa, Whole>(task.grad_var + at, result.grad_var * scale, count);
            }
          }
          const V loss = result.loss * weight;
          if (task.losses != nullptr) store_some<float, Isa, Whole>(task.losses + at, loss, count);
          if constexpr (Whole) {
            whole += loss;
          } else {
            rest = loss;
            rest_count = count;
          }
        });
    for (int lane = 0; lane < kLanes<float, Isa>; ++lane) sum += static_cast<double>(whole[lane]);
    for (int lane = 0; lane < rest_count; ++lane) sum += static_cast<double>(rest[lane]);
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
    double positive = task.pos_weight == nullptr ? 1.0 : task.pos_weight[c];
    if constexpr (Op == LossOp::gaussian_nll_loss) positive = task.var[first + c];
    const auto result = formulas::PointwiseLoss<Op>::template of<M>(
        task.input[first + c], task.target[first + c], {task.a, task.b}, positive);
    sum += result.loss * weight;
    if (task.losses != nullptr) task.losses[first + c] = result.loss * weight;
    if constexpr (Op == LossOp::gaussian_nll_loss) {
      if (task.grad_var != nullptr) task.grad_var[first + c] = result.grad_var * task.scale;
    }
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

}  // namespace wick::cpu
