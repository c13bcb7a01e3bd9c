// SPDX-License-Identifier: MIT
#include "wick/nn/averaged_model.h"

#include <utility>
#include <vector>

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/nn/layers/batch_norm.h"

namespace wick::nn {
namespace {

/// What is averaged and what it is averaged with.
struct Pair {
  Tensor averaged;
  Tensor current;
};

void require_alike(const Pair& pair, const char* what, std::size_t index) {
  if (pair.averaged.shape() == pair.current.shape()) return;
  throw ShapeError(concat("AveragedModel::update_parameters: ", what, " ", index, " is ",
                          pair.current, ", the average has ", pair.averaged));
}

template <typename Items, typename Value>
std::vector<Pair> pairs_of(const char* what, const Items& averaged, const Items& current,
                           const Value& value) {
  if (averaged.size() != current.size()) {
    throw ValueError(concat("AveragedModel::update_parameters: the model has ", current.size(), " ",
                            what, "s, the average has ", averaged.size(),
                            "; give it the model of which it was made"));
  }
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < averaged.size(); ++i) {
    pairs.push_back({value(*averaged[i]), value(*current[i])});
    require_alike(pairs.back(), what, i);
  }
  return pairs;
}

/// Where it is, of which dtype it is.
Tensor like(const Tensor& current, const Tensor& averaged) {
  return current.to(averaged.device()).to(averaged.dtype()).contiguous();
}

/// Sets the momentum of layers, and sets it back.
class CumulativeMomenta {
 public:
  explicit CumulativeMomenta(const std::vector<BatchNorm*>& layers) : layers_(layers) {
    for (BatchNorm* const layer : layers_) {
      before_.push_back(layer->momentum());
      layer->set_momentum(std::nullopt);
    }
  }
  CumulativeMomenta(const CumulativeMomenta&) = delete;
  CumulativeMomenta& operator=(const CumulativeMomenta&) = delete;
  ~CumulativeMomenta() {
    for (std::size_t i = 0; i < layers_.size(); ++i) layers_[i]->set_momentum(before_[i]);
  }

 private:
  const std::vector<BatchNorm*>& layers_;
  std::vector<std::optional<double>> before_;
};

/// Training mode, and back to that of the model.
class TrainingMode {
 public:
  explicit TrainingMode(Module& model) : model_(model), before_(model.is_training()) {
    model_.train();
  }
  TrainingMode(const TrainingMode&) = delete;
  TrainingMode& operator=(const TrainingMode&) = delete;
  ~TrainingMode() { model_.train(before_); }

 private:
  Module& model_;
  bool before_;
};

}  // namespace

AverageFunction get_swa_avg_fn() {
  return [](const Tensor& averaged, const Tensor& current, std::int64_t num_averaged) {
    ops::lerp(averaged, current, 1.0 / (static_cast<double>(num_averaged) + 1.0), averaged);
    return averaged;
  };
}

AverageFunction get_ema_avg_fn(double decay) {
  if (!(decay >= 0.0 && decay <= 1.0)) {
    throw ValueError(concat("get_ema_avg_fn: the decay must be from 0 to 1, got ", decay));
  }
  return [decay](const Tensor& averaged, const Tensor& current, std::int64_t /*num_averaged*/) {
    ops::weighted_sum(decay, averaged, 1.0 - decay, current, averaged);
    return averaged;
  };
}

AveragedModel::AveragedModel(const Module& model, AveragedModelOptions options)
    : options_(std::move(options)) {
  if (!options_.avg_fn) options_.avg_fn = get_swa_avg_fn();
  Module& copy = register_child("module", model.clone());
  if (options_.device) copy.to(*options_.device);
  n_averaged_ = register_buffer("n_averaged",
                                Tensor::zeros({}, DType::int64, options_.device.value_or(kCpu)));
}

std::int64_t AveragedModel::n_averaged() const {
  return n_averaged_->to(kCpu).item<std::int64_t>();
}

Tensor AveragedModel::next(const Tensor& averaged, const Tensor& current,
                           std::int64_t count) const {
  Tensor result = options_.avg_fn(averaged, like(current, averaged), count);
  if (result.defined() && result.shape() == averaged.shape()) return result;
  throw ValueError(
      concat("AveragedModel::update_parameters: avg_fn must return the new average of ", averaged,
             ", it returned ", result));
}

void AveragedModel::average(const Tensor& averaged, const Tensor& current,
                            std::int64_t count) const {
  if (!averaged.defined()) return;
  if (count == 0) return averaged.copy_(current);
  if (averaged.dtype() == DType::float32 || averaged.dtype() == DType::float64) {
    return averaged.copy_(next(averaged, current, count));
  }
  averaged.copy_(next(averaged.to(DType::float64), current, count));
}

void AveragedModel::update_parameters(const Module& model) {
  const std::vector<Pair> parameters =
      pairs_of("parameter", module().parameters(), model.parameters(),
               [](const Parameter& parameter) { return parameter.value; });
  const std::vector<Pair> buffers = pairs_of("buffer", module().buffers(), model.buffers(),
                                             [](const Tensor& buffer) { return buffer; });
  const std::int64_t count = n_averaged();
  for (const auto& [averaged, current] : parameters) average(averaged, current, count);
  for (const auto& [averaged, current] : buffers) {
    average(averaged, current, options_.use_buffers ? count : 0);
  }
  n_averaged_->fill_(static_cast<double>(count + 1));
}

void update_bn(const std::function<Tensor()>& next_batch, Module& model) {
  if (!next_batch) {
    throw ValueError(
        "update_bn: next_batch is empty; give a function that returns the next input, and an "
        "undefined tensor after the last one");
  }
  std::vector<BatchNorm*> layers;
  model.apply([&layers](Module& module) {
    if (BatchNorm* const layer = module.batch_norm()) layers.push_back(layer);
  });
  if (layers.empty()) return;
  for (const BatchNorm* const layer : layers) layer->reset_running_stats();
  const TrainingMode training(model);
  const CumulativeMomenta momenta(layers);
  const NoGradGuard no_grad;
  for (Tensor input = next_batch(); input.defined(); input = next_batch()) {
    static_cast<void>(model.forward(input));
  }
}

std::unique_ptr<Module> AveragedModel::copy(ModuleCopier& copier) const {
  return std::make_unique<AveragedModel>(*this, copier);
}

}  // namespace wick::nn
