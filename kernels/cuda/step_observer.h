// SPDX-License-Identifier: MIT
// What watches a thread's operations while steps are recorded, or only counted.
#pragma once

#include <cstdint>

#include "kernels/cuda/context.h"
#include "kernels/cuda/launchers.h"
#include "wick/core/backend/random.h"
#include "wick/core/backend/update.h"

namespace wick::cuda {

class StepObserver {
 public:
  StepObserver() = default;
  StepObserver(const StepObserver&) = delete;
  StepObserver& operator=(const StepObserver&) = delete;
  virtual ~StepObserver() = default;

  /// An optimizer's update: false where it is only noted; else it is to be launched with
  /// `schedule`.
  [[nodiscard]] virtual bool note(const UpdateArgs& args, StepSchedule& schedule) = 0;
  /// Random numbers from a generator, of which `state` is where its stream is: a recorded step has
  /// them drawn by `schedule`, for which `state` is changed.
  virtual void note_draw(const char* operation, const GeneratorStream& stream, PhiloxState& state,
                         PhiloxSchedule& schedule) = 0;
  /// Any other operation: throws ValueError where it would not be repeated.
  virtual void require_repeatable(const char* operation) const = 0;
  /// What no recording can have in it: throws ValueError where there is one.
  virtual void refuse(const char* what) const = 0;
};

/// What Recording::replay checks first.
void require_replay(const Context& context, std::int64_t count);
/// Throws the ValueError of an operation that stands in a recorded step's update and is none of an
/// optimizer.
[[noreturn]] void refuse_in_update(const char* operation);

}  // namespace wick::cuda
