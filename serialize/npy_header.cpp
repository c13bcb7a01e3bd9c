// SPDX-License-Identifier: MIT
#include "serialize/npy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "serialize/byte_reader.h"
#include "serialize/byte_writer.h"
#include "serialize/tensor_bytes.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using namespace std::string_view_literals;

constexpr std::string_view kMagic = "\x93NUMPY"sv;
constexpr std::size_t kAlignment = 64;
// numpy.save leaves room for the first size to grow to that many digits.
constexpr std::size_t kGrowthDigits = 21;

struct NamedDType {
  std::string_view code;  // NumPy's, without the byte order
  DType dtype;
};

constexpr std::array kDTypes = {
    NamedDType{"f4", DType::float32},   NamedDType{"f8", DType::float64},
    NamedDType{"f2", DType::float16},   NamedDType{"u1", DType::uint8},
    NamedDType{"i1", DType::int8},      NamedDType{"i2", DType::int16},
    NamedDType{"i4", DType::int32},     NamedDType{"i8", DType::int64},
    NamedDType{"u2", DType::uint16},    NamedDType{"u4", DType::uint32},
    NamedDType{"u8", DType::uint64},    NamedDType{"b1", DType::boolean},
    NamedDType{"c8", DType::complex64}, NamedDType{"c16", DType::complex128},
};

// What a message says of NumPy's other kinds, by their letter.
std::string_view describe_kind(char kind) {
  switch (kind) {
    case 'O': return "Python objects, which only unpickling could read";
    case 'V': return "structures or raw bytes";
    case 'S':
    case 'a':
    case 'U': return "texts";
    case 'M':
    case 'm': return "dates or times";
    default: return "which no tensor can hold";
  }
}

// Reads the Python dict literal {'descr': ..., 'fortran_order': ..., 'shape': ...}.
class DictParser {
 public:
  DictParser(std::string_view text, std::string where, std::uint64_t base, bool python2)
      : reader_(text, where, base), text_(text), python2_(python2) {}

  void parse(NpyHeader& header) {
    bool descr = false;
    bool order = false;
    bool shape = false;
    expect('{');
    while (!take('}')) {
      const std::string_view key = take_text();
      expect(':');
      if (key == "descr" && !std::exchange(descr, true)) {
        parse_descr(header);
      } else if (key == "fortran_order" && !std::exchange(order, true)) {
        header.fortran_order = take_bool();
      } else if (key == "shape" && !std::exchange(shape, true)) {
        header.shape = take_shape();
      } else {
        fail(concat("the key '", key.substr(0, 40), "' is unknown or there twice"));
      }
      if (!take(',')) {
        expect('}');
        break;
      }
    }
    skip_space();
    if (at_ != text_.size()) fail("something follows the header's dict");
    if (!descr || !order || !shape) fail("one of descr, fortran_order, shape is missing");
  }

 private:
  [[noreturn]] void fail(std::string_view what) const { reader_.fail_at(at_, what); }
  [[noreturn]] void refuse(std::string_view what) const {
    throw DTypeError(reader_.message_at(at_, what));
  }
  [[nodiscard]] char next() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && " \t\n\r"sv.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char wanted) {
    skip_space();
    if (next() != wanted) return false;
    ++at_;
    return true;
  }
  void expect(char wanted) {
    if (!take(wanted)) fail(concat("no header of NumPy: there should be '", wanted, '\''));
  }
  bool take_word(std::string_view word) {
    skip_space();
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }

  std::string_view take_text() {
    skip_space();
    const char quote = next();
    if (quote != '\'' && quote != '"') fail("no header of NumPy: there should be a text");
    const std::size_t end = text_.find(quote, at_ + 1);
    if (end == std::string_view::npos) fail("a text has no end");
    const std::string_view text = text_.substr(at_ + 1, end - at_ - 1);
    at_ = end + 1;
    return text;
  }

  bool take_bool() {
    if (take_word("True")) return true;
    if (take_word("False")) return false;
    fail("fortran_order is neither True nor False");
  }

  std::int64_t take_size() {
    skip_space();
    std::int64_t size = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stop, error] = std::from_chars(text_.data() + at_, end, size);
    if (error != std::errc{} || size < 0) fail("a size of the shape is no number of 63 bits");
    at_ = static_cast<std::size_t>(stop - text_.data());
    if (python2_ && next() == 'L') ++at_;  // Python 2's long
    return size;
  }

  Dims take_shape() {
    Dims shape;
    expect('(');
    while (!take(')')) {
      shape.push_back(take_size());
      if (take(',')) continue;
      if (shape.size() == 1) fail("the shape is no tuple");  // (3) is a number
      expect(')');
      break;
    }
    return shape;
  }

  void parse_descr(NpyHeader& header) {
    skip_space();
    if (next() == '[') refuse("an array of structures, which no tensor can hold");
    const std::string_view descr = take_text();
    std::string_view code = descr;
    if (!code.empty() && "<>|="sv.find(code.front()) != std::string_view::npos) {
      header.big_endian = code.front() == '>';
      code.remove_prefix(1);
    }
    if (code == "?") code = "b1";
    const auto found = dtype_of_numpy_code(code);
    if (!found) {
      refuse(concat("an array of dtype '", descr.substr(0, 40),
                    "': ", describe_kind(code.empty() ? '\0' : code.front())));
    }
    header.dtype = *found;
  }

  ByteReader reader_;
  std::string_view text_;
  std::size_t at_ = 0;
  bool python2_;
};

