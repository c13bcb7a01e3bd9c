// SPDX-License-Identifier: MIT
#include "core/overlap.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <optional>

#include "wick/core/error.h"

namespace wick {
namespace {

// Of the search below. What people make of slices takes less than a hundred.
constexpr int kMostTrials = 20'000;
// Elements; sums of differences stay within 64 bits.
constexpr std::int64_t kLongestSearched = std::int64_t{1} << 60;

// Whether numbers x can be found with 0 <= x[k] <= count[k] and sum(x[k] * stride[k]) = target.
// Two layouts share a byte where such a sum is the distance between them. The general problem is
// hard, but strides mostly are so far apart that each leaves one or two candidates.
class BoundedSum {
 public:
  // Of two tensors: one for each dimension with more than one place, of which 2^63 elements have at
  // most 63, and one for the bytes of an element.
  static constexpr std::size_t kMostTerms = 128;

  void add(std::int64_t stride, std::int64_t count) {
    if (stride == 0 || count == 0) return;
    const auto end = terms_.begin() + static_cast<std::ptrdiff_t>(size_);
    const auto same = std::find_if(terms_.begin(), end,
                                   [stride](const Term& term) { return term.stride == stride; });
    if (same != end) {
      same->count += count;
    } else {
      terms_.at(size_++) = {stride, count, 0, 0};
    }
  }

  // Empty where the search was given up.
  std::optional<bool> reaches(std::int64_t target) {
    const auto end = terms_.begin() + static_cast<std::ptrdiff_t>(size_);
    std::sort(terms_.begin(), end,
              [](const Term& a, const Term& b) { return a.stride > b.stride; });
    std::int64_t rest = 0;
    std::int64_t divisor = 0;
    for (std::size_t k = size_; k-- > 0;) {
      Term& term = terms_[k];
      term.rest = rest;
      rest += term.stride * term.count;
      divisor = std::gcd(divisor, term.stride);
      term.divisor = divisor;
    }
    if (target < 0 || target > rest) return false;
    trials_ = 0;
    const bool found = search(0, target);
    if (!found && trials_ > kMostTrials) return std::nullopt;
    return found;
  }

 private:
  struct Term {
    std::int64_t stride;
    std::int64_t count;
    std::int64_t rest;     // the largest sum of the terms behind this one
    std::int64_t divisor;  // of the strides from this one on
  };

  // As deep as there are terms.
  bool search(std::size_t k, std::int64_t target) {  // NOLINT(misc-no-recursion)
    if (target == 0) return true;
    if (k == size_ || ++trials_ > kMostTrials) return false;
    const Term& term = terms_[k];
    if (target % term.divisor != 0) return false;
    const std::int64_t most = std::min(term.count, target / term.stride);
    const std::int64_t beyond = target - term.rest;
    const std::int64_t least = beyond <= 0 ? 0 : (beyond + term.stride - 1) / term.stride;
    for (std::int64_t x = most; x >= least; --x) {
      if (search(k + 1, target - x * term.stride)) return true;
      if (trials_ > kMostTrials) return false;
    }
    return false;
  }

