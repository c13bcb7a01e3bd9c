// SPDX-License-Identifier: MIT
// Which devices this program can use.
#pragma once

#include <cstdint>
#include <string>

#include "wick/core/compiler.h"

namespace wick {

/// The number of CUDA devices that this build can drive on this machine; 0 where there is no
/// toolkit in the build, no driver or no GPU.
[[nodiscard]] WICK_API int cuda_device_count() noexcept;
[[nodiscard]] inline bool cuda_available() noexcept {
  return cuda_device_count() > 0;
}

/// Lets float32 matrix products on CUDA devices round their operands to TF32 (10 bits of mantissa),
/// which is several times faster; torch.backends.cuda.matmul.allow_tf32. Off at the start. Concerns
/// products from then on, not those recorded before. Thread-safe.
WICK_API void set_allow_tf32(bool allow) noexcept;
[[nodiscard]] WICK_API bool allow_tf32() noexcept;

/// The number of threads that CPU operations use, at least 1; the default is 1. Results do not
/// depend on it. Where the system gives no more threads, those that it gives do the work, and
/// num_threads() says how many. Throws ValueError for less than 1. Not to be called while
/// operations run.
WICK_API void set_num_threads(int count);

/// What the threads of set_num_threads() do between operations.
enum class IdleThreads : std::uint8_t {
  /// They look for work for a fifth of a millisecond and then sleep. To wake them is a system call.
  sleep,
  /// They look for work all the time, and keep a processor busy each. Neither they nor the caller
  /// of an operation call the system, as real-time threads wish (docs/real_time.md).
  spin,
};
/// The threads have the scheduling policy, the priority and the processors of the one that calls
/// this. set_num_threads(count) is for idle threads that sleep.
WICK_API void set_num_threads(int count, IdleThreads idle);
[[nodiscard]] WICK_API int num_threads() noexcept;

/// The instruction set that the CPU kernels use: "baseline" (SSE2, NEON), "avx2", "avx512",
/// or AVX-512 with products of bfloat16 by AVX512-BF16 ("avx512_bf16") or by tiles ("amx"). Chosen
/// at the first use; the environment variable WICK_SIMD forces a lower one.
[[nodiscard]] WICK_API std::string cpu_capability();

}  // namespace wick
