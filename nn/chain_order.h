// SPDX-License-Identifier: MIT
// In which order linear layers can follow each other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <vector>

namespace wick::nn {

/// How many numbers a layer takes and gives.
struct LayerShape {
  std::int64_t in = 0;
  std::int64_t out = 0;
};

/// The orders in which each layer takes what the one before gives.
struct ChainOrders {
  enum class Count : std::uint8_t { none, one, several };
  Count count = Count::none;
  std::vector<std::size_t> order;  // the first that was found: positions of layers
};

/// True where layer a must stand before layer b.
using Precedes = std::function<bool(std::size_t a, std::size_t b)>;

/// Looks for all of them that keep to `precedes`, up to the second one. The work is bounded: where
/// the bound is reached, or there are more than a few hundred layers, the answer is `several`, that
/// is, undecided.
[[nodiscard]] ChainOrders find_chain_orders(std::span<const LayerShape> layers,
                                            const Precedes& precedes);

}  // namespace wick::nn
