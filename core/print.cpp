// SPDX-License-Identifier: MIT
// What torch/_tensor_str.py does.
#include "wick/core/print.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <ostream>
#include <string_view>
#include <vector>

#include "wick/core/error.h"

namespace wick {
namespace {

// -- Numbers --------------------------------------------------------------------------------------

// How the floating-point numbers of a tensor look: alike. torch._tensor_str._Formatter.
class FloatFormat {
 public:
  /// What is not larger than `zero` counts as 0.
  FloatFormat(const std::vector<double>& values, const PrintOptions& options, double zero = 0.0)
      : precision_(options.precision), zero_(zero) {
    double smallest = 0.0;
    double largest = 0.0;
    for (const double value : values) {
      if (!counts(value)) continue;
      const double size = std::abs(value);
      if (width_ == 0 || size < smallest) smallest = size;
      largest = std::max(largest, size);
      width_ = 1;
      whole_ = whole_ && value == std::ceil(value);
    }
    if (width_ == 0) {  // nothing but zeros, infinities and NaNs
      width_ = 1;
      return;
    }
    scientific_ =
        options.sci_mode.value_or(largest / smallest > 1000.0 || largest > 1e8 || smallest < 1e-4);
    for (const double value : values) {
      if (counts(value)) width_ = std::max(width_, number(value).size());
    }
  }

  [[nodiscard]] std::size_t width() const noexcept { return width_; }

  [[nodiscard]] std::string text(double value) const {
    const std::string text = std::isfinite(value) ? number(value) : python_repr(value);
    return std::string(width_ - std::min(width_, text.size()), ' ') + text;
  }

 private:
  [[nodiscard]] bool counts(double value) const {
    return std::isfinite(value) && std::abs(value) > zero_;
  }
  [[nodiscard]] std::string number(double value) const {
    if (scientific_) return scientific(value, precision_);
    return whole_ ? fixed_point(value, 0) + '.' : fixed_point(value, precision_);
  }

  int precision_;
  double zero_;
  bool whole_ = true;
  bool scientific_ = false;
  std::size_t width_ = 0;
};

// -- The elements to show, as text ----------------------------------------------------------------

struct Elements {
  std::vector<std::string> texts;  // in row-major order
  std::size_t width = 1;           // by which they are counted into lines
};

Elements of_floats(const std::vector<double>& values, const PrintOptions& options, double zero) {
  const FloatFormat format(values, options, zero);
  Elements result{{}, format.width()};
  for (const double value : values) result.texts.push_back(format.text(value));
  return result;
}

Elements of_complex(const std::vector<std::complex<double>>& values, const PrintOptions& options) {
  std::vector<double> real;
  std::vector<double> imaginary;
  for (const std::complex<double>& value : values) {
    real.push_back(value.real());
    imaginary.push_back(value.imag());
  }
  const FloatFormat first(real, options);
  const FloatFormat second(imaginary, options);
  Elements result{{}, first.width() + second.width() + 1};
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::string part = second.text(imaginary[i]);
    part.erase(0, part.find_first_not_of(' '));
    const char* const sign = part.front() == '-' ? "" : "+";
    result.texts.push_back(concat(first.text(real[i]), sign, part, 'j'));
  }
  return result;
}

Elements aligned(std::vector<std::string> texts) {
  Elements result{std::move(texts), 1};
  for (const std::string& text : result.texts) result.width = std::max(result.width, text.size());
  for (std::string& text : result.texts) text.insert(0, result.width - text.size(), ' ');
  return result;
}

template <typename T>
Elements of_integers(const Tensor& kept) {
  std::vector<std::string> texts;
  for (const T value : kept.to_vector<T>()) texts.push_back(concat(value));
  return aligned(std::move(texts));
}

Elements elements_of(const Tensor& kept, const PrintOptions& options) {
  const DType dtype = kept.dtype();
  if (is_complex(dtype)) {
    return of_complex(kept.to(DType::complex128).to_vector<std::complex<double>>(), options);
  }
  if (is_floating_point(dtype)) {
    // This dtype has no 0; PyTorch compares with what it makes of one.
    const double zero = dtype == DType::float8_e8m0fnu ? 0x1p-127 : 0.0;
    return of_floats(kept.to(DType::float64).to_vector<double>(), options, zero);
  }
  if (dtype == DType::boolean) {
    std::vector<std::string> texts;
    for (const std::uint8_t value : kept.to(DType::uint8).to_vector<std::uint8_t>()) {
      texts.emplace_back(value != 0 ? "True" : "False");
    }
    return aligned(std::move(texts));
  }
  if (dtype == DType::uint64) return of_integers<std::uint64_t>(kept);
  return of_integers<std::int64_t>(kept.to(DType::int64));
}

// The first and the last elements of each dimension that has more.
Tensor edges(Tensor tensor, std::int64_t count) {
  for (std::int64_t d = 0; d < tensor.dim(); ++d) {
    const std::int64_t size = tensor.size(d);
    if (size <= 2 * count) continue;
    Dims shape = tensor.shape();
    shape[static_cast<std::size_t>(d)] = 2 * count;
    const Tensor kept = Tensor::empty(shape, tensor.dtype(), tensor.device());
    kept.slice(d, 0, count).copy_(tensor.slice(d, 0, count));
    kept.slice(d, count).copy_(tensor.slice(d, size - count));
    tensor = kept;
  }
  return tensor;
}

// -- Brackets and lines ---------------------------------------------------------------------------

class Brackets {
 public:
  Brackets(const Dims& shape, const Elements& elements, bool summarize, const PrintOptions& options)
      : shape_(shape), elements_(elements), summarize_(summarize), options_(options) {}

