// SPDX-License-Identifier: MIT
#include "kernels/cuda/check.h"

#include <string>

#include "wick/core/error.h"

namespace wick::cuda {

void check(cudaError_t status, std::string_view operation, SourceLine where) {
  if (status == cudaSuccess) return;
  // Otherwise the next launch would report it again.
  static_cast<void>(cudaGetLastError());
  const std::string_view path = where.file;
  const std::size_t folder = path.rfind("kernels/cuda/");
  const std::string file(folder == std::string_view::npos ? path : path.substr(folder));
  throw CudaError(concat(operation, ": ", cudaGetErrorString(status), " (",
                         cudaGetErrorName(status), ", ", file, ":", where.line, ")"),
                  std::string(operation), static_cast<int>(status), file, where.line);
}

void throw_out_of_memory(std::size_t bytes, std::string_view device) {
  std::size_t free = 0;
  std::size_t total = 0;
  static_cast<void>(cudaMemGetInfo(&free, &total));
  static_cast<void>(cudaGetLastError());
  throw OutOfMemoryError(
      concat("out of memory on ", device, ": asked for ", bytes, " bytes, ", free, " of ", total,
             " are free; free tensors, use smaller batches, or the device \"cpu\""),
      bytes, free, total);
}

void* device_malloc(std::size_t bytes) {
  void* data = nullptr;
  const cudaError_t status = cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    throw_out_of_memory(bytes, "the CUDA device");
  }
  check(status, "allocate memory on the device");
  return data;
}

}  // namespace wick::cuda
