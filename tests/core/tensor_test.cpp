// SPDX-License-Identifier: MIT
#include "wick/core/tensor.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/random.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using Floats = std::vector<float>;
using Ints = std::vector<std::int64_t>;

constexpr std::int64_t kHuge = std::int64_t{1} << 62;

Tensor matrix() {
  return Tensor::arange(6, DType::float32).view({2, 3});
}

// -- Creation -------------------------------------------------------------------------------------

TEST(TensorCreation, KnowsWhatItIs) {
  const Tensor tensor = Tensor::zeros({2, 3, 4}, DType::float64);
  EXPECT_TRUE(tensor.defined());
  EXPECT_EQ(tensor.shape(), (Dims{2, 3, 4}));
  EXPECT_EQ(tensor.strides(), (Dims{12, 4, 1}));
  EXPECT_EQ(tensor.offset(), 0);
  EXPECT_EQ(tensor.dim(), 3);
  EXPECT_EQ(tensor.size(1), 3);
  EXPECT_EQ(tensor.size(-1), 4);
  EXPECT_EQ(tensor.numel(), 24);
  EXPECT_EQ(tensor.nbytes(), 192U);
  EXPECT_EQ(tensor.dtype(), DType::float64);
  EXPECT_EQ(tensor.device(), kCpu);
  EXPECT_TRUE(tensor.is_contiguous());
  EXPECT_EQ(tensor.storage()->bytes(), 192U);
  EXPECT_EQ(concat(tensor), "Tensor(float64 [2, 3, 4] cpu)");
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.size(3)); }, "3");
}

TEST(TensorCreation, FillsEveryDType) {
  for (int i = 0; i < kNumberDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(Tensor::ones({3}, dtype).to(DType::float64).to_vector<double>(),
              std::vector<double>(3, 1.0))
        << dtype;
    const double zero = dtype == DType::float8_e8m0fnu ? 0x1p-127 : 0.0;  // it has no zero
    EXPECT_EQ(Tensor::full({2}, 0.0, dtype).to(DType::float64).to_vector<double>(),
              std::vector<double>(2, zero))
        << dtype;
    EXPECT_EQ(Tensor::empty({4, 0}, dtype).numel(), 0);
  }
  EXPECT_EQ(Tensor::full({2, 2}, -7.9, DType::int32).to_vector<std::int32_t>(),
            std::vector<std::int32_t>(4, -7));
  EXPECT_EQ(Tensor::full({}, 2.5).item<float>(), 2.5F);
}

TEST(TensorCreation, FromValues) {
  EXPECT_EQ(Tensor::from<float>({1, 2, 3}).shape(), Dims{3});
  EXPECT_EQ(Tensor::from<std::int64_t>({1, 2, 3, 4}, {2, 2}).at<std::int64_t>({1, 0}), 3);
  EXPECT_EQ(Tensor::from(Floats{1, 2}, {2, 1}).shape(), (Dims{2, 1}));
  EXPECT_EQ(Tensor::from<bool>({true, false}).to(DType::uint8).to_vector<std::uint8_t>(),
            (std::vector<std::uint8_t>{1, 0}));
  EXPECT_EQ(Tensor::scalar(3.5).dim(), 0);
  EXPECT_EQ(Tensor::scalar(std::complex<float>(1, 2)).item<std::complex<float>>().imag(), 2.0F);
  expect_throw_with<ShapeError>([] { static_cast<void>(Tensor::from(Floats{1, 2}, {3})); }, "[3]");
}

TEST(TensorCreation, Arange) {
  EXPECT_EQ(Tensor::arange(4).to_vector<std::int64_t>(), (Ints{0, 1, 2, 3}));
  EXPECT_EQ(Tensor::arange(3, DType::float32).to_vector<float>(), (Floats{0, 1, 2}));
  EXPECT_EQ(Tensor::arange(0).numel(), 0);
  expect_throw_with<ValueError>([] { static_cast<void>(Tensor::arange(-1)); }, "-1");
}

