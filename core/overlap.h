// SPDX-License-Identifier: MIT
// Tensors that share memory: where an operation writes what it still reads, or one place twice, its
// result depends on the order of its work. Such calls are refused, as PyTorch refuses them.
//
// Thread safety: all functions only look at layouts.
#pragma once

#include <cstddef>
#include <cstdint>

#include "wick/core/tensor.h"

namespace wick {

enum class Overlap : std::uint8_t {
  none,
  /// Both have the same elements in the same places: what works element by element may write there.
  same,
  partial,
};

/// How the elements of two tensors lie to each other in memory; `none` on different devices.
/// Layouts too intricate to decide within a bounded search count as `partial`. In the usual cases
/// the answer takes a few comparisons of addresses; it never allocates.
[[nodiscard]] Overlap overlap_of(const Tensor& a, const Tensor& b);

/// Whether two elements of the tensor lie at one place, as in an expanded tensor.
[[nodiscard]] bool overlaps_itself(const Tensor& tensor);

// These throw ValueError that names the operation and both tensors, and says to clone().

/// For an output: each of its elements must have a place of its own.
void require_no_internal_overlap(const char* operation, const Tensor& out);
/// For an output and what is still read after the first write.
void require_no_overlap(const char* operation, const Tensor& out, const Tensor& in);
/// For an output and an input that are worked on element by element: both may be the same.
void require_no_partial_overlap(const char* operation, const Tensor& out, const Tensor& in);

namespace detail {

[[noreturn]] void refuse_internal_overlap(const char* operation, const Tensor& out);
[[noreturn]] void refuse_overlap(const char* operation, const Tensor& out, const Tensor& in);
[[nodiscard]] Overlap overlap_within_storage(const Tensor& a, const Tensor& b);

// Two allocations: the case of nearly every pair of tensors.
[[nodiscard]] inline bool storages_are_apart(const Storage& a, const Storage& b) noexcept {
  const auto a_begin = reinterpret_cast<std::uintptr_t>(a.data());
  const auto b_begin = reinterpret_cast<std::uintptr_t>(b.data());
  return a_begin + a.bytes() <= b_begin || b_begin + b.bytes() <= a_begin;
}

}  // namespace detail

inline Overlap overlap_of(const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined() || detail::storages_are_apart(*a.storage(), *b.storage())) {
    return Overlap::none;
  }
  return detail::overlap_within_storage(a, b);
}

inline void require_no_internal_overlap(const char* operation, const Tensor& out) {
  if (!out.is_contiguous() && overlaps_itself(out)) {
    detail::refuse_internal_overlap(operation, out);
  }
}

inline void require_no_overlap(const char* operation, const Tensor& out, const Tensor& in) {
  if (overlap_of(out, in) != Overlap::none) detail::refuse_overlap(operation, out, in);
}

inline void require_no_partial_overlap(const char* operation, const Tensor& out, const Tensor& in) {
  if (overlap_of(out, in) == Overlap::partial) detail::refuse_overlap(operation, out, in);
}

}  // namespace wick
