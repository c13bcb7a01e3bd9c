// SPDX-License-Identifier: MIT
#include "kernels/cuda/network_recording.h"

#include <utility>

#include "kernels/cuda/recorder.h"

namespace wick::cuda {

class NetworkRecording::Scope {
 public:
  explicit Scope(NetworkRecording& recording) : context_(recording.context_) {
    context_.set_observer(&recording);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() { context_.set_observer(nullptr); }

 private:
  Context& context_;
};

NetworkRecording::NetworkRecording(Backend& backend, Context& context, SmallNetSteps& steps,
                                   RecordedStep step)
    : backend_(backend), context_(context), steps_(steps), step_(std::move(step)) {}

NetworkRecording::~NetworkRecording() = default;

void NetworkRecording::replay(std::int64_t count) {
  require_replay(context_, count);
  if (recorder_ != nullptr) return recorder_->replay(count);
  const DeviceGuard guard(context_.device());
  for (std::int64_t i = 0; i < count; ++i) {
    bool is_kernels = false;
    try {
      is_kernels = note_update();
    } catch (...) {
      // The optimizer has counted the steps before this one.
      run_noted();
      throw;
    }
    if (is_kernels) continue;
    run_noted();
    step_.compute();
    for (const UpdateArgs& update : updates_) backend_.update(update);
    recorder_ = std::make_unique<Recorder>(context_, std::move(step_));
    return recorder_->replay(count - i - 1);
  }
  run_noted();
}

bool NetworkRecording::note_update() {
  // The kernel works the gradients out; the optimizer is to believe that they are there.
  for (const NetworkLayer& layer : step_.network->layers) {
    for (const ParameterPtr& parameter : {layer.weight, layer.bias}) {
      if (parameter != nullptr) parameter->has_grad = true;
    }
  }
  updates_.clear();
  {
    const Scope scope(*this);
    step_.update();
  }
  may_prepare_ = false;
  if (updates_.size() != 1 || !SmallNetSteps::updates(*step_.network, updates_.front())) {
    return false;
  }
  if (scalars_.empty()) first_ = updates_.front();
  scalars_.push_back(step_scalars(updates_.front()));
  return true;
}

void NetworkRecording::run_noted() {
  if (scalars_.empty()) return;
  const std::vector<StepScalars> scalars = std::exchange(scalars_, {});
  steps_.run(*step_.network, first_, scalars);
}

bool NetworkRecording::note(const UpdateArgs& args, StepSchedule& /*schedule*/) {
  updates_.push_back(args);
  return false;
}

void NetworkRecording::require_repeatable(const char* operation) const {
  if (may_prepare_) return;
  refuse_in_update(operation);
}

}  // namespace wick::cuda
