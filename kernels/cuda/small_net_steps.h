// SPDX-License-Identifier: MIT
// Steps of a recorded network by the kernel behind small_net.h.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>

#include "kernels/cuda/context.h"
#include "kernels/cuda/small_net.h"
#include "wick/core/network_step.h"

namespace wick::cuda {

/// Of one device, which must be the current one. Thread-safe.
class SmallNetSteps {
 public:
  explicit SmallNetSteps(Context& context) : context_(context) {}

  /// Whether the kernel does steps of this network. Asks the device once for each size.
  [[nodiscard]] bool fits(const NetworkStep& network);
  /// Whether an update is one that the kernel does, for all parameters at once.
  [[nodiscard]] static bool updates(const NetworkStep& network, const UpdateArgs& update);
  /// One step for each of `scalars`, with the options and pointers of `update`, where both fit; and
  /// sets the network's position and gradients.
  void run(const NetworkStep& network, const UpdateArgs& update,
           std::span<const StepScalars> scalars);

 private:
  // What small_net_device() says.
  [[nodiscard]] std::optional<SmallNetDevice> device_for(const SmallNetArgs& net);

  Context& context_;
  std::mutex mutex_;  // of what follows
  std::map<std::array<std::int64_t, 4>, std::optional<SmallNetDevice>> devices_;
};

}  // namespace wick::cuda
