// SPDX-License-Identifier: MIT
// Convolutions: what the kernels get. How they make up an operation is in kernels/cpu/conv.cpp.
//
// A convolution, and the gradient by its input, are a product of a matrix of weights (outputs,
// depth) with a matrix of patches (depth, positions). Row k = channel * tap_count + tap of the
// patches has, for position (y, x), element (y * row_step + tap.row, x * col_step + tap.col) of the
// channel, or zero where the image has none.
#pragma once

#include <cstdint>

namespace wick::cpu {

struct ConvTap {
  std::int64_t row;
  std::int64_t col;
};

/// A part of the matrix of patches of one group. Positions go on from sample to sample.
template <typename T>
struct PatchTask {
  const T* image;             // (channels, height, width) of the first sample
  std::int64_t sample_pitch;  // elements from one to the next
  std::int64_t height;
  std::int64_t width;
  const ConvTap* taps;
  std::int64_t tap_count;
  std::int64_t row_step;
  std::int64_t col_step;
  std::int64_t rows;   // of positions of a sample
  std::int64_t cols;   // positions in a row of them
  std::int64_t first;  // the part's positions
  std::int64_t count;
  std::int64_t first_k;  // the part's rows
  std::int64_t depth;
  T* to;
  /// Elements from row to row; or 0: in the order of MatmulTable::pack().
  std::int64_t stride;
};

/// A convolution without a matrix of patches: for few outputs, which leave little to do for each
/// element that is read.
template <typename T>
struct DirectConvTask {
  const T* source;              // a copy with zeros around it; a vector beyond its end may be read
  const std::int64_t* offsets;  // (depth): where the element of k for the first position lies
  std::int64_t depth;
  std::int64_t row_pitch;   // from the elements of a row of positions to those of the next
  const T* weight;          // (outputs, depth)
  std::int64_t weight_row;  // from output to output
  const T* bias;            // (outputs), or null
  std::int64_t outputs;
  T* out;
  std::int64_t out_plane;  // from output to output
  std::int64_t out_row;    // from a row of positions to the next
  std::int64_t out_step;   // from position to position
  std::int64_t rows;       // of positions
  std::int64_t cols;
  bool add;  // to what is in `out`; else the bias is
};

/// The gradient by the weights of one channel of one output: adds the sum over positions of the
/// gradient by the output times the element of the source to sums[tap].
template <typename T>
struct DirectWeightTask {
  const T* source;              // as above
  const std::int64_t* offsets;  // (taps)
  std::int64_t taps;
  std::int64_t row_pitch;
  const T* grad;  // (rows, cols)
  std::int64_t rows;
  std::int64_t cols;
  T* sums;
};

template <typename T>
struct ConvTable {
  void (*pack_patches)(const PatchTask<T>&);
  void (*direct_conv)(const DirectConvTask<T>&);
  void (*direct_weight)(const DirectWeightTask<T>&);
  /// Elements begin, begin + step ... of a row of `width` elements, with zeros around it.
  void (*copy_stretch)(const T* row, std::int64_t width, std::int64_t begin, std::int64_t step,
                       std::int64_t count, T* to);
  std::int64_t panel_cols;  // of the widest panel of pack()
};
template <typename T, typename Isa>
[[nodiscard]] ConvTable<T> conv_table();

}  // namespace wick::cpu
