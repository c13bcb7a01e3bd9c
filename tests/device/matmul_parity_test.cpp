// SPDX-License-Identifier: MIT
// Matrix products of a CUDA backend against the CPU's, with every epilogue and dtype, on sizes that
// are multiples of nothing.
#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"

namespace wick {
namespace {

using testing::expect_near;
using testing::kCuda;
using testing::OnDevice;
using testing::random_normal;
using testing::tolerance;

constexpr DType kBoth[] = {DType::float32, DType::float64};

class MatmulParity : public OnDevice {
 protected:
  Generator generator_{1};
};

struct MatmulCase {
  std::int64_t rows, cols, depth;
};

TEST_F(MatmulParity, WithEveryEpilogue) {
  for (const DType dtype : kBoth) {
    for (const auto& [m, n, k] : {MatmulCase{1, 1, 1},
                                  {5, 3, 7},
                                  {33, 10, 32},
                                  {7, 65, 19},
                                  {0, 4, 3},
                                  {3, 0, 4},
                                  {3, 4, 0},
                                  {1, 37, 5},
                                  {37, 1, 5}}) {
      for (int bits = 0; bits < 64; ++bits) {
        const bool ta = (bits & 1) != 0;
        const bool tb = (bits & 2) != 0;
        const Tensor a = random_normal(ta ? Dims{k, m} : Dims{m, k}, generator_, dtype);
        const Tensor b = random_normal(tb ? Dims{n, k} : Dims{k, n}, generator_, dtype);
        const Tensor bias = random_normal({n}, generator_, dtype);
        const Tensor mask = random_normal({m, n}, generator_, dtype);
        const Tensor before = random_normal({m, n}, generator_, dtype);
        ops::MatmulOptions options{.transpose_a = ta,
                                   .transpose_b = tb,
                                   .accumulate = (bits & 4) != 0,
                                   .bias = (bits & 8) != 0 ? &bias : nullptr,
                                   .relu = (bits & 16) != 0,
                                   .relu_mask = (bits & 32) != 0 ? &mask : nullptr};
        const Tensor expected = before.clone();
        ops::matmul(a, b, expected, options);
        const Tensor bias_there = bias.to(kCuda);
        const Tensor mask_there = mask.to(kCuda);
        if (options.bias != nullptr) options.bias = &bias_there;
        if (options.relu_mask != nullptr) options.relu_mask = &mask_there;
        const Tensor actual = before.to(kCuda);
        ops::matmul(a.to(kCuda), b.to(kCuda), actual, options);
        expect_near(actual, expected, tolerance(dtype),
                    concat("bits ", bits, ", ", m, " x ", n, " x ", k, ' ', dtype));
      }
    }
  }
}

TEST_F(MatmulParity, OfBfloat16WithEveryEpilogue) {
  for (const DType dtype : {DType::float32, DType::bfloat16}) {
    for (const auto& [m, n, k] :
         {MatmulCase{1, 1, 1}, {5, 3, 7}, {33, 10, 32}, {7, 65, 19}, {3, 4, 0}, {3, 0, 4}}) {
      for (int bits = 0; bits < 128; ++bits) {
        const bool ta = (bits & 1) != 0;
        const bool tb = (bits & 2) != 0;
        const Tensor a = random_normal(ta ? Dims{k, m} : Dims{m, k}, generator_, DType::bfloat16);
        const Tensor b = random_normal(tb ? Dims{n, k} : Dims{k, n}, generator_, DType::bfloat16);
        const Tensor bias = random_normal({n}, generator_, dtype);
        const Tensor mask = random_normal({m, n}, generator_, dtype);
        const Tensor before = random_normal({m, n}, generator_, dtype);
        const Tensor sums = random_normal({m}, generator_, dtype);
        ops::MatmulOptions options{.transpose_a = ta,
                                   .transpose_b = tb,
                                   .accumulate = (bits & 4) != 0,
                                   .bias = (bits & 8) != 0 ? &bias : nullptr,
                                   .relu = (bits & 16) != 0,
                                   .relu_mask = (bits & 32) != 0 ? &mask : nullptr,
                                   .a_sums = ta ? &sums : nullptr,
                                   .accumulate_sums = (bits & 64) != 0};
        const Tensor expected = before.clone();
        const Tensor bias_there = bias.to(kCuda);
        const Tensor mask_there = mask.to(kCuda);
        const Tensor sums_there = sums.to(kCuda);
        ops::matmul(a, b, expected, options);
        if (options.bias != nullptr) options.bias = &bias_there;
        if (options.relu_mask != nullptr) options.relu_mask = &mask_there;
        if (options.a_sums != nullptr) options.a_sums = &sums_there;
        const Tensor actual = before.to(kCuda);
        ops::matmul(a.to(kCuda), b.to(kCuda), actual, options);
        const double rtol = dtype == DType::bfloat16 ? 8e-3 : tolerance(DType::float32);
        const std::string what = concat("bits ", bits, ", ", m, " x ", n, " x ", k, ' ', dtype);
        expect_near(actual, expected, rtol, what);
        expect_near(sums_there, sums, rtol, what + ", sums");
      }
    }
  }
}

// The bits that one product leaves for another's gradient, and where they are none.
TEST_F(MatmulParity, ReluBitsOfOneProductServeAnother) {
  for (const DType operands : {DType::float32, DType::float64, DType::bfloat16}) {
    for (const auto& [m, n] : {std::pair<std::int64_t, std::int64_t>{1, 1},
                               {5, 3},
                               {33, 127},
                               {6, 128},
                               {7, 130},
                               {4, 300}}) {
      constexpr std::int64_t kDepth = 9;
      // Whole numbers, so that every sum is exact and some are zero.
      const auto whole = [&](const Dims& shape) {
        return Tensor::uniform(shape, -3, 4, generator_, DType::float64)
            .to(DType::int64)
            .to(operands);
      };
      const Tensor x = whole({m, kDepth});
      const Tensor w = whole({n, kDepth});
      const Tensor bias = whole({n});
      const Tensor dy = whole({m, kDepth});
      const Tensor v = whole({kDepth, n});
      const auto run = [&](Device device) {
        ops::ReluBits bits;
        const Tensor y = Tensor::empty({m, n}, operands, device);
        bits.prepare(y);
        const Tensor bias_there = bias.to(device);
        ops::matmul(x.to(device), w.to(device), y,
                    {.transpose_b = true, .bias = &bias_there, .relu = true, .relu_bits = &bits});
        const Tensor dx = Tensor::empty({m, n}, operands, device);
        ops::matmul(dy.to(device), v.to(device), dx, {.relu_mask = &y, .relu_bits = &bits});
        return std::pair(y.to(kCpu), dx.to(kCpu));
      };
      const auto [y, dx] = run(kCuda);
      const auto [y_here, dx_here] = run(kCpu);
      const std::string what = concat(operands, ", ", m, " x ", n);
      expect_near(y, y_here, 0.0, what);
      expect_near(dx, dx_here, 0.0, what + ", gradient");
    }
  }
}

TEST_F(MatmulParity, ReluBitsWithoutRoomAreRefused) {
  ops::ReluBits bits;
  bits.prepare(Tensor::empty({2, 3}, DType::float32, kCuda));
  const Tensor x = Tensor::ones({200, 3}, DType::float32, kCuda);
  const Tensor w = Tensor::ones({3, 3}, DType::float32, kCuda);
  testing::expect_throw_with<ValueError>(
      [&] { ops::matmul(x, w, x.clone(), {.relu = true, .relu_bits = &bits}); },
      "use ReluBits::prepare()");
}

TEST_F(MatmulParity, OfSlicesWithStrides) {
  for (const DType dtype : kBoth) {
    const Tensor a = random_normal({9, 20}, generator_, dtype);
    const Tensor b = random_normal({13, 17}, generator_, dtype);
    const Tensor c = random_normal({9, 30}, generator_, dtype);
    const auto run = [&](const Tensor& x, const Tensor& y, const Tensor& z) {
      ops::matmul(x.slice(1, 3, 16), y.slice(1, 1, 12), z.slice(1, 5, 16));
    };
    const Tensor there = c.to(kCuda);
    run(a.to(kCuda), b.to(kCuda), there);
    run(a, b, c);
    expect_near(there, c, tolerance(dtype));
  }
}

TEST_F(MatmulParity, RowsThatOverlapAreCopiedAndWithOptionsRefused) {
  const Tensor a = Tensor::ones({4, 4}, DType::float32, kCuda);
  const Tensor row = a.as_strided({4, 4}, {0, 1}, 0);
  const Tensor out = a.clone();
  ops::matmul(row, a, out);
  expect_near(out, Tensor::full({4, 4}, 4.0), 0.0);
  testing::expect_throw_with<ShapeError>([&] { ops::matmul(row, a, out, {.relu = true}); },
                                         "overlap");
}

}  // namespace
}  // namespace wick
