// SPDX-License-Identifier: MIT
// Reductions along one dimension, of several layouts, against the CPU backend.
#include "wick/core/backend/reduce.h"

#include <cmath>

#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"

namespace wick::testing {
namespace {

struct Shape {
  std::int64_t outer, size, inner;
  std::int64_t outer_stride, size_stride, inner_stride;
};

constexpr Shape kShapes[] = {
    {1, 1, 1, 1, 1, 1},          {1, 10, 77, 1, 1, 10},   {1, 300, 9, 1, 1, 301},
    {1, 5000, 3, 1, 1, 5001},    {1, 20'011, 1, 1, 1, 1}, {1, 5, 130, 1, 130, 1},
    {3, 70, 33, 70 * 33, 33, 1}, {1, 3000, 5, 1, 6, 1},   {2, 9, 7, 1, 14, 2},
    {1, 400, 4, 1, 3, 1200},     {4, 50, 6, 0, 6, 1},     {0, 5, 3, 1, 1, 1},
};

template <typename T>
std::vector<T> tricky_values(const Shape& shape) {
  const std::int64_t extent = 1 + std::max<std::int64_t>(shape.outer - 1, 0) * shape.outer_stride +
                              (shape.size - 1) * shape.size_stride +
                              (shape.inner - 1) * shape.inner_stride;
  std::vector<T> x = random_values<T>(extent, 3);
  for (std::size_t i = 0; i < x.size(); ++i) {
    if constexpr (std::is_floating_point_v<T>) {
      if (i % 5 == 1) x[i] = T{0.5};  // equal ones
      if (x.size() > 400 && i % 401 == 17) x[i] = static_cast<T>(NAN);
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      x[i] = static_cast<std::int64_t>(i * 31 % 17) - 8;
    } else {
      x[i] = i % 7 == 3;
    }
  }
  return x;
}

template <typename T>
class CudaReduce : public ::testing::Test {};
using Types = ::testing::Types<float, double, std::int64_t, std::uint8_t>;
TYPED_TEST_SUITE(CudaReduce, Types);

template <typename T>
ReduceArgs arguments(ReduceOp op, const Shape& shape) {
  // Bool lies in bytes.
  return {.op = op,
          .dtype = sizeof(T) == 1 ? DType::boolean : dtype_of<T>,
          .outer = shape.outer,
          .size = shape.size,
          .inner = shape.inner,
          .outer_stride = shape.outer_stride,
          .size_stride = shape.size_stride,
          .inner_stride = shape.inner_stride};
}

TYPED_TEST(CudaReduce, SumsAndMeans) {
  using T = TypeParam;
  using Out = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
  cpu::CpuBackend cpu;
  for (const Shape& shape : kShapes) {
    for (const ReduceOp op : {ReduceOp::sum, ReduceOp::mean}) {
      if (op == ReduceOp::mean && !std::is_floating_point_v<T>) continue;
      const std::vector<T> x = tricky_values<T>(shape);
      std::vector<Out> expected(static_cast<std::size_t>(shape.outer * shape.inner));
      ReduceArgs args = arguments<T>(op, shape);
      args.x = x.data();
      args.out = expected.data();
      cpu.reduce(args);
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> in(x, 1);
        const DeviceArray<Out> out(shape.outer * shape.inner);
        ReduceArgs there = args;
        there.x = in.data();
        there.out = out.data();
        require(cuda::launch_reduce(there, context));
        return out.download();
      });
      SCOPED_TRACE(concat(name_of(op), ' ', shape.outer, ' ', shape.size, ' ', shape.inner));
      if constexpr (std::is_floating_point_v<T>) {
        expect_close(actual, std::vector<double>(expected.begin(), expected.end()),
                     sizeof(T) == 4 ? 1e-7 : 1e-12);
      } else {
        expect_same_bits(actual, expected);
      }
    }
  }
}

TYPED_TEST(CudaReduce, ExtremesAndTheirPositions) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const Shape& shape : kShapes) {
    for (const ReduceOp op : {ReduceOp::min, ReduceOp::max}) {
      const std::vector<T> x = tricky_values<T>(shape);
      const std::int64_t count = shape.outer * shape.inner;
      std::vector<T> expected(static_cast<std::size_t>(count));
      std::vector<std::int64_t> positions(static_cast<std::size_t>(count));
      ReduceArgs args = arguments<T>(op, shape);
      args.x = x.data();
      args.out = expected.data();
      args.indices = positions.data();
      cpu.reduce(args);
      const auto run = [&](bool values) {
        const Context context;
        const DeviceArray<T> in(x);
        const DeviceArray<T> out(count);
        const DeviceArray<std::int64_t> indices(count);
        ReduceArgs there = args;
        there.x = in.data();
        there.out = values ? out.data() : nullptr;
        there.indices = indices.data();
        require(cuda::launch_reduce(there, context));
        if (values) {
          there.indices = nullptr;  // not wanted
          require(cuda::launch_reduce(there, context));
          expect_same_bits(out.download(), expected);
        }
        return indices.download();
      };
      SCOPED_TRACE(concat(name_of(op), ' ', shape.outer, ' ', shape.size, ' ', shape.inner));
      EXPECT_EQ(in_every_order([&] { return run(true); }), positions);
      EXPECT_EQ(run(false), positions);
    }
  }
}

}  // namespace
}  // namespace wick::testing
