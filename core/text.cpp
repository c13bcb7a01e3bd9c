// SPDX-License-Identifier: MIT
#include "wick/core/text.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <sstream>
#include <utility>

namespace wick {
namespace {

// Room for the longest: the largest float64 has 309 digits before the point.
constexpr std::size_t kRoom = 512;
constexpr int kMostDecimals = 100;

template <typename... Args>
std::string text_of(Args... args) {
  std::array<char, kRoom> buffer;  // NOLINT(*-member-init): to_chars fills it
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), args...);
  return {buffer.data(), end};
}

template <typename T, typename... Args>
void append_to(std::string& out, T value, Args... args) {
  std::array<char, 32> buffer;  // NOLINT(*-member-init)
  const auto [end, error] =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, args...);
  out.append(buffer.data(), end);
}

}  // namespace

namespace detail {

void append_number(std::string& out, long long value) {
  append_to(out, value);
}
void append_number(std::string& out, unsigned long long value) {
  append_to(out, value);
}
void append_number(std::string& out, double value) {
  append_to(out, value, std::chars_format::general, 6);
}

void append_printed(std::string& out, const void* object,
                    void (*print)(std::ostream& stream, const void* object)) {
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  print(stream, object);
  out += std::move(stream).str();
}

}  // namespace detail

std::string zero_padded(std::uint64_t value, std::size_t width, int base) {
  const std::string digits = text_of(value, base);
  return digits.size() < width ? std::string(width - digits.size(), '0') + digits : digits;
}

std::string fixed_point(double value, int decimals) {
  return text_of(value, std::chars_format::fixed, std::min(decimals, kMostDecimals));
}

std::string significant(double value, int digits) {
  return text_of(value, std::chars_format::general, std::min(digits, kMostDecimals));
}

std::string scientific(double value, int digits) {
  return text_of(value, std::chars_format::scientific, std::min(digits, kMostDecimals));
}

std::string python_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  const std::string digits = text_of(value, std::chars_format::scientific);
  const int exponent = std::stoi(digits.substr(digits.find('e') + 1));
  if (exponent < -4 || exponent >= 16) return digits;
  std::string text = text_of(value, std::chars_format::fixed);
  if (text.find('.') == std::string::npos) text += ".0";
  return text;
}

}  // namespace wick
