// SPDX-License-Identifier: MIT
// Text for messages and files: numbers look the same whatever locale the program has set, C's
// (setlocale) or C++'s (std::locale::global).
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "wick/core/compiler.h"

namespace wick {
namespace detail {

WICK_API void append_number(std::string& out, long long value);
WICK_API void append_number(std::string& out, unsigned long long value);
/// As a stream prints it: up to six significant digits.
WICK_API void append_number(std::string& out, double value);

/// What `print` prints of the object.
WICK_API void append_printed(std::string& out, const void* object,
                             void (*print)(std::ostream& stream, const void* object));

template <typename T>
void append(std::string& out, const T& value) {
  if constexpr (std::convertible_to<const T&, const char*>) {
    const char* const text = value;
    out += text == nullptr ? "(null)" : text;
  } else if constexpr (std::convertible_to<const T&, std::string_view>) {
    out += std::string_view(value);
  } else if constexpr (std::same_as<T, char>) {
    out += value;
  } else if constexpr (std::unsigned_integral<T>) {
    append_number(out, static_cast<unsigned long long>(value));
  } else if constexpr (std::integral<T>) {
    append_number(out, static_cast<long long>(value));
  } else if constexpr (std::floating_point<T>) {
    append_number(out, static_cast<double>(value));
  } else if constexpr (requires { std::string_view(value.description()); }) {
    out += std::string_view(value.description());
  } else {
    append_printed(out, &value, [](std::ostream& stream, const void* object) {
      stream << *static_cast<const T*>(object);
    });
  }
}

}  // namespace detail

/// Its arguments one after the other, each as operator<< prints it, or, where it has a
/// description() (a Tensor, a Module), by that; the way messages are built.
template <typename... Args>
[[nodiscard]] std::string concat(const Args&... args) {
  std::string out;
  (detail::append(out, args), ...);
  return out;
}

/// The digits of `value`, with zeros in front up to `width`. `base` is 10 or 16.
[[nodiscard]] WICK_API std::string zero_padded(std::uint64_t value, std::size_t width,
                                               int base = 10);
/// printf's "%.<decimals>f".
[[nodiscard]] WICK_API std::string fixed_point(double value, int decimals);
/// printf's "%.<digits>g".
[[nodiscard]] WICK_API std::string significant(double value, int digits);
/// printf's "%.<digits>e".
[[nodiscard]] WICK_API std::string scientific(double value, int digits);
/// Python's repr of a float: the fewest digits that give the number back, "1e-05", "0.1", "2.0".
[[nodiscard]] WICK_API std::string python_repr(double value);
/// "True" or "False".
[[nodiscard]] constexpr std::string_view python_bool(bool value) noexcept {
  return value ? "True" : "False";
}

}  // namespace wick
