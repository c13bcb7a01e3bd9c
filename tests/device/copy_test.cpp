// SPDX-License-Identifier: MIT
// Copies to, from, on and between CUDA devices: any layout, any two dtypes, any size.
#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"

namespace wick {
namespace {

using testing::kCuda;
using testing::kSecondCuda;
using testing::OnDevice;
using testing::OnTwoDevices;

class Copies : public OnDevice {
 protected:
  Generator generator_{2};
};

// Numbers that every dtype can hold in some way, and those that it cannot: negative, large, NaN.
Tensor numbers() {
  return Tensor::from<double>({0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.75, 100.0, 127.0, 3.0e4, 65504.0,
                               0.1, 1e-8, 7.0, 240.0, std::nan("")});
}

TEST_F(Copies, ConvertBetweenAllDtypesAsTheCpu) {
  for (int from = 0; from < kNumberDTypeCount; ++from) {
    const Tensor source = numbers().slice(0, 0, 15).to(static_cast<DType>(from));
    const Tensor there = source.to(kCuda);
    for (int to = 0; to < kNumberDTypeCount; ++to) {
      const auto dtype = static_cast<DType>(to);
      EXPECT_TRUE(bitwise_equal(there.to(dtype), source.to(dtype)))
          << source.dtype() << " to " << dtype;
    }
  }
}

TEST_F(Copies, EveryLayout) {
  const Tensor x = Tensor::normal({4, 5, 6}, 0, 1, generator_);
  const Tensor there = x.to(kCuda);
  const auto views = [](const Tensor& t) {
    return std::vector<Tensor>{t,
                               t.transpose(0, 2),
                               t.permute({1, 2, 0}),
                               t.slice(1, 1, 4, 2),
                               t.slice(0, 3, 3),
                               t.select(1, 2),
                               t.as_strided({3, 5}, {0, 1}, 7),
                               t.as_strided({}, {}, 11),
                               t.slice(2, 1).slice(1, 2).slice(0, 1)};
  };
  const std::vector<Tensor> expected = views(x);
  const std::vector<Tensor> actual = views(there);
  for (std::size_t i = 0; i < expected.size(); ++i) {
    EXPECT_TRUE(bitwise_equal(actual[i], expected[i])) << "view " << i;
    EXPECT_TRUE(bitwise_equal(actual[i].clone(), expected[i])) << "view " << i;
    EXPECT_TRUE(bitwise_equal(actual[i].to(DType::float64), expected[i].to(DType::float64)));
  }
}

TEST_F(Copies, IntoViews) {
  const Tensor x = Tensor::normal({7, 9}, 0, 1, generator_);
  const Tensor expected = Tensor::zeros({9, 20});
  const Tensor actual = Tensor::zeros({9, 20}, DType::float32, kCuda);
  expected.slice(1, 2, 16, 2).copy_(x.transpose(0, 1));
  actual.slice(1, 2, 16, 2).copy_(x.transpose(0, 1));  // from the host
  EXPECT_TRUE(bitwise_equal(actual, expected));
  const Tensor back = Tensor::zeros({9, 20});
  back.transpose(0, 1).copy_(actual.transpose(0, 1));  // to the host
  EXPECT_TRUE(bitwise_equal(back, expected));
}

TEST_F(Copies, OfOpaqueDtypesMoveBytes) {
  for (int i = kNumberDTypeCount; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    const Tensor x = Tensor::empty({7, 9}, dtype);
    auto* const bytes = static_cast<unsigned char*>(x.raw());
    for (std::size_t at = 0; at < x.nbytes(); ++at) bytes[at] = static_cast<unsigned char>(at + 1);
    const Tensor there = x.to(kCuda);
    EXPECT_TRUE(bitwise_equal(there, x)) << dtype;
    EXPECT_TRUE(bitwise_equal(there.transpose(0, 1).clone(), x.transpose(0, 1))) << dtype;
    const Tensor target = Tensor::zeros({9, 20}, dtype, kCuda);
    const Tensor expected = Tensor::zeros({9, 20}, dtype);
    target.slice(1, 2, 16, 2).copy_(there.transpose(0, 1));
    expected.slice(1, 2, 16, 2).copy_(x.transpose(0, 1));
    EXPECT_TRUE(bitwise_equal(target, expected)) << dtype;
    target.slice(1, 2, 16, 2).zero_();
    EXPECT_TRUE(bitwise_equal(target, Tensor::zeros({9, 20}, dtype))) << dtype;
    EXPECT_THROW(static_cast<void>(there.to(DType::float32)), DTypeError);
    EXPECT_THROW(Tensor::zeros({7, 9}, DType::uint8, kCuda).copy_(there), DTypeError);
  }
}

TEST_F(Copies, BetweenHostAndDeviceInAllSizes) {
  // Below, at and above what is copied in one piece; several pieces, and not a multiple of one.
  for (const std::int64_t bytes : {0, 1, 13, 65535, 65536, 65537, 4194304, 4194305, 13000001}) {
    const Tensor x = Tensor::empty({bytes}, DType::uint8);
    for (std::int64_t i = 0; i < bytes; ++i) {
      x.data<std::uint8_t>()[i] = static_cast<std::uint8_t>(i * 31 + i / 251);
    }
    const Tensor there = x.to(kCuda);
    const Tensor kept = x.clone();
    if (bytes > 0) x.fill_(7);  // the host's memory is free again
    EXPECT_TRUE(bitwise_equal(there, kept)) << bytes;
    EXPECT_TRUE(bitwise_equal(there.to(kCpu), kept)) << bytes;
  }
}

TEST_F(Copies, RandomTensorsHaveTheStreamOfTheCpu) {
  Generator here(5);
  Generator there(5);
  const Tensor expected = Tensor::normal({1000}, 0, 1, here);
  EXPECT_TRUE(bitwise_equal(Tensor::normal({1000}, 0, 1, there, DType::float32, kCuda), expected));
  EXPECT_TRUE(bitwise_equal(Tensor::arange(100, DType::float32, kCuda),
                            Tensor::arange(100, DType::float32)));
}

using CopiesOfTwo = OnTwoDevices;

TEST_F(CopiesOfTwo, BetweenDevices) {
  Generator generator(3);
  const Tensor x = Tensor::normal({33, 17}, 0, 1, generator);
  const Tensor first = x.to(kCuda);
  const Tensor second = first.to(kSecondCuda);
  EXPECT_EQ(second.device(), kSecondCuda);
  EXPECT_TRUE(bitwise_equal(second, x));
  // Other layouts and dtypes on both sides.
  const Tensor target = Tensor::zeros({17, 40}, DType::float64, kSecondCuda);
  target.slice(1, 3, 36).copy_(first.transpose(0, 1));
  EXPECT_TRUE(bitwise_equal(target.slice(1, 3, 36), x.transpose(0, 1).to(DType::float64)));
  EXPECT_EQ(target.at<double>({0, 36}), 0.0);
  // The source may change as soon as the call has returned.
  const Tensor copy = second.to(kCuda);
  second.zero_();
  backend_for(kSecondCuda).synchronize();
  EXPECT_TRUE(bitwise_equal(copy, x));
}

}  // namespace
}  // namespace wick
