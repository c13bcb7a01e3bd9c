// SPDX-License-Identifier: MIT
// SGD and Adam over several steps against the CPU backend in float64, and their scalars from a
// table on the device.
#include "wick/core/backend/update.h"

#include <utility>

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaUpdate : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaUpdate, Types);

constexpr int kSteps = 4;

template <typename T>
std::vector<double> widen(const std::vector<T>& values) {
  return {values.begin(), values.end()};
}

template <typename T>
void check_sgd(UpdateArgs args, std::int64_t misaligned, bool from_table) {
  args.dtype = DType::float64;
  const std::vector<T> start = random_values<T>(args.count, 1);
  std::vector<double> param = widen(start);
  const bool momentum = args.momentum != 0.0;
  std::vector<double> buffer(param.size(), NAN);
  cpu::CpuBackend cpu;
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<double> grad = widen(random_values<T>(args.count, 10U + unsigned(step)));
    args.param = param.data();
    args.grad = grad.data();
    args.state[0] = momentum ? buffer.data() : nullptr;
    args.first_step = step == 0;
    cpu.update(args);
  }
  const auto actual = in_every_order([&] {
    const Context context;
    const DeviceArray<T> p(start, misaligned);
    const DeviceArray<T> b(args.count);  // starts as NaN
    std::vector<StepScalars> table;
    for (int step = 0; step < kSteps; ++step) {
      args.first_step = step == 0;
      table.push_back(step_scalars(args));
    }
    const DeviceArray<StepScalars> device_table(table);
    const DeviceArray<std::int64_t> counter(std::vector<std::int64_t>{0});
    for (int step = 0; step < kSteps; ++step) {
      const DeviceArray<T> g(random_values<T>(args.count, 10U + unsigned(step)));
      UpdateArgs device = args;
      device.dtype = dtype_of<T>;
      device.param = p.data();
      device.grad = g.data();
      device.state[0] = momentum ? b.data() : nullptr;
      device.first_step = step == 0;
      cuda::StepSchedule schedule;
      if (from_table) {
        schedule = {device_table.data(), counter.data()};
        device.lr = NAN;  // must not be looked at
        device.first_step = false;
      }
      require(cuda::launch_update(device, schedule, context));
      require(cuda::launch_advance(counter.data(), context));
    }
    return p.download();
  });
  expect_close(actual, param, sizeof(T) == 4 ? 1e-6 : 1e-14);
}

TYPED_TEST(CudaUpdate, Sgd) {
  for (int bits = 0; bits < 32; ++bits) {
    UpdateArgs args{.op = UpdateOp::sgd, .count = 37, .lr = 0.1, .nesterov = (bits & 1) != 0};
    args.momentum = (bits & 2) != 0 || args.nesterov ? 0.9 : 0.0;
    args.dampening = (bits & 4) != 0 && !args.nesterov ? 0.3 : 0.0;
    args.weight_decay = (bits & 8) != 0 ? 0.05 : 0.0;
    args.maximize = (bits & 16) != 0;
    check_sgd<TypeParam>(args, bits % 3, bits % 2 == 0);
  }
  for (const std::int64_t count : {0, 1, 4, 5000}) {
    check_sgd<TypeParam>({.count = count, .lr = 0.1, .momentum = 0.9}, 0, false);
  }
}

template <typename T>
void check_adam(UpdateArgs args, bool amsgrad, std::int64_t misaligned, bool from_table) {
  args.op = UpdateOp::adam;
  args.dtype = DType::float64;
  const std::vector<T> start = random_values<T>(args.count, 1);
  std::vector<double> param = widen(start);
  std::vector<double> mean(param.size());
  std::vector<double> square(param.size());
  std::vector<double> maximum(param.size());
  cpu::CpuBackend cpu;
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<double> grad = widen(random_values<T>(args.count, 10U + unsigned(step)));
    args.param = param.data();
    args.grad = grad.data();
    args.state[0] = mean.data();
    args.state[1] = square.data();
    args.state[2] = amsgrad ? maximum.data() : nullptr;
    args.step = step + 1;
    cpu.update(args);
  }
  const auto actual = in_every_order([&] {
    const Context context;
    const std::vector<T> zeros(start.size());
    const DeviceArray<T> p(start, misaligned);
    const DeviceArray<T> m(zeros, misaligned);
    const DeviceArray<T> v(zeros, misaligned);
    const DeviceArray<T> x(zeros, misaligned);
    std::vector<StepScalars> table;
    for (int step = 0; step < kSteps; ++step) {
      args.step = step + 1;
      table.push_back(step_scalars(args));
    }
    const DeviceArray<StepScalars> device_table(table);
    const DeviceArray<std::int64_t> counter(std::vector<std::int64_t>{0});
    for (int step = 0; step < kSteps; ++step) {
      const DeviceArray<T> g(random_values<T>(args.count, 10U + unsigned(step)), misaligned);
      UpdateArgs device = args;
      device.dtype = dtype_of<T>;
      device.param = p.data();
      device.grad = g.data();
      device.state[0] = m.data();
      device.state[1] = v.data();
      device.state[2] = amsgrad ? x.data() : nullptr;
      device.step = step + 1;
      cuda::StepSchedule schedule;
      if (from_table) {
        schedule = {device_table.data(), counter.data()};
        device.step = NAN;  // must not be looked at
      }
      require(cuda::launch_update(device, schedule, context));
      require(cuda::launch_advance(counter.data(), context));
    }
    std::vector<T> result = p.download();
    for (const DeviceArray<T>* const state : {&m, &v, &x}) {
      const std::vector<T> values = state->download();
      result.insert(result.end(), values.begin(), values.end());
    }
    return result;
  });
  std::vector<double> expected = param;
  for (const std::vector<double>* const state : {&mean, &square, &maximum}) {
    expected.insert(expected.end(), state->begin(), state->end());
  }
  expect_close(actual, expected, sizeof(T) == 4 ? 2e-6 : 1e-13);
}

