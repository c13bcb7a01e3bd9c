// SPDX-License-Identifier: MIT
#include "tests/simt/order.h"

#include <algorithm>

#include "tests/simt/runtime.h"
#include "wick/core/error.h"

namespace wick::simt {
namespace {

void fault(std::size_t bytes, const char* what) {
  std::string& failure = runtime().failure;
  if (failure.empty()) failure = concat("device memory of ", bytes, " bytes ", what);
}

}  // namespace

void Clock::join(const Clock& other) {
  for (const auto& [stream, count] : other.done_) {
    std::uint64_t& mine = done_[stream];
    mine = std::max(mine, count);
  }
}

std::uint64_t Clock::of(std::uint64_t stream) const {
  const auto found = done_.find(stream);
  return found == done_.end() ? 0 : found->second;
}

bool Clock::covers(const Clock& other) const {
  return std::ranges::all_of(other.done_,
                             [this](const auto& entry) { return of(entry.first) >= entry.second; });
}

void begin_work(CUstream_st* stream) {
  stream->clock.join(runtime().waited);
  stream->clock.advance(stream->number);
}

void use_memory(CUstream_st* stream, const Addresses& addresses) {
  for (const void* const address : addresses) {
    Allocation* const found = find_allocation(address, 1);
    if (found == nullptr || found->kind != Kind::device) continue;
    if (found->uses.freed) {
      fault(found->bytes, "is used after it was given back");
    } else if (!stream->clock.covers(found->uses.allocated)) {
      fault(found->bytes, "is used in a stream that does not wait for its allocation in another");
    }
    found->uses.last.set(stream->number, stream->clock.of(stream->number));
  }
}

void free_memory(CUstream_st* stream, Uses& uses, std::size_t bytes) {
  if (!stream->clock.covers(uses.last) || !stream->clock.covers(uses.allocated)) {
    fault(bytes, "is given back in a stream that does not wait for its last use in another");
  }
  uses.freed = true;
}

void host_waited(const Clock& clock) {
  runtime().waited.join(clock);
}

}  // namespace wick::simt
