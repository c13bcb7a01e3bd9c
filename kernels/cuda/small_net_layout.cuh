// SPDX-License-Identifier: MIT
// What the small network's kernel is given, and where things lie in a block's shared memory.
#pragma once

#include "kernels/cuda/small_net.h"
#include "kernels/cuda/update.cuh"

namespace wick::cuda {

inline constexpr int kNetThreads = 256;
inline constexpr int kRowThreads = 8;  // that share a row of logits
inline constexpr int kMostOutputs = 32;
inline constexpr int kLogitsPerThread = kMostOutputs / kRowThreads;
inline constexpr int kImagesAhead = 8;  // pixels that a thread loads ahead

/// Where things lie in a block's shared memory, in floats. Odd strides keep threads that walk down
/// a column in different banks.
struct SmallNetLayout {
  int share;          // inputs per block
  int share_stride;   // of weight1 and of the images
  int hidden_stride;  // of h and weight2
  int dh_stride;      // a multiple of 4: read as packs
  int logit_stride;
  int dh, weight1, image, h, weight2, dlogits, bias1, bias2, losses, rows, floats;
  // Each parameter is followed by its two optimizer states, `*_size` floats apart.
  int weight1_size, weight2_size, bias1_size, bias2_size, image_size;
};

__host__ __device__ inline SmallNetLayout small_net_layout(int batch, int share, int hidden,
                                                           int outputs) {
  SmallNetLayout at{};
  at.share = share;
  at.share_stride = share | 1;
  at.hidden_stride = hidden | 1;
  at.dh_stride = (hidden + 3) / 4 * 4;
  at.logit_stride = outputs | 1;
  at.weight1_size = hidden * at.share_stride;
  at.weight2_size = outputs * at.hidden_stride;
  at.bias1_size = hidden;
  at.bias2_size = outputs;
  at.image_size = batch * at.share_stride;
  int next = 0;
  const auto take = [&next](int floats) {
    const int here = next;
    next += floats;
    return here;
  };
  at.dh = take(batch * at.dh_stride);  // first, for its alignment
  at.rows = take(8 * batch);           // two steps' images and labels, 64 bits each
  at.weight1 = take(3 * at.weight1_size);
  at.image = take(2 * at.image_size);
  at.h = take(batch * at.hidden_stride);
  at.weight2 = take(3 * at.weight2_size);
  at.dlogits = take(batch * at.logit_stride);
  at.bias1 = take(3 * at.bias1_size);
  at.bias2 = take(3 * at.bias2_size);
  at.losses = take(batch);
  at.floats = next;
  return at;
}

struct SmallNetTask {
  SmallNetArgs args;
  SmallNetLayout layout;
  formulas::UpdateOptions<float> options;
  float* partial;  // (2, blocks, batch, hidden)
  ErrorFlag* error;
};

}  // namespace wick::cuda
