// SPDX-License-Identifier: MIT
// CUDA C++ for a C++ compiler: with this header in place of NVIDIA's, kernels are functions that
// the executor (tests/simt) runs. Shared memory is dynamic only: see kernels/cuda/launch.cuh.
#pragma once

#include <atomic>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "tests/simt/include/cuda_runtime_api.h"
#include "tests/simt/include/simt_device.h"

// CUDA's qualifiers, which only macros can take away.
#define __global__
#define __device__
#define __host__
#define __grid_constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)

struct uint3 {
  unsigned x, y, z;
};
struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  constexpr dim3(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

inline thread_local uint3 threadIdx{};
inline thread_local uint3 blockIdx{};
inline thread_local dim3 blockDim{};
inline thread_local dim3 gridDim{};
inline constexpr int warpSize = 32;

// -- Vector types ---------------------------------------------------------------------------------
struct alignas(8) float2 {
  float x, y;
};
struct alignas(16) float4 {
  float x, y, z, w;
};
struct alignas(16) double2 {
  double x, y;
};
struct alignas(8) uint2 {
  unsigned x, y;
};
struct alignas(16) uint4 {
  unsigned x, y, z, w;
};
struct alignas(16) int4 {
  int x, y, z, w;
};

// -- Barriers and warps ---------------------------------------------------------------------------
inline void __syncthreads(wick::simt::Where where = wick::simt::Where::current()) {
  wick::simt::block_barrier(where);
}
inline void __syncwarp(unsigned mask = 0xFFFFFFFFU,
                       wick::simt::Where where = wick::simt::Where::current()) {
  static_cast<void>(wick::simt::ballot(mask, true, where));
}
inline unsigned __ballot_sync(unsigned mask, int predicate,
                              wick::simt::Where where = wick::simt::Where::current()) {
  return wick::simt::ballot(mask, predicate != 0, where);
}
inline int __any_sync(unsigned mask, int predicate,
                      wick::simt::Where where = wick::simt::Where::current()) {
  return wick::simt::ballot(mask, predicate != 0, where) != 0;
}
inline int __all_sync(unsigned mask, int predicate,
                      wick::simt::Where where = wick::simt::Where::current()) {
  return wick::simt::ballot(mask, predicate == 0, where) == 0;
}

namespace wick::simt {
/// The lane that gives its value, where the warp is taken in sections of `width` lanes.
inline unsigned section_source(long long relative, int width, bool wrap) {
  const unsigned here = lane();
  const unsigned first = here & ~static_cast<unsigned>(width - 1);
  if (wrap) return first + (static_cast<unsigned>(relative) & static_cast<unsigned>(width - 1));
  const bool inside = relative >= 0 && relative < width;
  return inside ? first + static_cast<unsigned>(relative) : here;
}
template <typename T>
T shuffle(unsigned mask, T value, unsigned source, Where where) {
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 16);
  T result;
  exchange(mask, &value, &result, sizeof(T), source, where);
  return result;
}
inline long long lane_in(int width) {
  return static_cast<long long>(lane() & static_cast<unsigned>(width - 1));
}
}  // namespace wick::simt

template <typename T>
T __shfl_sync(unsigned mask, T value, int source, int width = 32,
              wick::simt::Where where = wick::simt::Where::current()) {
  return wick::simt::shuffle(mask, value, wick::simt::section_source(source, width, true), where);
}
template <typename T>
T __shfl_xor_sync(unsigned mask, T value, int lane_mask, int width = 32,
                  wick::simt::Where where = wick::simt::Where::current()) {
  const long long other = wick::simt::lane_in(width) ^ lane_mask;
  return wick::simt::shuffle(mask, value, wick::simt::section_source(other, width, false), where);
}
template <typename T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   wick::simt::Where where = wick::simt::Where::current()) {
  const long long other = wick::simt::lane_in(width) + delta;
  return wick::simt::shuffle(mask, value, wick::simt::section_source(other, width, false), where);
}
template <typename T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 wick::simt::Where where = wick::simt::Where::current()) {
  const long long other = wick::simt::lane_in(width) - static_cast<long long>(delta);
  return wick::simt::shuffle(mask, value, wick::simt::section_source(other, width, false), where);
}

// -- Memory ---------------------------------------------------------------------------------------
template <typename T>
T __ldg(const T* pointer) {
  return *pointer;
}
template <typename T>
T __ldcg(const T* pointer) {
  return *pointer;
}
inline void __threadfence() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __threadfence_block() {
  std::atomic_thread_fence(std::memory_order_seq_cst);
}
inline void __nanosleep(unsigned /*nanoseconds*/) {
  wick::simt::yield();
}

template <typename T>
concept SimtAtomicInteger =
    std::is_same_v<T, int> || std::is_same_v<T, unsigned> || std::is_same_v<T, unsigned long long>;