  [[nodiscard]] std::string text(std::size_t indent) { return part(0, indent); }

 private:
  [[nodiscard]] bool is_cut(std::size_t d) const {
    return summarize_ && shape_[d] > 2 * options_.edgeitems;
  }

  std::string part(std::size_t d, std::size_t indent) {
    if (d == shape_.size()) return elements_.texts[next_++];
    if (d + 1 == shape_.size()) return vector(indent);
    std::vector<std::string> slices;
    const std::int64_t count = is_cut(d) ? 2 * options_.edgeitems : shape_[d];
    for (std::int64_t i = 0; i < count; ++i) {
      if (is_cut(d) && i == options_.edgeitems) slices.emplace_back("...");
      slices.push_back(part(d + 1, indent + 1));
    }
    const std::string between =
        concat(',', std::string(shape_.size() - d - 1, '\n'), std::string(indent + 1, ' '));
    return '[' + joined(slices, 0, slices.size(), between) + ']';
  }

  std::string vector(std::size_t indent) {
    const std::size_t d = shape_.size() - 1;
    std::vector<std::string> items;
    const std::int64_t count = is_cut(d) ? 2 * options_.edgeitems : shape_[d];
    for (std::int64_t i = 0; i < count; ++i) {
      if (is_cut(d) && i == options_.edgeitems) items.emplace_back(" ...");
      items.push_back(elements_.texts[next_++]);
    }
    const auto room = options_.linewidth - static_cast<std::int64_t>(indent);
    const auto per_line = static_cast<std::size_t>(
        std::max<std::int64_t>(1, room / static_cast<std::int64_t>(elements_.width + 2)));
    std::vector<std::string> lines;
    for (std::size_t first = 0; first < items.size(); first += per_line) {
      lines.push_back(joined(items, first, std::min(first + per_line, items.size()), ", "));
    }
    return '[' + joined(lines, 0, lines.size(), ",\n" + std::string(indent + 1, ' ')) + ']';
  }

  static std::string joined(const std::vector<std::string>& parts, std::size_t first,
                            std::size_t end, std::string_view between) {
    std::string result;
    for (std::size_t i = first; i < end; ++i) {
      if (i > first) result += between;
      result += parts[i];
    }
    return result;
  }

  const Dims& shape_;
  const Elements& elements_;
  bool summarize_;
  const PrintOptions& options_;
  std::size_t next_ = 0;
};

constexpr std::string_view kPrefix = "tensor(";

std::string contents_of(const Tensor& tensor, const PrintOptions& options) {
  if (tensor.device() == kMeta || (is_opaque(tensor.dtype()) && tensor.numel() != 0)) return "...";
  if (tensor.numel() == 0) return "[]";
  const bool summarize = tensor.numel() > options.threshold;
  const Tensor kept = (summarize ? edges(tensor, options.edgeitems) : tensor).to(kCpu);
  const Elements elements = elements_of(kept, options);
  return Brackets(tensor.shape(), elements, summarize, options).text(kPrefix.size());
}

std::vector<std::string> suffixes_of(const Tensor& tensor) {
  std::vector<std::string> suffixes;
  const DType dtype = tensor.dtype();
  if (tensor.device() != kCpu) suffixes.push_back(concat("device='", tensor.device(), "'"));
  const bool shows = tensor.device() != kMeta && tensor.numel() != 0;
  if (tensor.device() == kMeta || (tensor.numel() == 0 && tensor.dim() != 1) ||
      (shows && is_opaque(dtype))) {
    suffixes.push_back("size=" + python_tuple(tensor.shape()));
  }
  // What an element tells by itself.
  const bool told =
      shows && (dtype == DType::complex64 || dtype == DType::int64 || dtype == DType::boolean);
  if (dtype != DType::float32 && !told) suffixes.push_back(concat("dtype=torch.", dtype));
  if (tensor.requires_grad()) suffixes.emplace_back("requires_grad=True");
  return suffixes;
}

}  // namespace

std::string to_string(const Tensor& tensor, const PrintOptions& options) {
  if (options.edgeitems < 1 || options.precision < 0) {
    throw ValueError(
        concat("to_string: edgeitems must be 1 at least and the precision not be "
               "negative, got ",
               options.edgeitems, " and ", options.precision));
  }
  if (!tensor.defined()) return tensor.description();
  std::string text = std::string(kPrefix) + contents_of(tensor, options);
  // As PyTorch counts: without a line break, the line is two longer than it is.
  const std::size_t line = text.rfind('\n');
  std::size_t length = line == std::string::npos ? text.size() + 2 : text.size() - line + 1;
  for (const std::string& suffix : suffixes_of(tensor)) {
    if (static_cast<std::int64_t>(length + suffix.size() + 2) > options.linewidth) {
      text += ",\n" + std::string(kPrefix.size(), ' ') + suffix;
      length = kPrefix.size() + suffix.size();
    } else {
      text += ", " + suffix;
      length += suffix.size() + 2;
    }
  }
  return text + ')';
}

std::string to_string(const Tensor& tensor) {
  return to_string(tensor, PrintOptions{});
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) {
  return out << to_string(tensor);
}

}  // namespace wick
