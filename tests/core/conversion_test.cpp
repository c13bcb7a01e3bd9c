// SPDX-License-Identifier: MIT
// Tensor::to between all pairs of dtypes, against PyTorch.
#include <cmath>
#include <cstring>

#include <gtest/gtest.h>

#include "tests/core/fixture.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

Tensor from_bytes(std::string_view bytes, DType dtype) {
  Tensor result = Tensor::empty({static_cast<std::int64_t>(bytes.size() / size_of(dtype))}, dtype);
  std::memcpy(result.raw(), bytes.data(), bytes.size());
  return result;
}

// Equal bits, or both NaN (whose payloads are nobody's contract), part by part for complex.
template <typename T>
bool same(T a, T b) {
  if constexpr (requires { a.real(); }) {
    return same(a.real(), b.real()) && same(a.imag(), b.imag());
  } else if constexpr (std::is_same_v<T, complex32>) {
    return same(a.real, b.real) && same(a.imag, b.imag);
  } else if constexpr (requires { a.bits; }) {
    return a.bits == b.bits || (std::isnan(to_float(a)) && std::isnan(to_float(b)));
  } else if constexpr (std::is_floating_point_v<T>) {
    return std::memcmp(&a, &b, sizeof(T)) == 0 || (std::isnan(a) && std::isnan(b));
  } else {
    return std::memcmp(&a, &b, sizeof(T)) == 0;
  }
}

// NaN of a format that has only one becomes, in PyTorch, another integer than NaN of all others: 0,
// which its compiler is free to choose. wick knows one kind of NaN.
bool is_open_question(DType source, DType target, double value) {
  const bool one_nan = source == DType::float8_e4m3fnuz || source == DType::float8_e5m2fnuz ||
                       source == DType::float8_e8m0fnu;
  return one_nan && std::isnan(value) && !is_floating_point(target) && !is_complex(target) &&
         target != DType::boolean;
}

TEST(Conversion, AllPairsOfDTypesAsInPyTorch) {
  testing::FixtureReader fixture("conversions.bin");
  for (int s = 0; s < kNumberDTypeCount; ++s) {
    const auto source = static_cast<DType>(s);
    const auto count = fixture.take<std::uint32_t>();
    const Tensor values = from_bytes(fixture.take(count * size_of(source)), source);
    for (int t = 0; t < kNumberDTypeCount; ++t) {
      const auto target = static_cast<DType>(t);
      const Tensor expected = from_bytes(fixture.take(count * size_of(target)), target);
      const Tensor actual = values.to(target);
      ASSERT_EQ(actual.dtype(), target);
      ASSERT_EQ(actual.shape(), expected.shape());
      visit(target, [&]<typename T>(TypeTag<T>) {
        for (std::int64_t i = 0; i < values.numel(); ++i) {
          const double value = values.select(0, i).to(DType::float64).item<double>();
          if (is_open_question(source, target, value)) continue;
          EXPECT_TRUE(same(actual.data<T>()[i], expected.data<T>()[i]))
              << "element " << i << " (" << value << ") from " << source << " to " << target
              << ": got " << actual.select(0, i).to(DType::float64).item<double>() << ", PyTorch "
              << expected.select(0, i).to(DType::float64).item<double>();
        }
      });
    }
  }
  EXPECT_TRUE(fixture.at_end());
}

TEST(Conversion, OfStridedTensorsGoesElementByElement) {
  const Tensor matrix = Tensor::arange(12).view({3, 4}).transpose(0, 1);
  const Tensor floats = matrix.to(DType::float32);
  EXPECT_TRUE(floats.is_contiguous());
  EXPECT_EQ(floats.at<float>({3, 2}), 11.0F);
  EXPECT_EQ(floats.at<float>({1, 0}), 1.0F);
}

TEST(Conversion, ToTheSameDTypeSharesTheStorage) {
  const Tensor tensor = Tensor::arange(3);
  EXPECT_EQ(tensor.to(DType::int64).raw(), tensor.raw());
}

}  // namespace
}  // namespace wick
