// SPDX-License-Identifier: MIT
// What goes wrong on a device becomes an exception that says so, and the program can go on.
#include "tests/device/device_under_test.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/recording.h"
#include "wick/nn/layers/activation.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/sequential.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using testing::kCuda;
using testing::kSecondCuda;
using testing::OnDevice;
using testing::OnTwoDevices;

using Errors = OnDevice;

TEST_F(Errors, OutOfMemoryNamesSizesAndTheProgramGoesOn) {
  constexpr std::int64_t kHuge = std::int64_t{1} << 50;
  try {
    static_cast<void>(Tensor::empty({kHuge}, DType::uint8, kCuda));
    FAIL() << "a petabyte was allocated";
  } catch (const OutOfMemoryError& error) {
    EXPECT_EQ(error.requested(), static_cast<std::size_t>(kHuge));
    EXPECT_GT(error.total(), 0U);
    EXPECT_LE(error.free(), error.total());
    EXPECT_NE(std::string(error.what()).find("1125899906842624"), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("cuda:0"), std::string::npos);
  }
  EXPECT_EQ(Tensor::ones({3}, DType::float32, kCuda).to_vector<float>(),
            (std::vector<float>{1, 1, 1}));
}

TEST_F(Errors, NoSuchDevice) {
  const Device absent{DeviceType::cuda, 77};
  expect_throw_with<DeviceError>(
      [&] { static_cast<void>(Tensor::zeros({1}, DType::float32, absent)); },
      "cuda:77: this machine has ");
}

TEST_F(Errors, MixedDevicesNameBoth) {
  const Tensor here = Tensor::ones({2, 2});
  const Tensor there = Tensor::ones({2, 2}, DType::float32, kCuda);
  for (const auto& operands : {std::pair(here, there), std::pair(there, here)}) {
    try {
      ops::matmul(operands.first, operands.second, here);
      FAIL() << "nothing was thrown";
    } catch (const DeviceError& error) {
      const std::string text = error.what();
      EXPECT_NE(text.find("cpu"), std::string::npos) << text;
      EXPECT_NE(text.find("cuda:0"), std::string::npos) << text;
    }
  }
  Generator generator(1);
  nn::Linear layer(2, 2, generator);
  expect_throw_with<DeviceError>([&] { static_cast<void>(layer.forward(there)); }, "cuda:0");
  EXPECT_THROW(static_cast<void>(there.data<float>()), DeviceError);
}

TEST_F(Errors, TargetOutOfRangeShowsWhereTheHostWaits) {
  for (const std::int64_t bad : {std::int64_t{3}, std::int64_t{-1}, INT64_MAX, INT64_MIN}) {
    const Tensor logits = Tensor::zeros({5, 3}, DType::float32, kCuda);
    const Tensor targets = Tensor::from<std::int64_t>({0, 1, 2, bad, bad}, {5}, kCuda);
    nn::CrossEntropyLoss criterion;
    const Tensor loss = criterion.forward(logits, targets);
    expect_throw_with<IndexError>([&] { static_cast<void>(loss.item<float>()); },
                                  concat("cross_entropy: target ", bad, " of row 3"));
    // Reported once; what follows is right again.
    const Tensor good = Tensor::from<std::int64_t>({0, 1, 2, 0, -100}, {5}, kCuda);
    EXPECT_NEAR(static_cast<double>(criterion.forward(logits, good).item<float>()), std::log(3.0),
                1e-6);
  }
}

TEST_F(Errors, TargetOutOfRangeIsReportedUnderTheNameOfItsLoss) {
  for (const bool mean : {true, false}) {
    for (const std::int64_t classes : {3, 700, 9000}) {  // a warp or a block for each row
      const Tensor rows = Tensor::full({5, classes}, -1.0, DType::float32, kCuda);
      const Tensor targets = Tensor::from<std::int64_t>({0, 1, classes, 2, -1}, {5}, kCuda);
      nn::NLLLoss nll({.reduction = mean ? nn::Reduction::mean : nn::Reduction::none});
      const Tensor loss = nll.forward(rows, targets);
      expect_throw_with<IndexError>([&] { static_cast<void>(loss.to_vector<float>()); },
                                    concat("nll_loss: target ", classes, " of row 2"));
      nn::CrossEntropyLoss criterion({.reduction = nn::Reduction::sum});
      const Tensor other = criterion.forward(rows, targets);
      expect_throw_with<IndexError>([&] { static_cast<void>(other.item<float>()); },
                                    concat("cross_entropy: target ", classes, " of row 2"));
    }
  }
}

