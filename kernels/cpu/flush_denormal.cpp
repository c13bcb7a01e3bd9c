// SPDX-License-Identifier: MIT
#include "wick/kernels/flush_denormal.h"

#include <cstdint>

namespace wick {
namespace {

#if defined(__x86_64__)

// MXCSR: results become zero (FTZ), operands count as zero (DAZ).
constexpr unsigned kFlush = 0x8040;
constexpr bool kCanFlush = true;

unsigned read_control() noexcept {
  return __builtin_ia32_stmxcsr();
}
void write_control(unsigned control) noexcept {
  __builtin_ia32_ldmxcsr(control);
}

#elif defined(__aarch64__)

constexpr std::uint64_t kFlush = 1U << 24;  // FPCR.FZ: both
constexpr bool kCanFlush = true;

std::uint64_t read_control() noexcept {
  std::uint64_t control = 0;
  asm volatile("mrs %0, fpcr" : "=r"(control));
  return control;
}
void write_control(std::uint64_t control) noexcept {
  asm volatile("msr fpcr, %0" : : "r"(control));
}

#else

constexpr unsigned kFlush = 1;
constexpr bool kCanFlush = false;

unsigned read_control() noexcept {
  return 0;
}
void write_control(unsigned /*control*/) noexcept {}

#endif

}  // namespace

bool set_flush_denormal(bool flush) noexcept {
  // Written only where it changes something: writing takes long.
  if (kCanFlush && flush != flush_denormal()) {
    write_control(flush ? read_control() | kFlush : read_control() & ~kFlush);
  }
  return kCanFlush;
}

bool flush_denormal() noexcept {
  return (read_control() & kFlush) == kFlush;
}

}  // namespace wick
