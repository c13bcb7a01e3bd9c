// SPDX-License-Identifier: MIT
// Column sums, argmax and hits against float64 and the CPU backend.
#include "kernels/convert.h"
#include "kernels/cpu/cpu_backend.h"
#include "tests/kernels/cuda/device.h"
#include "wick/core/backend/matrix.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaReduction : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaReduction, Types);

struct Shape {
  std::int64_t rows, cols, gap;
};

TYPED_TEST(CudaReduction, ColumnSums) {
  using T = TypeParam;
  for (const Shape shape : {Shape{0, 5, 0},
                            {1, 1, 0},
                            {7, 3, 0},
                            {300, 37, 3},
                            {1001, 10, 0},
                            {513, 130, 2},
                            {64, 257, 0},
                            {2000, 64, 0},
                            {3, 33'000, 0}}) {
    for (const bool accumulate : {false, true}) {
      const std::int64_t stride = shape.cols + shape.gap;
      const std::vector<T> x = random_matrix<T>(shape.rows, shape.cols, shape.gap, 1);
      const std::vector<T> before = random_values<T>(shape.cols, 2);
      std::vector<double> expected(static_cast<std::size_t>(shape.cols));
      for (std::size_t c = 0; c < expected.size(); ++c) {
        if (accumulate) expected[c] = static_cast<double>(before[c]);
        for (std::int64_t r = 0; r < shape.rows; ++r) {
          expected[c] += static_cast<double>(x[static_cast<std::size_t>(r * stride) + c]);
        }
      }
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> in(x);
        const DeviceArray<T> out(before);
        require(cuda::launch_column_sums(dtype_of<T>, {in.data(), shape.rows, shape.cols, stride},
                                         dtype_of<T>, out.data(), accumulate, context));
        return out.download();
      });
      expect_close(actual, expected, sizeof(T) == 4 ? 2e-5 : 1e-13);
    }
  }
}

// Summed in float32, and stored as that or as bfloat16.
template <typename Out>
void check_bfloat16_sums(const Shape& shape, bool accumulate) {
  const std::int64_t stride = shape.cols + shape.gap;
  const std::vector<bfloat16> x = random_matrix<bfloat16>(shape.rows, shape.cols, shape.gap, 1);
  const std::vector<Out> before = random_values<Out>(shape.cols, 2);
  std::vector<double> expected(static_cast<std::size_t>(shape.cols));
  for (std::size_t c = 0; c < expected.size(); ++c) {
    if (accumulate) expected[c] = static_cast<double>(convert<float>(before[c]));
    for (std::int64_t r = 0; r < shape.rows; ++r) {
      expected[c] += static_cast<double>(to_float(x[static_cast<std::size_t>(r * stride) + c]));
    }
  }
  const auto actual = in_every_order([&] {
    const Context context;
    const DeviceArray<bfloat16> in(x);
    const DeviceArray<Out> out(before);
    require(cuda::launch_column_sums(DType::bfloat16, {in.data(), shape.rows, shape.cols, stride},
                                     dtype_of<Out>, out.data(), accumulate, context));
    return out.download();
  });
  std::vector<float> wide;
  for (const Out sum : actual) wide.push_back(convert<float>(sum));
  expect_close(wide, expected, sizeof(Out) == 4 ? 2e-5 : 4e-3);
}

TEST(CudaBfloat16, ColumnSums) {
  for (const Shape shape : {Shape{0, 5, 0},
                            {7, 3, 0},
                            {300, 37, 3},
                            {1001, 10, 0},
                            {513, 130, 6},
                            {2000, 64, 0},
                            {64, 257, 0}}) {
    for (const bool accumulate : {false, true}) {
      check_bfloat16_sums<float>(shape, accumulate);
      check_bfloat16_sums<bfloat16>(shape, accumulate);
    }
  }
}

// Rows with equal largest elements, NaN and infinities.
template <typename T>
std::vector<T> tricky_matrix(const Shape& shape) {
  std::vector<T> x = random_matrix<T>(shape.rows, shape.cols, shape.gap, 3);
  const std::int64_t stride = shape.cols + shape.gap;
  for (std::int64_t r = 0; r < shape.rows; ++r) {
    T* const row = &x[static_cast<std::size_t>(r * stride)];
    if (r % 5 == 1) row[shape.cols / 2] = row[shape.cols - 1] = T{2};
    if (r % 5 == 2) row[shape.cols / 3] = row[shape.cols - 1] = static_cast<T>(NAN);
    if (r % 5 == 3) row[shape.cols - 1] = static_cast<T>(INFINITY);
    if (r % 5 == 4) std::fill(row, row + shape.cols, static_cast<T>(-INFINITY));
  }
  return x;
}

constexpr Shape kArgmaxShapes[] = {{0, 4, 0},  {1, 1, 0},    {10, 2, 1},   {77, 10, 0},
                                   {9, 33, 2}, {6, 1000, 0}, {6, 4099, 0}, {300, 3, 0}};

TYPED_TEST(CudaReduction, Argmax) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const Shape shape : kArgmaxShapes) {
    const std::vector<T> x = tricky_matrix<T>(shape);
    const std::int64_t stride = shape.cols + shape.gap;
    std::vector<std::int64_t> expected(static_cast<std::size_t>(shape.rows));
    cpu.argmax(dtype_of<T>, {x.data(), shape.rows, shape.cols, stride}, expected.data());
    const auto actual = in_every_order([&] {
      const Context context;
      const DeviceArray<T> in(x);
      const DeviceArray<std::int64_t> out(shape.rows);
      require(cuda::launch_argmax(dtype_of<T>, {in.data(), shape.rows, shape.cols, stride},
                                  out.data(), context));
      return out.download();
    });
    EXPECT_EQ(actual, expected);
  }
}

TYPED_TEST(CudaReduction, CountHits) {
  using T = TypeParam;
  cpu::CpuBackend cpu;
  for (const Shape shape : kArgmaxShapes) {
    const std::vector<T> x = tricky_matrix<T>(shape);
    const std::int64_t stride = shape.cols + shape.gap;
    const ConstMatrixRef host{x.data(), shape.rows, shape.cols, stride};
    std::vector<std::int64_t> labels(static_cast<std::size_t>(shape.rows));
    cpu.argmax(dtype_of<T>, host, labels.data());
    for (std::size_t r = 0; r < labels.size(); r += 3) labels[r] = -1;
    std::int64_t expected = 0;
    cpu.count_hits(dtype_of<T>, host, labels.data(), &expected);
    const auto actual = in_every_order([&] {
      const Context context;
      const DeviceArray<T> in(x);
      const DeviceArray<std::int64_t> label_array(labels);
      const DeviceArray<std::int64_t> hits(1);
      const ConstMatrixRef ref{in.data(), shape.rows, shape.cols, stride};
      require(cuda::launch_count_hits(dtype_of<T>, ref, label_array.data(), hits.data(), false,
                                      context));
      require(cuda::launch_count_hits(dtype_of<T>, ref, label_array.data(), hits.data(), true,
                                      context));
      return hits.download();
    });
    EXPECT_EQ(actual[0], 2 * expected);
  }
}

}  // namespace
}  // namespace wick::testing
