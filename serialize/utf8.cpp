// SPDX-License-Identifier: MIT
#include "serialize/utf8.h"

namespace wick {

std::int32_t take_code_point(std::string_view& text) noexcept {
  const auto byte = [&text](std::size_t i) {
    return static_cast<std::int32_t>(static_cast<unsigned char>(text[i]));
  };
  const std::int32_t lead = byte(0);
  std::size_t length = 1;
  std::int32_t code = lead;
  std::int32_t smallest = 0;
  if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4, code = lead & 0x07, smallest = 0x10000;
  } else if (lead >= 0xE0 && lead < 0xF0) {
    length = 3, code = lead & 0x0F, smallest = 0x800;
  } else if (lead >= 0xC2 && lead < 0xE0) {
    length = 2, code = lead & 0x1F, smallest = 0x80;
  } else if (lead >= 0x80) {
    return -1;
  }
  if (text.size() < length) return -1;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return -1;
    code = code << 6 | (byte(i) & 0x3F);
  }
  if (code < smallest || code > 0x10FFFF) return -1;
  text.remove_prefix(length);
  return code;
}

bool is_utf8(std::string_view text) noexcept {
  while (!text.empty()) {
    if (take_code_point(text) < 0) return false;
  }
  return true;
}

bool is_strict_utf8(std::string_view text) noexcept {
  if (!is_utf8(text)) return false;
  // U+D800 to U+DFFF are ED A0 80 to ED BF BF.
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xed' && static_cast<unsigned char>(text[i + 1]) >= 0xa0) return false;
  }
  return true;
}

std::optional<std::string> utf8_to_latin1(std::string_view text) {
  std::string bytes;
  bytes.reserve(text.size());
  while (!text.empty()) {
    const std::int32_t code = take_code_point(text);
    if (code < 0 || code > 0xFF) return std::nullopt;
    bytes.push_back(static_cast<char>(static_cast<unsigned char>(code)));
  }
  return bytes;
}

std::string latin1_to_utf8(std::string_view bytes) {
  std::string text;
  text.reserve(bytes.size());
  for (const char c : bytes) {
    const auto code = static_cast<unsigned char>(c);
    if (code < 0x80) {
      text.push_back(c);
    } else {
      text.push_back(static_cast<char>(static_cast<unsigned char>(0xC0 | code >> 6)));
      text.push_back(static_cast<char>(static_cast<unsigned char>(0x80 | (code & 0x3F))));
    }
  }
  return text;
}

}  // namespace wick
