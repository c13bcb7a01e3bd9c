// SPDX-License-Identifier: MIT
// Functions of two and three tensors of several layouts against the CPU backend.
#include "wick/core/backend/arithmetic.h"

#include <numeric>

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"

namespace wick::testing {
namespace {

// Where the elements of the result and of three operands lie; memory for all is 3000 elements.
struct Layouts {
  Dims shape;
  Dims out;
  Dims a;
  Dims b;
  Dims c;
  std::int64_t misaligned = 0;
};

constexpr std::int64_t kMemory = 3000;

const std::vector<Layouts>& layouts() {
  static const std::vector<Layouts> all{
      {{}, {}, {}, {}, {}},
      {{0, 3}, {3, 1}, {3, 1}, {3, 1}, {3, 1}},
      {{1}, {1}, {1}, {0}, {1}},
      {{1027}, {1}, {1}, {1}, {1}},
      {{1027}, {1}, {1}, {1}, {1}, 1},
      {{1027}, {1}, {1}, {0}, {2}},
      {{37, 23}, {23, 1}, {1, 37}, {0, 1}, {1, 0}},
      {{37, 23}, {1, 37}, {1, 37}, {1, 37}, {1, 37}},
      {{3, 5, 7}, {70, 7, 1}, {1, 3, 15}, {0, 1, 0}, {35, 7, 1}},
      // More dimensions than a kernel takes.
      {{2, 2, 2, 2, 2, 2, 2, 2, 2, 2},
       {1, 3, 6, 12, 24, 48, 96, 192, 384, 768},
       {1, 2, 4, 8, 16, 32, 64, 128, 256, 512},
       {0, 1, 2, 0, 4, 0, 0, 8, 0, 16},
       {512, 256, 128, 64, 32, 16, 8, 4, 2, 1}},
  };
  return all;
}

template <typename T>
std::vector<T> values(unsigned seed) {
  std::vector<T> result = random_values<T>(kMemory, seed);
  if constexpr (std::is_floating_point_v<T>) {
    result[seed] = static_cast<T>(NAN);
    result[seed + 3] = static_cast<T>(INFINITY);
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    const std::vector<std::int64_t> indices = random_indices(kMemory, 9, seed);
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = indices[i] - 4;
  } else if constexpr (std::is_integral_v<T>) {
    for (std::size_t i = 0; i < result.size(); ++i) result[i] = (i * 7 + seed) % 3 == 0 ? 1 : 0;
  }
  return result;
}

// std::vector<bool> has no elements of bool.
template <typename T>
using Stored = std::conditional_t<std::is_same_v<T, bool>, std::uint8_t, T>;

template <typename T>
class CudaArithmetic : public ::testing::Test {};
using Types = ::testing::Types<float, double, std::int64_t, bool>;
TYPED_TEST_SUITE(CudaArithmetic, Types);

enum class Numbers { none, first, second };

TYPED_TEST(CudaArithmetic, FunctionsOfTwo) {
  using T = TypeParam;
  using S = Stored<T>;
  cpu::CpuBackend cpu;
  const std::vector<S> a = values<S>(1);
  const std::vector<S> b = values<S>(2);
  for (std::size_t op = 0; op < kBinaryOpCount; ++op) {
    for (const Layouts& layout : layouts()) {
      for (const Numbers numbers : {Numbers::none, Numbers::first, Numbers::second}) {
        BinaryArgs args;
        args.op = static_cast<BinaryOp>(op);
        args.dtype = dtype_of<T>;
        args.shape = layout.shape;
        args.a.strides = layout.a;
        args.b.strides = layout.b;
        args.a.number = args.b.number = true;
        args.out_strides = layout.out;
        args.alpha = std::is_same_v<T, bool> ? Scalar(true) : Scalar(2);
        if (!std::is_floating_point_v<T> && args.op == BinaryOp::div) continue;
        const auto run = [&](auto& backend, const S* left, const S* right, void* out) {
          BinaryArgs here = args;
          here.a.data = numbers == Numbers::first ? nullptr : left;
          here.b.data = numbers == Numbers::second ? nullptr : right;
          here.out = out;
          backend(here);
        };
        std::vector<S> expected(static_cast<std::size_t>(kMemory), S{0});
        const auto on_cpu = [&](const BinaryArgs& here) {
          if (std::ranges::find(here.shape, 0) == here.shape.end()) cpu.binary(here);
        };
        run(on_cpu, a.data(), b.data(), expected.data());
        const auto actual = in_every_order([&] {
          const Context context;
          const DeviceArray<S> left(a, layout.misaligned);
          const DeviceArray<S> right(b);
          const DeviceArray<S> out(std::vector<S>(static_cast<std::size_t>(kMemory), S{0}));
          const auto there = [&](const BinaryArgs& here) {
            require(cuda::launch_binary(here, context));
          };
          run(there, left.data(), right.data(), out.data());
          return out.download();
        });
        SCOPED_TRACE(concat(name_of(args.op), ' ', layout.shape, ' ', static_cast<int>(numbers)));
        expect_same_bits(actual, expected);
      }
    }
  }
}

TEST(CudaArithmetic, InPlace) {
  const std::vector<float> a = values<float>(1);
  const std::vector<float> b = values<float>(2);
  const auto actual = in_every_order([&] {
    const Context context;
    const DeviceArray<float> left(a);
    const DeviceArray<float> right(b);
    BinaryArgs args =
        flat_binary(BinaryOp::mul, DType::float32, kMemory, left.data(), right.data(), left.data());
    require(cuda::launch_binary(args, context));
    args.out = right.data();
    require(cuda::launch_binary(args, context));
    return right.download();
  });
  std::vector<float> expected = a;
  for (std::size_t i = 0; i < a.size(); ++i) expected[i] = a[i] * b[i] * b[i];
  EXPECT_TRUE(std::isnan(actual[1]) && std::isnan(actual[2]));
  for (std::size_t i = 6; i < a.size(); ++i) ASSERT_EQ(actual[i], expected[i]);
}

// The CPU may fuse multiply-adds.
template <typename T>
void expect_nearly(const std::vector<T>& actual, const std::vector<T>& expected) {
  const T bound = sizeof(T) == 4 ? static_cast<T>(1e-6) : static_cast<T>(1e-15);
  ASSERT_EQ(actual.size(), expected.size());
  for (std::size_t i = 0; i < actual.size(); ++i) {
    if (actual[i] == expected[i] || (std::isnan(actual[i]) && std::isnan(expected[i]))) continue;
    ASSERT_NEAR(actual[i], expected[i], bound * std::max(T{1}, std::abs(expected[i])));
  }
}

template <typename T>
void check_ternary(TernaryOp op, DType dtype, bool number) {
  cpu::CpuBackend cpu;
  const std::vector<T> a = values<T>(1);
  const std::vector<T> b = values<T>(2);
  const std::vector<T> c = values<T>(3);
  std::vector<std::uint8_t> mask(static_cast<std::size_t>(kMemory));
  for (std::size_t i = 0; i < mask.size(); ++i) mask[i] = i % 3 == 1 ? 1 : 0;
  for (const Layouts& layout : layouts()) {
    if (std::ranges::find(layout.shape, 0) != layout.shape.end()) continue;
    TernaryArgs args;
    args.op = op;
    args.dtype = dtype;
    args.shape = layout.shape;
    args.a.strides = layout.a;
    args.b.strides = layout.b;
    args.c.strides = layout.c;
    args.c.number = 1;
    args.out_strides = layout.out;
    std::vector<T> expected(static_cast<std::size_t>(kMemory), T{0});
    TernaryArgs host = args;
    host.a.data = op == TernaryOp::where ? static_cast<const void*>(mask.data()) : a.data();
    host.b.data = b.data();
    host.c.data = number ? nullptr : c.data();
    host.out = expected.data();
    cpu.ternary(host);
    const auto actual = in_every_order([&] {
      const Context context;
      const DeviceArray<T> first(a, layout.misaligned);
      const DeviceArray<std::uint8_t> condition(mask);
      const DeviceArray<T> second(b);
      const DeviceArray<T> third(c);
      const DeviceArray<T> out(std::vector<T>(static_cast<std::size_t>(kMemory), T{0}));
      args.a.data =
          op == TernaryOp::where ? static_cast<const void*>(condition.data()) : first.data();
      args.b.data = second.data();
      args.c.data = number ? nullptr : third.data();
      args.out = out.data();
      require(cuda::launch_ternary(args, context));
      return out.download();
    });
    SCOPED_TRACE(concat(name_of(op), ' ', dtype, ' ', layout.shape));
    if constexpr (std::is_floating_point_v<T>) {
      if (op == TernaryOp::lerp) {
        expect_nearly(actual, expected);
        continue;
      }
    }
    expect_same_bits(actual, expected);
  }
}

TEST(CudaArithmetic, FunctionsOfThree) {
  for (const bool number : {false, true}) {
    check_ternary<float>(TernaryOp::lerp, DType::float32, number);
    check_ternary<double>(TernaryOp::lerp, DType::float64, number);
    check_ternary<float>(TernaryOp::clamp, DType::float32, number);
    check_ternary<double>(TernaryOp::clamp, DType::float64, number);
    check_ternary<std::int64_t>(TernaryOp::clamp, DType::int64, number);
    check_ternary<std::uint8_t>(TernaryOp::where, DType::boolean, number);
    check_ternary<bfloat16>(TernaryOp::where, DType::bfloat16, number);
    check_ternary<float>(TernaryOp::where, DType::float32, number);
    check_ternary<std::int64_t>(TernaryOp::where, DType::int64, number);
  }
}

TEST(CudaArithmetic, RefusesOtherDTypes) {
  const Context context;
  const auto refused = [&](BinaryOp op, DType dtype) {
    EXPECT_THROW(static_cast<void>(cuda::launch_binary({.op = op, .dtype = dtype}, context)),
                 DTypeError);
  };
  refused(BinaryOp::add, DType::int32);
  refused(BinaryOp::div, DType::int64);
  EXPECT_THROW(static_cast<void>(
                   cuda::launch_ternary({.op = TernaryOp::lerp, .dtype = DType::int64}, context)),
               DTypeError);
}

}  // namespace
}  // namespace wick::testing
