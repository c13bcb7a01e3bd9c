// SPDX-License-Identifier: MIT
// The executor's own interface: CUDA devices that are simulated on the CPU. Programs that are
// compiled against tests/simt/include and linked with wick_simt see them through the CUDA runtime's
// functions; this is what tests can set and ask beyond that.
//
// Model: each device has memory of its own on the heap (fresh memory is full of 0xFF, which is NaN
// in every floating-point type); work is queued in streams and runs on the calling thread no
// earlier than the host waits for it, so that a missing wait shows; a kernel's blocks run one after
// the other or a few at a time (all at once in a cooperative launch), and their threads take turns
// as fibers.
//
// Thread safety: the CUDA functions may be called from several threads (work runs under one lock);
// the settings below not while work is queued.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace wick::simt {

/// Which of the threads that can run runs next, and in which order blocks run.
enum class Order { forward, backward, random };

struct Schedule {
  Order order = Order::forward;
  std::uint64_t seed = 0;    // of Order::random
  std::size_t resident = 1;  // blocks whose threads take turns, as on one multiprocessor
};
void set_schedule(Schedule schedule);

/// Number of devices; 1 at the start, 0 to 8. Not while device memory is allocated.
void set_device_count(int count);

/// What one device's memory may hold; 1 GiB at the start.
void set_memory_limit(int device, std::size_t bytes);
[[nodiscard]] std::size_t memory_in_use(int device);

/// The largest cluster of blocks that a device says it runs at once, and the largest that it takes
/// in a launch; both 16 at the start.
void set_largest_cluster(unsigned said, unsigned taken);

/// Work runs when it is given, rather than when the host waits. Off at the start.
void set_eager(bool eager);

/// How the rules of the machine were broken: a barrier that not all threads of a kernel reach, a
/// warp function whose mask does not fit, memory of cudaMallocAsync whose allocation, uses and
/// cudaFreeAsync no event puts in this order (order.h). What waits then fails with
/// cudaErrorLaunchFailure, and cudaGetErrorString says the same. Empty where all is well; cleared
/// by reset_failure().
[[nodiscard]] std::string last_failure();
void reset_failure();

/// To find out whether tests would notice a missing barrier: the places ("file:line") where kernels
/// have called __syncthreads() since recording began, and one of them at which it does nothing
/// from now on (empty: none).
void record_barriers(bool record);
[[nodiscard]] std::vector<std::string> recorded_barriers();
void remove_barrier(const std::string& place);

/// Kernel launches since the program began, those of replayed graphs included.
[[nodiscard]] std::uint64_t launches();

}  // namespace wick::simt
