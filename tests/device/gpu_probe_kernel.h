// SPDX-License-Identifier: MIT
// The kernels of gpu_probe.
#pragma once

#include <cuda_runtime_api.h>

namespace wick::probe {

/// Runs one cluster of so many blocks, which meet once and count themselves; writes to `counted`
/// how many did. A status other than cudaSuccess says why there is no such cluster.
[[nodiscard]] cudaError_t run_cluster(int blocks, int& counted);

/// How many clusters of so many blocks the device holds at once, with this kernel; 0 where it does
/// not say.
[[nodiscard]] int clusters_at_once(int blocks);

}  // namespace wick::probe
