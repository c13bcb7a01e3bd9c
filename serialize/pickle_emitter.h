// SPDX-License-Identifier: MIT
// Writes opcodes of protocol 2 and keeps the memo as CPython's pickler does.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

#include "serialize/byte_writer.h"
#include "serialize/pickle_opcodes.h"
#include "serialize/pickle_scalars.h"
#include "wick/core/device.h"
#include "wick/core/dims.h"
#include "wick/core/dtype.h"
#include "wick/core/keyed_hash.h"
#include "wick/core/layout.h"

namespace wick {

/// Everything of a pickle that contains no other values. Each function appends one object, or a
/// reference to the memo where Python would know the object already.
class PickleEmitter {
 public:
  void op(pickle::Op code) { out_.write(static_cast<std::uint8_t>(code)); }
  [[nodiscard]] std::string release() { return out_.release(); }
  void proto();

  // -- Memo -------------------------------------------------------------------------------------

  /// Gives the object on top of the stack the next memo entry, and returns its number.
  std::uint32_t memoize();
  /// Also under an address, unless that is null.
  void memoize(const void* identity);
  void get(std::uint32_t index);
  /// Refers to the object of that address, if it was memoised; says whether it was.
  bool get_known(const void* identity);
  [[nodiscard]] bool knows(const void* identity) const { return objects_.contains(identity); }

  // -- Objects ----------------------------------------------------------------------------------

  void boolean(bool value) { op(value ? pickle::Op::newtrue : pickle::Op::newfalse); }
  void integer(std::int64_t value) { pickle::write_int(out_, value); }
  void integer(const BigInteger& value) { pickle::write_int(out_, value); }
  void real(double value) { pickle::write_float(out_, value); }
  void complex(double real_part, double imaginary_part);
  /// A str as Python code would have it: one object for all equal ones where CPython interns them
  /// (identifiers, single characters), else one of its own.
  void string(const std::string& text);
  /// A str that no other one shares. Returns its memo entry.
  /// Throws ValueError where it is not UTF-8 or above 4 GiB.
  std::uint32_t fresh_string(std::string_view text);
  void bytes(const std::string& value);
  void byte_array(const std::string& value, const void* identity);
  /// A class or a function.
  void global(std::string_view module, std::string_view name);
  void dtype(DType value) { global("torch", name(value)); }
  void device(const DeviceName& name, const void* identity);
  void layout(Layout value);
  /// A tuple of int.
  void dims(const Dims& values);
  void size(const Dims& sizes, const void* identity);
  /// Makes a tuple of the `count` > 0 topmost values, which lie above a mark if there are more than
  /// three.
  void close_tuple(std::size_t count);

 private:
  ByteWriter out_;
  std::uint32_t next_memo_ = 0;
  std::unordered_map<const void*, std::uint32_t> objects_;
  NameMap<std::uint32_t> strings_;
  NameMap<std::uint32_t> short_bytes_;
  NameMap<std::uint32_t> globals_;
  std::unordered_map<Layout, std::uint32_t> layouts_;
};

}  // namespace wick
