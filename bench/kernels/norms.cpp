// SPDX-License-Identifier: MIT
// Softmax and normalisations.
#include <benchmark/benchmark.h>

#include "bench/kernels/report.h"
#include "bench/norm_case.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"

namespace wick::bench {
namespace {

void softmax(benchmark::State& state, bool log) {
  Generator generator(6);
  const Tensor x = Tensor::normal({state.range(0), state.range(1)}, 0, 2, generator);
  const Tensor y = Tensor::empty(x.shape());
  const Tensor y64 = Tensor::empty(x.shape(), DType::float64);
  ops::softmax(wide(x), 1, log, y64);
  ops::softmax(x, 1, log, y);
  verify(y, y64, 1e-5);
  for (auto _ : state) {
    ops::softmax(x, 1, log, y);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 2.0 * static_cast<double>(x.nbytes()));
}
BENCHMARK_CAPTURE(softmax, softmax, false)->Args({128, 512})->Args({4096, 1024});
BENCHMARK_CAPTURE(softmax, log_softmax, true)->Args({128, 512})->Args({4096, 1024});

void softmax_backward(benchmark::State& state, bool log) {
  Generator generator(6);
  const Tensor x = Tensor::normal({state.range(0), state.range(1)}, 0, 2, generator);
  const Tensor grad = Tensor::normal(x.shape(), 0, 1, generator);
  const Tensor y = Tensor::empty(x.shape());
  const Tensor dx = Tensor::empty(x.shape());
  const Tensor dx64 = Tensor::empty(x.shape(), DType::float64);
  ops::softmax(x, 1, log, y);
  ops::softmax_backward(wide(grad), wide(y), 1, log, dx64);
  ops::softmax_backward(grad, y, 1, log, dx);
  verify(dx, dx64, 1e-4);
  for (auto _ : state) {
    ops::softmax_backward(grad, y, 1, log, dx);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 3.0 * static_cast<double>(x.nbytes()));
}
BENCHMARK_CAPTURE(softmax_backward, softmax, false)->Args({128, 512})->Args({4096, 1024});
BENCHMARK_CAPTURE(softmax_backward, log_softmax, true)->Args({128, 512})->Args({4096, 1024});

void norm(benchmark::State& state, NormOp op) {
  Generator generator(9);
  const NormShape shape{state.range(0), state.range(1), state.range(2)};
  const NormCase single(op, shape, generator);
  const NormCase reference = single.converted(DType::float64);
  reference.forward();
  single.forward();
  verify(single.y, reference.y, 1e-4);
  for (auto _ : state) {
    single.forward();
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 2.0 * static_cast<double>(single.x.nbytes()));
}
BENCHMARK_CAPTURE(norm, layer_norm, NormOp::layer_norm)->Args({128, 512, 1})->Args({4096, 1024, 1});
BENCHMARK_CAPTURE(norm, rms_norm, NormOp::rms_norm)->Args({128, 512, 1})->Args({4096, 1024, 1});
BENCHMARK_CAPTURE(norm, batch_norm, NormOp::batch_norm)
    ->Args({128, 512, 1})
    ->Args({4096, 1024, 1})
    ->Args({64, 64, 784});

void norm_backward(benchmark::State& state, NormOp op) {
  Generator generator(10);
  const NormShape shape{state.range(0), state.range(1), state.range(2)};
  const NormCase single(op, shape, generator);
  const NormCase reference = single.converted(DType::float64);
  for (const NormCase* const each : {&reference, &single}) {
    each->forward();
    each->backward();
  }
  verify(single.dx, reference.dx, 1e-4);
  verify(single.dw, reference.dw, 1e-3);
  for (auto _ : state) {
    single.backward();
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 3.0 * static_cast<double>(single.x.nbytes()));
}
BENCHMARK_CAPTURE(norm_backward, layer_norm, NormOp::layer_norm)
    ->Args({128, 512, 1})
    ->Args({4096, 1024, 1});
BENCHMARK_CAPTURE(norm_backward, rms_norm, NormOp::rms_norm)
    ->Args({128, 512, 1})
    ->Args({4096, 1024, 1});
BENCHMARK_CAPTURE(norm_backward, batch_norm, NormOp::batch_norm)
    ->Args({128, 512, 1})
    ->Args({4096, 1024, 1})
    ->Args({64, 64, 784});

}  // namespace

}  // namespace wick::bench
