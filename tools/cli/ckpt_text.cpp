// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_text.h"

#include <algorithm>
#include <array>

#include <unistd.h>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

// Writing out the digits of a huge one would take forever.
std::string describe_big_integer(const BigInteger& value) {
  constexpr std::size_t kWrittenOut = 64;  // bytes
  const std::size_t size = value.bytes().size();
  return size <= kWrittenOut ? value.to_string() : concat("an int of ", size, " bytes");
}

std::string describe_storage(const StorageObject& object) {
  const auto count = static_cast<std::uint64_t>(object.tensor().numel());
  return object.dtype
             ? concat("TypedStorage ", *object.dtype, " of ", format_count(count, "element"))
             : concat("UntypedStorage of ", format_count(count, "byte"));
}

}  // namespace

std::string format_bytes(std::uint64_t bytes) {
  static constexpr std::array kUnits = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
  if (bytes < 1024) return concat(bytes, " B");
  auto amount = static_cast<double>(bytes) / 1024;
  std::size_t unit = 0;
  for (; amount >= 1023.5 && unit + 1 < kUnits.size(); ++unit) amount /= 1024;
  return concat(fixed_point(amount, amount < 9.95 ? 2 : amount < 99.5 ? 1 : 0), ' ', kUnits[unit]);
}

std::string format_count(std::uint64_t count) {
  std::string text = std::to_string(count);
  for (std::size_t at = text.size(); at > 3;) {
    at -= 3;
    text.insert(at, 1, ',');
  }
  return text;
}

std::string format_count(std::uint64_t count, std::string_view noun) {
  return format_count(count) + ' ' + std::string(noun) + (count == 1 ? "" : "s");
}

std::string format_number(double value) {
  return significant(value, 6);
}

std::string describe_scalar(const Value& value) {
  using Kind = Value::Kind;
  switch (value.kind()) {
    case Kind::none: return "None";
    case Kind::boolean: return std::string(python_bool(value.as_bool()));
    case Kind::integer: return std::to_string(value.as_int());
    case Kind::big_integer: return describe_big_integer(value.as_big_integer());
    case Kind::real: return python_repr(value.as_double());
    case Kind::complex:
      return concat("complex(", python_repr(value.as_complex().real()), ", ",
                    python_repr(value.as_complex().imag()), ")");
    case Kind::string: return quote(value.as_string());
    case Kind::bytes: return format_count(value.as_bytes().data.size(), "byte");
    case Kind::byte_array: return format_count(value.as_byte_array().size(), "byte");
    case Kind::size: return concat("torch.Size(", value.as_size(), ")");
    case Kind::dtype: return concat("torch.", value.as_dtype());
    case Kind::device: return concat("torch.device(", quote(to_string(value.as_device())), ")");
    case Kind::layout: return concat("torch.", value.as_layout());
    case Kind::storage: return describe_storage(value.as_storage());
    default: return std::string(value.kind_name());
  }
}

std::size_t columns_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

Style Style::for_stdout() {
  const char* const plain = std::getenv("NO_COLOR");
  const char* const terminal = std::getenv("TERM");
  const bool dumb = terminal != nullptr && std::string_view(terminal) == "dumb";
  if (::isatty(STDOUT_FILENO) != 1 || dumb || (plain != nullptr && *plain != '\0')) return {};
  return {"\x1b[1m", "\x1b[2m", "\x1b[36m", "\x1b[0m"};
}

namespace {

constexpr std::size_t kMaxColumnWidth = 160;

}  // namespace

void Table::print_row(std::ostream& out, const std::vector<std::string>& cells,
                      const std::vector<std::size_t>& widths) const {
  std::string line;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    const std::size_t width = columns_of(cells[i]);
    const std::string gap(widths[i] - std::min(width, widths[i]), ' ');
    if (i > 0) line += "  ";
    line += columns_[i].align == Align::right ? gap + cells[i] : cells[i] + gap;
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out << line;
}

void Table::print(std::ostream& out, const Style& style) const {
  std::vector<std::string> heads;
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    heads.push_back(columns_[i].head);
    widths.push_back(columns_of(columns_[i].head));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], columns_of(row[i]));
    // One long name must not widen every row.
    widths[i] = std::min(widths[i], kMaxColumnWidth);
  }
  out << style.bold;
  print_row(out, heads, widths);
  out << style.reset << '\n';
  for (const auto& row : rows_) {
    print_row(out, row, widths);
    out << '\n';
  }
}

}  // namespace wick::tools