TYPED_TEST(CudaUpdate, Adam) {
  for (int bits = 0; bits < 16; ++bits) {
    UpdateArgs args{
        .op = UpdateOp::adam, .count = 37, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8};
    args.weight_decay = (bits & 1) != 0 ? 0.1 : 0.0;
    args.decoupled_weight_decay = (bits & 2) != 0;
    args.maximize = (bits & 4) != 0;
    check_adam<TypeParam>(args, (bits & 8) != 0, bits % 3, bits % 2 == 0);
  }
  for (const std::int64_t count : {0, 1, 4, 5000}) {
    check_adam<TypeParam>({.count = count, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-8},
                          false, 0, false);
  }
}

// Against the CPU in the same dtype, at every alignment and with the scalars in a table.
template <typename T>
void check_update(UpdateArgs args, unsigned states, std::int64_t misaligned, bool from_table) {
  const std::vector<T> start = random_values<T>(args.count, 1);
  std::vector<std::vector<T>> expected(4, std::vector<T>(start.size()));
  expected[0] = start;
  args.dtype = dtype_of<T>;
  const auto at_step = [&args](int step) {
    args.step = step + 3;
    args.momentum_product = 0.5 / (step + 1);
  };
  cpu::CpuBackend cpu;
  for (int step = 0; step < kSteps; ++step) {
    const std::vector<T> grad = random_values<T>(args.count, 10U + unsigned(step));
    at_step(step);
    args.param = expected[0].data();
    args.grad = grad.data();
    for (unsigned k = 0; k < kMaxUpdateState; ++k) {
      args.state[k] = (states >> k & 1U) != 0U ? expected[1 + k].data() : nullptr;
    }
    cpu.update(args);
  }
  std::vector<StepScalars> table;
  for (int step = 0; step < kSteps; ++step) {
    at_step(step);
    table.push_back(step_scalars(args));
  }
  const auto actual = in_every_order([&] {
    const Context context;
    const std::vector<T> zeros(start.size());
    const DeviceArray<T> p(start, misaligned);
    const DeviceArray<T> s[] = {DeviceArray<T>(zeros, misaligned),
                                DeviceArray<T>(zeros, misaligned),
                                DeviceArray<T>(zeros, misaligned)};
    const DeviceArray<StepScalars> device_table(table);
    const DeviceArray<std::int64_t> counter(std::vector<std::int64_t>{0});
    for (int step = 0; step < kSteps; ++step) {
      const DeviceArray<T> g(random_values<T>(args.count, 10U + unsigned(step)), misaligned);
      at_step(step);
      UpdateArgs device = args;
      device.param = p.data();
      device.grad = g.data();
      for (unsigned k = 0; k < kMaxUpdateState; ++k) {
        device.state[k] = (states >> k & 1U) != 0U ? s[k].data() : nullptr;
      }
      cuda::StepSchedule schedule;
      if (from_table) {
        schedule = {device_table.data(), counter.data()};
        device.step = NAN;  // must not be looked at
      }
      require(cuda::launch_update(device, schedule, context));
      require(cuda::launch_advance(counter.data(), context));
    }
    std::vector<T> result = p.download();
    for (const DeviceArray<T>& state : s) {
      const std::vector<T> values = state.download();
      result.insert(result.end(), values.begin(), values.end());
    }
    return result;
  });
  std::vector<double> wanted;
  for (const std::vector<T>& tensor : expected)
    wanted.insert(wanted.end(), tensor.begin(), tensor.end());
  expect_close(actual, wanted, sizeof(T) == 4 ? 5e-6 : 1e-13);
}

