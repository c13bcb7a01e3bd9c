// SPDX-License-Identifier: MIT
// Operations on tensors: forms, layouts, numbers, errors, threads. Values are compared with PyTorch
// in tests/interop/ops_parity.py.
#include "wick/core/ops.h"

#include <cmath>
#include <limits>
#include <numeric>

#include <gtest/gtest.h>

#include "core/broadcast.h"
#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops_arithmetic.h"
#include "wick/core/ops_join.h"
#include "wick/core/ops_reduce.h"
#include "wick/core/random.h"
#include "wick/kernels/devices.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using Floats = std::vector<float>;
using Indices = std::vector<std::int64_t>;

constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

std::vector<std::uint8_t> bits(const Tensor& mask) {
  return mask.to(DType::uint8).to_vector<std::uint8_t>();
}

TEST(Broadcast, AlignsShapesAtTheirEnds) {
  EXPECT_EQ(broadcast_shapes("add", {2, 1, 3}, {4, 1}), (Dims{2, 4, 3}));
  EXPECT_EQ(broadcast_shapes("add", {}, {0, 1}), (Dims{0, 1}));
  expect_throw_with<ShapeError>(
      [] {
        static_cast<void>(broadcast_shapes("add", {2, 3}, {2}));
      },
      "add: shapes [2, 3] and [2] do not fit together");
  const Tensor row = Tensor::from<float>({1, 2});
  EXPECT_EQ(expand(row, {2, 2}).to_vector<float>(), (Floats{1, 2, 1, 2}));
  EXPECT_EQ(expand(row, {2, 2}).storage(), row.storage());
  EXPECT_THROW(static_cast<void>(expand(row, {3})), ShapeError);
  EXPECT_THROW(static_cast<void>(expand(row, {})), ShapeError);
}

TEST(Arithmetic, TensorsAndNumbersInEveryForm) {
  const Tensor a = Tensor::from<float>({1, 2, 3, 4}, {2, 2});
  const Tensor b = Tensor::from<float>({10, 20}, {2, 1});
  EXPECT_EQ(ops::add(a, b).to_vector<float>(), (Floats{11, 12, 23, 24}));
  EXPECT_EQ(ops::add(a, b, 0.5).to_vector<float>(), (Floats{6, 7, 13, 14}));
  EXPECT_EQ(ops::sub(1, a).to_vector<float>(), (Floats{0, -1, -2, -3}));
  EXPECT_EQ(ops::mul(a.transpose(0, 1), a).to_vector<float>(), (Floats{1, 6, 6, 16}));
  EXPECT_EQ(ops::div(b, 4).to_vector<float>(), (Floats{2.5, 5}));
  const Tensor out = Tensor::zeros({2, 2});
  ops::sub(a, b, out.transpose(0, 1), 2);
  EXPECT_EQ(out.to_vector<float>(), (Floats{-19, -37, -18, -36}));
  ops::mul_(out, a);
  ops::add_(out, b, -1);
  ops::sub_(out, 1.0);
  ops::div_(out, 2);
  EXPECT_EQ(out.to_vector<float>(), (Floats{-15, -42.5, -37.5, -82.5}));
  ops::lerp_(out, a, 1.0);
  EXPECT_TRUE(bitwise_equal(out, a)) << "a weight of 1 gives the end exactly";
  ops::clamp_(out, 2, 3.5);
  EXPECT_EQ(out.to_vector<float>(), (Floats{2, 2, 3, 3.5}));
  EXPECT_EQ(ops::clamp(a, std::nullopt, b).to_vector<float>(), a.to_vector<float>());
}

TEST(Arithmetic, NaNPassesThroughExtremesAndBounds) {
  const Tensor x = Tensor::from<float>({kNan, 1, 2});
  const Tensor y = Tensor::from<float>({1, kNan, 1});
  for (const Tensor& z : {ops::minimum(x, y), ops::maximum(x, y), ops::clamp(x, y),
                          ops::clamp(x, std::nullopt, y), ops::clamp(x, 0, y)}) {
    const Floats values = z.to_vector<float>();
    EXPECT_TRUE(std::isnan(values[0]) && std::isnan(values[1]) && !std::isnan(values[2]));
  }
  EXPECT_EQ(bits(ops::eq(x, x)), (std::vector<std::uint8_t>{0, 1, 1}));
  EXPECT_EQ(bits(ops::ne(x, x)), (std::vector<std::uint8_t>{1, 0, 0}));
}

