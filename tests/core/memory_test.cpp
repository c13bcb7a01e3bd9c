// SPDX-License-Identifier: MIT
// Sizes that no memory has.
#include <cstddef>
#include <limits>
#include <memory>

#include <gtest/gtest.h>

#include "tests/sanitizers.h"
#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/core/scratch.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using testing::kSanitized;

constexpr std::int64_t kTooMany = std::int64_t{1} << 58;  // more bytes than there are addresses

TEST(Memory, TooMuchIsAnErrorThatNamesTheSize) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer ends the program here";
  try {
    static_cast<void>(Tensor::empty({kTooMany / 1024, 1024}));
    FAIL() << "must throw";
  } catch (const OutOfMemoryError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("a tensor of shape [281474976710656, 1024] and float32: out of memory "
                           "on the CPU: asked for 1152921504606846976 bytes"),
              std::string::npos)
        << message;
    EXPECT_EQ(error.requested(), std::size_t{1} << 60);
    EXPECT_GT(error.total(), 0U);
  }
}

TEST(Memory, EveryWayOfAskingThrowsTheSame) {
  if (kSanitized) GTEST_SKIP() << "a sanitizer ends the program here";
  const auto refuse = [](auto&& call) { expect_throw_with<OutOfMemoryError>(call, "asked for"); };
  Generator generator(1);
  refuse([] { static_cast<void>(Tensor::zeros({kTooMany})); });
  refuse([] { static_cast<void>(Tensor::ones({kTooMany})); });
  refuse([] { static_cast<void>(Tensor::full({kTooMany}, 2.0)); });
  refuse([] { static_cast<void>(Tensor::arange(kTooMany)); });
  refuse([] { static_cast<void>(Tensor::rand({kTooMany})); });
  refuse([] { static_cast<void>(Tensor::randn({kTooMany})); });
  refuse([&] { static_cast<void>(Tensor::uniform({kTooMany}, 0, 1, generator)); });
  refuse([&] { static_cast<void>(generator.randperm(kTooMany)); });
  const Tensor expanded = Tensor::zeros({1}).expand({kTooMany});
  refuse([&] { static_cast<void>(expanded.clone()); });
  refuse([&] { static_cast<void>(expanded.contiguous()); });
  refuse([&] { static_cast<void>(expanded.to(DType::float64)); });
  refuse([&] { static_cast<void>(Tensor::empty_like(expanded)); });
  Scratch scratch;
  refuse([&] { static_cast<void>(scratch.get({kTooMany}, DType::float32, kCpu)); });
  for (const std::size_t bytes :
       {std::size_t{1} << 62, std::size_t{1} << 63, std::numeric_limits<std::size_t>::max(),
        std::numeric_limits<std::size_t>::max() - 62}) {
    refuse([&] { const Storage storage(bytes, backend_for(kCpu)); });
  }
}

TEST(Memory, ShapesWithoutAProductAreShapeErrors) {
  expect_throw_with<ShapeError>(
      [] {
        static_cast<void>(Tensor::empty({INT64_MAX, 2}));
      },
      "overflow");
  expect_throw_with<ShapeError>(
      [] { static_cast<void>(Tensor::empty({INT64_MAX / 4}, DType::float64)); },
      "overflow 63 bits");
  expect_throw_with<ShapeError>(
      [] {
        static_cast<void>(Tensor::zeros({2}).expand({INT64_MAX, 2}));
      },
      "overflow");
}

TEST(Memory, ATensorWithoutElementsIsNotCopiedToTheHost) {
  const Tensor meta = Tensor::empty({kTooMany}, DType::float32, kMeta);
  expect_throw_with<DeviceError>([&] { static_cast<void>(meta.to_vector<float>()); },
                                 "no elements");
}

}  // namespace
}  // namespace wick
