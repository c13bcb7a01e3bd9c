// SPDX-License-Identifier: MIT
// The updates of optimizers.
#include <cmath>
#include <cstdint>

#include <benchmark/benchmark.h>

#include "bench/kernels/report.h"
#include "wick/core/backend.h"
#include "wick/core/backend/update.h"
#include "wick/core/random.h"

namespace wick::bench {
namespace {

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

}  // namespace wick::bench