template <SimtAtomicInteger T>
T atomicAdd(T* address, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*address).fetch_add(value);
}
template <SimtAtomicInteger T>
T atomicExch(T* address, std::type_identity_t<T> value) {
  return std::atomic_ref<T>(*address).exchange(value);
}
template <SimtAtomicInteger T>
T atomicCAS(T* address, std::type_identity_t<T> expected, std::type_identity_t<T> value) {
  std::atomic_ref<T>(*address).compare_exchange_strong(expected, value);
  return expected;
}
template <SimtAtomicInteger T>
T atomicMin(T* address, std::type_identity_t<T> value) {
  T old = std::atomic_ref<T>(*address).load();
  while (value < old && !std::atomic_ref<T>(*address).compare_exchange_weak(old, value)) {
  }
  return old;
}
template <SimtAtomicInteger T>
T atomicMax(T* address, std::type_identity_t<T> value) {
  T old = std::atomic_ref<T>(*address).load();
  while (value > old && !std::atomic_ref<T>(*address).compare_exchange_weak(old, value)) {
  }
  return old;
}
/// As CUDA's: counts up to `limit`, then starts again at 0.
inline unsigned atomicInc(unsigned* address, unsigned limit) {
  std::atomic_ref<unsigned> cell(*address);
  unsigned old = cell.load();
  while (!cell.compare_exchange_weak(old, old >= limit ? 0 : old + 1)) {
  }
  return old;
}

// -- Mathematics ----------------------------------------------------------------------------------
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>((static_cast<std::uint64_t>(a) * b) >> 32);
}
inline float rsqrtf(float value) {
  return 1.0F / std::sqrt(value);
}
inline double rsqrt(double value) {
  return 1.0 / std::sqrt(value);
}

// -- Launches -------------------------------------------------------------------------------------
struct cudaLaunchAttributeValue {
  int cooperative;
  struct {
    unsigned x, y, z;
  } clusterDim;
};
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  cudaLaunchAttributeValue val;
};
struct cudaLaunchConfig_t {
  dim3 gridDim{};
  dim3 blockDim{};
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
  cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};

namespace wick::simt {
inline Launch launch_of(const cudaLaunchConfig_t* config, const void* kernel) {
  Launch launch{{config->gridDim.x, config->gridDim.y, config->gridDim.z},
                {config->blockDim.x, config->blockDim.y, config->blockDim.z},
                config->dynamicSmemBytes,
                {1, 1, 1},
                false,
                kernel};
  for (unsigned i = 0; i < config->numAttrs; ++i) {
    const cudaLaunchAttribute& attribute = config->attrs[i];
    if (attribute.id == cudaLaunchAttributeCooperative) {
      launch.cooperative = attribute.val.cooperative != 0;
    } else if (attribute.id == cudaLaunchAttributeClusterDimension) {
      launch.cluster[0] = attribute.val.clusterDim.x;
      launch.cluster[1] = attribute.val.clusterDim.y;
      launch.cluster[2] = attribute.val.clusterDim.z;
    }
  }
  return launch;
}
/// Every word of an argument where an address may lie. What is between its members is no part of
/// it: there, a word with a bool in it may look like an address that was once on the stack.
template <typename T>
void append_words(T argument, std::vector<const void*>& words) {
#if __has_builtin(__builtin_clear_padding)
  __builtin_clear_padding(&argument);
#endif
  const auto* const bytes = reinterpret_cast<const unsigned char*>(&argument);
  for (std::size_t at = 0; at + sizeof(void*) <= sizeof(T); at += sizeof(void*)) {
    const void* word = nullptr;
    std::memcpy(&word, bytes + at, sizeof word);
    words.push_back(word);
  }
}
}  // namespace wick::simt

template <typename... Expected, typename... Given>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Expected...),
                               Given&&... arguments) {
  std::vector<const void*> words;
  // By value, as a real launch takes them: the caller's may be gone when the work runs.
  return [&](Expected... values) {
    (wick::simt::append_words(values, words), ...);
    return wick::simt::launch(
        wick::simt::launch_of(config, reinterpret_cast<const void*>(kernel)), config->stream,
        [kernel, values...] { kernel(values...); }, words);
  }(static_cast<Expected>(std::forward<Given>(arguments))...);
}

template <typename... Arguments>
cudaError_t cudaOccupancyMaxActiveClusters(int* count, void (*kernel)(Arguments...),
                                           const cudaLaunchConfig_t* config) {
  return wick::simt::most_clusters(
      wick::simt::launch_of(config, reinterpret_cast<const void*>(kernel)), count);
}

template <typename... Arguments>
cudaError_t cudaFuncSetAttribute(void (*kernel)(Arguments...), cudaFuncAttribute attribute,
                                 int value) {
  return wick::simt::set_attribute(reinterpret_cast<const void*>(kernel), attribute, value);
}
