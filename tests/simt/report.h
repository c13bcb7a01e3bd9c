// SPDX-License-Identifier: MIT
// Words for what went wrong in a kernel.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simt/block.h"

namespace wick::simt {

/// The function at this address, where the program exports its symbols (CMake: ENABLE_EXPORTS).
[[nodiscard]] std::string kernel_name(const void* kernel);
[[nodiscard]] std::string place(const Where& where);
/// "kernel K, block (x, y, z)".
[[nodiscard]] std::string kernel_and_block(const void* kernel, const Block& block);
/// For blocks that nobody can run on with: who waits where and who has returned.
[[nodiscard]] std::string describe_deadlock(const void* kernel,
                                            const std::vector<std::unique_ptr<Block>>& blocks);

}  // namespace wick::simt
