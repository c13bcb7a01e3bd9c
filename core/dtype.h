// SPDX-License-Identifier: MIT
// The element types that a checkpoint can hold. All of them are carried bit for bit; arithmetic
// is done in float32 and float64 only. The opaque ones, which PyTorch itself hardly computes with,
// have a name and a size here, but no numbers.
#pragma once

#include <complex>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/core/error.h"
#include "wick/core/float_types.h"

namespace wick {

/// Names are PyTorch's: `name(DType::float32)` is "float32", as in `torch.float32`.
enum class DType : std::uint8_t {
  float32,
  float64,
  float16,
  bfloat16,
  float8_e4m3fn,
  float8_e5m2,
  float8_e4m3fnuz,
  float8_e5m2fnuz,
  float8_e8m0fnu,
  uint8,
  int8,
  int16,
  int32,
  int64,
  uint16,
  uint32,
  uint64,
  boolean,
  complex32,
  complex64,
  complex128,
  // The opaque ones, see is_opaque().
  int1,
  int2,
  int3,
  int4,
  int5,
  int6,
  int7,
  uint1,
  uint2,
  uint3,
  uint4,
  uint5,
  uint6,
  uint7,
  bits1x8,
  bits2x4,
  bits4x2,
  bits8,
  bits16,
  float4_e2m1fn_x2,
  bcomplex32,
};

/// Those with numbers, which come first; no opaque ones.
inline constexpr int kNumberDTypeCount = 21;
/// All of them.
inline constexpr int kDTypeCount = 42;

/// Two float16: the real and the imaginary part (torch.complex32).
struct complex32 {
  float16 real;
  float16 imag;
};

/// The word PyTorch prints after "torch.": "float32", "bool", ...
[[nodiscard]] WICK_API std::string_view name(DType dtype) noexcept;
/// The inverse of name(); empty where no dtype has that name. Takes no "torch." prefix.
[[nodiscard]] WICK_API std::optional<DType> dtype_from_name(std::string_view text) noexcept;
/// Bytes per element. As in PyTorch, an int4 takes a whole one, and float4_e2m1fn_x2 is two in one.
[[nodiscard]] WICK_API std::size_t size_of(DType dtype) noexcept;
/// float16/32/64, bfloat16 and the float8 kinds.
[[nodiscard]] WICK_API bool is_floating_point(DType dtype) noexcept;
/// complex32, complex64 and complex128.
[[nodiscard]] WICK_API bool is_complex(DType dtype) noexcept;
/// int1 to int7, uint1 to uint7, the bits kinds, float4_e2m1fn_x2 and bcomplex32: carried as bytes.
/// Tensors of them are viewed, copied, moved between devices, loaded and saved; what needs their
/// numbers (a conversion, fill_ with anything but 0, arithmetic) throws DTypeError. They are
/// neither floating point nor complex.
[[nodiscard]] constexpr bool is_opaque(DType dtype) noexcept {
  return dtype >= DType::int1 && dtype <= DType::bcomplex32;
}
/// Whether Tensor::copy_ goes from one to the other.
[[nodiscard]] constexpr bool is_convertible(DType from, DType to) noexcept {
  return from == to || !(is_opaque(from) || is_opaque(to));
}
/// Throws DTypeError that names `operation` and the dtype if it is opaque.
WICK_API void require_numbers(DType dtype, std::string_view operation);

WICK_API std::ostream& operator<<(std::ostream& out, DType dtype);

/// The DType of a C++ type: `dtype_of<float>` is DType::float32. No definition for other types.
template <typename T>
WICK_HIDDEN inline constexpr DType dtype_of = [] {
  static_assert(sizeof(T) == 0, "no wick::DType stands for this C++ type");
  return DType::float32;
}();
template <>
WICK_HIDDEN inline constexpr DType dtype_of<float> = DType::float32;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<double> = DType::float64;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<float16> = DType::float16;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<bfloat16> = DType::bfloat16;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<float8_e4m3fn> = DType::float8_e4m3fn;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<float8_e5m2> = DType::float8_e5m2;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<float8_e4m3fnuz> = DType::float8_e4m3fnuz;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<float8_e5m2fnuz> = DType::float8_e5m2fnuz;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<float8_e8m0fnu> = DType::float8_e8m0fnu;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::uint8_t> = DType::uint8;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::int8_t> = DType::int8;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::int16_t> = DType::int16;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::int32_t> = DType::int32;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::int64_t> = DType::int64;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::uint16_t> = DType::uint16;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::uint32_t> = DType::uint32;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::uint64_t> = DType::uint64;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<bool> = DType::boolean;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<complex32> = DType::complex32;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::complex<float>> = DType::complex64;
template <>
WICK_HIDDEN inline constexpr DType dtype_of<std::complex<double>> = DType::complex128;

/// Carries a type through a generic lambda: `visit(dtype, [&]<typename T>(TypeTag<T>) {...})`.
template <typename T>
struct TypeTag {
  using type = T;
};

/// Calls `visitor(TypeTag<T>{})` with the C++ type T of `dtype`. Throws DTypeError for the opaque
/// dtypes, which have none.
template <typename Visitor>
decltype(auto) visit(DType dtype, Visitor&& visitor) {
  switch (dtype) {
    case DType::float32: return visitor(TypeTag<float>{});
    case DType::float64: return visitor(TypeTag<double>{});
    case DType::float16: return visitor(TypeTag<float16>{});
    case DType::bfloat16: return visitor(TypeTag<bfloat16>{});
    case DType::float8_e4m3fn: return visitor(TypeTag<float8_e4m3fn>{});
    case DType::float8_e5m2: return visitor(TypeTag<float8_e5m2>{});
    case DType::float8_e4m3fnuz: return visitor(TypeTag<float8_e4m3fnuz>{});
    case DType::float8_e5m2fnuz: return visitor(TypeTag<float8_e5m2fnuz>{});
    case DType::float8_e8m0fnu: return visitor(TypeTag<float8_e8m0fnu>{});
    case DType::uint8: return visitor(TypeTag<std::uint8_t>{});
    case DType::int8: return visitor(TypeTag<std::int8_t>{});
    case DType::int16: return visitor(TypeTag<std::int16_t>{});
    case DType::int32: return visitor(TypeTag<std::int32_t>{});
    case DType::int64: return visitor(TypeTag<std::int64_t>{});
    case DType::uint16: return visitor(TypeTag<std::uint16_t>{});
    case DType::uint32: return visitor(TypeTag<std::uint32_t>{});
    case DType::uint64: return visitor(TypeTag<std::uint64_t>{});
    case DType::boolean: return visitor(TypeTag<bool>{});
    case DType::complex32: return visitor(TypeTag<complex32>{});
    case DType::complex64: return visitor(TypeTag<std::complex<float>>{});
    case DType::complex128: return visitor(TypeTag<std::complex<double>>{});
    default: break;
  }
  require_numbers(dtype, "visit");
  throw DTypeError(concat("unknown dtype code ", static_cast<int>(dtype)));
}

/// Like visit(), for the two dtypes with arithmetic. Throws DTypeError that names `operation`.
template <typename Visitor>
decltype(auto) visit_arithmetic(DType dtype, std::string_view operation, Visitor&& visitor) {
  if (dtype == DType::float32) return visitor(TypeTag<float>{});
  if (dtype == DType::float64) return visitor(TypeTag<double>{});
  throw DTypeError(concat(operation, ": computes in float32 and float64, got ", dtype,
                          "; convert with Tensor::to(DType::float32)"));
}

}  // namespace wick
