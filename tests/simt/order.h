// SPDX-License-Identifier: MIT
// Which work CUDA promises to do before which, whatever the order is in which it happens to run
// here: work of one stream in the order of the calls, work of several by events, and all that the
// host has waited for before what it gives afterwards. Stream-ordered memory must keep to it: its
// uses come after its allocation and before it is given back, in every order that CUDA may take.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "tests/simt/include/cuda_runtime_api.h"

namespace wick::simt {

/// How much of each stream's work, by the stream's number, is done before something.
class Clock {
 public:
  void join(const Clock& other);
  void set(std::uint64_t stream, std::uint64_t count) { done_[stream] = count; }
  void advance(std::uint64_t stream) { ++done_[stream]; }
  [[nodiscard]] std::uint64_t of(std::uint64_t stream) const;
  /// Whether all that `other` has done is done here.
  [[nodiscard]] bool covers(const Clock& other) const;

 private:
  std::map<std::uint64_t, std::uint64_t> done_;
};

/// What an allocation remembers.
struct Uses {
  Clock allocated;  // by cudaMallocAsync
  Clock last;       // the last work of each stream that used it
  bool freed = false;
};

/// Addresses that some work uses; others than those of device memory do not matter.
using Addresses = std::vector<const void*>;

/// Further work in the stream: after all that is before it there, and what the host has waited for.
void begin_work(CUstream_st* stream);
/// The work begun last uses memory. Faults where that is not ordered with its allocation, or comes
/// after it was given back.
void use_memory(CUstream_st* stream, const Addresses& addresses);
/// The work begun last gives memory back. Faults where a use of it is not ordered before.
void free_memory(CUstream_st* stream, Uses& uses, std::size_t bytes);
/// The host has waited for all of this.
void host_waited(const Clock& clock);

}  // namespace wick::simt
