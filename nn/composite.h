// SPDX-License-Identifier: MIT
// A module that is nothing but a network of others.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/nn/module.h"
#include "wick/nn/step_runner.h"

namespace wick::nn {

/// The base of Sequential, Graph and Residual, and of modules of your own that consist of children
/// and of the operations between them: such a class registers its children, says in append_steps()
/// how values go through them, and has forward() and backward() from here. Within another
/// Composite, its steps are done as if they were that one's own, so that fusion sees all of them.
///
/// A child appears once in the steps; a second time as its share(), kept by register_twin().
class WICK_API Composite : public Module {
 public:
  Composite(const Composite&) = delete;
  Composite& operator=(const Composite&) = delete;
  ~Composite() override = default;

  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override = 0;
  [[nodiscard]] bool is_composite() const noexcept final { return true; }

  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  [[nodiscard]] bool is_ready_for_backward() const noexcept override;
  void require_ready_for_backward() const override;

 protected:
  Composite() = default;
  Composite(Composite&&) = default;
  Composite& operator=(Composite&&) = default;
  Composite(const Composite& other, ModuleCopier& copier) : Module(other, copier) {}

  /// Whoever changes what append_steps() says calls this.
  void structure_changed() noexcept { ++structure_; }
  /// Writes the results to `outputs`.
  void run_forward(std::span<const Tensor> inputs, std::span<Tensor> outputs);
  void run_backward(std::span<const Tensor> grads, bool input_grad);
  /// After run_backward().
  [[nodiscard]] const Tensor& input_grad(std::size_t i) const { return runner_->input_grad(i); }

  void release_saved() noexcept override;

 private:
  // That of this module and of all composites within it, which may have changed by themselves.
  [[nodiscard]] std::uint64_t structure() const noexcept;

  std::unique_ptr<StepRunner> runner_;
  std::uint64_t structure_ = 0;
  std::uint64_t runner_structure_ = 0;
};

}  // namespace wick::nn
