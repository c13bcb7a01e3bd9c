// SPDX-License-Identifier: MIT
// Synthetic digits: the same for the same seed, balanced, varied.
#include "tools/data/synthetic.h"

#include <algorithm>
#include <array>
#include <string>
#include <unordered_set>
#include <vector>

#include <gmock/gmock.h>

#include "tests/support.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

using wick::testing::expect_throw_with;

TEST(Synthetic, IsTheSameForTheSameSeed) {
  const Dataset a = synthetic_digits(200, 5);
  const Dataset b = synthetic_digits(200, 5);
  EXPECT_TRUE(bitwise_equal(a.images, b.images));
  EXPECT_TRUE(bitwise_equal(a.labels, b.labels));
  const Dataset c = synthetic_digits(200, 6);
  EXPECT_FALSE(bitwise_equal(a.images, c.images));
  EXPECT_FALSE(bitwise_equal(a.labels, c.labels));
}

TEST(Synthetic, TestPartIsOfAnotherSeed) {
  const DataSplit split = synthetic_split({.train_count = 100, .test_count = 100, .seed = 1});
  EXPECT_FALSE(bitwise_equal(split.train.images, split.test.images));
  EXPECT_EQ(split.train.images.shape(), (Dims{100, 1, 28, 28}));
  EXPECT_EQ(split.train.class_names.size(), 10U);
}

TEST(Synthetic, IsBalancedAndShuffled) {
  const std::vector<std::int64_t> labels =
      synthetic_digits(1003, 1).labels.to_vector<std::int64_t>();
  std::array<int, 10> counts{};
  for (const std::int64_t label : labels) ++counts.at(static_cast<std::size_t>(label));
  for (const int count : counts) EXPECT_TRUE(count == 100 || count == 101) << count;
  EXPECT_FALSE(std::is_sorted(labels.begin(), labels.end()));
  EXPECT_NE(std::vector<std::int64_t>(labels.begin(), labels.begin() + 10),
            (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
}

TEST(Synthetic, NoTwoImagesAreEqualAndAllHaveInk) {
  const Dataset digits = synthetic_digits(2000, 2);
  std::unordered_set<std::string> seen;
  for (std::int64_t i = 0; i < digits.size(); ++i) {
    const std::vector<std::uint8_t> image = digits.images[i].to_vector<std::uint8_t>();
    const auto dark = std::count_if(image.begin(), image.end(), [](auto x) { return x > 100; });
    EXPECT_GE(dark, 10) << i;
    EXPECT_LE(dark, 400) << i;
    seen.emplace(image.begin(), image.end());
  }
  EXPECT_EQ(seen.size(), 2000U);
}

// A digit written by different hands is more like itself than like another digit: the mean image
// of each class recognises well over half of unseen images. And not nearly all of them: strokes
// that always lay in the same place would be no test of a network.
TEST(Synthetic, ClassesDifferButNotTrivially) {
  const Dataset train = synthetic_digits(2000, 3);
  const Dataset test = synthetic_digits(1000, 4);
  std::array<std::array<double, 784>, 10> means{};
  const auto* const pixels = train.images.data<std::uint8_t>();
  for (std::int64_t i = 0; i < train.size(); ++i) {
    auto& mean = means.at(static_cast<std::size_t>(train.labels.data<std::int64_t>()[i]));
    for (std::size_t p = 0; p < 784; ++p) {
      mean[p] += pixels[static_cast<std::size_t>(i) * 784 + p] / 200.0;
    }
  }
  int hits = 0;
  const auto* const unseen = test.images.data<std::uint8_t>();
  for (std::int64_t i = 0; i < test.size(); ++i) {
    std::array<double, 10> distance{};
    for (std::size_t c = 0; c < 10; ++c) {
      for (std::size_t p = 0; p < 784; ++p) {
        const double d = unseen[static_cast<std::size_t>(i) * 784 + p] - means[c][p];
        distance[c] += d * d;
      }
    }
    const auto nearest = std::min_element(distance.begin(), distance.end()) - distance.begin();
    hits += nearest == test.labels.data<std::int64_t>()[i] ? 1 : 0;
  }
  EXPECT_GT(hits, 600);
  EXPECT_LT(hits, 950);
}

TEST(Synthetic, TakesNoneAndRefusesLess) {
  EXPECT_EQ(synthetic_digits(0, 1).size(), 0);
  expect_throw_with<ValueError>([] { (void)synthetic_digits(-1, 1); }, "-1");
}

}  // namespace
}  // namespace wick::tools
