// SPDX-License-Identifier: MIT
// Conversion of one element between any two dtypes, as torch.Tensor.to(dtype) does on x86-64. All
// of it is constexpr, so that kernels of every device share it.
#pragma once

#include <complex>
#include <concepts>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "wick/core/dtype.h"

namespace wick {

template <typename T>
concept SmallFloat = requires(T value) {
  { to_float(value) } -> std::same_as<float>;
};

template <typename T>
concept Complex = std::same_as<T, complex32> || std::same_as<T, std::complex<float>> ||
    std::same_as<T, std::complex<double>>;

// The real part of a value in a type that computes: float, double, or the integer itself.
template <typename T>
constexpr auto real_part(T value) {
  if constexpr (std::same_as<T, complex32>) {
    return to_float(value.real);
  } else if constexpr (Complex<T>) {
    return value.real();
  } else if constexpr (SmallFloat<T>) {
    return to_float(value);
  } else {
    return value;
  }
}

template <typename T>
constexpr auto imaginary_part(T value) {
  if constexpr (std::same_as<T, complex32>) {
    return to_float(value.imag);
  } else {
    return value.imag();
  }
}

// Truncates towards zero. C++ leaves open what happens to a value that does not fit; PyTorch has
// what x86-64's instructions give, and so has this: types of up to 32 bits take the lower bits of a
// conversion to int32, uint32 those of one to int64, and what does not fit there is its lowest
// value.
template <std::integral To, std::floating_point From>
constexpr To truncate(From value) {
  constexpr bool kNarrow = sizeof(To) < 8 && !std::same_as<To, std::uint32_t>;
  using Wide = std::conditional_t<kNarrow, std::int32_t, std::int64_t>;
  constexpr From kLimit = kNarrow ? From{2147483648.0} : From{9223372036854775808.0};
  if constexpr (std::same_as<To, std::uint64_t>) {
    if (value >= kLimit) return value < 2 * kLimit ? static_cast<std::uint64_t>(value) : 0;
  }
  const bool fits = value >= -kLimit && value < kLimit;
  return static_cast<To>(fits ? static_cast<Wide>(value) : std::numeric_limits<Wide>::min());
}

template <typename To, typename From>
constexpr To convert(From value) {
  if constexpr (std::same_as<To, From>) {
    return value;
  } else if constexpr (std::same_as<To, bool>) {
    if constexpr (Complex<From>) {
      return real_part(value) != 0 || imaginary_part(value) != 0;
    } else {
      return real_part(value) != 0;
    }
  } else if constexpr (std::same_as<To, complex32>) {
    if constexpr (Complex<From>) {
      return {from_float<float16>(static_cast<float>(real_part(value))),
              from_float<float16>(static_cast<float>(imaginary_part(value)))};
    } else {
      return {convert<float16>(value), float16{}};
    }
  } else if constexpr (Complex<To>) {
    using Part = typename To::value_type;
    if constexpr (Complex<From>) {
      return {static_cast<Part>(real_part(value)), static_cast<Part>(imaginary_part(value))};
    } else {
      return {static_cast<Part>(real_part(value)), Part{0}};
    }
  } else if constexpr (SmallFloat<To>) {
    return from_float<To>(static_cast<float>(real_part(value)));
  } else if constexpr (std::floating_point<To>) {
    return static_cast<To>(real_part(value));
  } else if constexpr (std::floating_point<decltype(real_part(value))>) {
    return truncate<To>(real_part(value));
  } else {
    return static_cast<To>(real_part(value));  // between integers: wraps
  }
}

}  // namespace wick
