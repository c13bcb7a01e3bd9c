// SPDX-License-Identifier: MIT
// Pooling, padding and resizing of one plane: which elements of the input an output is made of,
// which outputs an element of the input has a part in, and what is computed of them.
//
// Everything here is constexpr, so that nvcc compiles it for the device (--expt-relaxed-constexpr).
#pragma once

#include <cstdint>
#include <limits>

#include "wick/core/backend/image.h"

namespace wick::formulas {

struct Span {
  std::int64_t begin;
  std::int64_t end;
};

/// The part of output `o`'s window that lies in the input: begin, begin + dilation ... below end.
constexpr Span window_of(const WindowDim& dim, bool adaptive, std::int64_t o) {
  if (adaptive) return {o * dim.input / dim.output, ((o + 1) * dim.input - 1) / dim.output + 1};
  std::int64_t begin = o * dim.stride - dim.padding;
  std::int64_t end = begin + dim.extent();
  if (begin < 0) begin += (-begin + dim.dilation - 1) / dim.dilation * dim.dilation;
  if (end > dim.input) end = dim.input;
  return {begin, end};
}

/// The outputs whose windows reach over input position `i`.
constexpr Span windows_over(const WindowDim& dim, bool adaptive, std::int64_t i) {
  if (adaptive) {
    return {i * dim.output / dim.input, ((i + 1) * dim.output - 1) / dim.input + 1};
  }
  const std::int64_t at = i + dim.padding;
  const std::int64_t before = at - dim.extent() + 1;
  const std::int64_t begin = before <= 0 ? 0 : (before + dim.stride - 1) / dim.stride;
  const std::int64_t end = at / dim.stride + 1;
  return {begin, end < dim.output ? end : dim.output};
}

template <typename T>
struct Largest {
  T value;
  std::int64_t index;  // in the plane, or -1
};

/// torch's order: the first of equals, but the last NaN.
template <typename T>
constexpr Largest<T> largest_of(const PoolArgs& args, const T* plane, std::int64_t y,
                                std::int64_t x) {
  const bool adaptive = is_adaptive(args.op);
  const Span rows = window_of(args.height, adaptive, y);
  const Span cols = window_of(args.width, adaptive, x);
  Largest<T> best{-std::numeric_limits<T>::infinity(), -1};
  for (std::int64_t i = rows.begin; i < rows.end; i += args.height.dilation) {
    for (std::int64_t j = cols.begin; j < cols.end; j += args.width.dilation) {
      const T value = plane[i * args.width.input + j];
      if (value > best.value || value != value || best.index < 0) {
        best = {value, i * args.width.input + j};
      }
    }
  }
  return best;
}

/// What an output's sum is divided by; 0 where there is no sum.
constexpr std::int64_t average_divisor(const PoolArgs& args, Span rows, Span cols, std::int64_t y,
                                       std::int64_t x) {
  if (rows.begin >= rows.end || cols.begin >= cols.end) return 0;
  if (args.divisor != 0) return args.divisor;
  const std::int64_t inside = (rows.end - rows.begin) * (cols.end - cols.begin);
  if (is_adaptive(args.op) || !args.count_include_pad) return inside;
  // Padding behind counts as far as there is some.
  const auto counted = [](const WindowDim& dim, std::int64_t o) {
    const std::int64_t begin = o * dim.stride - dim.padding;
    const std::int64_t end = begin + dim.kernel;
    const std::int64_t last = dim.input + dim.padding;
    return (end < last ? end : last) - begin;
  };
  return counted(args.height, y) * counted(args.width, x);
}

template <typename T>
constexpr T average_of(const PoolArgs& args, const T* plane, std::int64_t y, std::int64_t x) {
  const bool adaptive = is_adaptive(args.op);
  const Span rows = window_of(args.height, adaptive, y);
  const Span cols = window_of(args.width, adaptive, x);
  const std::int64_t divisor = average_divisor(args, rows, cols, y, x);
  if (divisor == 0) return T{0};
  T sum{0};
  for (std::int64_t i = rows.begin; i < rows.end; ++i) {
    for (std::int64_t j = cols.begin; j < cols.end; ++j) sum += plane[i * args.width.input + j];
  }
  return sum / static_cast<T>(divisor);
}

/// The gradient by element (i, j) of the input, where `grad` is the plane of that by the output.
template <typename T>
constexpr T pool_gradient(const PoolArgs& args, const T* grad, const std::int64_t* indices,
                          std::int64_t i, std::int64_t j) {
  const bool adaptive = is_adaptive(args.op);
  const Span rows = windows_over(args.height, adaptive, i);
  const Span cols = windows_over(args.width, adaptive, j);
  const std::int64_t own = i * args.width.input + j;
  T sum{0};
  for (std::int64_t y = rows.begin; y < rows.end; ++y) {
    for (std::int64_t x = cols.begin; x < cols.end; ++x) {
      const std::int64_t at = y * args.width.output + x;
      if (indices != nullptr) {
        if (indices[at] == own) sum += grad[at];
        continue;
      }
      const std::int64_t divisor = average_divisor(args, window_of(args.height, adaptive, y),
                                                   window_of(args.width, adaptive, x), y, x);
      if (divisor != 0) sum += grad[at] / static_cast<T>(divisor);
    }
  }
  return sum;
}

/// Output o of one dimension is (1 - weight) input[first] + weight input[second].
template <typename T>
struct Blend {
  std::int64_t first;  // -1: zero
  std::int64_t second;
  T weight;
};

template <typename T>
constexpr Blend<T> blend_of(ResampleOp op, const ResampleDim& dim, bool align_corners,
                            std::int64_t o) {
  const std::int64_t last = dim.input - 1;
  std::int64_t at = o - dim.padding;
  switch (op) {
    case ResampleOp::zeros:
      if (at < 0 || at > last) at = -1;
      break;
    case ResampleOp::reflect:
      if (at < 0) at = -at;
      if (at > last) at = 2 * last - at;
      break;
    case ResampleOp::replicate: at = at < 0 ? 0 : at > last ? last : at; break;
    case ResampleOp::circular:
      at = at < 0 ? at + dim.input : at > last ? at - dim.input : at;
      break;
    case ResampleOp::nearest:
      at = static_cast<std::int64_t>(static_cast<T>(o) * static_cast<T>(dim.scale));
      if (at > last) at = last;
      break;
    case ResampleOp::bilinear: {
      const T scale = static_cast<T>(dim.scale);
      T source = static_cast<T>(o) * scale;
      if (!align_corners) {
        source = (static_cast<T>(o) + T{0.5}) * scale - T{0.5};
        if (source < T{0}) source = T{0};
      }
      at = static_cast<std::int64_t>(source);
      if (at > last) at = last;
      T weight = source - static_cast<T>(at);
      if (weight > T{1}) weight = T{1};
      return {at, at < last ? at + 1 : at, weight};
    }
  }
  return {at, at, T{0}};
}

/// Calls visit(o, weight) for the outputs in which input i has a part.
template <typename T, typename Visit>
constexpr void for_outputs_of(ResampleOp op, const ResampleDim& dim, bool align_corners,
                              std::int64_t i, const Visit& visit) {
  const std::int64_t p = dim.padding;
  const std::int64_t n = dim.input;
  const auto one = [&](std::int64_t o) {
    if (o >= 0 && o < dim.output) visit(o, T{1});
  };
  switch (op) {
    case ResampleOp::zeros: return one(i + p);
    case ResampleOp::reflect:
      if (i > 0) one(p - i);
      one(i + p);
      if (i < n - 1) one(2 * (n - 1) - i + p);
      return;
    case ResampleOp::replicate: {
      const std::int64_t begin = i == 0 ? 0 : i + p;
      const std::int64_t end = i == n - 1 ? dim.output : i + p + 1;
      for (std::int64_t o = begin; o < end; ++o) one(o);
      return;
    }
    case ResampleOp::circular:
      one(i + p - n);
      one(i + p);
      one(i + p + n);
      return;
    default: break;
  }
  // Somewhat more than those whose source is near.
  Span outputs{0, dim.output};
  if (dim.scale > 0.0) {
    constexpr double kMargin = 2.0;
    const double begin = (static_cast<double>(i) - kMargin) / dim.scale - kMargin;
    const double end = (static_cast<double>(i) + kMargin) / dim.scale + kMargin;
    if (i > 0 && begin > 0.0) outputs.begin = static_cast<std::int64_t>(begin);
    if (i < n - 1 && end < static_cast<double>(dim.output)) {
      outputs.end = static_cast<std::int64_t>(end);
    }
  }
  for (std::int64_t o = outputs.begin; o < outputs.end; ++o) {
    const Blend<T> blend = blend_of<T>(op, dim, align_corners, o);
    T weight{0};
    if (blend.first == i) weight += T{1} - blend.weight;
    if (blend.second == i) weight += blend.weight;
    if (blend.first == i || blend.second == i) visit(o, weight);
  }
}

/// The gradient by element (i, j) of the input, likewise.
template <typename T>
constexpr T resample_gradient(const ResampleArgs& args, const T* grad, std::int64_t i,
                              std::int64_t j) {
  T sum{0};
  for_outputs_of<T>(args.op, args.height, args.align_corners, i, [&](std::int64_t y, T by) {
    for_outputs_of<T>(args.op, args.width, args.align_corners, j, [&](std::int64_t x, T bx) {
      sum += by * (bx * grad[y * args.width.output + x]);
    });
  });
  return sum;
}

}  // namespace wick::formulas
