// SPDX-License-Identifier: MIT
// The inner loops of convolutions: patches on their way into a product, and the direct kernel.
#pragma once

#include "kernels/cpu/simd/conv_table.h"
#include "kernels/cpu/simd/for_vectors.h"
#include "kernels/cpu/simd/matmul_outer.h"

namespace wick::cpu {

// The last vector overlaps the one before: a part of a vector takes longer where there are no
// masks.
template <typename T, typename Isa>
[[gnu::always_inline]] inline void copy_elements(const T* from, T* to, std::int64_t count) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  if (count < kWide) {
    if (count > 0) copy_overlapping<T, Isa, kWide / 2>(from, to, static_cast<int>(count));
    return;
  }
  for (std::int64_t i = 0; i + kWide < count; i += kWide) {
    store<T, Isa>(to + i, load<T, Isa>(from + i));
  }
  store<T, Isa>(to + count - kWide, load<T, Isa>(from + count - kWide));
}

template <typename T, typename Isa>
[[gnu::always_inline]] inline void zero_elements(T* to, std::int64_t count) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  if (count < kWide) {
    for (std::int64_t i = 0; i < count; ++i) to[i] = T{0};
    return;
  }
  for (std::int64_t i = 0; i + kWide < count; i += kWide) store<T, Isa>(to + i, Vector<T, Isa>{});
  store<T, Isa>(to + count - kWide, Vector<T, Isa>{});
}

// Elements begin, begin + step ... of a row of `width` elements, with zeros around it.
template <typename T, typename Isa>
[[gnu::always_inline]] inline void copy_stretch(const T* row, std::int64_t width,
                                                std::int64_t begin, std::int64_t step,
                                                std::int64_t count, T* to) {
  if (step == 1) {
    if (begin >= 0 && begin + count <= width) return copy_elements<T, Isa>(row + begin, to, count);
    const std::int64_t front = begin >= 0 ? 0 : least(-begin, count);
    const std::int64_t inside = begin + count <= width ? count : width - begin;
    const std::int64_t end = inside > front ? inside : front;
    for (std::int64_t i = 0; i < front; ++i) to[i] = T{0};
    if (end > front) copy_elements<T, Isa>(row + begin + front, to + front, end - front);
    for (std::int64_t i = end; i < count; ++i) to[i] = T{0};
    return;
  }
  std::int64_t i = 0;
  for (; i < count && begin + i * step < 0; ++i) to[i] = T{0};
  const T* from = row + begin + i * step;
  const std::int64_t left = width - begin - i * step;
  std::int64_t inside = left > 0 ? (left + step - 1) / step : 0;
  inside = i + least(inside, count - i);
  if (step == 2) {
    for (; i < inside; ++i, from += 2) to[i] = *from;
  } else {
    for (; i < inside; ++i, from += step) to[i] = *from;
  }
  for (; i < count; ++i) to[i] = T{0};
}

// Positions [first, first + count) of the task's rows, each `stride` elements behind the one before
// and filled up with zeros to `filled` elements.
template <typename T, typename Isa>
void pack_positions(const PatchTask<T>& task, std::int64_t first, std::int64_t count, T* to,
                    std::int64_t stride, std::int64_t filled) {
  const std::int64_t first_sample = first / (task.rows * task.cols);
  const std::int64_t rest = first - first_sample * task.rows * task.cols;
  const std::int64_t first_row = rest / task.cols;
  const std::int64_t first_col = rest - first_row * task.cols;
  const std::int64_t plane = task.height * task.width;
  std::int64_t channel = task.first_k / task.tap_count;
  std::int64_t tap = task.first_k - channel * task.tap_count;
  for (std::int64_t k = 0; k < task.depth; ++k, to += stride) {
    const T* image = task.image + first_sample * task.sample_pitch + channel * plane;
    const ConvTap at = task.taps[tap];
    std::int64_t y = first_row * task.row_step + at.row;
    std::int64_t x = first_col;
    std::int64_t row = first_row;
    for (std::int64_t done = 0; done < count;) {
      const std::int64_t some = least(task.cols - x, count - done);
      if (y >= 0 && y < task.height) {
        copy_stretch<T, Isa>(image + y * task.width, task.width, x * task.col_step + at.col,
                             task.col_step, some, to + done);
      } else {
        zero_elements<T, Isa>(to + done, some);
      }
      done += some;
      y += task.row_step;
      x = 0;
      if (++row == task.rows) {
        row = 0;
        y = at.row;
        image += task.sample_pitch;
      }
    }
    for (std::int64_t i = count; i < filled; ++i) to[i] = T{0};
    if (++tap == task.tap_count) {
      tap = 0;
      ++channel;
    }
  }
}