TEST(TensorCreation, RefusesImpossibleShapes) {
  expect_throw_with<ShapeError>([] { static_cast<void>(Tensor::empty({2, -1})); }, "[2, -1]");
  expect_throw_with<ShapeError>([] { static_cast<void>(Tensor::empty({kHuge, 4})); }, "overflow");
  expect_throw_with<ShapeError>([] { static_cast<void>(Tensor::empty({kHuge})); }, "overflow");
  expect_throw_with<ShapeError>(
      [] {
        static_cast<void>(Tensor::zeros({0, kHuge, 4}));
      },
      "overflow");
}

TEST(TensorCreation, RefusesLayoutsOutsideTheStorage) {
  const std::shared_ptr<Storage> storage = Tensor::zeros({10}).storage();
  const auto make = [&](const Dims& shape, const Dims& strides, std::int64_t offset) {
    return Tensor(storage, DType::float32, shape, strides, offset);
  };
  EXPECT_EQ(make({2, 5}, {5, 1}, 0).numel(), 10);
  EXPECT_EQ(make({5}, {2}, 1).numel(), 5);
  EXPECT_EQ(make({0}, {1}, 10).numel(), 0);
  expect_throw_with<ShapeError>([&] { make({11}, {1}, 0); }, "[11]");
  expect_throw_with<ShapeError>([&] { make({5}, {2}, 2); }, "offset 2");
  expect_throw_with<ShapeError>([&] { make({1}, {1}, -1); }, "offset -1");
  EXPECT_EQ(make({0}, {1}, 11).offset(), 11);  // see empty_view_test.cpp
  expect_throw_with<ShapeError>([&] { make({2}, {-1}, 5); }, "negative stride");
  expect_throw_with<ShapeError>([&] { make({2}, {kHuge}, 0); }, "outside");
  expect_throw_with<ShapeError>([&] { make({2, 2}, {1}, 0); }, "different numbers");
  expect_throw_with<ValueError>([] { Tensor(nullptr, DType::float32, {}, {}, 0); }, "null");
}

TEST(TensorCreation, UndefinedTensorsRefuseEverything) {
  const Tensor undefined;
  EXPECT_FALSE(undefined.defined());
  EXPECT_EQ(concat(undefined), "Tensor(undefined)");
  const auto refuse = [](auto&& call) { expect_throw_with<ValueError>(call, "undefined"); };
  refuse([&] { static_cast<void>(undefined.device()); });
  refuse([&] { static_cast<void>(undefined.raw()); });
  refuse([&] { static_cast<void>(undefined.data<float>()); });
  refuse([&] { static_cast<void>(undefined.to_vector<float>()); });
  refuse([&] { static_cast<void>(undefined.at<float>({})); });
  refuse([&] { static_cast<void>(undefined.item<float>()); });
  refuse([&] { static_cast<void>(undefined.view({0})); });
  refuse([&] { static_cast<void>(undefined.reshape({0})); });
  refuse([&] { static_cast<void>(undefined.slice(0, 0)); });
  refuse([&] { static_cast<void>(undefined.select(0, 0)); });
  refuse([&] { static_cast<void>(undefined.transpose(0, 0)); });
  refuse([&] { static_cast<void>(undefined.permute({})); });
  refuse([&] { static_cast<void>(undefined.unsqueeze(0)); });
  refuse([&] { static_cast<void>(undefined.as_strided({}, {}, 0)); });
  refuse([&] { static_cast<void>(undefined.contiguous()); });
  refuse([&] { static_cast<void>(undefined.clone()); });
  refuse([&] { static_cast<void>(undefined.to(kCpu)); });
  refuse([&] { static_cast<void>(undefined.to(DType::int8)); });
  refuse([&] { undefined.copy_(Tensor::zeros({})); });
  refuse([&] { Tensor::zeros({}).copy_(undefined); });
  refuse([&] { undefined.fill_(0.0); });
  refuse([&] { undefined.zero_(); });
  Generator generator;
  refuse([&] { undefined.uniform_(0.0, 1.0, generator); });
  refuse([&] { undefined.normal_(0.0, 1.0, generator); });
}

