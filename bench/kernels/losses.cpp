// SPDX-License-Identifier: MIT
// Losses with their gradients.
#include <cstddef>

#include <benchmark/benchmark.h>

#include "bench/kernels/report.h"
#include "wick/core/backend/loss.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"

namespace wick::bench {
namespace {

void cross_entropy(benchmark::State& state) {
  const std::int64_t rows = state.range(0);
  const std::int64_t classes = state.range(1);
  Generator generator(2);
  const Tensor logits = Tensor::normal({rows, classes}, 0, 3, generator);
  const Tensor targets =
      Tensor::uniform({rows}, 0, static_cast<double>(classes), generator).to(DType::int64);
  const Tensor loss = Tensor::empty({});
  const Tensor grad = Tensor::empty(logits.shape());
  const Tensor loss64 = Tensor::empty({}, DType::float64);
  const Tensor grad64 = Tensor::empty(logits.shape(), DType::float64);
  ops::cross_entropy(wide(logits), targets, loss64, &grad64);
  ops::cross_entropy(logits, targets, loss, &grad);
  verify(loss, loss64, 1e-5);
  verify(grad, grad64, 1e-5);
  for (auto _ : state) {
    ops::cross_entropy(logits, targets, loss, &grad);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 2.0 * static_cast<double>(logits.nbytes()));
}
BENCHMARK(cross_entropy)->Args({32, 10})->Args({1024, 10})->Args({256, 1000});

void pointwise_loss(benchmark::State& state, LossOp op) {
  Generator generator(5);
  // Numbers that every loss takes: probabilities and means.
  const Tensor x = Tensor::uniform({state.range(0)}, 0.01, 0.99, generator);
  const Tensor target = Tensor::uniform(x.shape(), 0, 1, generator);
  const Tensor var = Tensor::uniform(x.shape(), 1, 2, generator);
  const Tensor var64 = wide(var);
  const Tensor loss = Tensor::empty({});
  const Tensor grad = Tensor::empty(x.shape());
  const Tensor loss64 = Tensor::empty({}, DType::float64);
  const Tensor grad64 = Tensor::empty(x.shape(), DType::float64);
  const bool has_var = op == LossOp::gaussian_nll_loss;
  const ops::PointwiseLossOptions options{.a = 0.5, .var = has_var ? &var : nullptr};
  ops::pointwise_loss(op, wide(x), wide(target), loss64, &grad64,
                      {.a = 0.5, .var = has_var ? &var64 : nullptr});
  ops::pointwise_loss(op, x, target, loss, &grad, options);
  verify(loss, loss64, 1e-5);
  verify(grad, grad64, 1e-5);
  for (auto _ : state) {
    ops::pointwise_loss(op, x, target, loss, &grad, options);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 3.0 * static_cast<double>(x.nbytes()));
}

}  // namespace

void register_losses() {
  for (std::size_t op = 0; op < kLossOpCount; ++op) {
    auto* const registered = benchmark::RegisterBenchmark(
        kLossNames[op],
        [op](benchmark::State& state) { pointwise_loss(state, static_cast<LossOp>(op)); });
    registered->Arg(1024)->Arg(100'000)->Arg(1 << 22);
  }
}

}  // namespace wick::bench
