// SPDX-License-Identifier: MIT
// ReLU, fill, matmul's epilogue and the step counter against plain loops.
#include "wick/core/backend/elementwise.h"

#include "kernels/convert.h"
#include "tests/kernels/cuda/device.h"

namespace wick::testing {
namespace {

template <typename T>
class CudaElementwise : public ::testing::Test {};
using Types = ::testing::Types<float, double>;
TYPED_TEST_SUITE(CudaElementwise, Types);

constexpr std::int64_t kCounts[] = {0, 1, 3, 4, 31, 1000, 4099, 20'003};

template <typename T>
cudaError_t launch_relu(const T* x, T* y, std::int64_t count, const Context& context) {
  return cuda::launch_unary({.dtype = dtype_of<T>, .count = count, .x = x, .y = y}, context);
}

TYPED_TEST(CudaElementwise, Relu) {
  using T = TypeParam;
  for (const std::int64_t count : kCounts) {
    for (const std::int64_t misaligned : {0, 1, 3}) {
      std::vector<T> x = random_values<T>(count, 1);
      if (count > 3) x[2] = static_cast<T>(NAN);
      std::vector<T> expected = x;
      for (T& value : expected) value = value < T{0} ? T{0} : value;
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> in(x, misaligned);
        const DeviceArray<T> out(count);
        require(launch_relu<T>(in.data(), out.data(), count, context));
        // In place, too.
        require(launch_relu<T>(in.data(), in.data(), count, context));
        expect_same_bits(in.download(), expected);
        return out.download();
      });
      expect_same_bits(actual, expected);
    }
  }
}

TYPED_TEST(CudaElementwise, ReluBackward) {
  using T = TypeParam;
  for (const std::int64_t count : kCounts) {
    for (const std::int64_t misaligned : {0, 1}) {
      const std::vector<T> dy = random_values<T>(count, 1);
      std::vector<T> y = random_values<T>(count, 2);
      for (T& value : y) value = std::max(value, T{0});
      std::vector<T> expected = dy;
      for (std::size_t i = 0; i < y.size(); ++i) expected[i] = y[i] > T{0} ? dy[i] : T{0};
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> gradient(dy, misaligned);
        const DeviceArray<T> output(y);
        const DeviceArray<T> dx(count);
        require(cuda::launch_unary_backward({.dtype = dtype_of<T>,
                                             .count = count,
                                             .grad_output = gradient.data(),
                                             .saved = output.data(),
                                             .grad_input = dx.data()},
                                            context));
        return dx.download();
      });
      expect_same_bits(actual, expected);
    }
  }
}

TYPED_TEST(CudaElementwise, Epilogue) {
  using T = TypeParam;
  struct Shape {
    std::int64_t rows, cols, gap;
  };
  for (const Shape shape :
       {Shape{1, 1, 0}, {3, 10, 0}, {5, 64, 0}, {4, 37, 3}, {2, 1030, 2}, {33, 16, 4}}) {
    for (int options = 1; options < 8; ++options) {
      const std::int64_t stride = shape.cols + shape.gap;
      const std::vector<T> c = random_matrix<T>(shape.rows, shape.cols, shape.gap, 1);
      const std::vector<T> mask = random_matrix<T>(shape.rows, shape.cols, shape.gap, 2);
      const std::vector<T> bias = random_values<T>(shape.cols, 3);
      std::vector<T> expected = c;
      for (std::int64_t r = 0; r < shape.rows; ++r) {
        for (std::int64_t col = 0; col < shape.cols; ++col) {
          const auto i = static_cast<std::size_t>(r * stride + col);
          if ((options & 1) != 0) expected[i] += bias[static_cast<std::size_t>(col)];
          if ((options & 2) != 0) expected[i] = std::max(expected[i], T{0});
          if ((options & 4) != 0 && !(mask[i] > T{0})) expected[i] = T{0};
        }
      }
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<T> out(c);
        const DeviceArray<T> mask_in(mask);
        const DeviceArray<T> bias_in(bias, options % 2);
        cuda::EpilogueArgs args;
        args.dtype = dtype_of<T>;
        args.c = {out.data(), shape.rows, shape.cols, stride};
        if ((options & 1) != 0) args.bias = bias_in.data();
        args.relu = (options & 2) != 0;
        if ((options & 4) != 0) args.relu_mask = {mask_in.data(), shape.rows, shape.cols, stride};
        require(cuda::launch_epilogue(args, context));
        return out.download();
      });
      expect_same_bits(actual, expected);
    }
  }
}

