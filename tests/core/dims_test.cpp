// SPDX-License-Identifier: MIT
#include "wick/core/dims.h"

#include <numeric>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using testing::expect_throw_with;

constexpr std::int64_t kHuge = std::int64_t{1} << 62;

Dims counted(std::size_t count) {
  Dims dims(count, 0);
  std::iota(dims.begin(), dims.end(), 0);
  return dims;
}

std::vector<std::int64_t> listed(const Dims& dims) {
  return {dims.begin(), dims.end()};
}

TEST(Dims, HoldsAnyNumberOfThem) {
  for (std::size_t count = 0; count < 12; ++count) {
    const Dims dims = counted(count);
    EXPECT_EQ(dims.size(), count);
    EXPECT_EQ(dims.empty(), count == 0);
    for (std::size_t i = 0; i < count; ++i) EXPECT_EQ(dims[i], static_cast<std::int64_t>(i));
    EXPECT_EQ(dims, Dims(std::span<const std::int64_t>(listed(dims))));
    if (count > 0) {
      EXPECT_EQ(dims.back(), static_cast<std::int64_t>(count) - 1);
    }
  }
  EXPECT_EQ(Dims({3, 4}), Dims(std::span<const std::int64_t>(listed({3, 4}))));
  EXPECT_EQ(Dims(std::size_t{8}, 5), Dims({5, 5, 5, 5, 5, 5, 5, 5}));
}

TEST(Dims, InsertsAndErasesLikeAVectorAcrossTheInlineLimit) {
  for (std::size_t count = 0; count < 10; ++count) {
    for (std::size_t at = 0; at <= count; ++at) {
      std::vector<std::int64_t> expected = listed(counted(count));
      Dims dims = counted(count);
      dims.insert(at, 99);
      expected.insert(expected.begin() + static_cast<std::ptrdiff_t>(at), 99);
      EXPECT_EQ(listed(dims), expected);
      dims.push_back(77);
      expected.push_back(77);
      EXPECT_EQ(listed(dims), expected);
      while (!dims.empty()) {
        const std::size_t place = at % dims.size();
        dims.erase(place);
        expected.erase(expected.begin() + static_cast<std::ptrdiff_t>(place));
        EXPECT_EQ(listed(dims), expected);
      }
    }
  }
}

TEST(Dims, CopiesAreIndependent) {
  for (const std::size_t count : {std::size_t{3}, std::size_t{9}}) {
    const Dims original = counted(count);
    Dims copy = original;
    copy[0] = 42;
    EXPECT_EQ(original[0], 0);
    EXPECT_FALSE(copy == original);
    Dims moved = std::move(copy);
    EXPECT_EQ(moved[0], 42);
    copy = moved;
    EXPECT_EQ(copy, moved);
  }
}

TEST(Dims, ComparesSizesAndValues) {
  EXPECT_FALSE(Dims({1, 2}) == Dims({1, 2, 3}));
  EXPECT_FALSE(Dims({1, 2}) == Dims({2, 1}));
  EXPECT_EQ(Dims(), Dims({}));
}

TEST(Dims, Prints) {
  EXPECT_EQ(concat(Dims({2, 3})), "[2, 3]");
  EXPECT_EQ(concat(Dims()), "[]");
}

TEST(ElementCount, MultipliesAndChecks) {
  EXPECT_EQ(element_count(Dims()), 1);
  EXPECT_EQ(element_count(Dims{2, 3, 4}), 24);
  EXPECT_EQ(element_count(Dims{2, 0, 4}), 0);
  expect_throw_with<ShapeError>([] { (void)element_count(Dims{2, -3}); }, "[2, -3]");
  expect_throw_with<ShapeError>([] { (void)element_count(Dims{0, -3}); }, "negative");
  expect_throw_with<ShapeError>([] { (void)element_count(Dims{kHuge, 2}); }, "overflow");
  EXPECT_EQ(element_count(Dims{kHuge, 1}), kHuge);
}

TEST(ContiguousStrides, AreRowMajor) {
  EXPECT_EQ(contiguous_strides(Dims{2, 3, 4}), (Dims{12, 4, 1}));
  EXPECT_EQ(contiguous_strides(Dims{2, 0, 4}), (Dims{4, 4, 1})) << "as torch.empty(2, 0, 4)";
  EXPECT_EQ(contiguous_strides(Dims()), Dims());
  EXPECT_EQ(contiguous_strides(Dims{5}), Dims{1});
  expect_throw_with<ShapeError>([] { (void)contiguous_strides(Dims{0, kHuge, 4, 2}); }, "overflow");
}

TEST(IsContiguous, FollowsPyTorch) {
  EXPECT_TRUE(is_contiguous(Dims{2, 3}, Dims{3, 1}));
  EXPECT_FALSE(is_contiguous(Dims{2, 3}, Dims{1, 2}));
  EXPECT_FALSE(is_contiguous(Dims{2, 3}, Dims{4, 1}));
  EXPECT_TRUE(is_contiguous(Dims{2, 1, 3}, Dims{3, 77, 1})) << "strides of size 1 do not matter";
  EXPECT_TRUE(is_contiguous(Dims{0, 3}, Dims{1, 9})) << "nothing to lie in order";
  EXPECT_TRUE(is_contiguous(Dims(), Dims()));
  EXPECT_FALSE(is_contiguous(Dims{3}, Dims{0}));
}

TEST(LayoutExtent, IsOnePastTheLastElement) {
  EXPECT_EQ(layout_extent(Dims{2, 3}, Dims{3, 1}), 6);
  EXPECT_EQ(layout_extent(Dims{2, 3}, Dims{10, 2}), 15);
  EXPECT_EQ(layout_extent(Dims{4}, Dims{0}), 1);
  EXPECT_EQ(layout_extent(Dims{}, Dims{}), 1);
  EXPECT_EQ(layout_extent(Dims{2, 0}, Dims{100, 1}), 0);
}

TEST(LayoutExtent, RefusesWhatIsNoLayout) {
  expect_throw_with<ShapeError>([] { (void)layout_extent(Dims{2, 3}, Dims{1}); }, "[2, 3]");
  expect_throw_with<ShapeError>([] { (void)layout_extent(Dims{2}, Dims{-1}); }, "negative");
  expect_throw_with<ShapeError>([] { (void)layout_extent(Dims{-2}, Dims{1}); }, "negative");
  expect_throw_with<ShapeError>([] { (void)layout_extent(Dims{3}, Dims{kHuge}); }, "overflow");
  expect_throw_with<ShapeError>(
      [] {
        (void)layout_extent(Dims{2, 2}, Dims{kHuge, kHuge});
      },
      "overflow");
  expect_throw_with<ShapeError>([] { (void)layout_extent(Dims{2}, Dims{INT64_MAX}); }, "overflow");
}

TEST(WrapDim, CountsFromEitherEnd) {
  EXPECT_EQ(wrap_dim(0, 3, "f"), 0U);
  EXPECT_EQ(wrap_dim(2, 3, "f"), 2U);
  EXPECT_EQ(wrap_dim(-1, 3, "f"), 2U);
  EXPECT_EQ(wrap_dim(-3, 3, "f"), 0U);
  expect_throw_with<IndexError>([] { (void)wrap_dim(3, 3, "Tensor::size"); }, "Tensor::size");
  expect_throw_with<IndexError>([] { (void)wrap_dim(-4, 3, "f"); }, "-4");
  expect_throw_with<IndexError>([] { (void)wrap_dim(0, 0, "f"); }, "0 dimension");
}

}  // namespace
}  // namespace wick
