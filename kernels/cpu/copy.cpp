// SPDX-License-Identifier: MIT
// Copies between layouts, with conversion between dtypes.
#include "kernels/cpu/copy.h"

#include <array>
#include <cstddef>
#include <cstring>
#include <vector>

#include "kernels/convert.h"
#include "kernels/cpu/for_rows.h"
#include "wick/core/backend/memory.h"

namespace wick::cpu {
namespace {

struct Row {
  std::byte* to;
  const std::byte* from;
  std::int64_t count;
  std::int64_t to_stride;    // in elements
  std::int64_t from_stride;  // in elements
};

using CopyRow = void (*)(const Row&);

template <typename To, typename From>
void convert_row(const Row& row) {
  auto* const to = reinterpret_cast<To*>(row.to);
  const auto* const from = reinterpret_cast<const From*>(row.from);
  if (row.to_stride == 1 && row.from_stride == 1) {
    for (std::int64_t i = 0; i < row.count; ++i) to[i] = convert<To>(from[i]);
  } else {
    for (std::int64_t i = 0; i < row.count; ++i) {
      to[i * row.to_stride] = convert<To>(from[i * row.from_stride]);
    }
  }
}

// Elements of equal dtype are moved as bytes, so that every bit survives.
template <std::size_t Bytes>
void move_row(const Row& row) {
  using Unit = std::array<std::byte, Bytes>;
  if (row.to_stride == 1 && row.from_stride == 1) {
    std::memcpy(row.to, row.from, static_cast<std::size_t>(row.count) * Bytes);
    return;
  }
  auto* const to = reinterpret_cast<Unit*>(row.to);
  const auto* const from = reinterpret_cast<const Unit*>(row.from);
  for (std::int64_t i = 0; i < row.count; ++i) to[i * row.to_stride] = from[i * row.from_stride];
}

CopyRow row_function(DType to, DType from) {
  if (to == from) {
    switch (size_of(to)) {
      case 1: return move_row<1>;
      case 2: return move_row<2>;
      case 4: return move_row<4>;
      case 8: return move_row<8>;
      default: return move_row<16>;
    }
  }
  return visit(to, [from]<typename To>(TypeTag<To>) {
    return visit(from,
                 []<typename From>(TypeTag<From>) -> CopyRow { return convert_row<To, From>; });
  });
}

}  // namespace

void copy_strided(const StridedRef& to, const StridedRef& from) {
  for (const std::int64_t size : to.shape) {
    if (size == 0) return;
  }
  const LoopsOf<2> loops = coalesce<2>(to.shape, {&to.strides, &from.strides});
  const CopyRow copy_row = row_function(to.dtype, from.dtype);
  const auto last = loops.shape.size() - 1;
  const std::int64_t to_stride = loops.strides[0][last];
  const std::int64_t from_stride = loops.strides[1][last];
  const Places<2> first{{static_cast<std::byte*>(to.data), static_cast<std::byte*>(from.data)},
                        {static_cast<std::int64_t>(size_of(to.dtype)),
                         static_cast<std::int64_t>(size_of(from.dtype))}};
  walk_rows(loops, first, 0, row_count(loops), [&](const Places<2>& here, std::int64_t count) {
    copy_row({here.at[0], here.at[1], count, to_stride, from_stride});
  });
}

}  // namespace wick::cpu
