// SPDX-License-Identifier: MIT
// The distributions of Generator: which draws they take, and in which order.
#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>

#include "core/overlap.h"
#include "core/random_transform.h"
#include "core/twister.h"
#include "wick/core/backend.h"
#include "wick/core/backend/random.h"
#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/random.h"

namespace wick {
namespace {

constexpr std::int64_t kNormalBlock = 16;

template <typename T>
void require_bounds(double low, double high) {
  constexpr auto kLargest = static_cast<double>(std::numeric_limits<T>::max());
  const auto finite = [](double bound) { return bound >= -kLargest && bound <= kLargest; };
  if (!finite(low) || !finite(high) || high - low > kLargest) {
    throw ValueError(concat("Generator::uniform: low ", low, ", high ", high,
                            " and their difference must be finite numbers of ", dtype_of<T>));
  }
  if (low > high) {
    throw ValueError(concat("Generator::uniform: low ", low, " is greater than high ", high));
  }
}

}  // namespace

void Generator::require_writable(const Tensor& out, const char* operation) const {
  if (!out.defined() || out.device() != device_) {
    throw DeviceError(concat(operation, ": the generator is on ", device_,
                             " and fills tensors there, got ", out,
                             "; use a Generator on the tensor's device"));
  }
  if (!out.is_contiguous()) {
    throw ValueError(concat(operation, ": the tensor must be contiguous, got strides ",
                            out.strides(), " for ", out));
  }
}

template <typename T>
void Generator::fill_uniform(T* out, std::int64_t count, T low, T high) {
  constexpr std::size_t kWordsEach = sizeof(T) / sizeof(std::uint32_t);
  std::array<std::uint32_t, 1024> words;  // NOLINT(*-member-init): draw() writes before it is read
  constexpr auto kRun = static_cast<std::int64_t>(words.size() / kWordsEach);
  for (std::int64_t done = 0; done < count; done += kRun) {
    const auto run = static_cast<std::size_t>(std::min(count - done, kRun));
    draw(words.data(), run * kWordsEach);
    detail::uniform_from_bits(words.data(), run, low, high, out + done);
  }
}

// Sixteen at a time; where the count leaves a rest, the last sixteen are drawn anew.
template <typename T>
void Generator::fill_normal(T* out, std::int64_t count, T mean, T deviation) {
  fill_uniform(out, count, T{0}, T{1});
  const std::int64_t rest = count % kNormalBlock;
  detail::normal_from_uniform(out, static_cast<std::size_t>(count - rest), mean, deviation);
  if (rest == 0) return;
  T* const last = out + (count - kNormalBlock);
  fill_uniform(last, kNormalBlock, T{0}, T{1});
  detail::normal_from_uniform(last, static_cast<std::size_t>(kNormalBlock), mean, deviation);
}

// Box-Muller in double; the sine's number is kept for the next call.
// PyTorch: at::normal_distribution<double>.
double Generator::next_normal() {
  if (next_double_normal_) return *std::exchange(next_double_normal_, std::nullopt);
  constexpr std::uint64_t kMask = (1ULL << 53) - 1;
  const double turn = static_cast<double>(next_two_words() & kMask) * 0x1p-53;
  const double uniform = static_cast<double>(next_two_words() & kMask) * 0x1p-53;
  const double radius = std::sqrt(-2.0 * std::log1p(-uniform));
  const double angle = 2.0 * std::numbers::pi * turn;
  next_double_normal_ = radius * std::sin(angle);
  return radius * std::cos(angle);
}

void Generator::uniform(const Tensor& out, double low, double high) {
  require_writable(out, "Generator::uniform");
  visit_arithmetic(out.dtype(), "Generator::uniform", [&]<typename T>(TypeTag<T>) {
    require_bounds<T>(low, high);
    out.storage()->bump_version();
    if (device_ != kCpu) {
      offset_ += out.backend().uniform({out.dtype(), out.numel(), out.raw(), {&seed_, &offset_}},
                                       low, high);
      return;
    }
    fill_uniform(out.data<T>(), out.numel(), static_cast<T>(low), static_cast<T>(high));
  });
}

void Generator::normal(const Tensor& out, double mean, double deviation) {
  require_writable(out, "Generator::normal");
  if (!(deviation >= 0.0)) {
    throw ValueError(concat("Generator::normal: the deviation must be 0 or more, got ", deviation));
  }
  visit_arithmetic(out.dtype(), "Generator::normal", [&]<typename T>(TypeTag<T>) {
    out.storage()->bump_version();
    if (device_ != kCpu) {
      offset_ += out.backend().normal({out.dtype(), out.numel(), out.raw(), {&seed_, &offset_}},
                                      mean, deviation);
      return;
    }
    T* const data = out.data<T>();
    if (out.numel() >= kNormalBlock) {
      fill_normal(data, out.numel(), static_cast<T>(mean), static_cast<T>(deviation));
      return;
    }
    for (std::int64_t i = 0; i < out.numel(); ++i) {
      data[i] = static_cast<T>(std::fma(next_normal(), deviation, mean));
    }
  });
}

void Generator::fill_bernoulli(bool* out, std::int64_t count, double p) {
  // bits / 2^53 < p for whole numbers of bits.
  const auto bound = static_cast<std::uint64_t>(std::ceil(p * 0x1p53));
  while (count > 0) {
    // Two words each, of one block; where the block ends between the two, one by one.
    const std::int64_t run = std::min<std::int64_t>(count, (left_ - 1) / 2);
    if (run == 0) {
      *out++ = (next_two_words() & ((1ULL << 53) - 1)) < bound;
      --count;
      continue;
    }
    detail::below_bound(state_.data() + next_, static_cast<std::size_t>(run), bound, out);
    left_ -= static_cast<int>(2 * run);
    next_ += static_cast<std::uint32_t>(2 * run);
    out += run;
    count -= run;
  }
}

void Generator::bernoulli(const Tensor& out, double p) {
  require_cpu("Generator::bernoulli");
  require_writable(out, "Generator::bernoulli");
  if (!(p >= 0.0 && p <= 1.0)) {
    throw ValueError(concat("Generator::bernoulli: the probability ", p, " is not in [0, 1]"));
  }
  bool* const data = out.data<bool>();
  out.storage()->bump_version();
  fill_bernoulli(data, out.numel(), p);
}

void Generator::dropout(const Tensor& x, double p, const Tensor& mask, const Tensor& out) {
  constexpr const char* kName = "dropout";
  require_writable(out, kName);
  require_writable(mask, kName);
  require_writable(x, kName);
  if (!(p >= 0.0 && p <= 1.0)) {
    throw ValueError(concat("dropout: the probability p must be between 0 and 1, got ", p));
  }
  if (mask.dtype() != DType::boolean || mask.shape() != x.shape()) {
    throw ShapeError(
        concat("dropout: the mask must be a bool tensor of shape ", x.shape(), ", got ", mask));
  }
  if (out.dtype() != x.dtype() || out.shape() != x.shape()) {
    throw ShapeError(concat("dropout: the result must be like ", x, ", got ", out));
  }
  out.storage()->bump_version();
  mask.storage()->bump_version();
  if (p == 0.0 || p == 1.0 || device_ == kCpu) {
    if (p == 1.0) {
      mask.zero_();
    } else if (p == 0.0) {
      mask.fill_(1.0);
    } else {
      visit_arithmetic(x.dtype(), kName, [](auto) {});
      fill_bernoulli(mask.data<bool>(), mask.numel(), 1.0 - p);
    }
    ops::masked_scale(x, mask, ops::dropout_scale(p, x.dtype()), out);
    return;
  }
  visit_arithmetic(x.dtype(), kName, [](auto) {});
  require_no_partial_overlap(kName, out, x);
  require_no_overlap(kName, out, mask);
  offset_ += x.backend().dropout({.dtype = x.dtype(),
                                  .count = x.numel(),
                                  .x = x.raw(),
                                  .y = out.raw(),
                                  .mask = mask.raw(),
                                  .p = p,
                                  .stream = {&seed_, &offset_}});
}

Tensor Generator::randperm(std::int64_t count) {
  if (count < 0) {
    throw ValueError(concat("Generator::randperm: the count ", count, " is negative"));
  }
  require_cpu("Generator::randperm");
  Tensor result = Tensor::empty({count}, DType::int64);
  randperm(result);
  return result;
}

// PyTorch: at::native::randperm_cpu.
void Generator::randperm(const Tensor& out) {
  require_cpu("Generator::randperm");
  require_writable(out, "Generator::randperm");
  auto* const data = out.data<std::int64_t>();
  out.storage()->bump_version();
  const std::int64_t count = out.numel();
  // Beyond this, 32 bits modulo the count would be far from uniform.
  constexpr std::int64_t kManyElements = std::numeric_limits<std::uint32_t>::max() / 20;
  if (count >= kManyElements) {
    for (std::int64_t i = 0; i < count; ++i) {
      const auto at =
          static_cast<std::int64_t>(next_two_words() % static_cast<std::uint64_t>(i + 1));
      data[i] = data[at];
      data[at] = i;
    }
    return;
  }
  for (std::int64_t i = 0; i < count; ++i) data[i] = i;
  for (std::int64_t i = 0; i + 1 < count; ++i) {
    const std::int64_t ahead = next_word() % static_cast<std::uint32_t>(count - i);
    std::swap(data[i], data[i + ahead]);
  }
}

}  // namespace wick
