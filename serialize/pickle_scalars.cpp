// SPDX-License-Identifier: MIT
#include "serialize/pickle_scalars.h"

#include <bit>
#include <limits>

#include "core/error.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/utf8.h"

namespace wick::pickle {
namespace {

[[noreturn]] void too_long() {
  throw ValueError("an int needs more than 64 bits");
}

}  // namespace

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

void write_float(ByteWriter& out, double value) {
  out.write(static_cast<std::uint8_t>(Op::binfloat));
  const auto bits = std::bit_cast<std::uint64_t>(value);  // the format's one big-endian number
  for (int shift = 56; shift >= 0; shift -= 8) out.write(static_cast<std::uint8_t>(bits >> shift));
}

std::int64_t read_long(ByteReader& in, std::uint64_t length) {
  const std::string_view raw = in.take(length);
  if (raw.empty()) return 0;
  const bool negative = (static_cast<unsigned char>(raw.back()) & 0x80) != 0;
  std::uint64_t bits = negative ? ~std::uint64_t{0} : 0;
  for (std::size_t i = raw.size(); i-- > 0;) {
    const auto byte = static_cast<unsigned char>(raw[i]);
    if (i >= 8 && byte != (negative ? 0xFF : 0x00)) too_long();
    if (i < 8) bits = bits << 8 | byte;
  }
  if ((static_cast<std::int64_t>(bits) < 0) != negative) too_long();
  return static_cast<std::int64_t>(bits);
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

Bytes read_bytes(ByteReader& in, std::uint64_t length) {
  return {std::string(in.take(length))};
}

}  // namespace wick::pickle