TEST(Arithmetic, WeightedSumsWhereverTheyAreWritten) {
  Generator generator(7);
  const Tensor a = Tensor::normal({5, 3}, 0, 1, generator, DType::float64);
  const Tensor b = Tensor::normal({5, 3}, 0, 1, generator, DType::float64);
  for (const double alpha : {1.0, 0.0, -0.75}) {
    for (const double beta : {1.0, 0.0, 2.5}) {
      for (const bool same : {false, true}) {
        for (const int place : {0, 1, 2}) {  // a third tensor, the first, the second
          const Tensor x = a.clone();
          const Tensor y = same ? x : b.clone();
          const Tensor out = place == 0   ? Tensor::empty({5, 3}, DType::float64)
                             : place == 1 ? x
                                          : y;
          ops::weighted_sum(alpha, x, beta, y, out);
          for (std::int64_t i = 0; i < 15; ++i) {
            const double first = a.view({15})[i].item<double>();
            const double second = (same ? a : b).view({15})[i].item<double>();
            EXPECT_NEAR(out.view({15})[i].item<double>(), alpha * first + beta * second, 1e-15)
                << alpha << ' ' << beta << ' ' << same << ' ' << place;
          }
        }
      }
    }
  }
  EXPECT_THROW(ops::weighted_sum(1.0, a, 1.0, Tensor::ones({3}, DType::float64), a), ShapeError);
  // Two views that begin at one place.
  const Tensor square = Tensor::arange(4, DType::float64).view({2, 2});
  const Tensor out = Tensor::zeros({2, 2}, DType::float64);
  ops::weighted_sum(2.0, square, 3.0, square.transpose(0, 1), out);
  EXPECT_EQ(out.to_vector<double>(), (std::vector<double>{0, 8, 7, 15}));
  // What is refused changes nothing.
  EXPECT_THROW(ops::weighted_sum(2.0, square, 3.0, Tensor::ones({2, 2}), out), DTypeError);
  EXPECT_EQ(out.to_vector<double>(), (std::vector<double>{0, 8, 7, 15}));
}

