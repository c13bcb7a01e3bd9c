// SPDX-License-Identifier: MIT
// Normalisations and their gradients against the CPU backend's, for every way in which the kernels
// go over the elements.
#include "wick/core/backend/norm.h"

#include <algorithm>
#include <random>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cuda/norm.cuh"
#include "tests/kernels/cuda/device.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaNorms : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaNorms, Types);

struct Case {
  NormOp op = NormOp::layer_norm;
  NormShape shape{};
  std::int64_t misaligned = 0;
  bool affine = true;
  bool tracks = false;
  bool use_running = false;
  bool accumulate = false;
  double mean = 0.0;  // of x
};

constexpr NormOp kLayer = NormOp::layer_norm;
constexpr NormOp kRms = NormOp::rms_norm;
constexpr NormOp kBatch = NormOp::batch_norm;

// Vectors of what a forward and a backward pass take and leave, in the order in which both sides
// hand them out.
template <typename T>
struct Inputs {
  std::vector<T> x, grad, weight, bias, running_mean, running_var, grad_weight, grad_bias;
};

template <typename T>
Inputs<T> inputs_of(const Case& c) {
  const std::int64_t count = c.shape.samples * c.shape.channels * c.shape.inner;
  const std::int64_t channels = c.shape.channels;
  const auto seed = static_cast<unsigned>(7 + count);
  Inputs<T> in{random_values<T>(count, seed),        random_values<T>(count, seed + 1),
               random_values<T>(channels, seed + 2), random_values<T>(channels, seed + 3),
               random_values<T>(channels, seed + 4), random_values<T>(channels, seed + 5),
               random_values<T>(channels, seed + 6), random_values<T>(channels, seed + 7)};
  for (T& value : in.x) value = static_cast<T>(static_cast<double>(value) * 3.0 + c.mean);
  for (T& value : in.running_var) value = std::abs(value) + T{1};
  return in;
}

NormArgs forward_args(const Case& c, DType dtype) {
  NormArgs args{.op = c.op, .dtype = dtype, .shape = c.shape};
  args.eps = 1e-3;
  args.momentum = 0.3;
  args.use_running = c.use_running;
  return args;
}
NormBackwardArgs backward_args(const Case& c, DType dtype) {
  NormBackwardArgs args{.op = c.op, .dtype = dtype, .shape = c.shape};
  args.eps = 1e-3;
  args.use_running = c.use_running;
  args.accumulate_weight = args.accumulate_bias = c.accumulate;
  return args;
}

// y, mean, rstd, running_mean, running_var, grad_input, grad_weight, grad_bias: of the CPU, in
// float64.
std::vector<double> expected_of(const Case& c, const Inputs<double>& in) {
  cpu::CpuBackend cpu;
  const auto statistics = static_cast<std::size_t>(c.shape.statistics(c.op));
  std::vector<double> y(in.x.size());
  std::vector<double> dx(in.x.size());
  std::vector<double> mean(statistics);
  std::vector<double> rstd(statistics);
  std::vector<double> running_mean = in.running_mean;
  std::vector<double> running_var = in.running_var;
  std::vector<double> dw = in.grad_weight;
  std::vector<double> db = in.grad_bias;
  NormArgs args = forward_args(c, DType::float64);
  args.x = in.x.data();
  args.y = y.data();
  args.weight = c.affine ? in.weight.data() : nullptr;
  args.bias = c.affine && c.op != kRms ? in.bias.data() : nullptr;
  args.mean = c.use_running || c.op == kRms ? nullptr : mean.data();
  args.rstd = c.use_running ? nullptr : rstd.data();
  if (c.tracks || c.use_running) {
    args.running_mean = running_mean.data();
    args.running_var = running_var.data();
  }
  cpu.norm(args);
  NormBackwardArgs back = backward_args(c, DType::float64);
  back.grad_output = in.grad.data();
  back.x = in.x.data();
  back.mean = c.use_running ? running_mean.data() : args.mean;
  back.rstd = args.rstd;
  back.weight = args.weight;
  back.running_var = c.use_running ? running_var.data() : nullptr;
  back.grad_input = dx.data();
  back.grad_weight = c.affine ? dw.data() : nullptr;
  back.grad_bias = c.affine && c.op != kRms ? db.data() : nullptr;
  cpu.norm_backward(back);
  for (const auto* const more : {&mean, &rstd, &running_mean, &running_var, &dx, &dw, &db}) {
    y.insert(y.end(), more->begin(), more->end());
  }
  return y;
}

