// SPDX-License-Identifier: MIT
#include "nn/name_order.h"

#include <algorithm>

namespace wick::nn {
namespace {

bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

/// Takes the digits off the front of `text`; returns them without leading zeros. A number may have
/// more digits than any integer type.
std::string_view take_number(std::string_view& text) noexcept {
  const auto end =
      static_cast<std::size_t>(std::ranges::find_if_not(text, is_digit) - text.begin());
  std::string_view number = text.substr(0, end);
  text.remove_prefix(end);
  number.remove_prefix(std::min(number.find_first_not_of('0'), number.size()));
  return number;
}

std::strong_ordering compare_numbers(std::string_view a, std::string_view b) noexcept {
  if (a.size() != b.size()) return a.size() <=> b.size();
  return a <=> b;
}

/// What stands at the first place where two names differ.
struct Difference {
  bool in_numbers = false;
  std::strong_ordering order = std::strong_ordering::equal;
};

Difference first_difference(std::string_view a, std::string_view b) noexcept {
  while (!a.empty() && !b.empty()) {
    if (is_digit(a.front()) && is_digit(b.front())) {
      const auto order = compare_numbers(take_number(a), take_number(b));
      if (order != std::strong_ordering::equal) return {true, order};
      continue;
    }
    if (a.front() != b.front()) return {false, a.front() <=> b.front()};
    a.remove_prefix(1);
    b.remove_prefix(1);
  }
  return {false, a.size() <=> b.size()};
}

}  // namespace

std::partial_ordering order_by_numbers(std::string_view a, std::string_view b) noexcept {
  const Difference difference = first_difference(a, b);
  if (!difference.in_numbers) return std::partial_ordering::unordered;
  return difference.order;
}

bool natural_less(std::string_view a, std::string_view b) noexcept {
  const Difference difference = first_difference(a, b);
  if (difference.order != std::strong_ordering::equal) {
    return difference.order == std::strong_ordering::less;
  }
  return a < b;  // leading zeros
}

}  // namespace wick::nn