template <typename T, typename Isa>
void pack_patches(const PatchTask<T>& task) {
  if (task.stride != 0) {
    return pack_positions<T, Isa>(task, task.first, task.count, task.to, task.stride, task.count);
  }
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const Division panels = divide((task.count + kWide - 1) / kWide, kTileVectors<Isa>);
  for_panels<T, Isa>(panels, task.count, [&](std::int64_t n, std::int64_t width, int vectors) {
    pack_positions<T, Isa>(task, task.first + n, width, task.to + n * task.depth, vectors * kWide,
                           vectors * kWide);
  });
}

// Outputs of a tile, and its vectors of positions: as many as leave registers for the elements that
// are read and for a weight.
inline constexpr int kDirectRows = 6;
template <typename Isa>
constexpr int direct_vectors(int rows) {
  const int most = (Isa::kRegisters - 1) / (rows + 1);
  return most > 4 ? 4 : most;
}

// `count` positions of one row, as so many vectors, for outputs from `first` on.
template <typename T, typename Isa, int Rows, int Vectors>
[[gnu::noinline]] void direct_tile(const DirectConvTask<T>& task, std::int64_t first,
                                   const T* source, T* out, std::int64_t count) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  const T* weight = task.weight + first * task.weight_row;
  const auto last = static_cast<int>(count - (Vectors - 1) * kWide);  // lanes in use
  V sum[Rows][Vectors];
  unroll<Rows>([&](auto r) {
    const V begin = task.bias == nullptr ? V{} : broadcast<T, Isa>(task.bias[first + r]);
    unroll<Vectors>([&](auto v) { sum[r][v] = begin; });
    if (!task.add) return;
    const T* const from = out + r * task.out_plane;
    T lanes[Vectors * kWide] = {};
    for (std::int64_t i = 0; i < count; ++i) lanes[i] = from[i * task.out_step];
    unroll<Vectors>([&](auto v) { sum[r][v] = load<T, Isa>(lanes + v * kWide); });
  });
  for (std::int64_t k = 0; k < task.depth; ++k, ++weight) {
    const T* const from = source + task.offsets[k];
    V x[Vectors];
    unroll<Vectors>([&](auto v) { x[v] = load<T, Isa>(from + v * kWide); });
    unroll<Rows>([&](auto r) {
      const V scale = broadcast<T, Isa>(weight[r * task.weight_row]);
      unroll<Vectors>([&](auto v) { sum[r][v] += scale * x[v]; });
    });
  }
  unroll<Rows>([&](auto r) {
    T* const to = out + r * task.out_plane;
    if (task.out_step == 1) {
      unroll<Vectors>([&](auto v) {
        if (v < Vectors - 1 || last == kWide) {
          store<T, Isa>(to + v * kWide, sum[r][v]);
        } else {
          store_first<T, Isa>(to + v * kWide, sum[r][v], last);
        }
      });
    } else {
      T lanes[Vectors * kWide];
      unroll<Vectors>([&](auto v) { store<T, Isa>(lanes + v * kWide, sum[r][v]); });
      for (std::int64_t i = 0; i < count; ++i) to[i * task.out_step] = lanes[i];
    }
  });
}

template <typename T>
using DirectTile = void (*)(const DirectConvTask<T>&, std::int64_t, const T*, T*, std::int64_t);

template <typename T, typename Isa, int Rows = kDirectRows, int Vectors = direct_vectors<Isa>(Rows)>
DirectTile<T> direct_tile_of(int rows, int vectors) {
  if constexpr (Vectors == 0) {
    return nullptr;
  } else if constexpr (Rows == 1) {
    return vectors == Vectors ? direct_tile<T, Isa, 1, Vectors>
                              : direct_tile_of<T, Isa, 1, Vectors - 1>(rows, vectors);
  } else {
    if (rows < Rows) return direct_tile_of<T, Isa, Rows - 1>(rows, vectors);
    return vectors == Vectors ? direct_tile<T, Isa, Rows, Vectors>
                              : direct_tile_of<T, Isa, Rows, Vectors - 1>(rows, vectors);
  }
}

