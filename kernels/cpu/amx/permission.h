// SPDX-License-Identifier: MIT
// Whether there are tiles, and whether the process may use them.
#pragma once

namespace wick::cpu {

/// Whether the processor has tiles that multiply bfloat16, and the operating system keeps their
/// state.
[[nodiscard]] bool has_tiles();

/// Asks Linux once to let the process, with all its threads, use the tiles' state; whether it does.
/// From then on it refuses alternate signal stacks that are too small for that state, and it
/// refuses the permission where there already is one; so nobody asks before the first product of
/// bfloat16.
[[nodiscard]] bool tiles_permitted();

}  // namespace wick::cpu