TEST(TensorCreation, UndefinedTensorsCompareWithoutThrowing) {
  EXPECT_TRUE(bitwise_equal(Tensor(), Tensor()));
  EXPECT_FALSE(bitwise_equal(Tensor(), Tensor::zeros({})));
}

// -- Elements -------------------------------------------------------------------------------------

TEST(TensorElements, AtAndItem) {
  const Tensor tensor = matrix();
  EXPECT_EQ(tensor.at<float>({1, 2}), 5.0F);
  EXPECT_EQ(tensor.at<float>({-1, -3}), 3.0F);
  EXPECT_EQ(Tensor::from<float>({7}, {1, 1, 1}).item<float>(), 7.0F);
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.at<float>({1})); }, "1 indices");
  expect_throw_with<IndexError>(
      [&] {
        static_cast<void>(tensor.at<float>({0, 3}));
      },
      "Tensor::at: index 3 is out of range for dimension 1 of Tensor");
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.at<float>({-3, 0})); }, "-3");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.item<float>()); }, "[2, 3]");
  expect_throw_with<ShapeError>([] { static_cast<void>(Tensor::zeros({0}).item<float>()); }, "[0]");
  expect_throw_with<DTypeError>(
      [&] {
        static_cast<void>(tensor.at<double>({0, 0}));
      },
      "Tensor::at: asked for float64 elements of Tensor(float32 [2, 3]");
  expect_throw_with<DTypeError>([] { static_cast<void>(Tensor::scalar(1.0F).item<double>()); },
                                "Tensor::item: asked for float64 elements of Tensor(float32");
  EXPECT_TRUE(Tensor::from<bool>({false, true}).at<bool>({1}));
  EXPECT_TRUE(Tensor::scalar(true).item<bool>());
  expect_throw_with<DTypeError>([&] { static_cast<void>(tensor.data<int>()); }, "int32");
  expect_throw_with<DTypeError>([&] { static_cast<void>(tensor.to_vector<double>()); },
                                "to(DType)");
}

TEST(TensorElements, AddressesStartAtTheOffset) {
  const Tensor tensor = Tensor::arange(10, DType::float32).slice(0, 4, 8);
  EXPECT_EQ(*tensor.data<float>(), 4.0F);
  EXPECT_EQ(tensor.to_vector<float>(), (Floats{4, 5, 6, 7}));
  EXPECT_EQ(tensor.nbytes(), 16U);
}

TEST(TensorElements, ToVectorIsRowMajorWhateverTheStrides) {
  EXPECT_EQ(matrix().transpose(0, 1).to_vector<float>(), (Floats{0, 3, 1, 4, 2, 5}));
}

// -- Views ----------------------------------------------------------------------------------------

TEST(TensorViews, ShareStorage) {
  const Tensor tensor = Tensor::zeros({2, 3});
  const auto write = [&tensor](const Tensor& view, std::initializer_list<std::int64_t> index) {
    tensor.zero_();
    view.fill_(1.0);
    EXPECT_EQ(tensor.at<float>(index), 1.0F);
  };
  write(tensor.view({6}).slice(0, 4, 5), {1, 1});
  write(tensor.select(1, 2), {0, 2});
  write(tensor[1], {1, 0});
  write(tensor.transpose(0, 1)[2], {1, 2});
  write(tensor.permute({1, 0}).select(1, 1), {1, 0});
  write(tensor.unsqueeze(0)[0][0], {0, 1});
  write(tensor.as_strided({2}, {4}, 1), {1, 2});
  write(tensor.reshape({3, 2})[2], {1, 1});
}

TEST(TensorViews, ErrorsNameTheCall) {
  const Tensor tensor = matrix();
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.view({4})); }, "Tensor::view: ");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.reshape({4})); },
                                "Tensor::reshape: shape [4]");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.reshape({-2})); },
                                "Tensor::reshape: [-2]");
  Generator generator;
  const Tensor whole = Tensor::zeros({2}, DType::int64);
  expect_throw_with<DTypeError>([&] { whole.uniform_(0.0, 1.0, generator); }, "Tensor::uniform_: ");
  expect_throw_with<DTypeError>([&] { whole.normal_(); }, "Tensor::normal_: ");
}

