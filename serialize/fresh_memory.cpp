// SPDX-License-Identifier: MIT
#include "serialize/fresh_memory.h"

#include <cstddef>
#include <ctime>

#include <sys/mman.h>
#include <unistd.h>

namespace wick {
namespace {

constexpr std::size_t kHugePageBytes = std::size_t{2} << 20;
constexpr std::size_t kLeastBytes = std::size_t{64} << 10;
// Clearing a huge page takes a tenth of this.
constexpr std::int64_t kSlowNanoseconds = 1'000'000;

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

// Of the processor: what other threads take meanwhile does not count.
std::int64_t thread_nanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

}  // namespace

std::size_t FreshMemory::past_boundary(const char* address) noexcept {
  return reinterpret_cast<std::uintptr_t>(address) % kHugePageBytes;
}

void FreshMemory::prepare(std::span<char> memory) noexcept {
  static const auto page_bytes = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  if (memory.size() < kLeastBytes) return;
  const std::span<char> pages = whole_units(memory, page_bytes);
  std::size_t head = pages.size();  // how much lies before the first huge page, and from where on
  std::size_t tail = pages.size();  // it lies behind the last
#if defined(MADV_HUGEPAGE) && defined(MADV_NOHUGEPAGE)
  const std::span<char> units = whole_units(memory, kHugePageBytes);
  if (!units.empty()) {
    head = static_cast<std::size_t>(units.data() - pages.data());
    tail = head + units.size();
  }
  std::span<char> rest = units;
  while (!rest.empty() && huge_.load(std::memory_order_relaxed)) {
    const std::span<char> page = rest.first(kHugePageBytes);
    static_cast<void>(::madvise(page.data(), page.size(), MADV_HUGEPAGE));
    const std::int64_t start = thread_nanoseconds();
    populate(page);
    if (thread_nanoseconds() - start > kSlowNanoseconds) huge_ = false;
    rest = rest.subspan(kHugePageBytes);
  }
  if (!rest.empty()) {
    static_cast<void>(::madvise(rest.data(), rest.size(), MADV_NOHUGEPAGE));
    populate(rest);
  }
#endif
  if (head != 0) populate(pages.first(head));
  if (tail != pages.size()) populate(pages.subspan(tail));
}

}  // namespace wick
