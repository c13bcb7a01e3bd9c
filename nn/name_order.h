// SPDX-License-Identifier: MIT
// What the numbers in two names say about their order.
#pragma once

#include <compare>
#include <string_view>

namespace wick::nn {

/// Compares names by the first place where they differ: numbers by their value, so that "layer2" is
/// less than "layer10", and "encoder.layers.3.0" less than "encoder.layers.3.2". Unordered where
/// the names differ there in anything but a number ("encoder", "decoder"; "fc1", "out"), and where
/// they do not differ but for leading zeros.
[[nodiscard]] std::partial_ordering order_by_numbers(std::string_view a,
                                                     std::string_view b) noexcept;

/// A total order, for sorting, that agrees with order_by_numbers() where that one says anything.
[[nodiscard]] bool natural_less(std::string_view a, std::string_view b) noexcept;

}  // namespace wick::nn
