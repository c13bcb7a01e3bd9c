// SPDX-License-Identifier: MIT
#include "kernels/cuda/small_net_steps.h"

#include <utility>
#include <vector>

#include "core/backend/small_net.h"
#include "core/backend/update.h"
#include "core/error.h"
#include "kernels/cuda/step_observer.h"

namespace wick::cuda {
namespace {

/// Lets an optimizer count its steps, and keeps what it would have launched. Its state may be made
/// meanwhile: nothing is recorded.
class UpdateNotes final : public StepObserver {
 public:
  explicit UpdateNotes(Context& context) : context_(context) { context_.set_observer(this); }
  UpdateNotes(const UpdateNotes&) = delete;
  UpdateNotes& operator=(const UpdateNotes&) = delete;
  ~UpdateNotes() override { context_.set_observer(nullptr); }

  [[nodiscard]] bool note(const UpdateArgs& args, StepSchedule& /*schedule*/) override {
    if (scalars.empty()) update = args;
    scalars.push_back(step_scalars(args));
    return false;
  }
  void require_repeatable(const char* /*operation*/) const override {}
  void refuse(const char* /*what*/) const override {}

  UpdateArgs update;                 // the first one
  std::vector<StepScalars> scalars;  // one for each update

 private:
  Context& context_;
};

SmallNetDevice device_of(const cudaDeviceProp& properties) {
  SmallNetDevice device;
  device.multiprocessors = properties.multiProcessorCount;
  if (properties.major >= 9) device.cluster_blocks = 16;  // at most: small_net_device() finds out
  device.shared_bytes_per_block = properties.sharedMemPerBlockOptin;
  return device;
}

SmallNetArgs kernel_args(const SmallNetStepsArgs& args) {
  SmallNetArgs net;
  net.steps = args.steps;
  net.batch = args.batch;
  net.inputs = args.inputs;
  net.hidden = args.hidden;
  net.outputs = args.outputs;
  net.images = args.images;
  net.labels = args.labels;
  net.image_count = args.image_count;
  net.scale = args.scale;
  net.shift = args.shift;
  net.indices = args.indices;
  net.ignore_index = args.ignore_index;
  net.label_smoothing = args.label_smoothing;
  net.loss_total = args.loss_sum;
  return net;
}

/// Where the state of a parameter lies: as far into the optimizer's flat tensors as the parameter
/// into the flat parameters.
struct FlatState {
  const float* param;
  std::int64_t count;
  float* first;
  float* second;

  [[nodiscard]] SmallNetParameter of(const ParameterRef& parameter) const {
    const std::ptrdiff_t at = parameter.value - param;
    if (at < 0 || at >= count) {
      throw ValueError("small_net_steps: the update is not of all parameters in one piece");
    }
    return {parameter.value, first == nullptr ? nullptr : first + at,
            second == nullptr ? nullptr : second + at, parameter.grad};
  }
};

void take_optimizer(SmallNetArgs& net, const SmallNetStepsArgs& args, const UpdateNotes& notes) {
  net.update = notes.update;
  if (!small_net_updates(net.update)) {
    throw ValueError(
        "small_net_steps: the update must be SGD's, or Adam's without amsgrad; do the steps by "
        "single operations");
  }
  const FlatState state{static_cast<const float*>(net.update.param), net.update.count,
                        static_cast<float*>(net.update.state[0]),
                        static_cast<float*>(net.update.state[1])};
  net.weight1 = state.of(args.weight1);
  net.bias1 = state.of(args.bias1);
  net.weight2 = state.of(args.weight2);
  net.bias2 = state.of(args.bias2);
}

}  // namespace

std::optional<SmallNetDevice> SmallNetSteps::device_for(const SmallNetArgs& net) {
  const std::array<std::int64_t, 4> sizes = {net.batch, net.inputs, net.hidden, net.outputs};
  const std::scoped_lock lock(mutex_);
  const auto known = devices_.find(sizes);
  if (known != devices_.end()) return known->second;
  StreamState& stream = context_.current();
  const std::scoped_lock launching(stream.mutex());
  const auto device = small_net_device(net, device_of(context_.properties()), stream.launch());
  devices_.emplace(sizes, device);
  return device;
}

bool SmallNetSteps::run(const SmallNetStepsArgs& args, const std::function<void()>& update) {
  constexpr const char* kName = "small_net_steps";
  SmallNetArgs net = kernel_args(args);
  if (args.amsgrad || args.class_weights != nullptr || !args.mean) return false;
  const std::optional<SmallNetDevice> device = device_for(net);
  if (!device) return false;
  if (args.steps <= 0) return true;
  std::vector<StepScalars> scalars;
  {
    UpdateNotes notes(context_);
    for (std::int64_t i = 0; i < args.steps; ++i) update();
    if (std::cmp_not_equal(notes.scalars.size(), args.steps)) {
      throw ValueError(concat("small_net_steps: ", notes.scalars.size(), " updates in ", args.steps,
                              " steps; each must update all parameters at once"));
    }
    take_optimizer(net, args, notes);
    scalars = std::move(notes.scalars);
  }
  const std::size_t bytes = scalars.size() * sizeof(StepScalars);
  void* const table = context_.allocate(bytes);
  try {
    StreamState& stream = context_.current();
    const std::scoped_lock lock(stream.mutex());
    // From pageable memory: it is read before the call returns.
    check(cudaMemcpyAsync(table, scalars.data(), bytes, cudaMemcpyHostToDevice, stream.stream()),
          kName);
    net.scalars = static_cast<const StepScalars*>(table);
    check(launch_small_net(net, *device, stream.launch()), kName);
  } catch (...) {
    context_.deallocate(table);
    throw;
  }
  context_.deallocate(table);
  return true;
}

}  // namespace wick::cuda
