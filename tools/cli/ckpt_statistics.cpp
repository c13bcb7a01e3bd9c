// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_statistics.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <cstring>
#include <functional>
#include <limits>
#include <span>

#include "tools/cli/ckpt_text.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

// Elements that are converted at a time.
constexpr std::int64_t kPiece = std::int64_t{1} << 18;

// Gives `use` the elements of a tensor as T, converted, in row-major order, piece by piece.
template <typename T, typename Use>
void for_pieces(const Tensor& tensor, Use&& use) {
  const Tensor flat = tensor.contiguous().view({-1});
  for (std::int64_t start = 0; start < flat.numel(); start += kPiece) {
    const Tensor piece =
        flat.slice(0, start, std::min(start + kPiece, flat.numel())).to(dtype_of<T>);
    use(std::span<const T>(piece.template data<T>(), static_cast<std::size_t>(piece.numel())));
  }
}

double magnitude(double value) {
  return value;
}
double magnitude(std::complex<double> value) {
  return std::abs(value);
}

bool is_integer(DType dtype) {
  return !is_floating_point(dtype) && !is_complex(dtype);
}

std::string text_of(double value) {
  return format_number(value);
}
std::string text_of(std::complex<double> value) {
  return concat('(', format_number(value.real()), value.imag() < 0 ? "" : "+",
                format_number(value.imag()), "j)");
}
std::string text_of(std::int64_t value) {
  return std::to_string(value);
}
std::string text_of(std::uint64_t value) {
  return std::to_string(value);
}

// float64 does not hold all integers of 64 bits.
template <typename T>
void exact_extremes(const Tensor& tensor, Statistics& result) {
  T low = std::numeric_limits<T>::max();
  T high = std::numeric_limits<T>::min();
  for_pieces<T>(tensor, [&](std::span<const T> values) {
    const auto [least, most] = std::ranges::minmax(values);
    low = std::min(low, least);
    high = std::max(high, most);
  });
  result.minimum = std::to_string(low);
  result.maximum = std::to_string(high);
}

template <typename T>
void first_pass(const Tensor& tensor, Statistics& result) {
  double sum = 0;
  result.low = std::numeric_limits<double>::infinity();
  result.high = -result.low;
  for_pieces<T>(tensor, [&](std::span<const T> values) {
    double piece_sum = 0;  // sums of pieces lose less than one long sum
    for (const T element : values) {
      const double value = magnitude(element);
      if (std::isnan(value)) {
        ++result.nans;
      } else if (std::isinf(value)) {
        ++result.infinities;
      } else {
        ++result.finite;
        result.zeros += value == 0 ? 1 : 0;
        result.low = std::min(result.low, value);
        result.high = std::max(result.high, value);
        piece_sum += value;
      }
    }
    sum += piece_sum;
  });
  if (result.finite > 0) result.mean = sum / static_cast<double>(result.finite);
}

std::size_t bin_of(double value, const Statistics& result) {
  // Halves, so that the width of [-1e308, 1e308] does not overflow.
  const double width = result.high / 2 - result.low / 2;
  const double place = width > 0 ? (value / 2 - result.low / 2) / width : 0.5;
  const auto bin = static_cast<std::size_t>(place * Statistics::kBins);
  return std::min(bin, Statistics::kBins - 1);
}

// Each element occurs `repeats` times.
template <typename T>
void second_pass(const Tensor& tensor, std::int64_t repeats, Statistics& result) {
  double squares = 0;
  for_pieces<T>(tensor, [&](std::span<const T> values) {
    double piece_squares = 0;
    for (const T element : values) {
      const double value = magnitude(element);
      if (!std::isfinite(value)) continue;
      piece_squares += (value - result.mean) * (value - result.mean);
      ++result.histogram[bin_of(value, result)];
    }
    squares += piece_squares;
  });
  for (std::int64_t* const count :
       {&result.finite, &result.nans, &result.infinities, &result.zeros}) {
    *count *= repeats;
  }
  for (std::int64_t& count : result.histogram) count *= repeats;
  if (result.finite > 1) {
    result.deviation =
        std::sqrt(squares * static_cast<double>(repeats) / static_cast<double>(result.finite - 1));
  }
}

// `Wide` holds every T exactly, and its differences: long double does for integers of 64 bits.
template <typename T, typename Wide = T>
void compare(const Tensor& a, const Tensor& b, double rtol, double atol, Difference& result) {
  const Tensor flat = b.contiguous().view({-1});
  std::int64_t start = 0;
  for_pieces<T>(a, [&](std::span<const T> left) {
    const auto count = static_cast<std::int64_t>(left.size());
    const Tensor piece = flat.slice(0, start, start + count).to(dtype_of<T>);
    const T* const right = piece.template data<T>();
    start += count;
    for (std::size_t i = 0; i < left.size(); ++i) {
      const bool both_nan = left[i] != left[i] && right[i] != right[i];
      if (left[i] == right[i] || both_nan) continue;
      ++result.differing;
      const auto x = static_cast<Wide>(left[i]);
      const auto y = static_cast<Wide>(right[i]);
      auto absolute = static_cast<double>(std::abs(x - y));
      // Infinity less infinity, or a NaN on one side: no finite number says how far.
      if (std::isnan(absolute)) absolute = std::numeric_limits<double>::infinity();
      const auto size = static_cast<double>(std::abs(y));
      const double relative = std::isinf(absolute) ? absolute : absolute / size;
      result.largest_absolute = std::max(result.largest_absolute, absolute);
      result.largest_relative = std::max(result.largest_relative, relative);
      if (!(absolute <= atol + rtol * size) || std::isinf(absolute)) ++result.outside;
    }
  });
}

