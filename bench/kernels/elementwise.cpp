// SPDX-License-Identifier: MIT
// Functions of each element, PReLU and dropout.
#include "wick/core/backend/elementwise.h"

#include <cstdint>
#include <utility>

#include <benchmark/benchmark.h>

#include "bench/kernels/report.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"

namespace wick::bench {
namespace {

// The parameters of functions that have some: PyTorch's defaults, or 1.
UnaryParameters parameters_of(UnaryOp op) {
  if (op == UnaryOp::leaky_relu) return {0.01};
  if (op == UnaryOp::hardtanh) return {-1.0, 1.0};
  return {1.0, 20.0};
}

void unary(benchmark::State& state, UnaryOp op) {
  Generator generator(3);
  const Tensor x = Tensor::normal({state.range(0)}, 0, 2, generator);
  const Tensor y = Tensor::empty(x.shape());
  const Tensor y64 = Tensor::empty(x.shape(), DType::float64);
  const UnaryParameters parameters = parameters_of(op);
  ops::unary(op, wide(x), y64, parameters);
  ops::unary(op, x, y, parameters);
  verify(y, y64, 1e-6);
  for (auto _ : state) {
    ops::unary(op, x, y, parameters);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 2.0 * static_cast<double>(x.nbytes()));
}

void unary_backward(benchmark::State& state, UnaryOp op) {
  Generator generator(3);
  const Tensor saved = Tensor::normal({state.range(0)}, 0, 2, generator);
  const Tensor grad = Tensor::normal(saved.shape(), 0, 1, generator);
  const Tensor out = Tensor::empty(saved.shape());
  const Tensor out64 = Tensor::empty(saved.shape(), DType::float64);
  const UnaryParameters parameters = parameters_of(op);
  ops::unary_backward(op, wide(grad), wide(saved), out64, parameters);
  ops::unary_backward(op, grad, saved, out, parameters);
  verify(out, out64, 1e-5);
  for (auto _ : state) {
    ops::unary_backward(op, grad, saved, out, parameters);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 3.0 * static_cast<double>(saved.nbytes()));
}

void add(const Tensor& a, const Tensor& b, const Tensor& out) {
  ops::add(a, b, out);
}

void multiply(const Tensor& a, const Tensor& b, const Tensor& out) {
  ops::mul(a, b, out);
}

void binary(benchmark::State& state,
            void (*operation)(const Tensor&, const Tensor&, const Tensor&)) {
  Generator generator(4);
  const Tensor a = Tensor::normal({state.range(0)}, 0, 1, generator);
  const Tensor b = Tensor::normal(a.shape(), 0, 1, generator);
  const Tensor out = Tensor::empty(a.shape());
  const Tensor out64 = Tensor::empty(a.shape(), DType::float64);
  operation(wide(a), wide(b), out64);
  operation(a, b, out);
  verify(out, out64, 1e-6);
  for (auto _ : state) {
    operation(a, b, out);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 3.0 * static_cast<double>(a.nbytes()));
}
BENCHMARK_CAPTURE(binary, add, &add)->Arg(1024)->Arg(100'000)->Arg(1 << 22);
BENCHMARK_CAPTURE(binary, multiply, &multiply)->Arg(1024)->Arg(100'000)->Arg(1 << 22);

void prelu(benchmark::State& state, bool backward) {
  Generator generator(11);
  const std::int64_t channels = state.range(1);
  const Tensor x = Tensor::normal({state.range(0), channels}, 0, 1, generator);
  const Tensor grad = Tensor::normal(x.shape(), 0, 1, generator);
  const Tensor weight = Tensor::normal({channels}, 0, 1, generator);
  const auto run = [&](const Tensor& in, const Tensor& g, const Tensor& slope, const Tensor& out,
                       const Tensor& dw) {
    if (backward) return ops::prelu_backward(g, in, slope, &out, &dw, false);
    ops::prelu(in, slope, out);
  };
  const Tensor y = Tensor::empty(x.shape());
  const Tensor dw = Tensor::zeros({channels});
  const Tensor y64 = Tensor::empty(x.shape(), DType::float64);
  const Tensor dw64 = Tensor::zeros({channels}, DType::float64);
  run(wide(x), wide(grad), wide(weight), y64, dw64);
  run(x, grad, weight, y, dw);
  verify(y, y64, 1e-6);
  verify(dw, dw64, 1e-4);
  for (auto _ : state) {
    run(x, grad, weight, y, dw);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", (backward ? 3.0 : 2.0) * static_cast<double>(x.nbytes()));
}
BENCHMARK_CAPTURE(prelu, prelu, false)->Args({128, 512})->Args({4096, 1024});
BENCHMARK_CAPTURE(prelu, prelu_backward, true)->Args({128, 512})->Args({4096, 1024});

void dropout(benchmark::State& state) {
  Generator generator(7);
  const Tensor x = Tensor::normal({state.range(0), state.range(1)}, 0, 1, generator);
  const Tensor y = Tensor::empty(x.shape());
  const Tensor mask = Tensor::empty(x.shape(), DType::boolean);
  generator.dropout(x, 0.5, mask, y);
  const Tensor expected = Tensor::empty(x.shape(), DType::float64);
  ops::masked_scale(wide(x), mask, 2.0, expected);
  verify(y, expected, 0.0);
  for (auto _ : state) {
    generator.dropout(x, 0.5, mask, y);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 2.25 * static_cast<double>(x.nbytes()));
}
BENCHMARK(dropout)->Args({128, 512})->Args({4096, 1024});

}  // namespace

void register_unary() {
  for (const UnaryOpInfo& info : kUnaryOps) {
    for (const auto& [name, function] :
         {std::pair{info.name, &unary}, {info.backward_name, &unary_backward}}) {
      auto* const registered = benchmark::RegisterBenchmark(
          name,
          [function = function, op = info.op](benchmark::State& state) { function(state, op); });
      registered->Arg(1024)->Arg(100'000)->Arg(1 << 22);
    }
  }
}

}  // namespace wick::bench
