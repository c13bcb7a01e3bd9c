// SPDX-License-Identifier: MIT
#include "wick/core/dtype.h"

#include <set>
#include <type_traits>

#include <gtest/gtest.h>

#include "tests/support.h"

namespace wick {
namespace {

using testing::expect_throw_with;

TEST(DType, NamesArePyTorchsAndComeBack) {
  const std::vector<std::string_view> names = {"float32",
                                               "float64",
                                               "float16",
                                               "bfloat16",
                                               "float8_e4m3fn",
                                               "float8_e5m2",
                                               "float8_e4m3fnuz",
                                               "float8_e5m2fnuz",
                                               "float8_e8m0fnu",
                                               "uint8",
                                               "int8",
                                               "int16",
                                               "int32",
                                               "int64",
                                               "uint16",
                                               "uint32",
                                               "uint64",
                                               "bool",
                                               "complex32",
                                               "complex64",
                                               "complex128",
                                               "int1",
                                               "int2",
                                               "int3",
                                               "int4",
                                               "int5",
                                               "int6",
                                               "int7",
                                               "uint1",
                                               "uint2",
                                               "uint3",
                                               "uint4",
                                               "uint5",
                                               "uint6",
                                               "uint7",
                                               "bits1x8",
                                               "bits2x4",
                                               "bits4x2",
                                               "bits8",
                                               "bits16",
                                               "float4_e2m1fn_x2",
                                               "bcomplex32"};
  ASSERT_EQ(names.size(), static_cast<std::size_t>(kDTypeCount));
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(name(dtype), names[i]);
    EXPECT_EQ(dtype_from_name(names[i]), dtype);
    EXPECT_EQ(concat(dtype), names[i]);
  }
  EXPECT_EQ(dtype_from_name("torch.float32"), std::nullopt);
  EXPECT_EQ(dtype_from_name("float"), std::nullopt);
  EXPECT_EQ(dtype_from_name(""), std::nullopt);
}

TEST(DType, SizesAndTypesAgree) {
  for (int i = 0; i < kNumberDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    visit(dtype, [dtype]<typename T>(TypeTag<T>) {
      EXPECT_EQ(size_of(dtype), sizeof(T)) << dtype;
      EXPECT_EQ(dtype_of<T>, dtype);
    });
  }
}

TEST(DType, Kinds) {
  int floats = 0;
  int complexes = 0;
  int opaque = 0;
  for (int i = 0; i < kDTypeCount; ++i) {
    floats += is_floating_point(static_cast<DType>(i)) ? 1 : 0;
    complexes += is_complex(static_cast<DType>(i)) ? 1 : 0;
    opaque += is_opaque(static_cast<DType>(i)) ? 1 : 0;
  }
  EXPECT_EQ(floats, 9);
  EXPECT_EQ(complexes, 3);
  EXPECT_EQ(opaque, kDTypeCount - kNumberDTypeCount);
  EXPECT_TRUE(is_floating_point(DType::float8_e8m0fnu));
  EXPECT_FALSE(is_floating_point(DType::uint8));
  EXPECT_FALSE(is_complex(DType::boolean));
  EXPECT_TRUE(is_complex(DType::complex32));
}

TEST(DType, OpaqueOnesHaveASizeButNoNumbers) {
  for (int i = 0; i < kDTypeCount; ++i) {
    const auto dtype = static_cast<DType>(i);
    EXPECT_EQ(is_opaque(dtype), i >= kNumberDTypeCount) << dtype;
    if (!is_opaque(dtype)) {
      EXPECT_NO_THROW(require_numbers(dtype, "f"));
      continue;
    }
    const std::size_t size = dtype == DType::bcomplex32 ? 4 : dtype == DType::bits16 ? 2 : 1;
    EXPECT_EQ(size_of(dtype), size) << dtype;
    expect_throw_with<DTypeError>([&] { visit(dtype, [](auto) {}); }, concat(dtype));
    expect_throw_with<DTypeError>([&] { require_numbers(dtype, "f"); },
                                  concat("f: ", dtype, " is carried as bytes only"));
    expect_throw_with<DTypeError>([&] { visit_arithmetic(dtype, "f", [](auto) {}); },
                                  concat(dtype));
  }
}

TEST(DType, VisitRefusesUnknownCodes) {
  expect_throw_with<DTypeError>([] { visit(static_cast<DType>(99), [](auto) {}); }, "99");
}

TEST(DType, ArithmeticIsForFloat32AndFloat64) {
  EXPECT_TRUE(visit_arithmetic(DType::float32, "f",
                               []<typename T>(TypeTag<T>) { return std::is_same_v<T, float>; }));
  EXPECT_TRUE(visit_arithmetic(DType::float64, "f",
                               []<typename T>(TypeTag<T>) { return std::is_same_v<T, double>; }));
  expect_throw_with<DTypeError>([] { visit_arithmetic(DType::float16, "matmul", [](auto) {}); },
                                "matmul: computes in float32 and float64, got float16");
}

}  // namespace
}  // namespace wick
