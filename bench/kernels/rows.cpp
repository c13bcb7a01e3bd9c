// SPDX-License-Identifier: MIT
// What gathers rows and adds them up.
#include <cstdint>

#include <benchmark/benchmark.h>

#include "bench/kernels/report.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"

namespace wick::bench {
namespace {

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

}  // namespace

}  // namespace wick::bench
