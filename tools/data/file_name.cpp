// SPDX-License-Identifier: MIT
// Python's "surrogateescape": bytes that are not UTF-8 as lone surrogates.
#include "tools/data/file_name.h"

#include <cstddef>
#include <cstdint>

namespace wick::tools {
namespace {

constexpr auto byte_at(std::string_view text, std::size_t i) {
  return static_cast<unsigned>(static_cast<unsigned char>(text[i]));
}

/// How many bytes the character at `i` has; 0 where there is none in well-formed UTF-8 (the Unicode
/// Standard, table 3-7), which has no surrogates.
std::size_t character_size(std::string_view text, std::size_t i) {
  const unsigned lead = byte_at(text, i);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xc2 && lead < 0xe0   ? 2
                           : lead >= 0xe0 && lead < 0xf0 ? 3
                           : lead >= 0xf0 && lead < 0xf5 ? 4
                                                         : 0;
  if (size == 0 || size > text.size() - i) return 0;
  // The second byte has a range of its own: no longer forms than needed, no surrogates, and
  // nothing above U+10FFFF.
  const unsigned low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const unsigned high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  const unsigned second = byte_at(text, i + 1);
  if (second < low || second > high) return 0;
  for (std::size_t k = 2; k < size; ++k) {
    if ((byte_at(text, i + k) & 0xc0U) != 0x80) return 0;
  }
  return size;
}

/// U+DC80 to U+DCFF, in the three bytes that "surrogatepass" makes of it: ED B2 80 to ED B3 BF.
void append_surrogate(std::string& text, unsigned byte) {
  text += '\xed';
  text += static_cast<char>(0xb0U | (byte >> 6));
  text += static_cast<char>(0x80U | (byte & 0x3fU));
}

bool is_escaped_byte(std::string_view text, std::size_t i) {
  if (text.size() - i < 3 || byte_at(text, i) != 0xed) return false;
  const unsigned second = byte_at(text, i + 1);
  return (second == 0xb2 || second == 0xb3) && (byte_at(text, i + 2) & 0xc0U) == 0x80;
}

}  // namespace

std::string text_of_file_name(std::string_view name) {
  std::string text;
  text.reserve(name.size());
  for (std::size_t i = 0; i < name.size();) {
    const std::size_t size = character_size(name, i);
    if (size == 0) {
      append_surrogate(text, byte_at(name, i));
      ++i;
    } else {
      text += name.substr(i, size);
      i += size;
    }
  }
  return text;
}

std::string file_name_of(std::string_view text) {
  std::string name;
  name.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    if (is_escaped_byte(text, i)) {
      name +=
          static_cast<char>(((byte_at(text, i + 1) & 0x3U) << 6) | (byte_at(text, i + 2) & 0x3fU));
      i += 3;
    } else {
      name += text[i++];
    }
  }
  return name;
}

}  // namespace wick::tools
