// SPDX-License-Identifier: MIT
// Tensors over memory of others.
#include <array>
#include <memory>
#include <span>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/ops_arithmetic.h"
#include "wick/core/random.h"
#include "wick/core/state_dict.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

using testing::expect_throw_with;
using Floats = std::vector<float>;

TEST(FromBlob, SharesTheMemoryBothWays) {
  Floats values{1, 2, 3, 4, 5, 6};
  const Tensor tensor = Tensor::from_blob(values.data(), {2, 3});
  EXPECT_EQ(tensor.raw(), values.data());
  EXPECT_EQ(tensor.shape(), (Dims{2, 3}));
  EXPECT_EQ(tensor.dtype(), DType::float32);
  EXPECT_FALSE(tensor.storage()->is_read_only());
  values[4] = 50;
  EXPECT_EQ(tensor.at<float>({1, 1}), 50.0F);
  tensor[0].fill_(9.0);
  EXPECT_EQ(values, (Floats{9, 9, 9, 4, 50, 6}));
}

TEST(FromBlob, TakesEveryTypeOrADType) {
  std::array<std::int64_t, 2> integers{7, -8};
  EXPECT_EQ(Tensor::from_blob(integers.data(), {2}).at<std::int64_t>({1}), -8);
  std::array<bool, 2> flags{true, false};
  EXPECT_EQ(Tensor::from_blob(flags.data(), {2}).dtype(), DType::boolean);
  void* const bytes = integers.data();
  EXPECT_EQ(Tensor::from_blob(bytes, {4}, DType::int32).numel(), 4);
  const void* const fixed = integers.data();
  EXPECT_TRUE(Tensor::from_blob(fixed, {4}, DType::int32).storage()->is_read_only());
}

