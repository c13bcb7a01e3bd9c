// SPDX-License-Identifier: MIT
// Reads the JSON of file headers piece by piece: strict, without recursion, in bounded memory.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace wick {

/// Walks through one JSON text (RFC 8259) as its caller asks, and keeps none of it:
///
///     json.enter_object();
///     while (json.next_member(name)) {
///       if (name == "shape") sizes = ...; else json.skip_value();
///     }
///     json.finish();
///
/// What is not JSON, or not what was asked for, throws FormatError with its offset. Strings must be
/// UTF-8 without surrogates, escaped or not. Does not look for members of the same name; the
/// caller does. Thread safety: one thread at a time per object.
class JsonReader {
 public:
  /// Containers in each other; as many as Rust's serde_json takes.
  static constexpr std::size_t kMaxDepth = 128;

  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };

  /// `text` must outlive the reader. `where` begins messages; `base` is added to their offsets.
  JsonReader(std::string_view text, std::string where, std::uint64_t base = 0);

  /// What the next value is.
  [[nodiscard]] Kind peek();
  void enter_object();
  /// Reads the next member's name, whose value must be read next; or the object's end: false.
  [[nodiscard]] bool next_member(std::string& name);
  void enter_array();
  /// True: an item follows. False: the array's end was read.
  [[nodiscard]] bool next_item();
  [[nodiscard]] std::string read_string();
  /// A whole number from 0 to 2^64 - 1, written without fraction and exponent.
  [[nodiscard]] std::uint64_t read_unsigned();
  /// Reads a value of any kind and checks that it is JSON.
  void skip_value();
  /// Throws where anything but white space follows.
  void finish();

  /// Throws FormatError for what was read last.
  [[noreturn]] void fail(std::string_view what) const;

 private:
  struct Container {
    bool object = false;
    bool empty = true;  // so far
  };
  void skip_space() noexcept;
  [[nodiscard]] bool at_end() const noexcept { return offset_ == text_.size(); }
  [[nodiscard]] char next() const noexcept { return at_end() ? '\0' : text_[offset_]; }
  void expect(char wanted, const char* description);
  void enter(bool object);
  [[nodiscard]] bool leave_or_continue(char end);
  [[nodiscard]] std::string_view take_number();
  void take_word(std::string_view word);
  void take_escape(std::string& out);
  [[nodiscard]] std::uint32_t take_hex4();

  std::string_view text_;
  std::string where_;
  std::uint64_t base_;
  std::size_t offset_ = 0;
  std::vector<Container> open_;
};

/// `text`, which must be UTF-8, as a JSON string with its quotes. Escaped as by serde_json: the
/// quote, the backslash and control characters only.
[[nodiscard]] std::string json_quote(std::string_view text);

}  // namespace wick
