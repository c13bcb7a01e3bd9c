// SPDX-License-Identifier: MIT
#include "bindings/c/literal.h"

#include <charconv>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "wick/core/error.h"

namespace wick::c {
namespace {

bool is_letter(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_digit(char c) noexcept {
  return c >= '0' && c <= '9';
}

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  [[nodiscard]] Value value() {
    constexpr int kDeepest = 100;
    if (++depth_ > kDeepest) refuse("less nesting");
    skip();
    Value result;
    switch (peek()) {
      case '[': result = List{sequence('[', ']').first}; break;
      case '(': result = parenthesis(); break;
      case '{': result = dict(); break;
      case '\'':
      case '"': result = text(); break;
      default: result = is_letter(peek()) ? word() : number(1.0);
    }
    --depth_;
    return result;
  }

  [[nodiscard]] Dict arguments() {
    Dict result;
    for (skip(); !at_end(); skip()) {
      std::string key = name();
      skip();
      expect('=');
      add(result, Value(std::move(key)), value());
      skip();
      if (!at_end()) expect(',');
    }
    return result;
  }

  void expect_end() {
    skip();
    if (!at_end()) refuse("the end");
  }

 private:
  [[noreturn]] void refuse(std::string_view wanted) const {
    throw ValueError(concat("\"", text_, "\": expected ", wanted, " at position ", at_,
                            at_end() ? ", where it ends" : ""));
  }
  [[nodiscard]] bool at_end() const noexcept { return at_ == text_.size(); }
  [[nodiscard]] char peek() const noexcept { return at_end() ? '\0' : text_[at_]; }
  void skip() noexcept {
    while (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r') ++at_;
  }
  bool take(char c) noexcept {
    if (at_end() || peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) refuse(concat('\'', c, '\''));
  }
  [[nodiscard]] std::string name() {
    if (!is_letter(peek())) refuse("a name");
    const std::size_t begin = at_;
    while (is_letter(peek()) || is_digit(peek())) ++at_;
    return std::string(text_.substr(begin, at_ - begin));
  }
  [[nodiscard]] Value word() {
    const std::size_t begin = at_;
    const std::string found = name();
    if (found == "True") return true;
    if (found == "False") return false;
    if (found == "None") return {};
    at_ = begin;
    return number(1.0);  // inf, nan
  }

  // Items up to `close`, and whether a comma was there.
  [[nodiscard]] std::pair<Items, bool> sequence(char open, char close) {
    expect(open);
    Items items;
    bool comma = false;
    for (skip(); !take(close); skip()) {
      items.push_back(value());
      skip();
      if (take(',')) {
        comma = true;
      } else if (peek() != close) {
        refuse(concat("',' or '", close, '\''));
      }
    }
    return {std::move(items), comma};
  }

  [[nodiscard]] Value parenthesis() {
    auto [items, comma] = sequence('(', ')');
    if (items.size() == 1 && !comma) return items.front();
    return Tuple{std::move(items)};
  }

  void add(Dict& dict, Value key, Value item) const {
    if (dict.find(key) != nullptr) refuse("another key: this one is there already");
    dict.set(std::move(key), std::move(item));
  }

  [[nodiscard]] Value dict() {
    expect('{');
    Dict result;
    for (skip(); !take('}'); skip()) {
      Value key = value();
      skip();
      expect(':');
      add(result, std::move(key), value());
      skip();
      if (!take(',') && peek() != '}') refuse("',' or '}'");
    }
    return result;
  }

  [[nodiscard]] Value text() {
    const char quote = text_[at_++];
    std::string result;
    while (!take(quote)) {
      if (at_end()) refuse("a quote");
      char c = text_[at_++];
      if (c == '\\') {
        switch (peek()) {
          case 'n': c = '\n'; break;
          case 't': c = '\t'; break;
          case 'r': c = '\r'; break;
          case '\\':
          case '\'':
          case '"': c = peek(); break;
          default: refuse("one of n, t, r, a quote or a backslash");
        }
        ++at_;
      }
      result.push_back(c);
    }
    return result;
  }

  [[nodiscard]] Value number(double sign) {
    if (take('-')) return signed_number(-sign);
    if (take('+')) return signed_number(sign);
    return signed_number(sign);
  }

  [[nodiscard]] Value signed_number(double sign) {
    if (is_letter(peek())) {
      const std::size_t begin = at_;
      const std::string found = name();
      if (found == "inf") return sign * std::numeric_limits<double>::infinity();
      if (found == "nan") return std::copysign(std::numeric_limits<double>::quiet_NaN(), sign);
      at_ = begin;
    }
    if (!is_digit(peek()) && peek() != '.')
      refuse("a number, a text, True, False, None, or one of [({");
    const char* const begin = text_.data() + at_;
    const char* const end = text_.data() + text_.size();
    double real = 0.0;
    const auto as_real = std::from_chars(begin, end, real);
    const char* digits = begin;
    while (digits != end && is_digit(*digits)) ++digits;
    if (as_real.ec == std::errc::invalid_argument) refuse("a number");
    at_ = static_cast<std::size_t>(as_real.ptr - text_.data());
    if (as_real.ptr == digits) {
      return BigInteger::from_string(concat(sign < 0 ? "-" : "", std::string_view(begin, digits)));
    }
    if (as_real.ec == std::errc::result_out_of_range) refuse("a number within float64's range");
    return sign * real;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Value parse_literal(std::string_view text) {
  Parser parser(text);
  Value result = parser.value();
  parser.expect_end();
  return result;
}

Dict parse_arguments(std::string_view text) {
  return Parser(text).arguments();
}

}  // namespace wick::c