// Of elements that are bytes without numbers, in tensors of one dtype.
Difference difference_in_bytes(const Tensor& a, const Tensor& b) {
  Difference result;
  result.same_bits = false;
  const Tensor left = a.to(kCpu).contiguous();
  const Tensor right = b.to(kCpu).contiguous();
  const std::size_t size = size_of(a.dtype());
  const auto* const x = static_cast<const std::byte*>(left.raw());
  const auto* const y = static_cast<const std::byte*>(right.raw());
  for (std::size_t at = 0; at < left.nbytes(); at += size) {
    result.differing += std::memcmp(x + at, y + at, size) != 0 ? 1 : 0;
  }
  result.outside = result.differing;
  return result;
}

template <typename T>
std::vector<std::string> texts_of(const Tensor& piece) {
  std::vector<std::string> texts;
  for_pieces<T>(piece, [&texts](std::span<const T> values) {
    for (const T value : values) texts.push_back(text_of(value));
  });
  return texts;
}

}  // namespace

Statistics statistics_of(const Tensor& given) {
  require_numbers(given.dtype(), "statistics");
  Statistics result;
  result.count = given.numel();
  if (result.count == 0) return result;
  // What a stride of 0 repeats is looked at once: there may be a billion of it.
  Tensor tensor = given;
  for (std::int64_t dim = 0; dim < given.dim(); ++dim) {
    if (given.strides()[static_cast<std::size_t>(dim)] == 0) tensor = tensor.slice(dim, 0, 1);
  }
  const std::int64_t repeats = result.count / tensor.numel();
  if (is_complex(tensor.dtype())) {
    first_pass<std::complex<double>>(tensor, result);
    second_pass<std::complex<double>>(tensor, repeats, result);
  } else {
    first_pass<double>(tensor, result);
    second_pass<double>(tensor, repeats, result);
  }
  if (result.finite == 0) {
    result.low = result.high = 0;
  } else if (tensor.dtype() == DType::uint64) {
    exact_extremes<std::uint64_t>(tensor, result);
  } else if (is_integer(tensor.dtype())) {
    exact_extremes<std::int64_t>(tensor, result);
  } else {
    result.minimum = format_number(result.low);
    result.maximum = format_number(result.high);
  }
  return result;
}

std::vector<std::string> first_elements(const Tensor& tensor, std::int64_t count) {
  if (tensor.numel() == 0) return {};
  // Without making all of a strided tensor contiguous: of each dimension no more than it takes.
  Tensor part = tensor;
  std::int64_t inside = 1;  // elements of what lies behind the dimension
  for (std::int64_t dim = tensor.dim(); dim-- > 0;) {
    const std::int64_t needed = inside >= count ? 1 : (count + inside - 1) / inside;
    if (part.size(dim) > needed) part = part.slice(dim, 0, needed);
    if (inside < count) inside *= tensor.size(dim);
  }
  part = part.contiguous().view({-1});
  part = part.slice(0, 0, count);
  if (is_complex(part.dtype())) return texts_of<std::complex<double>>(part);
  if (part.dtype() == DType::uint64) return texts_of<std::uint64_t>(part);
  if (is_integer(part.dtype())) return texts_of<std::int64_t>(part);
  return texts_of<double>(part);
}

Difference difference_of(const Tensor& a, const Tensor& b, double rtol, double atol) {
  Difference result;
  result.same_bits = bitwise_equal(a, b);  // never of two dtypes
  if (result.same_bits) return result;
  if (is_opaque(a.dtype()) && a.dtype() == b.dtype()) return difference_in_bytes(a, b);
  if (is_complex(a.dtype()) || is_complex(b.dtype())) {
    compare<std::complex<double>>(a, b, rtol, atol, result);
  } else if (a.dtype() != b.dtype()) {
    compare<double>(a, b, rtol, atol, result);
  } else if (a.dtype() == DType::int64) {
    compare<std::int64_t, long double>(a, b, rtol, atol, result);
  } else if (a.dtype() == DType::uint64) {
    compare<std::uint64_t, long double>(a, b, rtol, atol, result);
  } else {
    compare<double>(a, b, rtol, atol, result);
  }
  return result;
}

}  // namespace wick::tools
