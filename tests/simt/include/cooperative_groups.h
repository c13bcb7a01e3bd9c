// SPDX-License-Identifier: MIT
// The two groups of <cooperative_groups.h> that wick's kernels use.
#pragma once

#include "tests/simt/include/cuda_runtime.h"

namespace cooperative_groups {

struct grid_group {
  void sync(wick::simt::Where where = wick::simt::Where::current()) const {
    wick::simt::grid_barrier(where);
  }
};
struct cluster_group {
  void sync(wick::simt::Where where = wick::simt::Where::current()) const {
    wick::simt::cluster_barrier(where);
  }
};
inline grid_group this_grid() {
  return {};
}
inline cluster_group this_cluster() {
  return {};
}

}  // namespace cooperative_groups
