// SPDX-License-Identifier: MIT
#include "serialize/pickle_emitter.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "serialize/utf8.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using pickle::Op;

// True for text of which CPython keeps one object: what looks like an identifier in source code,
// and single latin-1 characters (in UTF-8 the two-byte ones begin with C2 or C3).
bool is_interned(std::string_view text) {
  const auto is_name_character = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
  };
  const bool latin1_character =
      text.size() == 2 && static_cast<unsigned char>(text[0]) <= 0xC3 && text[0] < 0;
  return text.size() <= 1 || latin1_character || std::ranges::all_of(text, is_name_character);
}

}  // namespace

void PickleEmitter::proto() {
  op(Op::proto);
  out_.write(std::uint8_t{2});
}

std::uint32_t PickleEmitter::memoize() {
  const std::uint32_t index = next_memo_++;
  if (index < 256) {
    op(Op::binput);
    out_.write(static_cast<std::uint8_t>(index));
  } else {
    op(Op::long_binput);
    out_.write(index);
  }
  return index;
}

void PickleEmitter::memoize(const void* identity) {
  const std::uint32_t index = memoize();
  if (identity != nullptr) objects_.emplace(identity, index);
}

void PickleEmitter::get(std::uint32_t index) {
  if (index < 256) {
    op(Op::binget);
    out_.write(static_cast<std::uint8_t>(index));
  } else {
    op(Op::long_binget);
    out_.write(index);
  }
}

bool PickleEmitter::get_known(const void* identity) {
  const auto known = objects_.find(identity);
  if (known == objects_.end()) return false;
  get(known->second);
  return true;
}

void PickleEmitter::complex(double real_part, double imaginary_part) {
  global("__builtin__", "complex");
  real(real_part);
  real(imaginary_part);
  op(Op::tuple2);
  memoize();
  op(Op::reduce);
  memoize();
}

std::uint32_t PickleEmitter::fresh_string(std::string_view text) {
  if (text.size() > std::numeric_limits<std::uint32_t>::max()) {
    throw ValueError("save: a str of more than 4 GiB does not fit a pickle of protocol 2");
  }
  if (!is_utf8(text)) {
    throw ValueError(concat("save: a str is not valid UTF-8: \"", text.substr(0, 40),
                            "\"; use Bytes for binary data"));
  }
  op(Op::binunicode);
  out_.write(static_cast<std::uint32_t>(text.size()));
  out_.bytes(text);
  return memoize();
}

void PickleEmitter::string(const std::string& text) {
  if (!is_interned(text)) {
    fresh_string(text);
  } else if (const auto known = strings_.find(text); known != strings_.end()) {
    get(known->second);
  } else {
    strings_.emplace(text, fresh_string(text));
  }
}

// Protocol 2 has no opcode for bytes: _codecs.encode(text, "latin1"). For b"" CPython writes
// bytes() instead, which torch.load(weights_only=True) refuses.
void PickleEmitter::bytes(const std::string& value) {
  // CPython keeps one object for each of the shortest ones.
  if (value.size() <= 1) {
    if (const auto known = short_bytes_.find(value); known != short_bytes_.end()) {
      get(known->second);
      return;
    }
  }
  global("_codecs", "encode");
  fresh_string(latin1_to_utf8(value));
  string("latin1");
  op(Op::tuple2);
  memoize();
  op(Op::reduce);
  const std::uint32_t index = memoize();
  if (value.size() <= 1) short_bytes_.emplace(value, index);
}

// bytearray(bytes), or bytearray().
void PickleEmitter::byte_array(const std::string& value, const void* identity) {
  global("__builtin__", "bytearray");
  if (value.empty()) {
    op(Op::empty_tuple);
  } else {
    bytes(value);
    op(Op::tuple1);
    memoize();
  }
  op(Op::reduce);
  memoize(identity);
}

void PickleEmitter::global(std::string_view module, std::string_view name) {
  std::string line = concat(module, '\n', name, '\n');
  if (const auto known = globals_.find(line); known != globals_.end()) {
    get(known->second);
    return;
  }
  op(Op::global);
  out_.bytes(line);
  globals_.emplace(std::move(line), memoize());
}

void PickleEmitter::device(const DeviceName& name, const void* identity) {
  global("torch", "device");
  fresh_string(name.type());
  if (name.index()) {
    integer(*name.index());
    op(Op::tuple2);
  } else {
    op(Op::tuple1);
  }
  memoize();
  op(Op::reduce);
  memoize(identity);
}

// Of each layout Python has one object. Its text is made anew each time.
void PickleEmitter::layout(Layout value) {
  if (const auto known = layouts_.find(value); known != layouts_.end()) {
    get(known->second);
    return;
  }
  global("torch.serialization", "_get_layout");
  fresh_string(concat("torch.", value));
  op(Op::tuple1);
  memoize();
  op(Op::reduce);
  layouts_.emplace(value, memoize());
}

void PickleEmitter::size(const Dims& sizes, const void* identity) {
  global("torch", "Size");
  dims(sizes);
  op(Op::tuple1);
  memoize();
  op(Op::reduce);
  memoize(identity);
}

void PickleEmitter::close_tuple(std::size_t count) {
  constexpr Op kSmall[] = {Op::tuple1, Op::tuple2, Op::tuple3};
  op(count <= 3 ? kSmall[count - 1] : Op::tuple);
}

void PickleEmitter::dims(const Dims& values) {
  if (values.empty()) {
    op(Op::empty_tuple);
    return;
  }
  if (values.size() > 3) op(Op::mark);
  for (const std::int64_t value : values) integer(value);
  close_tuple(values.size());
  memoize();
}

}  // namespace wick
