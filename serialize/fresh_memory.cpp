// SPDX-License-Identifier: MIT
#include "serialize/fresh_memory.h"

#include <chrono>
#include <cstddef>
#include <cstdint>

#include <sys/mman.h>
#include <unistd.h>

namespace wick {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
constexpr std::size_t kLeastBytes = std::size_t{64} << 10;
// Clearing a huge page takes a tenth of this.
constexpr auto kSlow = std::chrono::milliseconds(1);

// The part of the memory that begins and ends at multiples of `unit`.
std::span<char> whole_units(std::span<char> memory, std::size_t unit) {
  const std::size_t skipped =
      (unit - reinterpret_cast<std::uintptr_t>(memory.data()) % unit) % unit;
  if (skipped >= memory.size()) return {};
  memory = memory.subspan(skipped);
  return memory.first(memory.size() / unit * unit);
}

// Makes the pages present and writable; those that are so already keep their content.
void populate([[maybe_unused]] std::span<char> memory) {
#ifdef MADV_POPULATE_WRITE
  static_cast<void>(::madvise(memory.data(), memory.size(), MADV_POPULATE_WRITE));
#endif
}

}  // namespace

void FreshMemory::prepare(std::span<char> memory) noexcept {
  static const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (memory.size() < kLeastBytes) return;
#if defined(MADV_HUGEPAGE) && defined(MADV_NOHUGEPAGE)
  std::span<char> huge = whole_units(memory, kHugePageBytes);
  while (!huge.empty() && huge_.load(std::memory_order_relaxed)) {
    const std::span<char> page = huge.first(kHugePageBytes);
    static_cast<void>(::madvise(page.data(), page.size(), MADV_HUGEPAGE));
    const auto start = std::chrono::steady_clock::now();
    populate(page);
    if (std::chrono::steady_clock::now() - start > kSlow) huge_ = false;
    huge = huge.subspan(kHugePageBytes);
  }
  if (!huge.empty()) static_cast<void>(::madvise(huge.data(), huge.size(), MADV_NOHUGEPAGE));
#endif
  const std::span<char> pages = whole_units(memory, page_bytes);
  if (!pages.empty()) populate(pages);
}

}  // namespace wick
