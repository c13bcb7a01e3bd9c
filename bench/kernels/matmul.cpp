// SPDX-License-Identifier: MIT
// Matrix products, as a layer has them, beside those of other libraries.
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <benchmark/benchmark.h>

#include "bench/kernels/report.h"
#include "bench/peers.h"
#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"
#ifdef WICK_BENCH_ONEDNN
#include "bench/onednn_packed.h"
#endif

namespace wick::bench {
namespace {

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

Product call_of(const Operands& operands) {
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

void peer_matmul(benchmark::State& state, const Peer& peer, LayerProduct product, Shape shape) {
  const Operands operands(product, shape);
  const Product call = call_of(operands);
  measure_product(state, shape, operands, [&] { peer.multiply(call); });
}

#ifdef WICK_BENCH_ONEDNN
void onednn_packed(benchmark::State& state, Shape shape) {
  const Operands operands(LayerProduct::packed, shape);
  const auto packed = pack_onednn(call_of(operands));
  measure_product(state, shape, operands, [&] { packed->multiply(); });
}
#endif

}  // namespace

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
  const std::vector<Peer> peers = find_peers(threads);
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
      for (const Peer& peer : peers) {
        add("/" + peer.name, [peer, product = product, shape](benchmark::State& state) {
          peer_matmul(state, peer, product, shape);
        });
      }
    }
  }
}

}  // namespace wick::bench