// Row after row of positions, so that what is read of the source stays in the nearest cache for all
// outputs.
template <typename T, typename Isa>
void direct_conv(const DirectConvTask<T>& task) {
  constexpr std::int64_t kWide = kLanes<T, Isa>;
  const Division tiles = divide(task.outputs, kDirectRows);
  const std::int64_t vectors = (task.cols + kWide - 1) / kWide;
  Division parts[2];       // by [has one output more]
  DirectTile<T> of[2][2];  // and by [has one vector more]
  for (int r = 0; r < 2; ++r) {
    const int outputs = tiles.small + r;
    if (outputs == 0 || outputs > kDirectRows) continue;
    parts[r] = divide(vectors, direct_vectors<Isa>(outputs));
    for (int v = 0; v < 2; ++v) of[r][v] = direct_tile_of<T, Isa>(outputs, parts[r].small + v);
  }
  for (std::int64_t y = 0; y < task.rows; ++y) {
    const T* const source = task.source + y * task.row_pitch;
    std::int64_t first = 0;
    for (std::int64_t i = 0; i < tiles.parts; ++i) {
      const int r = i < tiles.large ? 1 : 0;
      T* const out = task.out + first * task.out_plane + y * task.out_row;
      for_panels<T, Isa>(parts[r], task.cols, [&](std::int64_t x, std::int64_t width, int count) {
        of[r][count - parts[r].small](task, first, source + x, out + x * task.out_step, width);
      });
      first += tiles.small + r;
    }
  }
}

// Of each lane all bits, or none.
template <typename T, typename Isa>
using LaneMask = decltype(Vector<T, Isa>{} < Vector<T, Isa>{});

template <typename T, typename Isa>
[[gnu::always_inline]] inline LaneMask<T, Isa> first_lanes(int count) {
  T lanes[kLanes<T, Isa>];
  for (int i = 0; i < kLanes<T, Isa>; ++i) lanes[i] = i < count ? T{1} : T{0};
  return load<T, Isa>(lanes) > Vector<T, Isa>{};
}

template <typename T, typename Isa>
[[gnu::always_inline]] inline Vector<T, Isa> kept_lanes(Vector<T, Isa> value,
                                                        LaneMask<T, Isa> mask) {
  return reinterpret_cast<Vector<T, Isa>>(reinterpret_cast<LaneMask<T, Isa>>(value) & mask);
}

// Taps whose sums are in registers.
inline constexpr int kWeightTaps = 9;

template <typename T, typename Isa, int Taps>
[[gnu::noinline]] void direct_weight_taps(const DirectWeightTask<T>& task, std::int64_t first) {
  using V = Vector<T, Isa>;
  constexpr int kWide = kLanes<T, Isa>;
  V sum[Taps] = {};
  const std::int64_t* const offsets = task.offsets + first;
  const LaneMask<T, Isa> mask = first_lanes<T, Isa>(static_cast<int>(task.cols % kWide));
  for (std::int64_t y = 0; y < task.rows; ++y) {
    const T* const grad = task.grad + y * task.cols;
    const T* const source = task.source + y * task.row_pitch;
    std::int64_t x = 0;
    for (; x + kWide <= task.cols; x += kWide) {
      const V g = load<T, Isa>(grad + x);
      unroll<Taps>([&](auto t) { sum[t] += g * load<T, Isa>(source + offsets[t] + x); });
    }
    if (x < task.cols) {
      const auto rest = static_cast<int>(task.cols - x);
      const V g = load_first<T, Isa>(grad + x, rest);
      // What lies behind a row of the source may be no number, which times zero would stay.
      unroll<Taps>([&](auto t) {
        sum[t] += g * kept_lanes<T, Isa>(load<T, Isa>(source + offsets[t] + x), mask);
      });
    }
  }
  unroll<Taps>([&](auto t) {
    task.sums[first + t] += reduce<T, Isa>(
        sum[t], [](auto a, auto b) __attribute__((always_inline)) { return a + b; });
  });
}

template <typename T, typename Isa, int Taps = kWeightTaps>
void direct_weight_of(int taps, const DirectWeightTask<T>& task, std::int64_t first) {
  if constexpr (Taps > 0) {
    if (taps == Taps) return direct_weight_taps<T, Isa, Taps>(task, first);
    direct_weight_of<T, Isa, Taps - 1>(taps, task, first);
  }
}

template <typename T, typename Isa>
void direct_weight(const DirectWeightTask<T>& task) {
  const Division parts = divide(task.taps, kWeightTaps);
  std::int64_t first = 0;
  for (std::int64_t i = 0; i < parts.parts; ++i) {
    const int taps = size_of_part(parts, i);
    direct_weight_of<T, Isa>(taps, task, first);
    first += taps;
  }
}

template <typename T, typename Isa>
void copy_one_stretch(const T* row, std::int64_t width, std::int64_t begin, std::int64_t step,
                      std::int64_t count, T* to) {
  copy_stretch<T, Isa>(row, width, begin, step, count, to);
}

}  // namespace wick::cpu
