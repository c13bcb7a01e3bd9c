// SPDX-License-Identifier: MIT
// Work that a device does again and again: a training step, recorded once and replayed.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "wick/core/compiler.h"
#include "wick/core/network_step.h"

namespace wick {

/// One repetition, in the two halves that a device may treat differently.
struct RecordedStep {
  /// The same operations on the same memory each time, as forward and backward passes are. It may
  /// read where it stands from a counter on the device (Backend::advance), but takes nothing from
  /// host memory and reads nothing back. It may draw from generators on the device, which the
  /// repetitions move on as the calls would; they are seeded between two calls of replay() only.
  std::function<void()> compute;
  /// Optimizer::step() and what the host does about it, as LRScheduler::step(). Called for each
  /// repetition, so that learning rates and step numbers vary; no other operation of a backend.
  std::function<void()> update;
  /// What `compute` does, where that can be said so, else null: a device that has a kernel for
  /// whole steps of such a network may do them by it, with the same results up to rounding. The
  /// gradients are then left by the last step of a replay only.
  std::shared_ptr<const NetworkStep> network{};
};

/// Made by Backend::record(). Refers to all tensors and generators that the step uses: they must
/// live, and stay where they are, as long as it. Thread safety: none.
class WICK_API Recording {
 public:
  Recording() = default;
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;
  virtual ~Recording() = default;

  /// Does the step `count` times and does not wait for it. The first repetitions may call both
  /// functions as they are, to warm up and to record; later ones may call only `update`. Throws
  /// ValueError where the step is one that cannot be recorded.
  virtual void replay(std::int64_t count) = 0;
};

/// The recording of a device that has none: calls both functions each time.
[[nodiscard]] WICK_API std::unique_ptr<Recording> call_again(RecordedStep step);

}  // namespace wick
