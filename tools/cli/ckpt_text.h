// SPDX-License-Identifier: MIT
// How tools/ckpt writes numbers, names and tables.
#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tools/printable.h"
#include "wick/core/dims.h"
#include "wick/core/value.h"

namespace wick::tools {

/// "0 B", "1023 B", "1.5 KiB", "98 KiB", "3.0 GiB": three digits that count.
[[nodiscard]] std::string format_bytes(std::uint64_t bytes);
/// "25,450".
[[nodiscard]] std::string format_count(std::uint64_t count);
/// "1 tensor", "25,450 tensors".
[[nodiscard]] std::string format_count(std::uint64_t count, std::string_view noun);
/// Six digits that count, as "%g" does; "nan", "inf".
[[nodiscard]] std::string format_number(double value);
/// A value that holds no other ones, in Python's words: 'None', '0.1', '"sgd"', 'torch.float32'.
[[nodiscard]] std::string describe_scalar(const Value& value);
/// Columns of UTF-8 text, counting each character as one.
[[nodiscard]] std::size_t columns_of(std::string_view text) noexcept;

/// What terminals show; empty strings where the output is none.
struct Style {
  std::string bold;
  std::string dim;
  std::string accent;
  std::string reset;
  /// For standard output: with colours where it is a terminal and NO_COLOR is not set.
  [[nodiscard]] static Style for_stdout();
};

/// Rows of cells below a head, each column as wide as its widest cell.
class Table {
 public:
  enum class Align : std::uint8_t { left, right };
  struct Column {
    std::string head;
    Align align = Align::left;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  void add(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  [[nodiscard]] bool empty() const noexcept { return rows_.empty(); }
  void print(std::ostream& out, const Style& style) const;

 private:
  void print_row(std::ostream& out, const std::vector<std::string>& cells,
                 const std::vector<std::size_t>& widths) const;
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace wick::tools
