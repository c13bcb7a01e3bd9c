// SPDX-License-Identifier: MIT
// UTF-8 as Python's pickles hold it: with the "surrogatepass" rule.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace wick {

/// Takes one character off the front of a text that is not empty, by the same rule. Returns -1 and
/// takes nothing where it does not begin with one.
[[nodiscard]] std::int32_t take_code_point(std::string_view& text) noexcept;
/// True for what Python decodes with errors="surrogatepass": UTF-8 in its shortest form up to
/// U+10FFFF, surrogates included.
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;
/// Without surrogates: what Python decodes by default.
[[nodiscard]] bool is_strict_utf8(std::string_view text) noexcept;
/// str.encode("latin1"): one byte per character; empty where one is above U+00FF.
[[nodiscard]] std::optional<std::string> utf8_to_latin1(std::string_view text);
/// bytes.decode("latin1").
[[nodiscard]] std::string latin1_to_utf8(std::string_view bytes);

}  // namespace wick
