// SPDX-License-Identifier: MIT
#include "serialize/pickle_extent.h"

#include <cstdint>

#include "serialize/pickle_opcodes.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using pickle::Op;

// What follows an opcode: bytes of a fixed number, a length in that many bytes and what it counts,
// or lines.
struct Operand {
  std::size_t fixed = 0;
  std::size_t length_bytes = 0;
  std::size_t lines = 0;
};

Operand operand_of(Op op) {
  switch (op) {
    case Op::binput:
    case Op::binget:
    case Op::binint1:
    case Op::ext1:
    case Op::proto: return {.fixed = 1};
    case Op::ext2:
    case Op::binint2: return {.fixed = 2};
    case Op::ext4:
    case Op::binint:
    case Op::long_binput:
    case Op::long_binget: return {.fixed = 4};
    case Op::binfloat:
    case Op::frame: return {.fixed = 8};
    case Op::short_binbytes:
    case Op::short_binstring:
    case Op::short_binunicode:
    case Op::long1: return {.length_bytes = 1};
    case Op::binbytes:
    case Op::binstring:
    case Op::binunicode:
    case Op::long4: return {.length_bytes = 4};
    case Op::binbytes8:
    case Op::binunicode8:
    case Op::bytearray8: return {.length_bytes = 8};
    case Op::int_text: return {.lines = 1};
    case Op::inst:
    case Op::global: return {.lines = 2};
    case Op::mark:
    case Op::stop:
    case Op::pop:
    case Op::pop_mark:
    case Op::dup:
    case Op::none:
    case Op::binpersid:
    case Op::reduce:
    case Op::append:
    case Op::build:
    case Op::appends:
    case Op::setitem:
    case Op::tuple:
    case Op::setitems:
    case Op::empty_tuple:
    case Op::empty_list:
    case Op::empty_dict:
    case Op::newobj:
    case Op::newobj_ex:
    case Op::obj:
    case Op::tuple1:
    case Op::tuple2:
    case Op::tuple3:
    case Op::newtrue:
    case Op::newfalse:
    case Op::empty_set:
    case Op::additems:
    case Op::frozenset:
    case Op::stack_global:
    case Op::memoize: return {};
  }
  throw ValueError(concat("opcode ", static_cast<int>(op), " is not admitted"));
}

}  // namespace

std::optional<std::size_t> pickle_extent(std::string_view bytes) {
  std::size_t at = 0;
  const auto skip = [&](std::uint64_t count) {
    if (count > bytes.size() - at) return false;
    at += static_cast<std::size_t>(count);
    return true;
  };
  while (at < bytes.size()) {
    const auto op = static_cast<Op>(static_cast<unsigned char>(bytes[at++]));
    const Operand operand = operand_of(op);
    if (op == Op::stop) return at;
    const std::size_t start = at;
    if (!skip(operand.fixed + operand.length_bytes)) return std::nullopt;
    std::uint64_t length = 0;
    for (std::size_t i = operand.length_bytes; i-- > 0;) {
      length = length << 8 | static_cast<unsigned char>(bytes[start + i]);
    }
    if (!skip(length)) return std::nullopt;
    for (std::size_t line = 0; line < operand.lines; ++line) {
      const std::size_t end = bytes.find('\n', at);
      if (end == std::string_view::npos) return std::nullopt;
      at = end + 1;
    }
  }
  return std::nullopt;
}

}  // namespace wick