// Bit b of a row is bit b % 8 of its byte b / 8, and set where the output is positive or NaN.
template <typename T>
void expect_relu_bits() {
  std::mt19937 random(5);
  for (const std::int64_t cols : {1, 7, 31, 32, 33, 128, 129, 260, 1031}) {
    for (const std::int64_t gap : {0, 1, 8}) {
      const std::int64_t rows = cols > 1000 ? 3 : 9;
      std::vector<T> c = random_matrix<T>(rows, cols, gap, 1);
      for (int i = 0; i < 5; ++i) c[random() % c.size()] = convert<T>(std::nan(""));
      for (int i = 0; i < 5; ++i) c[random() % c.size()] = convert<T>(0.0);
      const std::vector<T> bias(static_cast<std::size_t>(cols));  // zeros
      const std::int64_t row_bytes = cuda::relu_bits_stride(cols) / 8;
      const auto bits = in_every_order([&] {
        const Context context;
        const DeviceArray<T> out(c, gap % 2);
        const DeviceArray<T> bias_in(bias);
        const DeviceArray<unsigned char> made(rows * row_bytes);
        cuda::EpilogueArgs args;
        args.dtype = dtype_of<T>;
        args.c = {out.data(), rows, cols, cols + gap};
        args.bias = gap == 0 ? bias_in.data() : nullptr;
        args.relu = true;
        args.relu_bits = made.data();
        require(cuda::launch_epilogue(args, context));
        const std::vector<unsigned char> bytes = made.download();
        std::vector<unsigned char> one_each;
        for (std::int64_t r = 0; r < rows; ++r) {
          for (std::int64_t b = 0; b < cols; ++b) {
            one_each.push_back(bytes[static_cast<std::size_t>(r * row_bytes + b / 8)] >> (b % 8) &
                               1);
          }
        }
        return one_each;
      });
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t b = 0; b < cols; ++b) {
          const auto value = convert<double>(c[static_cast<std::size_t>(r * (cols + gap) + b)]);
          ASSERT_EQ(bits[static_cast<std::size_t>(r * cols + b)] != 0, !(value <= 0.0))
              << "row " << r << ", column " << b << " of " << cols << ", value " << value;
        }
      }
    }
  }
}

TYPED_TEST(CudaElementwise, ReluLeavesItsBits) {
  expect_relu_bits<TypeParam>();
}

TEST(CudaBfloat16, ReluLeavesItsBits) {
  expect_relu_bits<bfloat16>();
}

// In float32, rounded after each part.
TEST(CudaBfloat16, Epilogue) {
  const auto rounded = [](float value) { return to_float(from_float<bfloat16>(value)); };
  for (const std::int64_t gap : {0, 3, 8}) {
    const std::int64_t rows = 5;
    const std::int64_t cols = 150;
    const std::int64_t stride = cols + gap;
    const std::vector<bfloat16> c = random_matrix<bfloat16>(rows, cols, gap, 1);
    const std::vector<bfloat16> mask = random_matrix<bfloat16>(rows, cols, gap, 2);
    const std::vector<bfloat16> bias = random_values<bfloat16>(cols, 3);
    for (int options = 1; options < 8; ++options) {
      std::vector<bfloat16> expected = c;
      for (std::int64_t r = 0; r < rows; ++r) {
        for (std::int64_t col = 0; col < cols; ++col) {
          const auto i = static_cast<std::size_t>(r * stride + col);
          float value = to_float(c[i]);
          if ((options & 1) != 0) value += to_float(bias[static_cast<std::size_t>(col)]);
          value = rounded(value);
          if ((options & 2) != 0) value = std::max(value, 0.0F);
          if ((options & 4) != 0 && !(to_float(mask[i]) > 0.0F)) value = 0.0F;
          expected[i] = from_float<bfloat16>(value);
        }
      }
      const auto actual = in_every_order([&] {
        const Context context;
        const DeviceArray<bfloat16> out(c);
        const DeviceArray<bfloat16> mask_in(mask);
        const DeviceArray<bfloat16> bias_in(bias, options % 2);
        cuda::EpilogueArgs args;
        args.dtype = DType::bfloat16;
        args.c = {out.data(), rows, cols, stride};
        if ((options & 1) != 0) args.bias = bias_in.data();
        args.relu = (options & 2) != 0;
        if ((options & 4) != 0) args.relu_mask = {mask_in.data(), rows, cols, stride};
        require(cuda::launch_epilogue(args, context));
        return out.download();
      });
      expect_same_bits(actual, expected);
    }
  }
}

TEST(CudaFill, EveryDtypeAtEveryAddress) {
  const Context context;
  for (int code = 0; code < kNumberDTypeCount; ++code) {
    visit(static_cast<DType>(code), [&]<typename T>(TypeTag<T>) {
      for (const std::int64_t count : {0, 1, 2, 17, 300}) {
        for (const std::int64_t misaligned : {0, 1, 5, 15}) {
          constexpr auto kBytes = static_cast<std::int64_t>(sizeof(T));
          const DeviceArray<unsigned char> out(count * kBytes, misaligned * kBytes);
          require(cuda::launch_fill(dtype_of<T>, out.data(), count, 3.5, context));
          const T element = convert<T>(3.5);
          std::vector<unsigned char> expected(static_cast<std::size_t>(count * kBytes));
          for (std::size_t at = 0; at < expected.size(); at += sizeof(T)) {
            std::memcpy(&expected[at], &element, sizeof(T));
          }
          expect_same_bits(out.download(), expected);
        }
      }
    });
  }
}

TEST(CudaAdvance, CountsSteps) {
  const Context context;
  const DeviceArray<std::int64_t> counter(std::vector<std::int64_t>{41});
  require(cuda::launch_advance(counter.data(), context));
  require(cuda::launch_advance(counter.data(), context));
  EXPECT_EQ(counter.download()[0], 43);
}

TEST(CudaLaunchers, RefuseADtypeWithoutArithmetic) {
  const Context context;
  EXPECT_THROW(static_cast<void>(cuda::launch_unary({.dtype = DType::int32}, context)), DTypeError);
}

}  // namespace
}  // namespace wick::testing
