// SPDX-License-Identifier: MIT
// Records a training step in a CUDA graph and replays it: one call of the driver per step.
//
// The first repetition runs as it is, so that everything is allocated and loaded. The second is
// captured. What varies from step to step in an optimizer's update, StepScalars, lies in a table on
// the device: before the graphs of some steps are launched, the host calls the step's `update` once
// for each and only notes the scalars, and copies the table over. The streams of the generators
// that the step draws from are in such a table, too: at which place each is when a step begins. The
// host moves a generator on by what the captured step has drawn from it.
//
// The graph may be replayed in any stream (CudaStreamGuard keeps streams in order). Its kernels
// report labels out of range to a flag of the recording's own; what they have found is moved, after
// the repetitions, to the flag of the stream in which they ran, whose next wait reports it.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "kernels/cuda/context.h"
#include "kernels/cuda/step_observer.h"
#include "wick/core/backend/update.h"
#include "wick/core/recording.h"

namespace wick::cuda {

class Recorder final : public Recording, private StepObserver {
 public:
  Recorder(Context& context, RecordedStep step);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;
  ~Recorder() override;

  void replay(std::int64_t count) override;

 private:
  // Steps between two copies of the table.
  static constexpr std::int64_t kTableSteps = 256;

  enum class Mode : std::uint8_t { warming_up, capturing, noting };
  class Scope;

  [[nodiscard]] bool note(const UpdateArgs& args, StepSchedule& schedule) override;
  void note_draw(const char* operation, const GeneratorStream& stream, PhiloxState& state,
                 PhiloxSchedule& schedule) override;
  void require_repeatable(const char* operation) const override;
  void refuse(const char* what) const override;

  void warm_up();
  void prepare();
  void capture();
  void replay_some(std::int64_t count);
  void run_update();
  void note_streams();

  // A generator from which the step draws.
  struct Stream {
    GeneratorStream host;
    bool is_begun = false;      // in the step that is being captured
    std::uint64_t advance = 0;  // of a step
  };

  Context& context_;
  RecordedStep step_;
  Mode mode_ = Mode::warming_up;
  CaptureStream capture_;
  GraphExec exec_;
  std::int64_t updates_ = 0;         // calls of an optimizer's update in a step
  std::int64_t update_ = 0;          // the one that comes next
  std::int64_t slot_ = 0;            // the step of the table that is being written
  DeviceMemory<StepScalars> table_;  // (updates_, kTableSteps)
  DeviceMemory<std::int64_t> counter_;
  Pinned<StepScalars> noted_;  // (updates_, kTableSteps)
  std::vector<Stream> streams_;
  DeviceMemory<PhiloxState> stream_table_;  // (streams_, kTableSteps)
  Pinned<PhiloxState> noted_streams_;       // likewise
  Event uploaded_;                          // when noted_ may be written again
};

}  // namespace wick::cuda