template <typename T>
std::vector<T> actual_of(const Case& c, const Inputs<T>& in) {
  const Context context;
  const std::int64_t off = c.misaligned;
  const auto count = static_cast<std::int64_t>(in.x.size());
  const DeviceArray<T> x(in.x, off);
  const DeviceArray<T> grad(in.grad, off);
  const DeviceArray<T> weight(in.weight, off);
  const DeviceArray<T> bias(in.bias, off);
  const DeviceArray<T> running_mean(in.running_mean, off);
  const DeviceArray<T> running_var(in.running_var, off);
  const DeviceArray<T> dw(in.grad_weight, off);
  const DeviceArray<T> db(in.grad_bias, off);
  const DeviceArray<T> y(count, off);
  const DeviceArray<T> dx(count, off);
  const std::vector<T> zeros(static_cast<std::size_t>(c.shape.statistics(c.op)));
  const DeviceArray<T> mean(zeros, off);
  const DeviceArray<T> rstd(zeros, off);
  NormArgs args = forward_args(c, dtype_of<T>);
  args.x = x.data();
  args.y = y.data();
  args.weight = c.affine ? weight.data() : nullptr;
  args.bias = c.affine && c.op != kRms ? bias.data() : nullptr;
  args.mean = c.use_running || c.op == kRms ? nullptr : mean.data();
  args.rstd = c.use_running ? nullptr : rstd.data();
  if (c.tracks || c.use_running) {
    args.running_mean = running_mean.data();
    args.running_var = running_var.data();
  }
  require(cuda::launch_norm(args, context));
  NormBackwardArgs back = backward_args(c, dtype_of<T>);
  back.grad_output = grad.data();
  back.x = x.data();
  back.mean = c.use_running ? running_mean.data() : args.mean;
  back.rstd = args.rstd;
  back.weight = args.weight;
  back.running_var = c.use_running ? running_var.data() : nullptr;
  back.grad_input = dx.data();
  back.grad_weight = c.affine ? dw.data() : nullptr;
  back.grad_bias = c.affine && c.op != kRms ? db.data() : nullptr;
  require(cuda::launch_norm_backward(back, context));
  std::vector<T> all = y.download();
  for (const auto* const more : {&mean, &rstd, &running_mean, &running_var, &dx, &dw, &db}) {
    const std::vector<T> values = more->download();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

template <typename T>
Inputs<double> widened(const Inputs<T>& in) {
  const auto wide = [](const std::vector<T>& values) {
    return std::vector<double>(values.begin(), values.end());
  };
  return {wide(in.x),           wide(in.grad),         wide(in.weight),
          wide(in.bias),        wide(in.running_mean), wide(in.running_var),
          wide(in.grad_weight), wide(in.grad_bias)};
}

template <typename T>
void expect_the_cpus(const Case& c) {
  const Inputs<T> in = inputs_of<T>(c);
  const std::vector<T> actual = in_every_order([&] { return actual_of(c, in); });
  const std::vector<double> expected = expected_of(c, widened(in));
  SCOPED_TRACE(::testing::Message()
               << name_of(c.op) << ' ' << c.shape.samples << ' ' << c.shape.channels << ' '
               << c.shape.inner << ", groups " << c.shape.groups << ", at " << c.misaligned);
  // A float64 has fewer digits below the point where the mean is large.
  const double tolerance = sizeof(T) == 4 ? 4e-6 : c.mean != 0.0 ? 1e-12 : 1e-13;
  expect_close(actual, expected, tolerance);
}

TYPED_TEST(CudaNorms, OfRowsInRegisters) {
  for (const Case& c :
       {Case{kLayer, {3, 1, 1, 1}}, Case{kLayer, {5, 7, 1, 1}, 1},
        Case{kLayer, {9, 64, 1, 1}, 0, true, false, false, true}, Case{kLayer, {4, 260, 1, 1}},
        Case{kLayer, {3, 260, 1, 1}, 1, false}, Case{kLayer, {2, 1100, 1, 1}},
        Case{kLayer, {2, 2300, 1, 1}}, Case{kRms, {6, 37, 1, 1}, 1}, Case{kRms, {3, 1024, 1, 1}},
        Case{kRms, {2, 5000, 1, 1}, 0, false}, Case{kLayer, {5, 24, 1, 3}},
        Case{kLayer, {5, 15, 1, 5}, 1}}) {
    expect_the_cpus<TypeParam>(c);
  }
}

TYPED_TEST(CudaNorms, OfLongRows) {
  for (const Case& c :
       {Case{kLayer, {2, 9000, 1, 1}}, Case{kLayer, {1, 16385, 1, 1}, 1},
        Case{kRms, {2, 8196, 1, 1}}, Case{kLayer, {2, 17000, 1, 2}, 0, true, false, false, true}}) {
    expect_the_cpus<TypeParam>(c);
  }
}

TYPED_TEST(CudaNorms, OfGroupsOfChannels) {
  for (const Case& c :
       {Case{kLayer, {2, 6, 10, 3}}, Case{kLayer, {3, 4, 19, 4}, 1},
        Case{kLayer, {2, 8, 64, 2}, 0, false},
        Case{kLayer, {2, 2, 3000, 1}, 0, true, false, false, true}, Case{kLayer, {1, 2, 40001, 2}},
        Case{kLayer, {5, 3, 30, 3}, 0, true, true}, Case{kLayer, {4, 3, 7, 3}, 1, false, true}}) {
    expect_the_cpus<TypeParam>(c);
  }
}

TYPED_TEST(CudaNorms, OfChannels) {
  for (const Case& c :
       {Case{kBatch, {2, 1, 1, 1}, 0, true, true}, Case{kBatch, {300, 19, 1, 1}, 1, true, true},
        Case{kBatch, {700, 64, 1, 1}, 0, true, true, false, true},
        Case{kBatch, {3000, 5, 1, 1}, 0, false}, Case{kBatch, {37, 300, 1, 1}},
        Case{kBatch, {40, 12, 1, 1}, 0, true, false, true},
        Case{kBatch, {4, 5, 11, 1}, 1, true, true},
        Case{kBatch, {3, 6, 64, 1}, 0, false, true, false, true},
        Case{kBatch, {2, 3, 20011, 1}, 0, true, true}, Case{kBatch, {70, 3, 2, 1}},
        Case{kBatch, {3, 4, 20, 1}, 0, true, false, true},
        Case{kBatch, {3, 4, 7, 1}, 1, false, false, true}}) {
    expect_the_cpus<TypeParam>(c);
  }
}

TYPED_TEST(CudaNorms, OfRandomShapes) {
  const unsigned seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937 generator(seed);
  const auto draw = [&generator](std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(generator()) % (high - low + 1);
  };
  for (int i = 0; i < 8;) {
    Case c;
    c.op = static_cast<NormOp>(draw(0, 2));
    c.shape.groups = c.op == kBatch ? 1 : draw(1, 3);
    c.shape = {draw(1, 9), c.shape.groups * draw(1, 40), draw(0, 1) == 0 ? 1 : draw(1, 150),
               c.shape.groups};
    c.misaligned = draw(0, 2);
    c.affine = draw(0, 3) > 0;
    c.tracks = c.op == kBatch || (c.op == kLayer && c.shape.groups == c.shape.channels);
    c.use_running = c.op == kBatch && draw(0, 3) == 0;
    c.accumulate = draw(0, 1) == 0;
    // Of two or three values that happen to be close, the gradient has few digits.
    const std::int64_t all = c.shape.samples * c.shape.channels * c.shape.inner;
    if (all / c.shape.statistics(c.op) < 8) continue;
    expect_the_cpus<TypeParam>(c);
    ++i;
  }
}

// Float32 values near 4096 have 11 bits below the point: the deviations are exact, whatever the
// mean is rounded to.
TYPED_TEST(CudaNorms, OfValuesFarFromZero) {
  for (Case c :
       {Case{kLayer, {3, 515, 1, 1}}, Case{kLayer, {2, 9000, 1, 1}}, Case{kLayer, {2, 4, 50, 2}},
        Case{kBatch, {130, 8, 1, 1}}, Case{kBatch, {3, 2, 6000, 1}}}) {
    c.mean = 4096.0;
    expect_the_cpus<TypeParam>(c);
  }
}

// In one order of the threads: they are many.
TEST(CudaNormParts, OfMoreStatisticsThanTheWorkspaceHolds) {
  const Case c{kBatch, {2, 132'000, 1, 1}, 0, true, true};
  const Inputs<float> in = inputs_of<float>(c);
  const std::vector<float> actual = actual_of(c, in);
  // The smallest of variances are of values that nearly cancel.
  expect_close(actual, expected_of(c, widened(in)), 2e-4);
}

TEST(CudaNormParts, DivisorsGiveTheQuotient) {
  const std::uint64_t seed = std::random_device()();
  SCOPED_TRACE(::testing::Message() << "seed " << seed);
  std::mt19937_64 generator(seed);
  const auto draw = [&generator] {
    return static_cast<std::int64_t>(generator() >> (2 + generator() % 61));
  };
  for (int i = 0; i < 20'000; ++i) {
    const std::int64_t by = std::max<std::int64_t>(1, draw());
    std::int64_t n = draw();
    if (i % 3 == 0) n = n / by * by;  // where a quotient begins, and just before
    if (i % 3 == 1) n = std::max<std::int64_t>(0, n / by * by - 1);
    ASSERT_EQ(cuda::Divisor(by).quotient(n), n / by) << n << " / " << by;
  }
}

TYPED_TEST(CudaNorms, OfNothing) {
  for (const bool accumulate : {false, true}) {
    const Context context;
    const DeviceArray<TypeParam> dw(std::vector<TypeParam>(3, TypeParam{5}));
    NormBackwardArgs args{.op = kBatch, .dtype = dtype_of<TypeParam>, .shape = {0, 3, 4, 1}};
    args.grad_weight = dw.data();
    args.accumulate_weight = accumulate;
    require(cuda::launch_norm_backward(args, context));
    EXPECT_EQ(dw.download(), std::vector<TypeParam>(3, TypeParam{accumulate ? 5.0F : 0.0F}));
    require(cuda::launch_norm({.op = kLayer, .dtype = dtype_of<TypeParam>, .shape = {4, 0, 1, 1}},
                              context));
  }
}

TYPED_TEST(CudaNorms, MomentumOfAllBatchesSoFar) {
  const Context context;
  const DeviceArray<TypeParam> x(std::vector<TypeParam>{1, 5});
  const DeviceArray<TypeParam> y(2);
  const DeviceArray<TypeParam> mean(std::vector<TypeParam>{7});
  const DeviceArray<TypeParam> var(std::vector<TypeParam>{4});
  const DeviceArray<std::int64_t> batches(std::vector<std::int64_t>{3});
  NormArgs args{.op = kBatch, .dtype = dtype_of<TypeParam>, .shape = {2, 1, 1, 1}};
  args.x = x.data();
  args.y = y.data();
  args.running_mean = mean.data();
  args.running_var = var.data();
  args.batches = batches.data();
  require(cuda::launch_norm(args, context));
  EXPECT_EQ(mean.download(), std::vector<TypeParam>{6});  // 7 + (3 - 7) / 4
  EXPECT_EQ(var.download(), std::vector<TypeParam>{5});   // 4 + (8 - 4) / 4
}

}  // namespace
}  // namespace wick::testing
