// SPDX-License-Identifier: MIT
#include <cooperative_groups.h>
#include <cuda_runtime.h>

#include "tests/device/gpu_probe_kernel.h"

namespace wick::probe {
namespace {

__global__ void count_blocks(int* counted) {
#if !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 900
  cooperative_groups::this_cluster().sync();
#endif
  if (threadIdx.x == 0) atomicAdd(counted, 1);
}

constexpr int kThreads = 64;
constexpr int kPortableBlocks = 8;

// `attribute` must live as long as the result.
cudaError_t configure(int blocks, cudaLaunchAttribute& attribute, cudaLaunchConfig_t& config) {
  attribute.id = cudaLaunchAttributeClusterDimension;
  attribute.val.clusterDim = {static_cast<unsigned>(blocks), 1, 1};
  config.gridDim = dim3(static_cast<unsigned>(blocks));
  config.blockDim = dim3(kThreads);
  config.attrs = &attribute;
  config.numAttrs = 1;
  if (blocks <= kPortableBlocks) return cudaSuccess;
  return cudaFuncSetAttribute(count_blocks, cudaFuncAttributeNonPortableClusterSizeAllowed, 1);
}

}  // namespace

cudaError_t run_cluster(int blocks, int& counted) {
  counted = 0;
  void* memory = nullptr;
  cudaError_t status = cudaMalloc(&memory, sizeof(int));
  if (status != cudaSuccess) return status;
  cudaLaunchAttribute attribute{};
  cudaLaunchConfig_t config{};
  status = configure(blocks, attribute, config);
  if (status == cudaSuccess) status = cudaMemset(memory, 0, sizeof(int));
  if (status == cudaSuccess) {
    status = cudaLaunchKernelEx(&config, count_blocks, static_cast<int*>(memory));
  }
  if (status == cudaSuccess) {
    status = cudaMemcpy(&counted, memory, sizeof(int), cudaMemcpyDeviceToHost);
  }
  static_cast<void>(cudaGetLastError());
  static_cast<void>(cudaFree(memory));
  return status;
}

int clusters_at_once(int blocks) {
  int count = 0;
  cudaLaunchAttribute attribute{};
  cudaLaunchConfig_t config{};
  if (configure(blocks, attribute, config) != cudaSuccess ||
      cudaOccupancyMaxActiveClusters(&count, count_blocks, &config) != cudaSuccess) {
    static_cast<void>(cudaGetLastError());
    return 0;
  }
  return count;
}

}  // namespace wick::probe
