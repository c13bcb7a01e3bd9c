// SPDX-License-Identifier: MIT
#include "serialize/json_reader.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "serialize/utf8.h"
#include "wick/core/error.h"

namespace wick {
namespace {

constexpr std::uint32_t kFirstHighSurrogate = 0xD800;
constexpr std::uint32_t kFirstLowSurrogate = 0xDC00;
constexpr std::uint32_t kLastSurrogate = 0xDFFF;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto put = [&out](std::uint32_t byte) { out.push_back(static_cast<char>(byte)); };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xC0 | code >> 6);
    put(0x80 | (code & 0x3F));
  } else if (code < 0x10000) {
    put(0xE0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  } else {
    put(0xF0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3F));
    put(0x80 | (code >> 6 & 0x3F));
    put(0x80 | (code & 0x3F));
  }
}

// is_utf8() lets surrogates through, for Python; they are ED A0 80 to ED BF BF.
bool has_surrogate(std::string_view text) {
  for (std::size_t i = 0; i + 1 < text.size(); ++i) {
    if (text[i] == '\xED' && static_cast<unsigned char>(text[i + 1]) >= 0xA0) return true;
  }
  return false;
}

}  // namespace

JsonReader::JsonReader(std::string_view text, std::string where, std::uint64_t base)
    : text_(text), where_(std::move(where)), base_(base) {
  if (!is_utf8(text) || has_surrogate(text)) fail("the JSON text is not UTF-8");
}

void JsonReader::fail(std::string_view what) const {
  throw FormatError(concat(where_, ", offset ", base_ + offset_, ": ", what));
}

void JsonReader::skip_space() noexcept {
  while (!at_end() && std::string_view(" \t\n\r").find(next()) != std::string_view::npos) {
    ++offset_;
  }
}

void JsonReader::expect(char wanted, const char* description) {
  skip_space();
  if (at_end()) fail(concat("the JSON text ends where there should be ", description));
  if (next() != wanted) fail(concat("no JSON: there should be ", description));
  ++offset_;
}

JsonReader::Kind JsonReader::peek() {
  skip_space();
  if (at_end()) fail("the JSON text ends where there should be a value");
  switch (next()) {
    case 'n': return Kind::null;
    case 't':
    case 'f': return Kind::boolean;
    case '"': return Kind::string;
    case '[': return Kind::array;
    case '{': return Kind::object;
    default: break;
  }
  if (next() != '-' && !is_digit(next())) fail("no JSON: there should be a value");
  return Kind::number;
}

void JsonReader::enter(bool object) {
  if (open_.size() == kMaxDepth) fail(concat("JSON more than ", kMaxDepth, " levels deep"));
  open_.push_back({object, true});
}

void JsonReader::enter_object() {
  expect('{', "an object");
  enter(true);
}

void JsonReader::enter_array() {
  expect('[', "an array");
  enter(false);
}

// In front of an item: its comma, where it is not the first; or the container's end: false.
bool JsonReader::leave_or_continue(char end) {
  skip_space();
  if (next() == end) {
    ++offset_;
    open_.pop_back();
    return false;
  }
  if (!open_.back().empty) expect(',', end == '}' ? "',' or '}'" : "',' or ']'");
  open_.back().empty = false;
  return true;
}

bool JsonReader::next_member(std::string& name) {
  if (!leave_or_continue('}')) return false;
  name = read_string();
  expect(':', "':'");
  return true;
}

bool JsonReader::next_item() {
  return leave_or_continue(']');
}

std::string JsonReader::read_string() {
  expect('"', "a string");
  std::string out;
  while (true) {
    const auto* const begin = text_.data() + offset_;
    const auto* const end = text_.data() + text_.size();
    const auto* const stop = std::find_if(begin, end, [](char c) {
      return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
    });
    out.append(begin, stop);
    offset_ += static_cast<std::size_t>(stop - begin);
    if (at_end()) fail("a JSON string has no end");
    if (next() == '"') break;
    if (next() != '\\') fail("a control character in a JSON string");
    ++offset_;
    take_escape(out);
  }
  ++offset_;
  return out;
}

