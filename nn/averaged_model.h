// SPDX-License-Identifier: MIT
// The average of a model's weights over its training: torch.optim.swa_utils.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/nn/composite.h"

namespace wick::nn {

/// PyTorch's avg_fn: returns the new average of `averaged`, the average over `num_averaged` models,
/// and `current`, the same tensor of the next model. Both are of one shape, dtype (float32 or
/// float64) and device; the result has that shape. It may be a new tensor, or `averaged` after a
/// change in place, which allocates nothing. `current` may be the model's own: do not write to it.
using AverageFunction =
    std::function<Tensor(const Tensor& averaged, const Tensor& current, std::int64_t num_averaged)>;

/// The mean of all models so far (Izmailov et al., https://arxiv.org/abs/1803.05407). This function
/// and the next one write to `averaged` and return it.
[[nodiscard]] WICK_API AverageFunction get_swa_avg_fn();
/// decay * averaged + (1 - decay) * current. Throws ValueError for a decay outside [0, 1].
[[nodiscard]] WICK_API AverageFunction get_ema_avg_fn(double decay = 0.999);

/// PyTorch's arguments, without multi_avg_fn, which takes all tensors at once.
struct AveragedModelOptions {
  std::optional<Device> device{};  // where the average lies; none: where the model does
  AverageFunction avg_fn{};        // none: get_swa_avg_fn()
  bool use_buffers = false;        // averages buffers, too; else they become the model's last ones
};

/// torch.optim.swa_utils.AveragedModel: a copy of a model that is used like it and whose parameters
/// are an average of the model's. The wrapper begins in training mode, the layers of the copy in
/// the mode that each has in the model. Its state dictionary has the keys 'n_averaged' (int64,
/// without dimensions) and 'module.' before the model's own; the function is not part of it.
class WICK_API AveragedModel final : public Composite {
 public:
  /// Throws ValueError for a model that cannot be cloned.
  explicit AveragedModel(const Module& model, AveragedModelOptions options = {});
  AveragedModel(const AveragedModel& other, ModuleCopier& copier)
      : Composite(other, copier),
        options_(other.options_),
        n_averaged_(copier(other.n_averaged_)) {}

  [[nodiscard]] std::string_view type_name() const noexcept override { return "AveragedModel"; }
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
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
  /// was copied. Where avg_fn throws, or returns something of another shape (ValueError), the
  /// tensors before that one are averaged and n_averaged() is as it was.
  void update_parameters(const Module& model);

 private:
  // What avg_fn returns, where that can be an average.
  [[nodiscard]] Tensor next(const Tensor& averaged, const Tensor& current,
                            std::int64_t count) const;
  void average(const Tensor& averaged, const Tensor& current, std::int64_t count) const;

  AveragedModelOptions options_;
  BufferPtr n_averaged_;
};

/// torch.optim.swa_utils.update_bn: makes the running statistics of all BatchNorm layers those of
/// some batches, as the weights are now. `next_batch` returns the model's next input, and an
/// undefined tensor after the last batch. Afterwards all layers have the model's own mode, as in
/// PyTorch, and the momenta are as before, also where `next_batch` or the model throws; the former
/// statistics are lost then. Without BatchNorm layers, nothing happens. Throws ValueError, and
/// changes nothing, for a `next_batch` that is empty.
WICK_API void update_bn(const std::function<Tensor()>& next_batch, Module& model);

}  // namespace wick::nn