TEST(Arithmetic, IndicesAndMasks) {
  const Tensor i = Tensor::arange(4);
  EXPECT_EQ(ops::add(i, 1, 3).to_vector<std::int64_t>(), (Indices{3, 4, 5, 6}));
  const Tensor most = Tensor::scalar(std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(ops::add(most, 1).item<std::int64_t>(), std::numeric_limits<std::int64_t>::min());
  const Tensor low = ops::lt(i, 2);
  const Tensor odd = ops::eq(i, Tensor::from<std::int64_t>({9, 1, 9, 3}));
  EXPECT_EQ(bits(ops::mul(low, odd)), (std::vector<std::uint8_t>{0, 1, 0, 0}));
  EXPECT_EQ(bits(ops::add(low, odd)), (std::vector<std::uint8_t>{1, 1, 0, 1}));
  EXPECT_EQ(ops::where(low, i, -1).to_vector<std::int64_t>(), (Indices{0, 1, -1, -1}));
  EXPECT_EQ(ops::where(low, 1, 0.5).to_vector<float>(), (Floats{1, 1, 0.5, 0.5}));
  const Tensor halves = Tensor::full({2, 1}, 1.5, DType::bfloat16);
  EXPECT_TRUE(
      bitwise_equal(ops::where(low, halves, halves), Tensor::full({2, 4}, 1.5, DType::bfloat16)));
}

TEST(Arithmetic, RefusesWhatPyTorchWouldPromote) {
  const Tensor x = Tensor::ones({2});
  const Tensor i = Tensor::arange(2);
  expect_throw_with<DTypeError>([&] { (void)ops::add(x, i); }, "to(DType::float32)");
  expect_throw_with<DTypeError>([&] { (void)ops::add(x, x.to(DType::float64)); },
                                "to(DType::float64)");
  expect_throw_with<DTypeError>([&] { ops::mul_(i, 0.5); }, "does not hold the number 0.5");
  expect_throw_with<DTypeError>([&] { (void)ops::div(i, i); }, "div: not of int64");
  expect_throw_with<DTypeError>([&] { (void)ops::add(x.to(DType::float16), 1); },
                                "add: computes in");
  expect_throw_with<DTypeError>([&] { ops::binary(BinaryOp::lt, x, x, x); }, "expected bool");
  expect_throw_with<ValueError>([] { (void)ops::add(1, 2); }, "numbers only");
  expect_throw_with<ShapeError>(
      [&] {
        ops::add_(x, Tensor::ones({3, 2}));
      },
      "the result must have");
  EXPECT_EQ(x.to_vector<float>(), (Floats{1, 1}));
}

TEST(Arithmetic, RefusesOutputsOverWhatIsStillRead) {
  const Tensor x = Tensor::ones({3, 3});
  const auto refused = [](const std::function<void()>& call, const char* text) {
    expect_throw_with<ValueError>(call, text);
  };
  refused([&] { ops::add_(x, x.transpose(0, 1)); }, "share memory");
  refused([&] { ops::mul_(x, x[0]); }, "share memory");
  refused([&] { ops::add(x.slice(0, 1), 1, x.slice(0, 0, 2)); }, "share memory");
  refused([&] { ops::add_(expand(x[0], {3, 3}), 1); }, "lie at one place");
  refused([&] { ops::sum(x, 0, x[0]); }, "share memory");
  refused([&] { ops::cat({{x, x}}, 0, expand(x[0], {6, 3})); }, "lie at one place");
  refused([&] { ops::matmul(x, x[0], x[1]); }, "share memory");
  ops::add_(x, x);
  ops::add(x.slice(0, 0, 1), x.slice(0, 1, 2), x.slice(0, 0, 1));
  EXPECT_EQ(x.to_vector<float>(), (Floats{4, 4, 4, 2, 2, 2, 2, 2, 2}));
}

TEST(Reduce, DimensionsAndShapes) {
  const Tensor x = Tensor::arange(24, DType::float32).view({2, 3, 4});
  EXPECT_EQ(ops::sum(x).item<float>(), 276);
  EXPECT_EQ(ops::sum(x, {0, -1}).to_vector<float>(), (Floats{60, 92, 124}));
  EXPECT_EQ(ops::sum(x, {0, 2}, true).shape(), (Dims{1, 3, 1}));
  EXPECT_EQ(ops::mean(x, 1).to_vector<float>(), (Floats{4, 5, 6, 7, 16, 17, 18, 19}));
  EXPECT_EQ(ops::amax(x, {1, 2}).to_vector<float>(), (Floats{11, 23}));
  EXPECT_EQ(ops::min(x).item<float>(), 0);
  const Tensor out = Tensor::zeros({3, 2});
  ops::sum(x, 2, out.transpose(0, 1));
  EXPECT_EQ(out.to_vector<float>(), (Floats{6, 54, 22, 70, 38, 86}));
  EXPECT_EQ(ops::sum(Tensor::full({2, 3}, 1, DType::boolean)).item<std::int64_t>(), 6);
  EXPECT_EQ(ops::sum(Tensor::scalar(3.0F), -1).item<float>(), 3);
  EXPECT_THROW((void)ops::sum(x, 3), IndexError);
  EXPECT_THROW((void)ops::sum(x, {0, -3}), ValueError);
  EXPECT_THROW((void)ops::mean(Tensor::arange(3)), DTypeError);
}

TEST(Reduce, OfNothing) {
  const Tensor x = Tensor::zeros({2, 0});
  EXPECT_EQ(ops::sum(x, 1).to_vector<float>(), (Floats{0, 0}));
  EXPECT_TRUE(std::isnan(ops::mean(x).item<float>()));
  EXPECT_EQ(ops::max(x, 0).values.shape(), (Dims{0}));
  expect_throw_with<ShapeError>([&] { (void)ops::max(x, 1); }, "along dimension 1");
  expect_throw_with<ShapeError>([&] { (void)ops::argmin(x); }, "there is no element in");
}

TEST(Reduce, ExtremesAreTheFirstAndNaNIsOne) {
  const Tensor x = Tensor::from<float>({1, 3, 3, /**/ kNan, 5, kNan, /**/ -1, -2, -2}, {3, 3});
  const ops::Extremes most = ops::max(x, 1);
  EXPECT_EQ(most.indices.to_vector<std::int64_t>(), (Indices{1, 0, 0}));
  EXPECT_TRUE(std::isnan(most.values.at<float>({1})));
  EXPECT_EQ(ops::min(x, 1).indices.to_vector<std::int64_t>(), (Indices{0, 0, 1}));
  EXPECT_EQ(ops::argmax(x, 0).to_vector<std::int64_t>(), (Indices{1, 1, 1}));
  EXPECT_EQ(ops::argmin(x.transpose(0, 1), 0, true).to_vector<std::int64_t>(), (Indices{0, 0, 1}));
  EXPECT_EQ(ops::argmax(x).item<std::int64_t>(), 3);
  EXPECT_EQ(ops::argmin(x.slice(0, 2, 3)).item<std::int64_t>(), 1);
}

// In one pass over float32, a sum of so many equal numbers would stop growing at 2^24.
TEST(Reduce, SumsAreRoundedOnce) {
  const std::int64_t count = (std::int64_t{1} << 24) + 1000;
  EXPECT_EQ(ops::sum(expand(Tensor::ones({1}), {count})).item<float>(), static_cast<float>(count));
  Generator generator(1);
  const Tensor x = Tensor::uniform({3, 100'003}, -1.0, 1.0, generator, DType::float64);
  for (const Tensor& each : {x, x.transpose(0, 1).contiguous().transpose(0, 1)}) {
    const std::vector<double> sums = ops::sum(each, 1).to_vector<double>();
    for (std::int64_t r = 0; r < 3; ++r) {
      const std::vector<double> row = x[r].to_vector<double>();
      long double exact = 0.0L;
      for (const double value : row) exact += static_cast<long double>(value);
      EXPECT_NEAR(sums[static_cast<std::size_t>(r)], static_cast<double>(exact), 1e-12);
    }
  }
}

TEST(Reduce, SameBitsForAnyNumberOfThreads) {
  Generator generator(2);
  const Tensor x = Tensor::normal({300, 1111}, 0.0, 1.0, generator);
  const auto run = [&] {
    std::vector<Tensor> results{ops::sum(x),
                                ops::sum(x, 0),
                                ops::sum(x, 1),
                                ops::max(x, 0).indices,
                                ops::argmin(x),
                                ops::add(x, x[0], 0.3),
                                ops::lerp(x, x[1], 0.4),
                                ops::mul(x.transpose(0, 1), 3),
                                ops::matmul(x.transpose(0, 1), x)};
    return results;
  };
  const std::vector<Tensor> one = run();
  for (const int threads : {2, 3, 5}) {
    set_num_threads(threads);
    const std::vector<Tensor> several = run();
    set_num_threads(1);
    for (std::size_t i = 0; i < one.size(); ++i) {
      EXPECT_TRUE(bitwise_equal(one[i], several[i])) << threads << " threads, result " << i;
    }
  }
}

TEST(Join, CatAndStack) {
  const Tensor a = Tensor::arange(4).view({2, 2});
  const Tensor b = a.transpose(0, 1).slice(1, 0, 1);
  EXPECT_EQ(ops::cat({a, b}, -1).to_vector<std::int64_t>(), (Indices{0, 1, 0, 2, 3, 1}));
  EXPECT_EQ(ops::stack({a, a}, 1).shape(), (Dims{2, 2, 2}));
  EXPECT_EQ(ops::stack({a[0], a[1]}, 1).to_vector<std::int64_t>(), (Indices{0, 2, 1, 3}));
  EXPECT_TRUE(bitwise_equal(ops::cat({Tensor::zeros({0}, DType::int64), a}), a));
  const Tensor out = Tensor::zeros({4, 2}, DType::int64);
  const std::vector<Tensor> both{a, a};
  ops::cat(both, 0, out);
  EXPECT_EQ(out.to_vector<std::int64_t>(), (Indices{0, 1, 2, 3, 0, 1, 2, 3}));
  EXPECT_THROW((void)ops::cat({a, a.to(DType::float32)}), DTypeError);
  EXPECT_THROW((void)ops::cat({Tensor::scalar(1.0F)}), ShapeError);
  EXPECT_THROW((void)ops::stack({a, b}), ShapeError);
}

TEST(Matmul, BatchesAreBroadcast) {
  Generator generator(3);
  const Tensor a = Tensor::normal({2, 1, 3, 4}, 0.0, 1.0, generator, DType::float64);
  const Tensor b = Tensor::normal({5, 7, 4}, 0.0, 1.0, generator, DType::float64).transpose(1, 2);
  const Tensor c = ops::matmul(a, b);
  ASSERT_EQ(c.shape(), (Dims{2, 5, 3, 7}));
  for (std::int64_t i = 0; i < 2; ++i) {
    for (std::int64_t j = 0; j < 5; ++j) {
      const Tensor one = ops::matmul(a[i][0], b[j]);
      EXPECT_TRUE(bitwise_equal(c[i][j], one));
      EXPECT_NEAR(one.at<double>({2, 6}),
                  ops::sum(ops::mul(a[i][0][2], b[j].select(1, 6))).item<double>(), 1e-14);
    }
  }
  EXPECT_EQ(ops::matmul(a, b[0].select(1, 0)).shape(), (Dims{2, 1, 3}));
  EXPECT_EQ(ops::matmul(Tensor::ones({3}), Tensor::ones({3})).item<float>(), 3);
  EXPECT_EQ(ops::matmul(Tensor::ones({2, 3, 0}), Tensor::ones({0, 4})).to_vector<float>(),
            Floats(24, 0.0F));
  const Tensor bias = Tensor::ones({7}, DType::float64);
  EXPECT_THROW(ops::matmul(a, b, c, {.bias = &bias}), ShapeError);
  EXPECT_THROW((void)ops::matmul(Tensor::arange(3), Tensor::arange(3)), DTypeError);
  EXPECT_THROW((void)ops::bmm(a, b), ShapeError);
}

TEST(Operations, ADeviceWithoutElementsRefusesThem) {
  const Tensor x = Tensor::empty({2}, DType::float32, kMeta);
  expect_throw_with<DeviceError>([&] { (void)ops::gt(x, 1); }, "gt: ");
  expect_throw_with<DeviceError>([&] { (void)ops::lerp(x, x, 1); }, "lerp: ");
  expect_throw_with<DeviceError>([&] { (void)ops::mean(x); }, "mean: ");
  expect_throw_with<DeviceError>([&] { (void)ops::add(x, Tensor::ones({2})); },
                                 "different devices");
}

// torch.index_select(torch.arange(6).reshape(2, 3), ...).
TEST(Ops, IndexSelectOfAnyDimensionIsANewTensor) {
  const Tensor matrix = Tensor::arange(6).view({2, 3});
  const Tensor indices = Tensor::from<std::int64_t>({2, 0, 2, 1});
  using Ints = std::vector<std::int64_t>;
  const Tensor columns = ops::index_select(matrix, 1, indices);
  EXPECT_EQ(columns.shape(), (Dims{2, 4}));
  EXPECT_EQ(columns.to_vector<std::int64_t>(), (Ints{2, 0, 2, 1, 5, 3, 5, 4}));
  EXPECT_EQ(
      ops::index_select(matrix, -2, Tensor::from<std::int64_t>({1})).to_vector<std::int64_t>(),
      (Ints{3, 4, 5}));
  EXPECT_EQ(ops::index_select(matrix.t(), 0, indices).to_vector<std::int64_t>(),
            (Ints{2, 5, 0, 3, 2, 5, 1, 4}));
  const Tensor flags = ops::index_select(Tensor::from<bool>({true, false}), 0,
                                         Tensor::from<std::int64_t>({1, 0, 0}));
  EXPECT_FALSE(flags.at<bool>({0}));
  EXPECT_TRUE(flags.at<bool>({2}));
  EXPECT_EQ(ops::index_select(matrix, 0, Tensor::empty({0}, DType::int64)).shape(), (Dims{0, 3}));
  testing::expect_throw_with<IndexError>(
      [&] { static_cast<void>(ops::index_select(matrix, 0, indices)); }, "2");
  testing::expect_throw_with<IndexError>(
      [&] { static_cast<void>(ops::index_select(matrix, 2, indices)); }, "index_select");
  testing::expect_throw_with<ShapeError>(
      [&] { static_cast<void>(ops::index_select(matrix, 0, matrix)); }, "one dimension");
  testing::expect_throw_with<DTypeError>(
      [&] { static_cast<void>(ops::index_select(matrix, 0, Tensor::ones({1}))); }, "int64");
}

}  // namespace
}  // namespace wick
