// SPDX-License-Identifier: MIT
// Arithmetic between tensors of any layout.
#include "wick/core/backend/arithmetic.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "kernels/cpu/cpu_backend.h"
#include "kernels/cpu/for_rows.h"
#include "kernels/cpu/simd/arithmetic.h"
#include "kernels/cpu/simd/isa.h"
#include "kernels/element_bytes.h"
#include "wick/core/error.h"
#include "wick/core/visit_values.h"

namespace wick::cpu {
namespace {

// Numbers have strides of 0.
const Dims& strides_of(const ElementsRef& elements, const Dims& zeros) {
  return elements.data == nullptr ? zeros : elements.strides;
}

template <typename T>
const T* elements_of(const ElementsRef& elements, const T& number) {
  return elements.data == nullptr ? &number : static_cast<const T*>(elements.data);
}

// Places are of bytes that can be written; those of operands are only read.
template <typename T>
std::byte* place(const T* data) {
  return reinterpret_cast<std::byte*>(const_cast<T*>(data));
}
template <typename T>
const T* elements_at(std::byte* place) {
  return reinterpret_cast<const T*>(place);
}

// int64 and bool: what they are needed for is short, and the same for all instruction sets.
template <typename T, std::size_t... I>
void run_whole_row(BinaryOp op, const BinaryRow<T>& row, std::index_sequence<I...> /*all*/) {
  static_cast<void>(((op == static_cast<BinaryOp>(I) &&
                      (binary_row<T, Baseline, static_cast<BinaryOp>(I)>(row), true)) ||
                     ...));
}

void require_op(bool allowed, const char* name, DType dtype) {
  if (!allowed) {
    throw DTypeError(concat(name, ": not of ", dtype, "; convert with Tensor::to(DType::float32)"));
  }
}

template <typename Unit>
void where(ThreadPool& pool, const TernaryArgs& args, const LoopsOf<4>& loops, const Unit& yes,
           const Unit& no) {
  constexpr auto kSize = static_cast<std::int64_t>(sizeof(Unit));
  const auto last = loops.shape.size() - 1;
  const Places<4> first{
      {static_cast<std::byte*>(args.out), place(static_cast<const bool*>(args.a.data)),
       place(elements_of(args.b, yes)), place(elements_of(args.c, no))},
      {kSize, 1, kSize, kSize}};
  for_rows(pool, loops, first, [&](const Places<4>& at, std::int64_t count) {
    auto* const out = reinterpret_cast<Unit*>(at.at[0]);
    const auto* const condition = elements_at<bool>(at.at[1]);
    const auto* const b = elements_at<Unit>(at.at[2]);
    const auto* const c = elements_at<Unit>(at.at[3]);
    const std::int64_t step = loops.strides[0][last];
    const std::int64_t a_step = loops.strides[1][last];
    const std::int64_t b_step = loops.strides[2][last];
    const std::int64_t c_step = loops.strides[3][last];
    for (std::int64_t i = 0; i < count; ++i) {
      out[i * step] = condition[i * a_step] ? b[i * b_step] : c[i * c_step];
    }
  });
}

// Elements are moved as they are, so that every bit survives.
template <std::size_t Bytes>
void where_bytes(ThreadPool& pool, const TernaryArgs& args, const LoopsOf<4>& loops) {
  using Unit = std::array<std::byte, Bytes>;
  const auto number = [&](const ElementsRef& elements) {
    Unit unit{};
    if (elements.data == nullptr) {
      const ElementBytes bytes = element_bytes(args.dtype, elements.number);
      std::memcpy(unit.data(), bytes.bytes, Bytes);
    }
    return unit;
  };
  where<Unit>(pool, args, loops, number(args.b), number(args.c));
}

}  // namespace

void CpuBackend::binary(const BinaryArgs& args) {
  visit_values(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    constexpr bool kFloat = std::is_floating_point_v<T>;
    require_op(kFloat || args.op != BinaryOp::div, name_of(args.op), args.dtype);
    const Dims zeros(args.shape.size(), 0);
    const LoopsOf<3> loops = coalesce_sorted<3>(
        args.shape, {&args.out_strides, &strides_of(args.a, zeros), &strides_of(args.b, zeros)});
    const T left = number_as<T>(args.a.number);
    const T right = number_as<T>(args.b.number);
    constexpr auto kSize = static_cast<std::int64_t>(sizeof(T));
    const Places<3> first{{static_cast<std::byte*>(args.out), place(elements_of(args.a, left)),
                           place(elements_of(args.b, right))},
                          {is_comparison(args.op) ? std::int64_t{1} : kSize, kSize, kSize}};
    const auto last = loops.shape.size() - 1;
    const T alpha = number_as<T>(args.alpha);
    for_rows(*pool_, loops, first, [&](const Places<3>& at, std::int64_t count) {
      const BinaryRow<T> row{elements_at<T>(at.at[1]),
                             elements_at<T>(at.at[2]),
                             at.at[0],
                             count,
                             loops.strides[1][last],
                             loops.strides[2][last],
                             loops.strides[0][last],
                             alpha};
      if constexpr (kFloat) {
        kernels<T>().binary[static_cast<std::size_t>(args.op)](row);
      } else {
        run_whole_row(args.op, row, std::make_index_sequence<kBinaryOpCount>{});
      }
    });
  });
}

void CpuBackend::ternary(const TernaryArgs& args) {
  const Dims zeros(args.shape.size(), 0);
  const LoopsOf<4> loops =
      coalesce_sorted<4>(args.shape, {&args.out_strides, &strides_of(args.a, zeros),
                                      &strides_of(args.b, zeros), &strides_of(args.c, zeros)});
  if (args.op == TernaryOp::where) {
    switch (size_of(args.dtype)) {
      case 1: return where_bytes<1>(*pool_, args, loops);
      case 2: return where_bytes<2>(*pool_, args, loops);
      case 4: return where_bytes<4>(*pool_, args, loops);
      case 8: return where_bytes<8>(*pool_, args, loops);
      default: return where_bytes<16>(*pool_, args, loops);
    }
  }
  visit_values(args.dtype, name_of(args.op), [&]<typename T>(TypeTag<T>) {
    const bool is_clamp = args.op == TernaryOp::clamp;
    require_op(std::is_floating_point_v<T> || is_clamp, name_of(args.op), args.dtype);
    const T a = number_as<T>(args.a.number);
    const T b = number_as<T>(args.b.number);
    const T c = number_as<T>(args.c.number);
    constexpr auto kSize = static_cast<std::int64_t>(sizeof(T));
    const Places<4> first{{static_cast<std::byte*>(args.out), place(elements_of(args.a, a)),
                           place(elements_of(args.b, b)), place(elements_of(args.c, c))},
                          {kSize, kSize, kSize, kSize}};
    const auto last = loops.shape.size() - 1;
    for_rows(*pool_, loops, first, [&](const Places<4>& at, std::int64_t count) {
      const TernaryRow<T> row{elements_at<T>(at.at[1]),
                              elements_at<T>(at.at[2]),
                              elements_at<T>(at.at[3]),
                              reinterpret_cast<T*>(at.at[0]),
                              count,
                              loops.strides[1][last],
                              loops.strides[2][last],
                              loops.strides[3][last],
                              loops.strides[0][last]};
      if constexpr (std::is_floating_point_v<T>) {
        (is_clamp ? kernels<T>().clamp : kernels<T>().lerp)(row);
      } else {
        ternary_row<T, Baseline, TernaryOp::clamp>(row);
      }
    });
  });
}

}  // namespace wick::cpu
