// SPDX-License-Identifier: MIT
// How numbers and text lie in a pickle.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "serialize/byte_reader.h"
#include "serialize/byte_writer.h"
#include "serialize/pickle_opcodes.h"
#include "wick/core/value.h"

namespace wick::pickle {

/// The shortest opcode of protocol 2 that holds the number, and the number.
void write_int(ByteWriter& out, std::int64_t value);
/// LONG1, or LONG4 from 256 bytes on. Throws ValueError where the number takes 2 GiB.
void write_int(ByteWriter& out, const BigInteger& value);
void write_float(ByteWriter& out, double value);

// What follows an opcode. ValueError where the content is not admitted, FormatError where the
// pickle ends too early.

/// A line with the digits of an int of 64 bits: so Python 2 writes those beyond 32, in all
/// protocols.
[[nodiscard]] std::int64_t read_int_text(ByteReader& in);
/// Two's complement of `length` bytes, little-endian.
[[nodiscard]] Value read_long(ByteReader& in, std::uint64_t length);
[[nodiscard]] double read_float(ByteReader& in);
/// UTF-8 of `length` bytes.
[[nodiscard]] std::string read_text(ByteReader& in, std::uint64_t length);
[[nodiscard]] Bytes read_bytes(ByteReader& in, std::uint64_t length);
/// The number, text or bytes that an opcode holds by itself; empty for an opcode that does not.
[[nodiscard]] std::optional<Value> read_scalar(ByteReader& in, Op op);

}  // namespace wick::pickle
