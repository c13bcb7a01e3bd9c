// SPDX-License-Identifier: MIT
// From an enumerator that is known when the program runs to a template's argument.
#pragma once

#include <cstddef>
#include <utility>

namespace wick::formulas {

/// An enumerator as a type.
template <auto Op>
struct Constant {
  static constexpr auto value = Op;
};

/// Calls visitor(Constant<op>) for one of the first `Count` enumerators of `Enum`.
template <std::size_t Count, typename Enum, typename Visitor>
constexpr void visit_enumerator(Enum op, const Visitor& visitor) {
  [&]<std::size_t... I>(std::index_sequence<I...> /*all*/) {
    static_cast<void>(
        ((op == static_cast<Enum>(I) && (visitor(Constant<static_cast<Enum>(I)>{}), true)) || ...));
  }
  (std::make_index_sequence<Count>{});
}

}  // namespace wick::formulas