TEST(TensorViews, SqueezeFlattenExpandAndT) {
  const Tensor tensor = matrix();
  EXPECT_EQ(tensor.t().to_vector<float>(), (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(tensor[0].t().shape(), Dims{3});
  expect_throw_with<ShapeError>(
      [] {
        static_cast<void>(Tensor::zeros({1, 2, 3}).t());
      },
      "more than two");
  const Tensor thin = tensor.view({1, 2, 1, 3});
  EXPECT_EQ(thin.squeeze().shape(), (Dims{2, 3}));
  EXPECT_EQ(thin.squeeze(0).shape(), (Dims{2, 1, 3}));
  EXPECT_EQ(thin.squeeze(-2).shape(), (Dims{1, 2, 3}));
  EXPECT_EQ(thin.squeeze(1).shape(), thin.shape());
  EXPECT_EQ(Tensor::scalar(1.0F).squeeze(0).dim(), 0);
  expect_throw_with<IndexError>([&] { static_cast<void>(thin.squeeze(4)); }, "4");
  EXPECT_EQ(thin.squeeze().raw(), tensor.raw());
  EXPECT_EQ(tensor.flatten().shape(), Dims{6});
  EXPECT_EQ(thin.flatten(1).shape(), (Dims{1, 6}));
  EXPECT_EQ(thin.flatten(0, -2).shape(), (Dims{2, 3}));
  EXPECT_EQ(Tensor::scalar(1.0F).flatten().shape(), Dims{1});
  EXPECT_EQ(tensor.t().flatten().to_vector<float>(), (Floats{0, 3, 1, 4, 2, 5}));
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.flatten(1, 0)); }, "behind end");
  const Tensor wide = tensor.unsqueeze(0).expand({4, -1, 3});
  EXPECT_EQ(wide.shape(), (Dims{4, 2, 3}));
  EXPECT_EQ(wide.at<float>({3, 1, 0}), 3.0F);
  EXPECT_EQ(wide.raw(), tensor.raw());
  EXPECT_EQ(tensor.expand({5, 2, 3}).shape(), (Dims{5, 2, 3}));
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.expand({2, 4})); }, "[2, 4]");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.expand({3})); }, "[3]");
}

TEST(TensorCreation, LikeAnother) {
  const Tensor tensor = matrix().t().to(DType::float64);
  EXPECT_EQ(Tensor::empty_like(tensor).shape(), tensor.shape());
  EXPECT_EQ(Tensor::zeros_like(tensor).to_vector<double>(), std::vector<double>(6, 0.0));
  EXPECT_EQ(Tensor::ones_like(tensor).to_vector<double>(), std::vector<double>(6, 1.0));
}

TEST(TensorViews, KeepTheRequiresGradFlag) {
  Tensor tensor = matrix();
  EXPECT_FALSE(tensor.requires_grad());
  tensor.set_requires_grad(true);
  EXPECT_TRUE(tensor.view({6}).requires_grad());
}

TEST(TensorViews, ViewInfersOneSize) {
  const Tensor tensor = matrix();
  EXPECT_EQ(tensor.view({-1}).shape(), Dims{6});
  EXPECT_EQ(tensor.view({3, -1}).shape(), (Dims{3, 2}));
  EXPECT_EQ(tensor.view({-1, 6, 1}).shape(), (Dims{1, 6, 1}));
  EXPECT_EQ(Tensor::zeros({2, 0}).view({-1, 3}).shape(), (Dims{0, 3}));
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.view({-1, -1})); }, "[-1, -1]");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.view({4})); }, "6 elements");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.view({-1, 4})); }, "[-1, 4]");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.view({-2, 3})); }, "[-2, 3]");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.view({kHuge, 4})); }, "view");
  expect_throw_with<ShapeError>(
      [] {
        static_cast<void>(Tensor::zeros({0}).view({-1, 0}));
      },
      "[-1, 0]");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.transpose(0, 1).view({6})); },
                                "reshape()");
}

