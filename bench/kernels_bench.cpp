// SPDX-License-Identifier: MIT
// Micro-benchmarks of the CPU kernels on named shapes. Each is checked against a float64 reference
// before it is timed; the counters are GFLOP/s or GB/s.
//
//   kernels_bench --benchmark_filter=matmul
#include <cmath>

#include <benchmark/benchmark.h>

#include "core/error.h"
#include "core/ops.h"
#include "core/random.h"

namespace wick {
namespace {

constexpr double kGiga = 1e9;

void report(benchmark::State& state, const char* unit, double per_iteration) {
  state.counters[unit] = benchmark::Counter(
      per_iteration / kGiga * static_cast<double>(state.iterations()), benchmark::Counter::kIsRate);
}

// Throws where a float32 result is not near its float64 reference: a fast wrong answer is no
// result.
void verify(const Tensor& result, const Tensor& reference, double tolerance) {
  const std::vector<double> actual = result.to(DType::float64).to_vector<double>();
  const std::vector<double> expected = reference.to_vector<double>();
  for (std::size_t i = 0; i < expected.size(); ++i) {
    if (!(std::fabs(actual[i] - expected[i]) <= tolerance * (1.0 + std::fabs(expected[i])))) {
      throw Error(concat("element ", i, " is ", actual[i], ", expected ", expected[i]));
    }
  }
}

Tensor wide(const Tensor& tensor) {
  return tensor.to(DType::float64);
}

// y = x Wᵀ, dW = dYᵀ X, dX = dY W: the three products of a layer (batch, out, in).
enum class Product { forward, weight_grad, input_grad };

void matmul(benchmark::State& state, Product product) {
  const std::int64_t batch = state.range(0);
  const std::int64_t out = state.range(1);
  const std::int64_t in = state.range(2);
  Generator generator(1);
  const Tensor x = Tensor::normal({batch, in}, 0, 1, generator);
  const Tensor weight = Tensor::normal({out, in}, 0, 1, generator);
  const Tensor dy = Tensor::normal({batch, out}, 0, 1, generator);
  const auto operands = [&]() -> std::tuple<Tensor, Tensor, Dims, ops::MatmulOptions> {
    switch (product) {
      case Product::forward: return {x, weight, {batch, out}, {.transpose_b = true}};
      case Product::weight_grad: return {dy, x, {out, in}, {.transpose_a = true}};
      default: return {dy, weight, {batch, in}, {}};
    }
  };
  const auto [a, b, shape, options] = operands();
  const Tensor c = Tensor::empty(shape);
  const Tensor reference = Tensor::empty(shape, DType::float64);
  ops::matmul(wide(a), wide(b), reference, options);
  ops::matmul(a, b, c, options);
  verify(c, reference, 1e-3);
  for (auto _ : state) {
    ops::matmul(a, b, c, options);
    benchmark::ClobberMemory();
  }
  report(state, "GFLOP/s", 2.0 * static_cast<double>(batch * out * in));
}

void mlp_shapes(benchmark::internal::Benchmark* bench) {
  for (const std::int64_t batch : {1, 32, 128, 1024}) {
    bench->Args({batch, 32, 784})->Args({batch, 10, 32})->Args({batch, 512, 784});
    bench->Args({batch, 512, 512});
  }
  bench->Args({1024, 2048, 2048});
}

BENCHMARK_CAPTURE(matmul, forward, Product::forward)->Apply(mlp_shapes);
BENCHMARK_CAPTURE(matmul, weight_grad, Product::weight_grad)->Apply(mlp_shapes);
BENCHMARK_CAPTURE(matmul, input_grad, Product::input_grad)->Apply(mlp_shapes);

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

void relu(benchmark::State& state) {
  Generator generator(3);
  const Tensor x = Tensor::normal({state.range(0)}, 0, 1, generator);
  const Tensor y = Tensor::empty(x.shape());
  const Tensor y64 = Tensor::empty(x.shape(), DType::float64);
  ops::relu(wide(x), y64);
  ops::relu(x, y);
  verify(y, y64, 0.0);
  for (auto _ : state) {
    ops::relu(x, y);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 2.0 * static_cast<double>(x.nbytes()));
}
BENCHMARK(relu)->Arg(1024)->Arg(1 << 16)->Arg(1 << 22);

void column_sums(benchmark::State& state) {
  Generator generator(4);
  const Tensor x = Tensor::normal({state.range(0), state.range(1)}, 0, 1, generator);
  const Tensor sums = Tensor::empty({state.range(1)});
  const Tensor sums64 = Tensor::empty({state.range(1)}, DType::float64);
  ops::column_sums(wide(x), sums64);
  ops::column_sums(x, sums);
  verify(sums, sums64, 1e-4);
  for (auto _ : state) {
    ops::column_sums(x, sums);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", static_cast<double>(x.nbytes()));
}
BENCHMARK(column_sums)->Args({32, 32})->Args({128, 512})->Args({1024, 2048});

void gather_affine(benchmark::State& state) {
  const std::int64_t batch = state.range(0);
  Generator generator(5);
  const Tensor images = Tensor::uniform({10000, 1, 784}, 0, 256, generator).to(DType::uint8);
  const Tensor indices = generator.randperm(10000).slice(0, 0, batch);
  const Tensor scale = Tensor::from<float>({1.0F / 255.0F});
  const Tensor shift = Tensor::from<float>({-0.5F});
  const Tensor out = Tensor::empty({batch, 784});
  const Tensor out64 = Tensor::empty({batch, 784}, DType::float64);
  ops::gather_affine(images, &indices, wide(scale), wide(shift), out64);
  ops::gather_affine(images, &indices, scale, shift, out);
  verify(out, out64, 1e-6);
  for (auto _ : state) {
    ops::gather_affine(images, &indices, scale, shift, out);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", static_cast<double>(out.nbytes()) * 1.25);
}
BENCHMARK(gather_affine)->Arg(32)->Arg(1024);

// The update kernels' references are in tests/kernels/update_test.cpp; here one step is checked.
void adam(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  Generator generator(6);
  const Tensor grad = Tensor::normal({count}, 0, 1, generator);
  AdamArgs args{.count = count, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
  Tensor param = Tensor::zeros({count});
  Tensor m = Tensor::zeros({count});
  Tensor v = Tensor::zeros({count});
  args.param = param.raw();
  args.grad = grad.raw();
  args.exp_avg = m.raw();
  args.exp_avg_sq = v.raw();
  param.backend().adam_step(args);
  // The first step moves each parameter by lr against the sign of its gradient.
  const Tensor expected = Tensor::empty({count}, DType::float64);
  for (std::int64_t i = 0; i < count; ++i) {
    const double g = static_cast<double>(grad.data<float>()[i]);
    expected.data<double>()[i] = -0.01 * g / (std::fabs(g) + 1e-8);
  }
  verify(param, expected, 1e-5);
  for (auto _ : state) {
    args.step += 1.0;
    param.backend().adam_step(args);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 7.0 * static_cast<double>(param.nbytes()));
}
BENCHMARK(adam)->Arg(25450)->Arg(1 << 20);

void sgd(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  Generator generator(7);
  const Tensor grad = Tensor::normal({count}, 0, 1, generator);
  Tensor param = Tensor::zeros({count});
  Tensor buffer = Tensor::zeros({count});
  SgdArgs args{.count = count, .first_step = true, .lr = 0.1, .momentum = 0.9};
  args.param = param.raw();
  args.grad = grad.raw();
  args.momentum_buffer = buffer.raw();
  param.backend().sgd_step(args);
  const Tensor expected = wide(grad);
  for (std::int64_t i = 0; i < count; ++i) expected.data<double>()[i] *= -0.1;
  verify(param, expected, 1e-6);
  args.first_step = false;
  for (auto _ : state) {
    param.backend().sgd_step(args);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 5.0 * static_cast<double>(param.nbytes()));
}
BENCHMARK(sgd)->Arg(25450)->Arg(1 << 20);

}  // namespace
}  // namespace wick

BENCHMARK_MAIN();
