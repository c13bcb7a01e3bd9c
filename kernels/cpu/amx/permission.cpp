// SPDX-License-Identifier: MIT
#include "kernels/cpu/amx/permission.h"

#if defined(__x86_64__) && defined(__linux__)

#include <cstdint>

#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace wick::cpu {
namespace {

// Of the kernel's <asm/prctl.h>, which older systems have without them.
constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
constexpr long kGetSupported = 0x1021;       // ARCH_GET_XCOMP_SUPP
constexpr unsigned kTileData = 18;           // the number of that part of a thread's state

// What the operating system has enabled of the processor's state.
std::uint64_t enabled_state() {
  std::uint32_t low = 0;
  std::uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return std::uint64_t{high} << 32 | low;
}

}  // namespace

bool has_tiles() {
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  constexpr unsigned kOsXsave = 1U << 27;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0 || (c & kOsXsave) == 0) return false;
  constexpr unsigned kAmxBf16 = 1U << 22;
  constexpr unsigned kAmxTile = 1U << 24;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return false;
  if ((d & kAmxBf16) == 0 || (d & kAmxTile) == 0) return false;
  constexpr std::uint64_t kTileState = std::uint64_t{3} << 17;  // configuration and data
  if ((enabled_state() & kTileState) != kTileState) return false;
  std::uint64_t supported = 0;
  return ::syscall(SYS_arch_prctl, kGetSupported, &supported) == 0 &&
         (supported >> kTileData & 1) != 0;
}

bool tiles_permitted() {
  static const bool permitted =
      has_tiles() && ::syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
  return permitted;
}

}  // namespace wick::cpu

#else

namespace wick::cpu {

bool has_tiles() {
  return false;
}

bool tiles_permitted() {
  return false;
}

}  // namespace wick::cpu

#endif
