// SPDX-License-Identifier: MIT
#include "serialize/pickle_scalars.h"

#include <bit>
#include <charconv>
#include <limits>

#include "serialize/pickle_opcodes.h"
#include "serialize/utf8.h"
#include "wick/core/error.h"

namespace wick::pickle {
void write_int(ByteWriter& out, std::int64_t value) {
  const auto op = [&out](Op code) { out.write(static_cast<std::uint8_t>(code)); };
  if (value >= 0 && value <= 0xFF) {
    op(Op::binint1);
    out.write(static_cast<std::uint8_t>(value));
  } else if (value >= 0 && value <= 0xFFFF) {
    op(Op::binint2);
    out.write(static_cast<std::uint16_t>(value));
  } else if (value >= std::numeric_limits<std::int32_t>::min() &&
             value <= std::numeric_limits<std::int32_t>::max()) {
    op(Op::binint);
    out.write(static_cast<std::uint32_t>(static_cast<std::int32_t>(value)));
  } else {
    // The fewest bytes of two's complement that keep the sign.
    const auto bits = static_cast<std::uint64_t>(value);
    const int used = 64 - std::countl_zero(value < 0 ? ~bits : bits) + 1;
    const auto bytes = static_cast<std::uint8_t>((used + 7) / 8);
    op(Op::long1);
    out.write(bytes);
    for (unsigned i = 0; i < bytes; ++i) out.write(static_cast<std::uint8_t>(bits >> (8 * i)));
  }
}

void write_int(ByteWriter& out, const BigInteger& value) {
  const std::string& bytes = value.bytes();
  if (bytes.size() > std::numeric_limits<std::int32_t>::max()) {
    throw ValueError("save: an int of more than 2 GiB does not fit a pickle of protocol 2");
  }
  if (bytes.size() < 256) {
    out.write(static_cast<std::uint8_t>(Op::long1));
    out.write(static_cast<std::uint8_t>(bytes.size()));
  } else {
    out.write(static_cast<std::uint8_t>(Op::long4));
    out.write(static_cast<std::uint32_t>(bytes.size()));
  }
  out.bytes(bytes);
}

void write_float(ByteWriter& out, double value) {
  out.write(static_cast<std::uint8_t>(Op::binfloat));
  const auto bits = std::bit_cast<std::uint64_t>(value);  // the format's one big-endian number
  for (int shift = 56; shift >= 0; shift -= 8) out.write(static_cast<std::uint8_t>(bits >> shift));
}

std::int64_t read_int_text(ByteReader& in) {
  const std::string_view line = in.take_line();
  std::int64_t value = 0;
  const char* const end = line.data() + line.size();
  const auto [stop, error] = std::from_chars(line.data(), end, value);
  // Zeros in front would be Python's "00" and "01" for False and True in protocols before 2.
  const std::size_t sign = line.starts_with('-') ? 1 : 0;
  const bool zeros = line.size() > sign + 1 && line[sign] == '0';
  if (error != std::errc{} || stop != end || zeros) {
    throw ValueError("the text of an int is none of 64 bits");
  }
  return value;
}

Value read_long(ByteReader& in, std::uint64_t length) {
  return BigInteger::from_bytes(std::string(in.take(length)));
}

double read_float(ByteReader& in) {
  std::uint64_t bits = 0;
  for (const char c : in.take(8)) bits = bits << 8 | static_cast<unsigned char>(c);
  return std::bit_cast<double>(bits);
}

std::string read_text(ByteReader& in, std::uint64_t length) {
  const std::string_view text = in.take(length);
  if (!is_utf8(text)) throw ValueError("a str is not valid UTF-8");
  return std::string(text);
}

std::optional<Value> read_scalar(ByteReader& in, Op op) {
  switch (op) {
    case Op::none: return Value();
    case Op::newtrue: return true;
    case Op::newfalse: return false;
    case Op::binint: return static_cast<std::int32_t>(in.read<std::uint32_t>());
    case Op::binint1: return in.read<std::uint8_t>();
    case Op::binint2: return in.read<std::uint16_t>();
    case Op::int_text: return read_int_text(in);
    case Op::long1: return read_long(in, in.read<std::uint8_t>());
    case Op::long4: return read_long(in, in.read<std::uint32_t>());
    case Op::binfloat: return read_float(in);
    case Op::short_binunicode: return read_text(in, in.read<std::uint8_t>());
    case Op::binunicode: return read_text(in, in.read<std::uint32_t>());
    case Op::binunicode8: return read_text(in, in.read<std::uint64_t>());
    case Op::short_binbytes: return read_bytes(in, in.read<std::uint8_t>());
    case Op::binbytes: return read_bytes(in, in.read<std::uint32_t>());
    case Op::binbytes8: return read_bytes(in, in.read<std::uint64_t>());
    default: return std::nullopt;
  }
}

Bytes read_bytes(ByteReader& in, std::uint64_t length) {
  return {std::string(in.take(length))};
}

}  // namespace wick::pickle