TYPED_TEST(CudaUpdate, OtherOptimizers) {
  constexpr std::pair<UpdateOp, unsigned> kForms[] = {
      {UpdateOp::rmsprop, 1}, {UpdateOp::rmsprop, 3}, {UpdateOp::rmsprop, 5},
      {UpdateOp::rmsprop, 7}, {UpdateOp::adagrad, 1}, {UpdateOp::nadam, 3},
      {UpdateOp::radam, 3},   {UpdateOp::adamax, 3}};
  for (const auto& [op, states] : kForms) {
    for (int bits = 0; bits < 4; ++bits) {
      UpdateArgs args{.op = op, .count = 37, .lr = 0.01, .beta1 = 0.9, .beta2 = 0.99, .eps = 1e-4};
      args.momentum = 0.9;
      args.next_momentum = 0.8;
      args.lr_decay = 0.1;
      args.weight_decay = (bits & 1) != 0 ? 0.1 : 0.0;
      args.decoupled_weight_decay = (bits & 2) != 0;
      args.maximize = bits == 3;
      check_update<TypeParam>(args, states, bits % 3, bits % 2 == 0);
    }
    for (const std::int64_t count : {0, 1, 4, 5000}) {
      check_update<TypeParam>({.op = op, .count = count, .lr = 0.01, .beta2 = 0.9, .eps = 1e-4},
                              states, 0, false);
    }
  }
}

TYPED_TEST(CudaUpdate, NegligibleMeansBecomeZero) {
  using T = TypeParam;
  const Context context;
  // Beside 1 it is nothing, beside zero it is all there is.
  const DeviceArray<T> p(std::vector<T>{T{1}, T{0}});
  const DeviceArray<T> g(std::vector<T>{T{0}, T{0}});
  const auto mean = static_cast<T>(sizeof(T) == sizeof(float) ? 1e-24 : 1e-40);
  const DeviceArray<T> m(std::vector<T>{mean, mean});
  const DeviceArray<T> v(std::vector<T>{T{0}, T{0}});
  UpdateArgs args{.op = UpdateOp::adam,
                  .dtype = dtype_of<T>,
                  .count = 2,
                  .lr = 0.1,
                  .beta1 = 0.9,
                  .beta2 = 0.9,
                  .eps = 1e-8};
  args.param = p.data();
  args.grad = g.data();
  args.state[0] = m.data();
  args.state[1] = v.data();
  require(cuda::launch_update(args, {}, context));
  EXPECT_EQ(m.download()[0], T{0});
  EXPECT_NEAR(m.download()[1] / mean, T(0.9), T(1e-6));
  EXPECT_EQ(p.download()[0], T{1});
  EXPECT_NEAR(p.download()[1] / (mean * T(-0.9e8)), T{1}, T(1e-6));
}

// A table's scalars say the same.
TYPED_TEST(CudaUpdate, TheFirstStepOfATinyGradientIsPyTorchsForEveryEps) {
  using T = TypeParam;
  for (const double eps : {1e-15, 1e-18, 1e-20, 0.0}) {
    for (const bool from_table : {false, true}) {
      const Context context;
      const std::vector<T> zeros(5);
      const DeviceArray<T> p(zeros);
      const DeviceArray<T> m(zeros);
      const DeviceArray<T> v(zeros);
      const DeviceArray<T> g(std::vector<T>(5, T(1e-18)));
      UpdateArgs args{.op = UpdateOp::adam,
                      .dtype = dtype_of<T>,
                      .count = 5,
                      .lr = 1.0,
                      .beta1 = 0.9,
                      .beta2 = 0.999,
                      .eps = eps};
      args.param = p.data();
      args.grad = g.data();
      args.state[0] = m.data();
      args.state[1] = v.data();
      const DeviceArray<StepScalars> table(std::vector<StepScalars>{step_scalars(args)});
      const DeviceArray<std::int64_t> counter(std::vector<std::int64_t>{0});
      cuda::StepSchedule schedule;
      if (from_table) {
        schedule = {table.data(), counter.data()};
        args.step = NAN;
      }
      require(cuda::launch_update(args, schedule, context));
      const double expected = -1e-18 / (1e-18 + eps);
      for (const T value : p.download()) {
        EXPECT_NEAR(static_cast<double>(value), expected, 1e-6 * std::abs(expected)) << eps;
      }
    }
  }
}

}  // namespace
}  // namespace wick::testing
