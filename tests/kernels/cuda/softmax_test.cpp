// SPDX-License-Identifier: MIT
// Softmax and sums of rows by their numbers, against the CPU backend.
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/rows.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaRowOperations : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaRowOperations, Types);

struct Shape {
  std::int64_t outer, size, inner, misaligned;
};

TYPED_TEST(CudaRowOperations, SoftmaxOfEveryShape) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const Shape s : {Shape{1, 1, 1, 0},
                        {5, 7, 1, 0},
                        {9, 64, 1, 0},
                        {9, 64, 1, 1},
                        {33, 129, 1, 0},
                        {2, 2048, 1, 0},
                        {3, 4099, 1, 1},
                        {2, 5, 3, 0},
                        {3, 17, 70, 1},
                        {0, 5, 1, 0},
                        {4, 0, 3, 0}}) {
    const std::int64_t count = s.outer * s.size * s.inner;
    std::vector<T> x = random_values<T>(count, 1);
    for (T& value : x) value *= T{6};
    if (count > 20) x[3] = static_cast<T>(-INFINITY);
    const std::vector<T> g = random_values<T>(count, 2);
    for (const bool log : {false, true}) {
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> from(x, s.misaligned);
        const DeviceArray<T> grad(g, s.misaligned);
        const DeviceArray<T> y(count, s.misaligned);
        const DeviceArray<T> dx(count, s.misaligned);
        require(cuda::launch_softmax(
            {dtype_of<T>, log, s.outer, s.size, s.inner, from.data(), y.data()}, context));
        require(cuda::launch_softmax_backward(
            {dtype_of<T>, log, s.outer, s.size, s.inner, grad.data(), y.data(), dx.data()},
            context));
        std::vector<T> result = y.download();
        const std::vector<T> gradient = dx.download();
        result.insert(result.end(), gradient.begin(), gradient.end());
        return result;
      });
      const std::vector<double> wide(x.begin(), x.end());
      const std::vector<double> wide_g(g.begin(), g.end());
      std::vector<double> y(wide.size());
      std::vector<double> dx(wide.size());
      cpu.softmax({DType::float64, log, s.outer, s.size, s.inner, wide.data(), y.data()});
      cpu.softmax_backward(
          {DType::float64, log, s.outer, s.size, s.inner, wide_g.data(), y.data(), dx.data()});
      ASSERT_EQ(actual.size(), y.size() + dx.size());
      y.insert(y.end(), dx.begin(), dx.end());
      for (std::size_t i = 0; i < y.size(); ++i) {
        if (static_cast<double>(actual[i]) == y[i]) continue;  // infinities, too
        ASSERT_NEAR(static_cast<double>(actual[i]), y[i],
                    (sizeof(T) == 4 ? 5e-6 : 1e-13) * (1.0 + std::abs(y[i])))
            << s.outer << ' ' << s.size << ' ' << s.inner << " element " << i;
      }
    }
  }
}

TYPED_TEST(CudaRowOperations, PreluIsTheCpus) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const Shape s : {Shape{1, 1, 700, 1}, {5, 3, 1, 0}, {9, 4, 37, 1}, {0, 3, 2, 0}}) {
    const std::int64_t count = s.outer * s.size * s.inner;
    const std::vector<T> x = random_values<T>(count, 1);
    const std::vector<T> g = random_values<T>(count, 2);
    const std::vector<T> w = random_values<T>(s.size, 3);
    const auto actual = in_every_order([&] {
      const Context context;
      const DeviceArray<T> from(x, s.misaligned);
      const DeviceArray<T> grad(g, s.misaligned);
      const DeviceArray<T> weight(w, s.misaligned);
      const DeviceArray<T> y(count, s.misaligned);
      const DeviceArray<T> dx(count, s.misaligned);
      const DeviceArray<T> dw(w, s.misaligned);
      require(cuda::launch_prelu(
          {dtype_of<T>, s.outer, s.size, s.inner, from.data(), weight.data(), y.data()}, context));
      require(cuda::launch_prelu_backward({dtype_of<T>, s.outer, s.size, s.inner, grad.data(),
                                           from.data(), weight.data(), dx.data(), dw.data(), true},
                                          context));
      std::vector<T> result = y.download();
      for (const DeviceArray<T>* const array : {&dx, &dw}) {
        const std::vector<T> elements = array->download();
        result.insert(result.end(), elements.begin(), elements.end());
      }
      return result;
    });
    std::vector<T> y(x.size());
    std::vector<T> dx(x.size());
    std::vector<T> dw = w;
    cpu.prelu({dtype_of<T>, s.outer, s.size, s.inner, x.data(), w.data(), y.data()});
    cpu.prelu_backward({dtype_of<T>, s.outer, s.size, s.inner, g.data(), x.data(), w.data(),
                        dx.data(), dw.data(), true});
    std::vector<double> expected(y.begin(), y.end());
    expected.insert(expected.end(), dx.begin(), dx.end());
    expected.insert(expected.end(), dw.begin(), dw.end());
    expect_close(actual, expected, sizeof(T) == 4 ? 1e-6 : 1e-13);
  }
}

TYPED_TEST(CudaRowOperations, IndexAddHasTheCpusBits) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const auto& [count, cols, limit] : {std::array<std::int64_t, 3>{0, 3, 5},
                                           {1, 1, 1},
                                           {70, 3, 5},
                                           {200, 131, 7},
                                           {33, 300, 40}}) {
    const std::vector<T> rows = random_values<T>(count * cols, 1);
    const std::vector<std::int64_t> indices = random_indices(count, limit, 3);
    std::vector<T> expected = random_values<T>(limit * cols, 2);
    const std::vector<T> before = expected;
    IndexAddArgs args{.dtype = dtype_of<T>,
                      .rows = rows.data(),
                      .cols = cols,
                      .indices = indices.data(),
                      .count = count,
                      .ignore_index = 2,
                      .source_rows = limit,
                      .sums = expected.data()};
    cpu.index_add(args);
    const auto actual = in_every_order([&] {
      const Context context;
      const DeviceArray<T> from(rows, 1);
      const DeviceArray<std::int64_t> at(indices, 1);
      const DeviceArray<T> sums(before, 1);
      args.rows = from.data();
      args.indices = at.data();
      args.sums = sums.data();
      require(cuda::launch_index_add(args, context));
      EXPECT_EQ(context.error().operation, cuda::CheckedOperation::none);
      return sums.download();
    });
    expect_same_bits(actual, expected);
  }
}

TYPED_TEST(CudaRowOperations, IndexAddReportsAnIndexOutOfRange) {
  using T = TypeParam;
  const std::vector<std::int64_t> indices{0, 4, -1, 9};
  const Context context;
  const DeviceArray<T> rows(std::vector<T>(8, T{1}));
  const DeviceArray<std::int64_t> at(indices);
  const DeviceArray<T> sums(std::vector<T>(8, T{0}));
  require(cuda::launch_index_add({.dtype = dtype_of<T>,
                                  .rows = rows.data(),
                                  .cols = 2,
                                  .indices = at.data(),
                                  .count = 4,
                                  .source_rows = 4,
                                  .sums = sums.data()},
                                 context));
  const cuda::ErrorFlag error = context.error();
  EXPECT_EQ(error.operation, cuda::CheckedOperation::index_add);
  EXPECT_EQ(error.row, 1);
  EXPECT_EQ(error.value, 4);
  EXPECT_EQ(error.limit, 4);
  EXPECT_EQ(sums.download(), (std::vector<T>{1, 1, 0, 0, 0, 0, 0, 0}));
}

}  // namespace
}  // namespace wick::testing