TEST(TensorViews, SliceTakesPythonsPositions) {
  const Tensor tensor = Tensor::arange(10);
  const auto cut = [&](std::int64_t start, std::int64_t stop, std::int64_t step = 1) {
    return tensor.slice(0, start, stop, step).to_vector<std::int64_t>();
  };
  EXPECT_EQ(cut(2, 5), (Ints{2, 3, 4}));
  EXPECT_EQ(cut(-3, kEnd), (Ints{7, 8, 9}));
  EXPECT_EQ(cut(0, -7), (Ints{0, 1, 2}));
  EXPECT_EQ(cut(1, 9, 3), (Ints{1, 4, 7}));
  EXPECT_EQ(cut(-100, 100, 9), (Ints{0, 9}));
  EXPECT_EQ(cut(5, 5), Ints{});
  EXPECT_EQ(cut(7, 3), Ints{});
  EXPECT_EQ(cut(20, 30), Ints{});
  EXPECT_EQ(cut(0, 10, std::numeric_limits<std::int64_t>::max()), Ints{0});
  EXPECT_EQ(cut(std::numeric_limits<std::int64_t>::min(), kEnd, 5), (Ints{0, 5}));
  expect_throw_with<ValueError>([&] { cut(0, 5, 0); }, "step 0");
  expect_throw_with<ValueError>([&] { cut(0, 5, -1); }, "step -1");
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.slice(1, 0)); }, "slice");
}

TEST(TensorViews, SelectAndPermuteRefuseWrongIndices) {
  const Tensor tensor = matrix();
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.select(0, 2)); }, "index 2");
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.select(2, 0)); }, "dimension 2");
  expect_throw_with<IndexError>([] { static_cast<void>(Tensor::scalar(1.0)[0]); }, "select");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.permute({0})); }, "[0]");
  expect_throw_with<ValueError>([&] { static_cast<void>(tensor.permute({0, 0})); }, "repeats");
  expect_throw_with<ValueError>([&] { static_cast<void>(tensor.permute({1, -1})); }, "repeats");
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.permute({0, 2})); }, "2");
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.transpose(0, 2)); }, "transpose");
  expect_throw_with<IndexError>([&] { static_cast<void>(tensor.unsqueeze(3)); }, "unsqueeze");
}

TEST(TensorViews, AsStridedStaysInsideTheStorage) {
  const Tensor tensor = matrix();
  EXPECT_EQ(tensor.as_strided({2, 2}, {1, 2}, 1).to_vector<float>(), (Floats{1, 3, 2, 4}));
  EXPECT_EQ(tensor.as_strided({2, 3}, {0, 1}, 3).to_vector<float>(), (Floats{3, 4, 5, 3, 4, 5}));
  // The whole storage is in reach, also from a view that does not begin at its start.
  EXPECT_EQ(tensor[1].as_strided({1}, {1}, 0).item<float>(), 0.0F);
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.as_strided({7}, {1}, 0)); }, "[7]");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.as_strided({2}, {1}, 5)); }, "5");
  expect_throw_with<ShapeError>([&] { static_cast<void>(tensor.as_strided({1}, {1}, -1)); }, "-1");
}

// -- Copies ---------------------------------------------------------------------------------------

TEST(TensorCopies, ContiguousAndCloneAndReshape) {
  const Tensor tensor = matrix();
  const Tensor turned = tensor.transpose(0, 1);
  EXPECT_EQ(tensor.contiguous().raw(), tensor.raw());
  EXPECT_NE(turned.contiguous().raw(), turned.raw());
  EXPECT_TRUE(turned.contiguous().is_contiguous());
  EXPECT_TRUE(bitwise_equal(turned.contiguous(), turned));
  EXPECT_NE(tensor.clone().raw(), tensor.raw());
  EXPECT_EQ(tensor.reshape({6}).raw(), tensor.raw());
  EXPECT_NE(turned.reshape({6}).raw(), tensor.raw());
  EXPECT_EQ(turned.reshape({2, 3}).to_vector<float>(), (Floats{0, 3, 1, 4, 2, 5}));
}

