// SPDX-License-Identifier: MIT
// The average of a model's weights over its training: torch.optim.swa_utils.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "nn/composite.h"

namespace wick::nn {

/// Moves `averaged`, the average of `num_averaged` models, on by a value of the next one; tensors
/// of equal shape, dtype (float32 or float64) and device.
using AverageFunction =
    std::function<void(const Tensor& averaged, const Tensor& current, std::int64_t num_averaged)>;

/// The mean of all models so far (Izmailov et al., https://arxiv.org/abs/1803.05407).
[[nodiscard]] AverageFunction get_swa_avg_fn();
/// decay * averaged + (1 - decay) * current. Throws ValueError for a decay outside [0, 1].
[[nodiscard]] AverageFunction get_ema_avg_fn(double decay = 0.999);

struct AveragedModelOptions {
  std::optional<Device> device{};  // where the average lies; none: where the model does
  AverageFunction avg_fn{};        // none: get_swa_avg_fn()
  bool use_buffers = false;        // averages buffers, too; else they become the model's last ones
};

/// torch.optim.swa_utils.AveragedModel: a copy of a model that is used like it and whose parameters
/// are an average of the model's. Its state dictionary has the keys 'n_averaged' (int64, without
/// dimensions) and 'module.' before the model's own; the function is not part of it.
class AveragedModel final : public Composite {
 public:
  /// Throws ValueError for a model that cannot be cloned.
  explicit AveragedModel(const Module& model, AveragedModelOptions options = {});
  AveragedModel(const AveragedModel& other, ModuleCopier& copier)
      : Composite(other, copier),
        options_(other.options_),
        n_averaged_(copier(other.n_averaged_)) {}

  [[nodiscard]] std::string_view type_name() const noexcept override { return "AveragedModel"; }
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override {
    return std::make_unique<AveragedModel>(*this, copier);
  }
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.module("module", module(), x);
  }

  /// The average itself.
  [[nodiscard]] Module& module() const noexcept { return *children().front().second; }
  /// How many models it is the average of. Waits for a GPU where to(Device) has moved it there.
  [[nodiscard]] std::int64_t n_averaged() const;

  /// Takes the present parameters of `model` into the average; the first time, copies them. Integer
  /// buffers are averaged in float64 and rounded towards 0. Throws ValueError or ShapeError, and
  /// changes nothing, for a model whose parameters or buffers are not like those of the one that
  /// was copied.
  void update_parameters(const Module& model);

 private:
  void average(const Tensor& averaged, const Tensor& current, std::int64_t count) const;

  AveragedModelOptions options_;
  BufferPtr n_averaged_;
};

/// torch.optim.swa_utils.update_bn: makes the running statistics of all BatchNorm layers those of
/// some batches, as the weights are now. `next_batch` returns the model's next input, and an
/// undefined tensor behind the last. The model's mode and the layers' momenta are as before, also
/// where it throws. Without BatchNorm layers, nothing happens.
void update_bn(const std::function<Tensor()>& next_batch, Module& model);

}  // namespace wick::nn
