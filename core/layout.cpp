// SPDX-License-Identifier: MIT
#include "wick/core/layout.h"

#include <array>

namespace wick {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, 8> kNames = {"strided",    "sparse_coo", "sparse_csr",
                                                    "sparse_csc", "sparse_bsr", "sparse_bsc",
                                                    "_mkldnn",    "jagged"};

}  // namespace

std::string_view name(Layout layout) noexcept {
  return kNames[static_cast<std::size_t>(layout)];
}

std::optional<Layout> layout_from_name(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kNames.size(); ++i) {
    if (kNames[i] == text) return static_cast<Layout>(i);
  }
  return std::nullopt;
}

std::ostream& operator<<(std::ostream& out, Layout layout) {
  return out << name(layout);
}

}  // namespace wick
