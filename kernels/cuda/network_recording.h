// SPDX-License-Identifier: MIT
// A recorded step of a network that the kernel behind small_net.h does whole.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/small_net_steps.h"
#include "kernels/cuda/step_observer.h"
#include "wick/core/backend.h"
#include "wick/core/recording.h"

namespace wick::cuda {

/// Calls the step's `update` once for each repetition, only notes what it would launch, and does
/// all repetitions of a replay in one launch. From the first update on that is not one of the
/// kernel's (amsgrad, several groups), steps are recorded as Recorder does.
class NetworkRecording final : public Recording, private StepObserver {
 public:
  /// The step has a network that fits `steps`. All three live as long as the recording.
  NetworkRecording(Backend& backend, Context& context, SmallNetSteps& steps, RecordedStep step);
  NetworkRecording(const NetworkRecording&) = delete;
  NetworkRecording& operator=(const NetworkRecording&) = delete;
  ~NetworkRecording() override;

  void replay(std::int64_t count) override;

 private:
  class Scope;
  [[nodiscard]] bool note(const UpdateArgs& args, StepSchedule& schedule) override;
  void note_draw(const char* operation, const GeneratorStream& /*stream*/, PhiloxState& /*state*/,
                 PhiloxSchedule& /*schedule*/) override {
    refuse_in_update(operation);
  }
  void require_repeatable(const char* operation) const override;
  void refuse(const char* /*what*/) const override {}

  // Calls `update`; false where it is not the kernel's.
  [[nodiscard]] bool note_update();
  // Does the steps that are noted.
  void run_noted();

  Backend& backend_;
  Context& context_;
  SmallNetSteps& steps_;
  RecordedStep step_;
  bool may_prepare_ = true;          // the first update makes the optimizer's state
  std::vector<UpdateArgs> updates_;  // of the last `update`
  UpdateArgs first_;                 // of the steps that are noted
  std::vector<StepScalars> scalars_;
  std::unique_ptr<Recording> recorder_;  // once the kernel is of no use
};

}  // namespace wick::cuda
