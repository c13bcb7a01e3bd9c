// SPDX-License-Identifier: MIT
// Whether the CPU's arithmetic takes subnormal numbers for zero.
#pragma once

#include "wick/core/compiler.h"

namespace wick {

/// torch.set_flush_denormal: from now on, the calling thread's arithmetic takes subnormal numbers
/// (below 1.2e-38 in float32) for zero, and makes none. They are a hundred times slower than others
/// on many processors, and tiny gradients of a long training run are full of them. Off at the
/// start, as in PyTorch: then subnormal numbers are exact.
///
/// A property of the thread, like the processor's register that it sets: other code that the thread
/// runs is concerned, too. Where operations share their work among several threads
/// (set_num_threads()), all of them do it as the calling thread would, so that results do not
/// depend on their number. GPUs never flush: they lose no time by subnormal numbers.
///
/// Returns false, and changes nothing, where the processor cannot do it (x86-64 and AArch64 can).
WICK_API bool set_flush_denormal(bool flush) noexcept;
/// The calling thread's setting.
[[nodiscard]] WICK_API bool flush_denormal() noexcept;

}  // namespace wick
