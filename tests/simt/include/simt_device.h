// SPDX-License-Identifier: MIT
// What the device half of cuda_runtime.h calls: the machine that a kernel's thread runs on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <vector>

#include "tests/simt/include/cuda_runtime_api.h"

namespace wick::simt {

using Where = std::source_location;

/// Waits for all threads of the block at this very place.
void block_barrier(Where where);
/// Waits for all threads of all blocks of a cooperative launch, or of the cluster.
void grid_barrier(Where where);
void cluster_barrier(Where where);

/// A warp function: waits for the lanes in `mask`; `result` becomes the `bytes` (at most 16) that
/// lane `source` gave. Lanes with a source outside the mask are an error.
void exchange(unsigned mask, const void* value, void* result, std::size_t bytes, unsigned source,
              Where where);
/// The lanes of `mask` whose predicate holds.
[[nodiscard]] unsigned ballot(unsigned mask, bool predicate, Where where);
[[nodiscard]] unsigned lane();

/// Lets other threads run: what a loop that waits for memory must call.
void yield();

/// This block's dynamic shared memory.
[[nodiscard]] unsigned char* dynamic_shared();

struct Launch {
  unsigned grid[3];
  unsigned block[3];
  std::size_t shared_bytes;
  unsigned cluster[3];
  bool cooperative;
  const void* kernel;  // its address, for messages and attributes
};
/// `words`: those of the kernel's arguments; the addresses among them are of what it uses.
cudaError_t launch(const Launch& launch, cudaStream_t stream, std::function<void()> body,
                   const std::vector<const void*>& words);
/// How many clusters of this launch's size the device runs at once.
cudaError_t most_clusters(const Launch& launch, int* count);
cudaError_t set_attribute(const void* kernel, cudaFuncAttribute attribute, int value);

}  // namespace wick::simt
