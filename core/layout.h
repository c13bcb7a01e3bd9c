// SPDX-License-Identifier: MIT
// How a tensor of PyTorch keeps its elements. wick's own tensors are strided; the other words are
// known because checkpoints may hold them as values.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <string_view>

#include "wick/core/compiler.h"

namespace wick {

/// torch.layout.
enum class Layout : std::uint8_t {
  strided,
  sparse_coo,
  sparse_csr,
  sparse_csc,
  sparse_bsr,
  sparse_bsc,
  mkldnn,  // PyTorch calls it _mkldnn
  jagged,
};

/// The word PyTorch prints after "torch.": "strided", "sparse_coo", "_mkldnn", ...
[[nodiscard]] WICK_API std::string_view name(Layout layout) noexcept;
/// The inverse of name(); empty where no layout has that name. Takes no "torch." prefix.
[[nodiscard]] WICK_API std::optional<Layout> layout_from_name(std::string_view text) noexcept;

WICK_API std::ostream& operator<<(std::ostream& out, Layout layout);

}  // namespace wick
