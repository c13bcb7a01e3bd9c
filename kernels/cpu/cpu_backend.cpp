// SPDX-License-Identifier: MIT
// Memory and threads.
#include "kernels/cpu/cpu_backend.h"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <new>

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "kernels/cpu/copy.h"
#include "kernels/cpu/for_rows.h"
#include "wick/core/backend/memory.h"
#include "wick/core/error.h"

namespace wick::cpu {
namespace {

constexpr std::size_t kAlignment = 64;
// From so many bytes on, memory is asked for in huge pages. It is not aligned to them: the C
// library would then take it from the system each time, instead of giving out again what was freed.
constexpr std::size_t kLargeBytes = std::size_t{4} << 20;
constexpr std::size_t kHugePage = std::size_t{2} << 20;

// Elements of a block of B, which a product reads again and again: half of the second-level cache.
std::int64_t choose_block_elements() {
  long bytes = 0;
#if defined(_SC_LEVEL2_CACHE_SIZE)
  bytes = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
#endif
  if (bytes <= 0) bytes = 1L << 20;
  constexpr auto kFloat = static_cast<std::int64_t>(sizeof(float));
  return std::clamp<std::int64_t>(bytes / 2 / kFloat, 32 << 10, 256 << 10);
}

[[noreturn]] void throw_out_of_memory(std::size_t bytes) {
  std::size_t free = 0;
  std::size_t total = 0;
#if defined(_SC_PHYS_PAGES) && defined(_SC_AVPHYS_PAGES)
  const auto page = static_cast<std::size_t>(std::max(::sysconf(_SC_PAGESIZE), 0L));
  free = static_cast<std::size_t>(std::max(::sysconf(_SC_AVPHYS_PAGES), 0L)) * page;
  total = static_cast<std::size_t>(std::max(::sysconf(_SC_PHYS_PAGES), 0L)) * page;
#endif
  throw OutOfMemoryError(concat("out of memory on the CPU: asked for ", bytes, " bytes, ", free,
                                " of ", total, " are free; use smaller sizes"),
                         bytes, free, total);
}

}  // namespace

CpuBackend::CpuBackend() : CpuBackend(choose_level()) {}

CpuBackend::CpuBackend(Level level)
    : level_(level),
      block_elements_(choose_block_elements()),
      pool_(std::make_unique<ThreadPool>(1)) {}

void CpuBackend::set_num_threads(int count, IdleThreads idle) {
  if (count < 1) throw ValueError(concat("set_num_threads: ", count, " is less than 1"));
  if (count == pool_->size() && (count == 1 || idle == pool_->idle())) return;
  pool_ = std::make_unique<ThreadPool>(count, idle);
}

void* CpuBackend::allocate(std::size_t bytes) {
  // Rounding up to the alignment must not overflow, in the C library either.
  constexpr std::size_t kMostBytes = static_cast<std::size_t>(PTRDIFF_MAX) - kHugePage;
  if (bytes > kMostBytes) throw_out_of_memory(bytes);
  void* data = nullptr;
  try {
    data = ::operator new (std::max<std::size_t>(bytes, 1), std::align_val_t{kAlignment});
  } catch (const std::bad_alloc&) {
    throw_out_of_memory(bytes);
  }
#if defined(__linux__)
  // A product of large matrices otherwise waits for page tables. Advice: its failure is no error.
  if (bytes >= kLargeBytes) {
    void* first = data;
    std::size_t left = bytes;
    std::align(kHugePage, kHugePage, first, left);
    ::madvise(first, left / kHugePage * kHugePage, MADV_HUGEPAGE);
  }
#endif
  return data;
}

void CpuBackend::deallocate(void* data, std::size_t /*bytes*/) noexcept {
  ::operator delete (data, std::align_val_t{kAlignment});
}

void CpuBackend::copy_from_host(void* to, const void* host, std::size_t bytes) {
  if (bytes != 0) std::memcpy(to, host, bytes);
}

void CpuBackend::copy_to_host(void* host, const void* from, std::size_t bytes) {
  if (bytes != 0) std::memcpy(host, from, bytes);
}

void CpuBackend::zero(void* data, std::size_t bytes) {
  if (bytes != 0) std::memset(data, 0, bytes);
}

void CpuBackend::copy_strided(const StridedRef& to, const StridedRef& from) {
  const bool widens = to.dtype == DType::float32 && from.dtype == DType::bfloat16;
  const bool rounds = to.dtype == DType::bfloat16 && from.dtype == DType::float32;
  if ((widens || rounds) && convert_bfloat16(to, from)) return;
  cpu::copy_strided(to, from);
}

bool CpuBackend::convert_bfloat16(const StridedRef& to, const StridedRef& from) {
  for (const std::int64_t size : to.shape) {
    if (size == 0) return true;
  }
  const LoopsOf<2> loops = coalesce<2>(to.shape, {&to.strides, &from.strides});
  const std::size_t last = loops.shape.size() - 1;
  if (loops.strides[0][last] != 1 || loops.strides[1][last] != 1) return false;
  const Places<2> first{{static_cast<std::byte*>(to.data), static_cast<std::byte*>(from.data)},
                        {static_cast<std::int64_t>(size_of(to.dtype)),
                         static_cast<std::int64_t>(size_of(from.dtype))}};
  const ConvertTable<float>& convert = kernels<float>();
  for_rows(*pool_, loops, first, [&](const Places<2>& here, std::int64_t count) {
    if (to.dtype == DType::float32) {
      convert.widen(reinterpret_cast<const std::uint16_t*>(here.at[1]),
                    reinterpret_cast<float*>(here.at[0]), count);
    } else {
      convert.round(reinterpret_cast<const float*>(here.at[1]),
                    reinterpret_cast<std::uint16_t*>(here.at[0]), count);
    }
  });
  return true;
}

}  // namespace wick::cpu
