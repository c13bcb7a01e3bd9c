// SPDX-License-Identifier: MIT
// Backend::small_net_steps by the kernel behind small_net.h.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>

#include "core/backend.h"
#include "core/backend/small_net.h"
#include "kernels/cuda/context.h"
#include "kernels/cuda/small_net.h"

namespace wick::cuda {

/// Of one device, which must be the current one. Thread-safe.
class SmallNetSteps {
 public:
  explicit SmallNetSteps(Context& context) : context_(context) {}

  [[nodiscard]] bool run(const SmallNetStepsArgs& args, const std::function<void()>& update);

 private:
  // What small_net_device() says; asked once for each size of network, before anything is done.
  [[nodiscard]] std::optional<SmallNetDevice> device_for(const SmallNetArgs& net);

  Context& context_;
  std::mutex mutex_;  // of what follows
  std::map<std::array<std::int64_t, 4>, std::optional<SmallNetDevice>> devices_;
};

}  // namespace wick::cuda