  std::array<Term, kMostTerms> terms_;  // NOLINT(*-member-init): the first size_ of them
  std::size_t size_ = 0;
  int trials_ = 0;
};

std::int64_t element_bytes(const Tensor& tensor) {
  return static_cast<std::int64_t>(size_of(tensor.dtype()));
}

std::int64_t bytes_reached(const Tensor& tensor) {
  const std::int64_t extent =
      tensor.is_contiguous() ? tensor.numel() : layout_extent(tensor.shape(), tensor.strides());
  return extent * element_bytes(tensor);
}

bool same_layout(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || element_bytes(a) != element_bytes(b)) return false;
  for (std::size_t i = 0; i < a.shape().size(); ++i) {
    if (a.shape()[i] > 1 && a.strides()[i] != b.strides()[i]) return false;
  }
  return true;
}

void add_dimensions(const Tensor& tensor, BoundedSum& sum) {
  const std::int64_t unit = element_bytes(tensor);
  for (std::size_t i = 0; i < tensor.shape().size(); ++i) {
    sum.add(tensor.strides()[i] * unit, tensor.shape()[i] - 1);
  }
  sum.add(1, unit - 1);
}

// Of indices that differ by at least one in dimension `dim`, are there two of one place?
bool repeats_along(const Tensor& tensor, std::size_t dim) {
  // Differences lie in [-(size - 1), size - 1]; here they count from their least.
  BoundedSum sum;
  std::int64_t target = -tensor.strides()[dim];
  for (std::size_t i = 0; i < tensor.shape().size(); ++i) {
    const std::int64_t last = tensor.shape()[i] - 1;
    const std::int64_t stride = tensor.strides()[i];
    if (i == dim) {
      sum.add(stride, last - 1);
    } else if (last > 0) {
      sum.add(stride, 2 * last);
      target += last * stride;
    }
  }
  return sum.reaches(target).value_or(true);
}

}  // namespace

Overlap detail::overlap_within_storage(const Tensor& a, const Tensor& b) {
  if (a.numel() == 0 || b.numel() == 0 || &a.backend() != &b.backend()) return Overlap::none;
  const auto* const a_begin = static_cast<const std::byte*>(a.raw());
  const auto* const b_begin = static_cast<const std::byte*>(b.raw());
  if (a_begin == nullptr || b_begin == nullptr) return Overlap::none;  // they have no elements
  const auto* const a_end = a_begin + bytes_reached(a);
  const auto* const b_end = b_begin + bytes_reached(b);
  if (a_end <= b_begin || b_end <= a_begin) return Overlap::none;
  if (a_begin == b_begin && same_layout(a, b)) return Overlap::same;
  if (a.is_contiguous() && b.is_contiguous()) return Overlap::partial;
  // The places of b are counted from its last byte backwards.
  BoundedSum sum;
  add_dimensions(a, sum);
  add_dimensions(b, sum);
  return sum.reaches(b_end - 1 - a_begin).value_or(true) ? Overlap::partial : Overlap::none;
}

bool overlaps_itself(const Tensor& tensor) {
  if (tensor.numel() < 2 || tensor.is_contiguous()) return false;
  const Dims& shape = tensor.shape();
  const Dims& strides = tensor.strides();
  // Where each stride steps over all that the smaller ones reach, nothing meets.
  std::int64_t reached = 0;
  std::int64_t previous = 0;
  while (true) {
    std::int64_t next = std::numeric_limits<std::int64_t>::max();
    std::size_t at = 0;
    std::size_t with_it = 0;
    for (std::size_t i = 0; i < shape.size(); ++i) {
      if (shape[i] < 2 || strides[i] <= previous) {
        if (shape[i] > 1 && strides[i] == 0) return true;
        continue;
      }
      if (strides[i] < next) {
        next = strides[i];
        at = i;
        with_it = 1;
      } else if (strides[i] == next) {
        ++with_it;
      }
    }
    if (with_it == 0) return false;
    if (with_it > 1) return true;  // one step in each of the two dimensions is the same step
    if (next <= reached) break;
    reached += next * (shape[at] - 1);
    previous = next;
  }
  if (layout_extent(shape, strides) > kLongestSearched) return true;  // of tensors without memory
  for (std::size_t dim = 0; dim < shape.size(); ++dim) {
    if (shape[dim] > 1 && repeats_along(tensor, dim)) return true;
  }
  return false;
}

void detail::refuse_internal_overlap(const char* operation, const Tensor& out) {
  throw ValueError(concat(operation, ": several elements of ", out, " with strides ", out.strides(),
                          " lie at one place in memory, so they cannot be written one by one; "
                          "clone() it and write to the copy"));
}

void detail::refuse_overlap(const char* operation, const Tensor& out, const Tensor& in) {
  throw ValueError(concat(operation, ": ", out, " with strides ", out.strides(),
                          ", which is written, and ", in, " with strides ", in.strides(),
                          ", which is read, share memory; clone() one of them first"));
}

}  // namespace wick