void JsonReader::take_escape(std::string& out) {
  static constexpr std::string_view kLetters = "\"\\/bfnrt";
  static constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
  const char letter = next();
  if (letter != 'u') {
    const std::size_t index = at_end() ? std::string_view::npos : kLetters.find(letter);
    if (index == std::string_view::npos) fail("an unknown escape in a JSON string");
    out.push_back(kMeanings[index]);
    ++offset_;
    return;
  }
  ++offset_;
  std::uint32_t code = take_hex4();
  if (code >= kFirstHighSurrogate && code <= kLastSurrogate) {
    const bool paired = code < kFirstLowSurrogate && text_.substr(offset_).starts_with("\\u");
    if (!paired) fail("half a surrogate pair in a JSON string");
    offset_ += 2;
    const std::uint32_t low = take_hex4();
    if (low < kFirstLowSurrogate || low > kLastSurrogate) {
      fail("half a surrogate pair in a JSON string");
    }
    code = 0x10000 + ((code - kFirstHighSurrogate) << 10) + (low - kFirstLowSurrogate);
  }
  append_utf8(out, code);
}

std::uint32_t JsonReader::take_hex4() {
  const std::string_view digits = text_.substr(offset_, 4);
  std::uint32_t code = 0;
  const char* const end = digits.data() + digits.size();
  const auto [stop, error] = std::from_chars(digits.data(), end, code, 16);
  if (digits.size() != 4 || error != std::errc{} || stop != end) {
    fail("\\u without four hexadecimal digits in a JSON string");
  }
  offset_ += 4;
  return code;
}

// By the grammar: -? (0 | [1-9][0-9]*) (. [0-9]+)? ([eE] [+-]? [0-9]+)?
std::string_view JsonReader::take_number() {
  skip_space();
  const std::size_t start = offset_;
  const auto digits = [this] {
    if (!is_digit(next())) fail("no JSON: there should be a digit");
    while (is_digit(next())) ++offset_;
  };
  if (next() == '-') ++offset_;
  if (next() == '0') {
    ++offset_;
    if (is_digit(next())) fail("a JSON number with a zero in front");
  } else {
    digits();
  }
  if (next() == '.') {
    ++offset_;
    digits();
  }
  if (next() == 'e' || next() == 'E') {
    ++offset_;
    if (next() == '+' || next() == '-') ++offset_;
    digits();
  }
  return text_.substr(start, offset_ - start);
}

std::uint64_t JsonReader::read_unsigned() {
  if (peek() != Kind::number) fail("there should be a whole number");
  const std::size_t start = offset_;
  const std::string_view text = take_number();
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc{} || stop != end) {
    offset_ = start;
    fail(concat("the number ", text.substr(0, 40), " is not a whole number of 64 bits"));
  }
  return value;
}

void JsonReader::take_word(std::string_view word) {
  if (!text_.substr(offset_).starts_with(word)) fail("no JSON: there should be a value");
  offset_ += word.size();
}

void JsonReader::skip_value() {
  const std::size_t outside = open_.size();
  std::string name;
  do {
    if (open_.size() > outside) {
      // Inside a container: its next item, or its end.
      const bool more = open_.back().object ? next_member(name) : next_item();
      if (!more) continue;
    }
    switch (peek()) {
      case Kind::null: take_word("null"); break;
      case Kind::boolean: take_word(next() == 't' ? "true" : "false"); break;
      case Kind::number: static_cast<void>(take_number()); break;
      case Kind::string: static_cast<void>(read_string()); break;
      case Kind::array: enter_array(); break;
      case Kind::object: enter_object(); break;
    }
  } while (open_.size() > outside);
}

void JsonReader::finish() {
  skip_space();
  if (!at_end()) fail("something follows the JSON text");
}

std::string json_quote(std::string_view text) {
  static constexpr std::string_view kEscaped = "\"\\\b\f\n\r\t";
  static constexpr std::string_view kLetters = "\"\\bfnrt";
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    if (const std::size_t index = kEscaped.find(c); index != std::string_view::npos) {
      out += {'\\', kLetters[index]};
    } else if (code < 0x20) {
      out += "\\u00";
      out += {kDigits[code >> 4], kDigits[code & 15]};
    } else {
      out += c;
    }
  }
  return out + '"';
}

}  // namespace wick