std::string_view code_of(DType dtype) {
  const auto* const found = std::ranges::find(kDTypes, dtype, &NamedDType::dtype);
  if (found == kDTypes.end()) refuse_dtype("NumPy", dtype);
  return found->code;
}

}  // namespace

std::optional<DType> dtype_of_numpy_code(std::string_view code) noexcept {
  const auto* const found = std::ranges::find(kDTypes, code, &NamedDType::code);
  if (found == kDTypes.end()) return std::nullopt;
  return found->dtype;
}

bool is_npy(std::string_view start) noexcept {
  return start.starts_with(kMagic);
}

std::uint64_t npy_header_bytes(std::string_view start) noexcept {
  constexpr std::size_t kFixed = 8;  // the magic and the version
  if (!is_npy(start) || start.size() < kFixed + sizeof(std::uint32_t)) return 0;
  const std::size_t width = start[kMagic.size()] == 1 ? 2 : 4;
  std::uint64_t length = 0;
  for (std::size_t i = width; i-- > 0;) {
    length = length << 8 | static_cast<unsigned char>(start[kFixed + i]);
  }
  return kFixed + width + length;
}

NpyHeader parse_npy_header(std::string_view start, const std::string& where) {
  ByteReader reader(start, where);
  if (!is_npy(start)) reader.fail("no .npy file: it does not begin with \"\\x93NUMPY\"");
  reader.skip(kMagic.size());
  const auto major = reader.read<std::uint8_t>();
  const auto minor = reader.read<std::uint8_t>();
  if (major < 1 || major > 3 || minor != 0) {
    reader.fail_at(kMagic.size(), concat("version ", int{major}, '.', int{minor},
                                         " of the .npy format is none of 1.0, 2.0, 3.0"));
  }
  const std::uint64_t length =
      major == 1 ? reader.read<std::uint16_t>() : reader.read<std::uint32_t>();
  NpyHeader header;
  header.header_bytes = reader.offset() + length;
  if (header.header_bytes > kMaxNpyHeader) {
    reader.fail(concat("a header of ", length, " bytes; at most ", kMaxNpyHeader, " are read"));
  }
  const std::size_t base = reader.offset();
  DictParser(reader.take(length), where, base, major < 3).parse(header);
  try {
    const auto count = static_cast<std::uint64_t>(element_count(header.shape));
    static_cast<void>(contiguous_strides(header.shape));  // may overflow where a size is 0
    if (count > std::numeric_limits<std::int64_t>::max() / size_of(header.dtype)) {
      throw ShapeError(concat("shape ", header.shape, " needs more bytes than 63 bits count"));
    }
    header.data_bytes = count * size_of(header.dtype);
  } catch (const ShapeError& error) {
    reader.fail_at(base, error.what());
  }
  return header;
}

std::string make_npy_header(DType dtype, const Dims& shape) {
  const bool single = size_of(dtype) == 1;
  std::string text = concat("{'descr': '", single ? '|' : '<', code_of(dtype),
                            "', 'fortran_order': False, 'shape': ", python_tuple(shape), ", }");
  if (!shape.empty()) text.append(kGrowthDigits - std::to_string(shape[0]).size(), ' ');
  const std::size_t prefix = kMagic.size() + 2 + sizeof(std::uint16_t);
  text.append(kAlignment - (prefix + text.size() + 1) % kAlignment, ' ');
  text += '\n';
  if (text.size() > std::numeric_limits<std::uint16_t>::max()) {
    throw ValueError(concat("npy: a shape of ", shape.size(), " dimensions does not fit"));
  }
  ByteWriter header;
  header.bytes(kMagic);
  header.write(std::uint8_t{1});
  header.write(std::uint8_t{0});
  header.write(static_cast<std::uint16_t>(text.size()));
  header.bytes(text);
  return header.release();
}

}  // namespace wick
