// SPDX-License-Identifier: MIT
#include "tools/printable.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>

#include "serialize/utf8.h"

namespace wick::tools {
namespace {

constexpr std::size_t kLongestMessage = 2000;  // bytes

struct Range {
  std::int32_t first;
  std::int32_t last;
};

// Unicode's categories Cc, Cf, Cs, Zl and Zp.
constexpr std::array kEscaped = {
    Range{0x0000, 0x001f},   Range{0x007f, 0x009f},   Range{0x00ad, 0x00ad},
    Range{0x0600, 0x0605},   Range{0x061c, 0x061c},   Range{0x06dd, 0x06dd},
    Range{0x070f, 0x070f},   Range{0x0890, 0x0891},   Range{0x08e2, 0x08e2},
    Range{0x180e, 0x180e},   Range{0x200b, 0x200f},   Range{0x2028, 0x202e},
    Range{0x2060, 0x206f},   Range{0xd800, 0xdfff},   Range{0xfeff, 0xfeff},
    Range{0xfff9, 0xfffb},   Range{0x110bd, 0x110bd}, Range{0x110cd, 0x110cd},
    Range{0x13430, 0x1343f}, Range{0x1bca0, 0x1bca3}, Range{0x1d173, 0x1d17a},
    Range{0xe0000, 0xe007f},
};

bool is_escaped(std::int32_t code) noexcept {
  return code < 0 || std::ranges::any_of(kEscaped, [code](const Range& range) {
           return code >= range.first && code <= range.last;
         });
}

std::string format(const char* pattern, unsigned number) {
  std::array<char, 16> buffer{};
  std::snprintf(buffer.data(), buffer.size(), pattern, number);
  return buffer.data();
}

/// Takes one character off the front of `text`, or a byte that is none; `code` is -1 for that.
std::string_view take(std::string_view& text, std::int32_t& code) noexcept {
  const std::string_view before = text;
  code = take_code_point(text);
  if (code < 0) text.remove_prefix(1);
  return before.substr(0, before.size() - text.size());
}

std::string escaped(std::string_view character, std::int32_t code) {
  if (code == '\n') return "\\n";
  if (code == '\r') return "\\r";
  if (code == '\t') return "\\t";
  const auto number = static_cast<unsigned>(code);
  if (code < 0) return format("\\x%02x", static_cast<unsigned char>(character.front()));
  if (code < 0x80) return format("\\x%02x", number);
  return format(code < 0x10000 ? "\\u%04x" : "\\U%08x", number);
}

bool is_plain(std::string_view text) noexcept {
  while (!text.empty()) {
    std::int32_t code = 0;
    take(text, code);
    if (is_escaped(code)) return false;
  }
  return true;
}

/// Backs from `at` to where a character begins.
std::size_t character_start(std::string_view text, std::size_t at) noexcept {
  while (at > 0 && at < text.size() && (static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) --at;
  return at;
}

}  // namespace

std::string quote(std::string_view text, std::size_t limit) {
  std::string out = "\"";
  const std::size_t size = text.size();
  while (!text.empty()) {
    if (size - text.size() >= limit) return out + "\"...";
    std::int32_t code = 0;
    const std::string_view character = take(text, code);
    if (is_escaped(code)) {
      out += escaped(character, code);
    } else {
      if (code == '"' || code == '\\') out += '\\';
      out += character;
    }
  }
  return out + '"';
}

std::string plain_name(std::string_view name) {
  if (!name.empty() && name.size() <= kLongestName && is_plain(name)) return std::string(name);
  return quote(name, kLongestName);
}

std::string shortened(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return std::string(text);
  return std::string(text.substr(0, character_start(text, limit))) + "...";
}

std::string message_line(std::string_view message) {
  // Trailing and leading breaks say nothing.
  while (!message.empty() && message.back() == '\n') message.remove_suffix(1);
  std::string cut;
  if (message.size() > kLongestMessage) {
    const std::size_t head = character_start(message, kLongestMessage * 3 / 4);
    const std::size_t tail = character_start(message, message.size() - kLongestMessage / 4);
    cut = std::string(message.substr(0, head)) + "... (" + std::to_string(tail - head) +
          " bytes left out) ..." + std::string(message.substr(tail));
    message = cut;
  }
  std::string out;
  while (!message.empty()) {
    if (message.starts_with("\n  ")) {  // the next item of a list
      message.remove_prefix(std::min(message.find_first_not_of(" \n"), message.size()));
      out += out.ends_with(':') ? " " : "; ";
      continue;
    }
    std::int32_t code = 0;
    const std::string_view character = take(message, code);
    out += is_escaped(code) ? escaped(character, code) : std::string(character);
  }
  return out;
}

}  // namespace wick::tools
