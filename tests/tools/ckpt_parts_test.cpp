// SPDX-License-Identifier: MIT
// Parts of the program ckpt that only numbers can check: statistics, figures, paths.
#include <cmath>
#include <limits>
#include <memory>
#include <sstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support.h"
#include "tools/cli/ckpt_commands.h"
#include "tools/cli/ckpt_path.h"
#include "tools/cli/ckpt_statistics.h"
#include "tools/cli/ckpt_text.h"
#include "wick/core/value.h"
#include "wick/serialize/checkpoint.h"

namespace wick::testing {
namespace {

using tools::difference_of;
using tools::statistics_of;

TEST(CkptStatistics, CountsWhatIsNotFinite) {
  constexpr float kInf = std::numeric_limits<float>::infinity();
  const auto result =
      statistics_of(Tensor::from({kInf, -kInf, std::nanf(""), 1.F, 3.F, 0.F, -0.F}));
  EXPECT_EQ(result.infinities, 2);
  EXPECT_EQ(result.nans, 1);
  EXPECT_EQ(result.finite, 4);
  EXPECT_EQ(result.zeros, 2);
  EXPECT_EQ(result.mean, 1);
  EXPECT_NEAR(result.deviation, std::sqrt(2.0), 1e-12);
  EXPECT_EQ(result.histogram.front(), 2);
  EXPECT_EQ(result.histogram.back(), 1);
}

TEST(CkptStatistics, ExtremesOfIntegersAreExact) {
  const auto low = std::numeric_limits<std::int64_t>::min();
  const auto result = statistics_of(Tensor::from({low, low + 1, INT64_MAX - 1}));
  EXPECT_EQ(result.minimum, "-9223372036854775808");
  EXPECT_EQ(result.maximum, "9223372036854775806");
  EXPECT_EQ(statistics_of(Tensor::from({UINT64_MAX})).maximum, "18446744073709551615");
}

TEST(CkptStatistics, LargeAndStridedTensors) {
  // Longer than the pieces in which it is read, and transposed.
  const Tensor tensor = Tensor::arange(600'000, DType::float64).view({600, 1000}).transpose(0, 1);
  const auto result = statistics_of(tensor);
  EXPECT_EQ(result.finite, 600'000);
  EXPECT_EQ(result.mean, 299'999.5);
  std::array<std::int64_t, tools::Statistics::kBins> even{};
  even.fill(10'000);
  EXPECT_EQ(result.histogram, even);
  EXPECT_EQ(tools::first_elements(tensor, 3), (std::vector<std::string>{"0", "1000", "2000"}));
}

TEST(CkptStatistics, EveryDtype) {
  for (int i = 0; i < kNumberDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    const auto result = statistics_of(Tensor::ones({3}, dtype));
    EXPECT_EQ(result.mean, 1) << dtype;
    EXPECT_EQ(result.deviation, 0) << dtype;
    EXPECT_EQ(statistics_of(Tensor::zeros({0, 2}, dtype)).count, 0) << dtype;
  }
}

TEST(CkptStatistics, OpaqueDtypesHaveNone) {
  const Tensor bits = Tensor::zeros({3}, DType::bits8);
  EXPECT_THROW(static_cast<void>(statistics_of(bits)), DTypeError);
  EXPECT_THROW(static_cast<void>(tools::first_elements(bits, 1)), DTypeError);
  EXPECT_TRUE(difference_of(bits, bits.clone(), 0, 0).same_bits);
  EXPECT_THROW(static_cast<void>(difference_of(bits, Tensor::zeros({3}, DType::uint8), 0, 0)),
               DTypeError);
}

TEST(CkptStatistics, Differences) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const Tensor a = Tensor::from({1.0, 2.0, 0.0, kNan});
  auto result = difference_of(a, Tensor::from({1.5, 2.0, -0.0, kNan}), 0, 0);
  EXPECT_EQ(result.differing, 1);
  EXPECT_FALSE(result.same_bits);
  EXPECT_EQ(result.largest_absolute, 0.5);
  EXPECT_DOUBLE_EQ(result.largest_relative, 0.5 / 1.5);
  result = difference_of(a, Tensor::from({1.0, 2.0, -0.0, kNan}), 0, 0);
  EXPECT_EQ(result.differing, 0);
  EXPECT_FALSE(result.same_bits);
  EXPECT_TRUE(
      std::isinf(difference_of(a, Tensor::from({1.0, kNan, 0.0, kNan}), 1, 1).largest_absolute));
  // float64 cannot tell these apart.
  const Tensor big = Tensor::from({std::int64_t{1} << 62});
  EXPECT_EQ(difference_of(big, Tensor::from({(std::int64_t{1} << 62) + 3}), 0, 0).largest_absolute,
            3);
  EXPECT_EQ(difference_of(Tensor::from({UINT64_MAX}), Tensor::from({std::uint64_t{0}}), 0, 0)
                .largest_absolute,
            18446744073709551615.0);
}

// A tensor with a tensor among its attributes, as libraries keep scales beside weights, and a state
// dictionary with one among its own.
Value with_attributes() {
  Value weight = Tensor::ones({2});
  weight.as_tensor_object().attributes =
      std::make_shared<Dict>(Dict{{"scale", Tensor::from({0.5F, 2.F})}});
  Dict state(Dict::Type::ordered_dict);
  state.set("weight", weight);
  state.set_attributes(std::make_shared<Dict>(Dict{{"_metadata", Tensor::from({3.F})}}));
  return state;
}

TEST(CkptConvert, TensorsInAttributesKeepTheirElements) {
  const TempDir dir;
  save(with_attributes(), dir / "a.pt");
  std::ostringstream out;
  tools::ConvertOptions options;
  options.in = dir / "a.pt";
  options.out = dir / "b.pt";
  ASSERT_EQ(tools::convert(options, out), 0);
  EXPECT_EQ(load(dir / "b.pt"), with_attributes());
  const Value state = load(dir / "b.pt");
  const Value& weight = state.at("weight");
  EXPECT_EQ(*weight.as_tensor_object().attributes->find("scale"), Tensor::from({0.5F, 2.F}));
  EXPECT_EQ(*state.as_dict().attributes()->find("_metadata"), Tensor::from({3.F}));
}

TEST(CkptText, Formats) {
  EXPECT_EQ(tools::format_bytes(0), "0 B");
  EXPECT_EQ(tools::format_bytes(1023), "1023 B");
  EXPECT_EQ(tools::format_bytes(1024), "1.00 KiB");
  EXPECT_EQ(tools::format_bytes(1024 * 1024 - 1), "1.00 MiB");
  EXPECT_EQ(tools::format_bytes(UINT64_MAX), "16.0 EiB");
  EXPECT_EQ(tools::format_count(0), "0");
  EXPECT_EQ(tools::format_count(999), "999");
  EXPECT_EQ(tools::format_count(1'234'567), "1,234,567");
  EXPECT_EQ(tools::format_count(1, "tensor"), "1 tensor");
  EXPECT_EQ(tools::plain_name("a b"), "a b");
  EXPECT_EQ(tools::plain_name("a\nb"), "\"a\\nb\"");
  EXPECT_EQ(tools::describe_scalar(Value(0.1)), "0.1");
  EXPECT_EQ(tools::describe_scalar(Value(1.0)), "1.0");
  EXPECT_EQ(tools::describe_scalar(Value(1e300)), "1e+300");
}

TEST(CkptPath, FindsPartsWhoseKeysHaveDots) {
  const Value root = Dict{{"a", Dict{{"b.c", 1}, {"b", Dict{{"d", 2}}}}}, {7, List{{3, 4}}}};
  EXPECT_EQ(tools::find_part(root, "a.b.c")->as_int(), 1);
  EXPECT_EQ(tools::find_part(root, "a.b.d")->as_int(), 2);
  EXPECT_EQ(tools::find_part(root, "7.1")->as_int(), 4);
  EXPECT_EQ(tools::find_part(root, "")->identity(), root.identity());
  for (const char* const name : {"a.b.e", "b", "7.2", "a.", ".a", "a.b.c."}) {
    EXPECT_FALSE(tools::find_part(root, name)) << name;
  }
}

TEST(CkptPath, Patterns) {
  EXPECT_TRUE(tools::matches("fc1.weight", "fc1"));
  EXPECT_FALSE(tools::matches("fc10.weight", "fc1"));
  EXPECT_TRUE(tools::matches("fc10.weight", "fc*.weight"));
  EXPECT_TRUE(tools::matches("a", "?"));
  EXPECT_FALSE(tools::matches("", "?"));
  EXPECT_TRUE(tools::matches("", "*"));
  EXPECT_TRUE(tools::matches("abab", "*ab"));
  EXPECT_FALSE(tools::matches(std::string(5000, 'a'), std::string(50, '*') + "b"));
}

}  // namespace
}  // namespace wick::testing
