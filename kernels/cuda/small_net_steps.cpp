// SPDX-License-Identifier: MIT
#include "kernels/cuda/small_net_steps.h"

#include "wick/core/error.h"

namespace wick::cuda {
namespace {

constexpr const char* kName = "small_net_steps";

SmallNetDevice device_of(const cudaDeviceProp& properties) {
  SmallNetDevice device;
  device.multiprocessors = properties.multiProcessorCount;
  if (properties.major >= 9) device.cluster_blocks = 16;  // at most: small_net_device() finds out
  device.shared_bytes_per_block = properties.sharedMemPerBlockOptin;
  return device;
}

std::array<ParameterPtr, 4> parameters_of(const NetworkStep& network) {
  const NetworkLayer& first = network.layers.front();
  const NetworkLayer& last = network.layers.back();
  return {first.weight, first.bias, last.weight, last.bias};
}

bool is_trained_float32(const NetworkLayer& layer) {
  for (const ParameterPtr& each : {layer.weight, layer.bias}) {
    if (each == nullptr || !each->requires_grad || each->value.dtype() != DType::float32 ||
        !each->value.is_contiguous() || !each->grad.is_contiguous()) {
      return false;
    }
  }
  return true;
}

// Linear, ReLU, Linear with the mean cross-entropy, on contiguous bytes; and no weight twice.
bool has_shape(const NetworkStep& network) {
  const std::vector<NetworkLayer>& layers = network.layers;
  if (layers.size() != 3 || layers[1].weight != nullptr || layers[1].op != UnaryOp::relu ||
      !is_trained_float32(layers[0]) || !is_trained_float32(layers[2]) ||
      layers[0].weight == layers[2].weight || layers[0].bias == layers[2].bias) {
    return false;
  }
  if (network.class_weights.defined() || !network.mean) return false;
  const Tensor& images = network.images;
  const std::int64_t rows = images.dim() == 0 ? 0 : images.size(0);
  return images.dtype() == DType::uint8 && images.is_contiguous() && rows > 0 &&
         images.numel() / rows == layers[0].weight->value.size(1) &&
         layers[0].weight->value.size(0) == layers[2].weight->value.size(1) &&
         network.labels.is_contiguous() && network.labels.numel() == rows &&
         network.batches.dim() == 2 && network.batches.is_contiguous();
}

SmallNetArgs kernel_args(const NetworkStep& network) {
  const Tensor& weight1 = network.layers.front().weight->value;
  SmallNetArgs net;
  net.batch = network.batches.size(1);
  net.inputs = weight1.size(1);
  net.hidden = weight1.size(0);
  net.outputs = network.layers.back().weight->value.size(0);
  net.images = static_cast<const std::uint8_t*>(network.images.raw());
  net.labels = static_cast<const std::int64_t*>(network.labels.raw());
  net.image_count = network.images.size(0);
  net.scale = network.scale;
  net.shift = network.shift;
  net.indices = static_cast<const std::int64_t*>(network.batches.raw());
  net.index_rows = network.batches.size(0);
  net.position = static_cast<const std::int64_t*>(network.position.raw());
  net.ignore_index = network.ignore_index;
  net.label_smoothing = network.label_smoothing;
  if (network.loss_sum.defined()) net.loss_total = static_cast<double*>(network.loss_sum.raw());
  return net;
}

// How far a parameter lies into those of an update; none where it is not among them.
std::optional<std::ptrdiff_t> place_in(const UpdateArgs& update, const Parameter& parameter) {
  const std::ptrdiff_t at =
      static_cast<const float*>(parameter.value.raw()) - static_cast<const float*>(update.param);
  if (at < 0 || at + parameter.value.numel() > update.count) return std::nullopt;
  return at;
}

SmallNetParameter parameter_of(const UpdateArgs& update, const Parameter& parameter) {
  // As far into the optimizer's flat state as the parameter into the flat parameters.
  const std::ptrdiff_t at = place_in(update, parameter).value();
  const auto state = [&](std::size_t i) {
    auto* const flat = static_cast<float*>(update.state[i]);
    return flat == nullptr ? nullptr : flat + at;
  };
  return {static_cast<float*>(parameter.value.raw()), state(0), state(1),
          static_cast<float*>(parameter.grad.raw())};
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

bool SmallNetSteps::fits(const NetworkStep& network) {
  return has_shape(network) && device_for(kernel_args(network)).has_value();
}

bool SmallNetSteps::updates(const NetworkStep& network, const UpdateArgs& update) {
  if (!small_net_updates(update) || update.dtype != DType::float32) return false;
  for (const ParameterPtr& parameter : parameters_of(network)) {
    if (!place_in(update, *parameter)) return false;
  }
  return true;
}

void SmallNetSteps::run(const NetworkStep& network, const UpdateArgs& update,
                        std::span<const StepScalars> scalars) {
  SmallNetArgs net = kernel_args(network);
  const std::optional<SmallNetDevice> device = device_for(net);
  if (!device) throw ValueError(concat(kName, ": the network does not fit"));
  const auto [weight1, bias1, weight2, bias2] = parameters_of(network);
  net.update = update;
  net.weight1 = parameter_of(update, *weight1);
  net.bias1 = parameter_of(update, *bias1);
  net.weight2 = parameter_of(update, *weight2);
  net.bias2 = parameter_of(update, *bias2);
  net.steps = static_cast<std::int64_t>(scalars.size());
  void* const table = context_.allocate(scalars.size_bytes());
  try {
    StreamState& stream = context_.current();
    const std::scoped_lock lock(stream.mutex());
    // From pageable memory: it is read before the call returns.
    check(cudaMemcpyAsync(table, scalars.data(), scalars.size_bytes(), cudaMemcpyHostToDevice,
                          stream.stream()),
          kName);
    net.scalars = static_cast<const StepScalars*>(table);
    check(launch_small_net(net, *device, stream.launch()), kName);
    check(launch_advance(static_cast<std::int64_t*>(network.position.raw()), stream.launch(),
                         net.steps),
          kName);
  } catch (...) {
    context_.deallocate(table);
    throw;
  }
  context_.deallocate(table);
}

}  // namespace wick::cuda
