// SPDX-License-Identifier: MIT
// Micro-benchmarks of the CPU kernels on named shapes. Each is checked against a float64 reference
// before it is timed. The counters are GFLOP/s or GB/s and `peak`: the share of what this machine
// can do at most with as many threads, measured in the same run (context: peak_gflops,
// copy_gbytes). Data that fits a cache can be faster than copying memory: then `peak` is above 1.
//
//   kernels_bench [--threads=N] [--benchmark_filter=matmul] [--benchmark_out=FILE]
//
// Products of other libraries on the same operands are listed beside wick's, where they are
// installed.
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/machine_peak.h"
#include "bench/norm_case.h"
#include "bench/peers.h"
#include "wick/core/backend.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/loss.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/update.h"
#ifdef WICK_BENCH_ONEDNN
#include "bench/onednn_packed.h"
#endif
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#include "wick/kernels/devices.h"

namespace wick {
namespace {

constexpr double kGiga = 1e9;

void report(benchmark::State& state, const char* unit, double per_iteration) {
  const double total = per_iteration / kGiga * static_cast<double>(state.iterations());
  state.counters[unit] = benchmark::Counter(total, benchmark::Counter::kIsRate);
  const bench::MachinePeak& peak = bench::current_peak();
  const double most = std::strcmp(unit, "GB/s") == 0 ? peak.copy_gbytes : peak.gflops;
  state.counters["peak"] = benchmark::Counter(total / most, benchmark::Counter::kIsRate);
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

// y = x Wᵀ, dW = dYᵀ X, dX = dY W: the three products of a layer (batch, out, in); and the first
// with the weight packed beforehand.
enum class LayerProduct { forward, weight_grad, input_grad, packed };

struct Shape {
  std::int64_t batch;
  std::int64_t out;
  std::int64_t in;
};

// The operands of a product, and its result in float64.
struct Operands {
  Tensor a;
  Tensor b;
  Tensor c;
  Tensor expected;
  ops::MatmulOptions options;

  Operands(LayerProduct product, const Shape& shape) {
    Generator generator(1);
    const auto random = [&](std::int64_t rows, std::int64_t cols) {
      return Tensor::normal({rows, cols}, 0, 1, generator);
    };
    if (product == LayerProduct::weight_grad) {
      a = random(shape.batch, shape.out);
      b = random(shape.batch, shape.in);
      c = Tensor::empty({shape.out, shape.in});
      options.transpose_a = true;
    } else if (product == LayerProduct::input_grad) {
      a = random(shape.batch, shape.out);
      b = random(shape.out, shape.in);
      c = Tensor::empty({shape.batch, shape.in});
    } else {
      a = random(shape.batch, shape.in);
      b = random(shape.out, shape.in);
      c = Tensor::empty({shape.batch, shape.out});
      options.transpose_b = true;
    }
    expected = Tensor::empty(c.shape(), DType::float64);
    ops::matmul(wide(a), wide(b), expected, options);
  }
};

template <typename Multiply>
void measure_product(benchmark::State& state, const Shape& shape, const Operands& operands,
                     const Multiply& multiply) {
  multiply();
  verify(operands.c, operands.expected, 1e-3);
  for (auto _ : state) {
    multiply();
    benchmark::ClobberMemory();
  }
  report(state, "GFLOP/s", 2.0 * static_cast<double>(shape.batch * shape.out * shape.in));
}

void matmul(benchmark::State& state, LayerProduct product, Shape shape) {
  const Operands operands(product, shape);
  if (product != LayerProduct::packed) {
    measure_product(state, shape, operands,
                    [&] { ops::matmul(operands.a, operands.b, operands.c, operands.options); });
    return;
  }
  Backend& backend = operands.a.backend();
  Storage packed(backend.packed_weight_bytes(DType::float32, shape.out, shape.in), backend);
  backend.pack_weight(DType::float32, {operands.b.raw(), shape.out, shape.in, shape.in},
                      packed.data());
  measure_product(state, shape, operands, [&] {
    backend.matmul({.a = {operands.a.raw(), shape.batch, shape.in, shape.in},
                    .b = {packed.data(), shape.out, shape.in, shape.in},
                    .c = {operands.c.raw(), shape.batch, shape.out, shape.out},
                    .transpose_b = true,
                    .packed_b = true});
  });
}

bench::Product call_of(const Operands& operands) {
  const ops::MatmulOptions& options = operands.options;
  return {options.transpose_a,
          options.transpose_b,
          operands.c.size(0),
          operands.c.size(1),
          operands.a.size(options.transpose_a ? 0 : 1),
          operands.a.data<float>(),
          operands.b.data<float>(),
          operands.c.data<float>()};
}

void peer_matmul(benchmark::State& state, const bench::Peer& peer, LayerProduct product,
                 Shape shape) {
  const Operands operands(product, shape);
  const bench::Product call = call_of(operands);
  measure_product(state, shape, operands, [&] { peer.multiply(call); });
}

#ifdef WICK_BENCH_ONEDNN
void onednn_packed(benchmark::State& state, Shape shape) {
  const Operands operands(LayerProduct::packed, shape);
  const auto packed = bench::pack_onednn(call_of(operands));
  measure_product(state, shape, operands, [&] { packed->multiply(); });
}
#endif

void register_products(int threads) {
  std::vector<Shape> shapes;
  for (const std::int64_t batch : {1, 32, 128, 1024}) {
    for (const auto& [out, in] : {std::pair{32, 784},
                                  {10, 32},
                                  {10, 512},
                                  {512, 784},
                                  {512, 512},
                                  {2048, 784},
                                  {2048, 2048},
                                  {10, 2048}}) {
      shapes.push_back({batch, out, in});
    }
  }
  const std::vector<bench::Peer> peers = bench::find_peers(threads);
  const std::vector<std::pair<std::string, LayerProduct>> products = {
      {"forward", LayerProduct::forward},
      {"weight_grad", LayerProduct::weight_grad},
      {"input_grad", LayerProduct::input_grad},
      {"packed", LayerProduct::packed}};
  for (const auto& [title, product] : products) {
    for (const Shape& shape : shapes) {
      const std::string name =
          concat("matmul/", title, '/', shape.batch, 'x', shape.out, 'x', shape.in);
      const auto add = [&](const std::string& who, const auto& function) {
        auto* const registered = benchmark::RegisterBenchmark((name + who).c_str(), function);
        if (threads > 1) registered->UseRealTime();  // else the thread's own time: less noise
      };
      add("",
          [product = product, shape](benchmark::State& state) { matmul(state, product, shape); });
      if (product == LayerProduct::packed) {
#ifdef WICK_BENCH_ONEDNN
        add("/onednn", [shape](benchmark::State& state) { onednn_packed(state, shape); });
#endif
        continue;
      }
      for (const bench::Peer& peer : peers) {
        add("/" + peer.name, [peer, product = product, shape](benchmark::State& state) {
          peer_matmul(state, peer, product, shape);
        });
      }
    }
  }
}

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
  const bench::NormCase single(op, shape, generator);
  const bench::NormCase reference = single.converted(DType::float64);
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
  const bench::NormCase single(op, shape, generator);
  const bench::NormCase reference = single.converted(DType::float64);
  for (const bench::NormCase* const each : {&reference, &single}) {
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

void index_add(benchmark::State& state) {
  Generator generator(8);
  const std::int64_t count = state.range(0);
  const Tensor rows = Tensor::normal({count, 64}, 0, 1, generator);
  const Tensor indices = Tensor::uniform({count}, 0, 1000, generator).to(DType::int64);
  const Tensor sums = Tensor::zeros({1000, 64});
  const Tensor sums64 = Tensor::zeros({1000, 64}, DType::float64);
  ops::index_add(wide(rows), indices, sums64);
  ops::index_add(rows, indices, sums);
  verify(sums, sums64, 1e-4);
  for (auto _ : state) {
    ops::index_add(rows, indices, sums);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 3.0 * static_cast<double>(rows.nbytes()));
}
BENCHMARK(index_add)->Arg(512)->Arg(16'384);

void register_losses() {
  for (std::size_t op = 0; op < kLossOpCount; ++op) {
    auto* const registered = benchmark::RegisterBenchmark(
        kLossNames[op],
        [op](benchmark::State& state) { pointwise_loss(state, static_cast<LossOp>(op)); });
    registered->Arg(1024)->Arg(100'000)->Arg(1 << 22);
  }
}

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
  UpdateArgs args{
      .op = UpdateOp::adam, .count = count, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
  Tensor param = Tensor::zeros({count});
  Tensor m = Tensor::zeros({count});
  Tensor v = Tensor::zeros({count});
  args.param = param.raw();
  args.grad = grad.raw();
  args.state[0] = m.raw();
  args.state[1] = v.raw();
  param.backend().update(args);
  // The first step moves each parameter by lr against the sign of its gradient.
  const Tensor expected = Tensor::empty({count}, DType::float64);
  for (std::int64_t i = 0; i < count; ++i) {
    const double g = static_cast<double>(grad.data<float>()[i]);
    expected.data<double>()[i] = -0.01 * g / (std::fabs(g) + 1e-8);
  }
  verify(param, expected, 1e-5);
  for (auto _ : state) {
    args.step += 1.0;
    param.backend().update(args);
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
  UpdateArgs args{
      .op = UpdateOp::sgd, .count = count, .first_step = true, .lr = 0.1, .momentum = 0.9};
  args.param = param.raw();
  args.grad = grad.raw();
  args.state[0] = buffer.raw();
  param.backend().update(args);
  const Tensor expected = wide(grad);
  for (std::int64_t i = 0; i < count; ++i) expected.data<double>()[i] *= -0.1;
  verify(param, expected, 1e-6);
  args.first_step = false;
  for (auto _ : state) {
    param.backend().update(args);
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", 5.0 * static_cast<double>(param.nbytes()));
}
BENCHMARK(sgd)->Arg(25450)->Arg(1 << 20);

// The others; their kernels are checked in tests/kernels/update_test.cpp.
template <UpdateOp Op, unsigned States>
void update(benchmark::State& state) {
  const std::int64_t count = state.range(0);
  Generator generator(8);
  const Tensor grad = Tensor::normal({count}, 0, 1, generator);
  const Tensor param = Tensor::zeros({count});
  const Tensor tensors[kMaxUpdateState] = {Tensor::zeros({count}), Tensor::zeros({count}),
                                           Tensor::zeros({count})};
  UpdateArgs args{.op = Op, .count = count, .lr = 0.001, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8};
  args.param = param.raw();
  args.grad = grad.raw();
  double streams = 3.0;
  for (unsigned k = 0; k < kMaxUpdateState; ++k) {
    if ((States >> k & 1U) == 0U) continue;
    args.state[k] = tensors[k].raw();
    streams += 2.0;
  }
  for (auto _ : state) {
    param.backend().update(args);
    args.step += 1.0;
    benchmark::ClobberMemory();
  }
  report(state, "GB/s", streams * static_cast<double>(param.nbytes()));
}
BENCHMARK(update<UpdateOp::rmsprop, 1>)->Name("rmsprop")->Arg(25450)->Arg(1 << 20);
BENCHMARK(update<UpdateOp::adagrad, 1>)->Name("adagrad")->Arg(25450)->Arg(1 << 20);
BENCHMARK(update<UpdateOp::nadam, 3>)->Name("nadam")->Arg(25450)->Arg(1 << 20);
BENCHMARK(update<UpdateOp::radam, 3>)->Name("radam")->Arg(25450)->Arg(1 << 20);
BENCHMARK(update<UpdateOp::adamax, 3>)->Name("adamax")->Arg(25450)->Arg(1 << 20);

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  // Before the library sees the arguments: it knows no --threads.
  constexpr const char* kThreads = "--threads=";
  int threads = 1;
  int kept = 0;
  for (int i = 0; i < argc; ++i) {
    if (std::strncmp(argv[i], kThreads, std::strlen(kThreads)) == 0) {
      threads = std::atoi(argv[i] + std::strlen(kThreads));
    } else {
      argv[kept++] = argv[i];
    }
  }
  try {
    wick::set_num_threads(threads);
    benchmark::Initialize(&kept, argv);
    if (benchmark::ReportUnrecognizedArguments(kept, argv)) return 2;
    wick::register_products(threads);
    wick::register_unary();
    wick::register_losses();
    const wick::bench::MachinePeak& peak = wick::bench::current_peak();
    benchmark::AddCustomContext("threads", std::to_string(threads));
    benchmark::AddCustomContext("capability", wick::cpu_capability());
    benchmark::AddCustomContext("peak_gflops", std::to_string(peak.gflops));
    benchmark::AddCustomContext("copy_gbytes", std::to_string(peak.copy_gbytes));
    benchmark::RunSpecifiedBenchmarks();
  } catch (const std::exception& error) {
    std::cerr << "kernels_bench: " << error.what() << '\n';
    return 1;
  }
}
