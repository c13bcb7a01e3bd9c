// SPDX-License-Identifier: MIT
// Tensors without elements: nothing of them is outside their storage, wherever they begin. The
// offsets are PyTorch's: `torch.zeros(3, 4)[3:, 2:].storage_offset()` is 14.
#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

using testing::expect_throw_with;

constexpr std::int64_t kHuge = std::int64_t{1} << 62;

TEST(EmptyView, MayBeginBehindItsStorage) {
  const Tensor x = Tensor::zeros({3, 4});
  EXPECT_EQ(x.slice(0, 3).slice(1, 2).offset(), 14);
  EXPECT_EQ(x.slice(0, 3).offset(), 12);
  EXPECT_EQ(x.slice(0, 1, 1).slice(1, 3).offset(), 7);
  EXPECT_EQ(x.slice(0, 5).slice(1, 2).offset(), 14);
  EXPECT_EQ(Tensor::zeros({0, 4}).slice(1, 2).offset(), 2);
  EXPECT_EQ(Tensor::zeros({2, 3, 4}).slice(0, 2).slice(1, 3).slice(2, 1).offset(), 37);
  EXPECT_EQ(x.slice(0, 3).select(1, 1).offset(), 13);
  const Tensor batch = Tensor::zeros({8, 4}).slice(0, 8, 16).slice(1, 2);  // the last, empty one
  EXPECT_EQ(batch.shape(), (Dims{0, 2}));
  EXPECT_EQ(batch.offset(), 34);
  EXPECT_EQ(x.as_strided({0, 2}, {4, 1}, 100).offset(), 100);
  EXPECT_EQ(x.as_strided({2, 0}, {kHuge, kHuge}, kHuge).offset(), kHuge);
}

TEST(EmptyView, CanBeUsedLikeAnyOther) {
  const Tensor x = Tensor::ones({3, 4});
  Tensor empty = x.slice(0, 3).slice(1, 2);
  EXPECT_TRUE(empty.is_contiguous());
  EXPECT_EQ(empty.clone().shape(), (Dims{0, 2}));
  EXPECT_TRUE(empty.to_vector<float>().empty());
  EXPECT_EQ(empty.to(DType::int64).shape(), (Dims{0, 2}));
  EXPECT_EQ(empty.transpose(0, 1).reshape({0}).shape(), (Dims{0}));
  EXPECT_EQ(empty.unsqueeze(0).shape(), (Dims{1, 0, 2}));
  EXPECT_EQ(empty.to(kMeta).shape(), (Dims{0, 2}));
  empty.fill_(3);
  empty.zero_();
  empty.copy_(Tensor::zeros({0, 2}));
  EXPECT_TRUE(bitwise_equal(empty, Tensor::zeros({0, 2})));
  EXPECT_EQ(x.to_vector<float>(), std::vector<float>(12, 1.0F));
  EXPECT_EQ(x.as_strided({2, 0}, {kHuge, kHuge}, kHuge).unsqueeze(0).dim(), 3);
}

TEST(EmptyView, OffsetsAreCheckedForWhatIsNoNumberOfElements) {
  const Tensor x = Tensor::zeros({3, 4});
  expect_throw_with<ShapeError>([&] { static_cast<void>(x.as_strided({0}, {1}, -1)); }, "-1");
  expect_throw_with<ShapeError>([&] { static_cast<void>(x.as_strided({1}, {1}, 12)); }, "outside");
  expect_throw_with<ShapeError>([&] { static_cast<void>(x.as_strided({2}, {1}, 11)); }, "outside");
  EXPECT_EQ(x.as_strided({1}, {1}, 11).numel(), 1);
  const Tensor far = x.as_strided({3, 0}, {kHuge, 1}, kHuge);
  expect_throw_with<ShapeError>([&] { static_cast<void>(far.slice(0, 2)); }, "overflow");
  expect_throw_with<ShapeError>([&] { static_cast<void>(far.select(0, 1)); }, "overflow");
}

TEST(EmptyView, OnMetaToo) {
  const Tensor x = Tensor::empty({3, 4}, DType::float32, kMeta);
  EXPECT_EQ(x.slice(0, 3).slice(1, 2).offset(), 14);
}

}  // namespace
}  // namespace wick
