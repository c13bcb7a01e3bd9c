// SPDX-License-Identifier: MIT
// Backend::small_net_steps by the kernel behind small_net.h.
#pragma once

#include <functional>

#include "core/backend.h"
#include "kernels/cuda/context.h"

namespace wick::cuda {

/// The device must be the current one.
[[nodiscard]] bool small_net_steps(const SmallNetStepsArgs& args,
                                   const std::function<void()>& update, Context& context);

}  // namespace wick::cuda