TEST_F(Errors, OfANetworkNameTheLayer) {
  Generator generator(1);
  nn::Sequential model;
  model.add<nn::Sequential>("encoder").add<nn::Linear>("fc1", 4, 3, generator);
  model.to(kCuda);
  expect_throw_with<DeviceError>(
      [&] {
        static_cast<void>(model.forward(Tensor::ones({2, 4})));
      },
      "encoder.fc1: Linear(4, 3): input is on cpu, weights are on cuda:0; move one of them with "
      "to(Device)");
  expect_throw_with<DTypeError>(
      [&] {
        static_cast<void>(model.forward(Tensor::ones({2, 4}, DType::uint8, kCuda)));
      },
      "encoder.fc1: Linear(4, 3): input is uint8, weights are float32; use x.to(DType::float32)");
}

// What forward() has saved is checked when a step is recorded, and a replay fills it anew.
TEST_F(Errors, AnOverwrittenInputAndOneThatIsRefilledByARecording) {
  Generator generator(2);
  nn::Sequential model;
  model.add<nn::Linear>("fc1", 4, 3, generator);
  model.add<nn::Tanh>("tanh");
  model.to(kCuda);
  const Tensor x = Tensor::ones({2, 4}, DType::float32, kCuda);
  const Tensor grad = Tensor::ones({2, 3}, DType::float32, kCuda);
  static_cast<void>(model.forward(x));
  x.zero_();
  expect_throw_with<ValueError>([&] { model.backward(grad); },
                                "fc1: Linear(4, 3): one of the variables");
  const Tensor data = Tensor::ones({8, 4}, DType::float32, kCuda);
  const Tensor indices = Tensor::from<std::int64_t>({0, 7}, {2}, kCuda);
  const auto recording = backend_for(kCuda).record({.compute =
                                                        [&] {
                                                          ops::index_select(data, indices, x);
                                                          static_cast<void>(model.forward(x));
                                                          model.backward(grad, false);
                                                        },
                                                    .update = [&] { model.zero_grad(); }});
  recording->replay(6);
  backend_for(kCuda).synchronize();
}

TEST_F(Errors, IndexOutOfRangeIsNeverFollowed) {
  const Tensor source = Tensor::full({4, 9}, 7.0, DType::uint8, kCuda);
  const Tensor indices = Tensor::from<std::int64_t>({0, 4, 1}, {3}, kCuda);
  const Tensor rows = Tensor::empty({3, 9}, DType::uint8, kCuda);
  ops::index_select(source, indices, rows);
  expect_throw_with<IndexError>([&] { backend_for(kCuda).synchronize(); },
                                "index_select: index 4 of row 1 is not in [0, 4)");
  const Tensor scale = Tensor::ones({1});
  const Tensor shift = Tensor::zeros({1});
  const Tensor floats = Tensor::empty({3, 9}, DType::float32, kCuda);
  ops::gather_affine(source.view({4, 1, 9}), &indices, scale, shift, floats);
  expect_throw_with<IndexError>([&] { static_cast<void>(floats.to(kCpu)); },
                                "gather_affine: index 4 of row 1 is not in [0, 4)");
  backend_for(kCuda).synchronize();
}

TEST_F(Errors, MoreThanTwoToThe31Elements) {
  constexpr std::int64_t kCount = (std::int64_t{1} << 31) + 11;
  Tensor bytes;
  try {
    bytes = Tensor::empty({kCount}, DType::uint8, kCuda);
  } catch (const OutOfMemoryError&) {
    GTEST_SKIP() << "the device has no memory for it";
  }
  bytes.fill_(3);
  EXPECT_EQ(bytes.slice(0, kCount - 2, kCount).to_vector<std::uint8_t>(),
            (std::vector<std::uint8_t>{3, 3}));
  const Tensor indices = Tensor::from<std::int64_t>({kCount - 1}, {1}, kCuda);
  bytes.slice(0, kCount - 1, kCount).fill_(9);
  const Tensor out = Tensor::empty({1}, DType::uint8, kCuda);
  ops::index_select(bytes, indices, out);
  EXPECT_EQ(out.item<std::uint8_t>(), 9);
}

using ErrorsOfTwo = OnTwoDevices;

TEST_F(ErrorsOfTwo, MixedCudaDevicesNameBoth) {
  const Tensor first = Tensor::ones({2, 2}, DType::float32, kCuda);
  const Tensor second = Tensor::ones({2, 2}, DType::float32, kSecondCuda);
  for (const char* const name : {"cuda:0", "cuda:1"}) {
    expect_throw_with<DeviceError>([&] { ops::matmul(first, second, first); }, name);
  }
}

}  // namespace
}  // namespace wick