TEST(TensorCopies, EveryBitSurvives) {
  const auto nan = std::bit_cast<float>(0x7FA12345U);  // signalling, with a payload
  const Tensor tensor = Tensor::from<float>({nan, -0.0F, 1e-45F});
  EXPECT_TRUE(bitwise_equal(tensor.clone(), tensor));
  EXPECT_FALSE(bitwise_equal(tensor, Tensor::from<float>({nan, 0.0F, 1e-45F})));
}

TEST(TensorCopies, ToADeviceThatIsNotThere) {
  expect_throw_with<DeviceError>(
      [] {
        static_cast<void>(matrix().to(Device{DeviceType::cuda, 4096}));
      },
      "cuda");
  EXPECT_EQ(matrix().to(kCpu).device(), kCpu);
}

// -- Writing --------------------------------------------------------------------------------------

TEST(TensorWriting, CopyBetweenLayoutsAndDTypes) {
  const Tensor target = Tensor::zeros({3, 2}, DType::float64);
  target.copy_(matrix().transpose(0, 1));
  EXPECT_EQ(target.to_vector<double>(), (std::vector<double>{0, 3, 1, 4, 2, 5}));
  const Tensor wide = Tensor::zeros({2, 6}, DType::int16);
  wide.slice(1, 1, kEnd, 2).copy_(matrix());
  EXPECT_EQ(wide.to_vector<std::int16_t>(),
            (std::vector<std::int16_t>{0, 0, 0, 1, 0, 2, 0, 3, 0, 4, 0, 5}));
  Tensor::zeros({0, 3}).copy_(Tensor::zeros({0, 3}, DType::int8));
  expect_throw_with<ShapeError>([&] { target.copy_(matrix()); }, "[2, 3]");
}

TEST(TensorWriting, CopyOfManyDimensions) {
  // More dimensions than a Dims holds inline, in reverse order.
  const Dims shape{2, 1, 3, 2, 1, 2, 3, 2};
  const Tensor tensor = Tensor::arange(144, DType::int32).view(shape);
  const Tensor turned = tensor.permute({7, 6, 5, 4, 3, 2, 1, 0});
  EXPECT_EQ(turned.contiguous().at<std::int32_t>({1, 2, 1, 0, 1, 2, 0, 1}), 143);
  EXPECT_EQ(turned.contiguous().at<std::int32_t>({1, 0, 0, 0, 1, 0, 0, 0}), 13);
  EXPECT_TRUE(bitwise_equal(turned.contiguous().permute({7, 6, 5, 4, 3, 2, 1, 0}), tensor));
}

TEST(TensorWriting, FillAndZeroTouchOnlyTheView) {
  const Tensor tensor = Tensor::ones({3, 4});
  tensor.slice(1, 1, 3).fill_(5.0);
  tensor.transpose(0, 1).select(0, 0).zero_();
  EXPECT_EQ(tensor.to_vector<float>(), (Floats{0, 5, 5, 1, 0, 5, 5, 1, 0, 5, 5, 1}));
  tensor[1].zero_();
  EXPECT_EQ(tensor[1].to_vector<float>(), Floats(4, 0.0F));
  Tensor::zeros({0}).fill_(1.0);
  Tensor::zeros({0, 2}).zero_();
}

// -- Comparison -----------------------------------------------------------------------------------

TEST(TensorComparison, LooksAtDTypeShapeAndBits) {
  EXPECT_TRUE(bitwise_equal(matrix(), matrix()));
  EXPECT_FALSE(bitwise_equal(matrix(), matrix().view({3, 2})));
  EXPECT_FALSE(bitwise_equal(matrix(), matrix().to(DType::float64)));
  EXPECT_FALSE(bitwise_equal(Tensor::scalar(0.0), Tensor::scalar(-0.0)));
  const Tensor nan = Tensor::scalar(std::nan(""));
  EXPECT_TRUE(bitwise_equal(nan, nan.clone()));
  EXPECT_TRUE(bitwise_equal(Tensor::zeros({0, 2}), Tensor::zeros({0, 2})));
}

}  // namespace
}  // namespace wick
