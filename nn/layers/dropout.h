// SPDX-License-Identifier: MIT
// Dropout.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// torch.nn.Dropout: in training, each element is 0 with probability p, else x / (1 - p)
/// (Srivastava et al. 2014); in evaluation, and for a p of 0, the output is the input itself.
/// Contiguous tensors of any shape, float32 or float64. See Generator::dropout for the numbers:
/// they are PyTorch's.
///
/// A plan (compile) has no dropout. In a recorded training step (core/recording.h), each repetition
/// draws the mask that the same call would draw.
class WICK_API Dropout final : public Module {
 public:
  /// Draws from `generator`, which must live as long as the layer: as PyTorch's layers all draw
  /// from one default generator, a network's may share theirs, and copies of the layer draw from
  /// the same one. It must be on the device of the inputs: see set_generator(). Throws ValueError
  /// for a p outside [0, 1].
  explicit Dropout(Generator& generator, double p = 0.5);
  /// Draws from the default generator of the inputs' device, as torch.nn.Dropout does.
  explicit Dropout(double p = 0.5);
  /// From a temporary: it would not live long enough.
  explicit Dropout(Generator&& generator, double p = 0.5) = delete;
  Dropout(const Dropout& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Dropout"; }
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] double p() const noexcept { return p_; }
  /// Draws from another one from now on, such as one on the device to which the network has moved.
  /// Each use of a layer that a network applies twice (Graph::again) has a generator of its own;
  /// Module::apply() reaches them all.
  void set_generator(Generator& generator) noexcept { generator_ = &generator; }

  /// Throws DeviceError where the generator is not on the input's device.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  /// In a network that is used for inference, it does nothing.
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override;

 protected:
  void release_saved() noexcept override { mask_ = Tensor(); }

 private:
  Generator* generator_ = nullptr;  // null: the default one
  double p_;
  Tensor mask_;  // of the last forward(); undefined where that was the identity
  Dims shape_;   // of its output
  Scratch mask_memory_;
  Scratch output_;
  Scratch grad_input_;
};

}  // namespace wick::nn