// torch.as_strided of the same memory.
TEST(FromBlob, TakesStrides) {
  Floats values{0, 1, 2, 3, 4, 5};
  const Tensor columns = Tensor::from_blob(values.data(), {3, 2}, {.strides = Dims{1, 3}});
  EXPECT_EQ(columns.to_vector<float>(), (Floats{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(columns.storage()->bytes(), 24U);
  const Tensor padded = Tensor::from_blob(values.data(), {2, 2}, {.strides = Dims{4, 1}});
  EXPECT_EQ(padded.to_vector<float>(), (Floats{0, 1, 4, 5}));
}

TEST(FromBlob, CallsTheDeleterOnceWhenTheLastTensorGoes) {
  auto values = std::make_shared<Floats>(4, 1.0F);
  std::vector<void*> deleted;
  {
    Tensor view;
    {
      const Tensor tensor = Tensor::from_blob(
          values->data(), {4}, {.deleter = [&](void* data) { deleted.push_back(data); }});
      view = tensor.slice(0, 2);
    }
    EXPECT_TRUE(deleted.empty());
  }
  EXPECT_EQ(deleted, std::vector<void*>{values->data()});
}

TEST(FromBlob, LeavesTheMemoryToTheCallerWhereItThrows) {
  Floats values(4);
  int calls = 0;
  const BlobOptions options{.deleter = [&](void*) { ++calls; }};
  expect_throw_with<ShapeError>(
      [&] { static_cast<void>(Tensor::from_blob(values.data(), {-1}, options)); }, "[-1]");
  expect_throw_with<ShapeError>(
      [&] { static_cast<void>(Tensor::from_blob(std::span(values), {5}, options)); },
      "reaches to element 5 of a span of 4");
  expect_throw_with<ValueError>(
      [&] { static_cast<void>(Tensor::from_blob(static_cast<float*>(nullptr), {2}, options)); },
      "the address of 2 elements is null");
  expect_throw_with<ShapeError>(
      [&] {
        static_cast<void>(Tensor::from_blob(values.data(), {2, 2}, {.strides = Dims{1}}));
      },
      "different numbers");
  expect_throw_with<ShapeError>(
      [&] { static_cast<void>(Tensor::from_blob(values.data(), {2}, {.strides = Dims{-1}})); },
      "negative stride");
  expect_throw_with<ShapeError>(
      [&] {
        static_cast<void>(Tensor::from_blob(values.data(), {2}, {.strides = Dims{INT64_MAX / 2}}));
      },
      "overflow");
  EXPECT_EQ(calls, 0);
}

TEST(FromBlob, MayBeEmpty) {
  EXPECT_EQ(Tensor::from_blob(static_cast<float*>(nullptr), {0}).numel(), 0);
  EXPECT_EQ(Tensor::from_blob(std::span<float>()).shape(), Dims{0});
}

TEST(FromBlob, TakesSpans) {
  Floats values{1, 2, 3, 4};
  const Tensor all = Tensor::from_blob(std::span(values));
  EXPECT_EQ(all.shape(), Dims{4});
  all.fill_(2.0);
  EXPECT_EQ(values, Floats(4, 2.0F));
  EXPECT_EQ(Tensor::from_blob(std::span(values).subspan(1), {3, 1}).numel(), 3);
  std::array<double, 2> two{1, 2};
  EXPECT_EQ(Tensor::from_blob(std::span(two), {2}).at<double>({1}), 2.0);
  EXPECT_TRUE(Tensor::from_blob(std::span<const float>(values)).storage()->is_read_only());
}

// Every way of wick's to write refuses; reading and copies are as ever.
TEST(FromBlob, ConstMemoryIsNotWrittenTo) {
  const Floats values{1, 2, 3, 4};
  const Tensor tensor = Tensor::from_blob(values.data(), {4});
  const auto refuse = [](auto&& call) { expect_throw_with<ValueError>(call, "read-only"); };
  Generator generator(1);
  refuse([&] { tensor.fill_(0.0); });
  refuse([&] { tensor.zero_(); });
  refuse([&] { tensor.slice(0, 1).zero_(); });
  refuse([&] { tensor.view({2, 2}).transpose(0, 1).zero_(); });
  refuse([&] { tensor.copy_(Tensor::zeros({4})); });
  refuse([&] { tensor.uniform_(0.0, 1.0, generator); });
  refuse([&] { tensor.normal_(0.0, 1.0, generator); });
  refuse([&] { ops::add_(tensor, Tensor::ones({4})); });
  refuse([&] { ops::add(Tensor::ones({4}), Tensor::ones({4}), tensor); });
  EXPECT_EQ(values, (Floats{1, 2, 3, 4}));
  EXPECT_EQ(ops::add(tensor, tensor).to_vector<float>(), (Floats{2, 4, 6, 8}));
  const Tensor copy = tensor.clone();
  copy.fill_(7.0);
  EXPECT_EQ(copy.at<float>({0}), 7.0F);
  EXPECT_EQ(generator.random(), Generator(1).random()) << "nothing was drawn";
}

TEST(FromBlob, IsForOtherDevicesToo) {
  const Tensor meta = Tensor::from_blob(static_cast<float*>(nullptr), {2, 3}, {.device = kMeta});
  EXPECT_EQ(meta.device(), kMeta);
  EXPECT_EQ(meta.shape(), (Dims{2, 3}));
}

// A state dictionary is not loaded in part because a later tensor cannot be written to.
TEST(FromBlob, ATensorInReadOnlyMemoryDoesNotFitAnyCheckpoint) {
  const std::vector<float> values = {1, 2, 3};
  const Tensor fixed = Tensor::from_blob(values.data(), {3});
  const std::string misfit = describe_misfit("fc.weight", Tensor::zeros({3}), fixed);
  EXPECT_NE(misfit.find("\"fc.weight\": the model's tensor lies in read-only memory"),
            std::string::npos);
  EXPECT_EQ(describe_misfit("fc.weight", fixed, Tensor::zeros({3})), "");
}

}  // namespace
}  // namespace wick
