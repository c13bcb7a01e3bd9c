// SPDX-License-Identifier: MIT
// Activations: layers without parameters that apply one function to each element. PyTorch's names,
// arguments and default values.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "wick/core/backend/elementwise.h"
#include "wick/core/compiler.h"
#include "wick/core/text.h"
#include "wick/nn/fusion.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// y = op(x) for contiguous tensors of any shape, float32 or float64. NaN passes through.
class WICK_API Activation : public Module, public FusibleActivation {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] UnaryOp op() const noexcept { return op_; }
  [[nodiscard]] const UnaryParameters& op_parameters() const noexcept { return parameters_; }

  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.unary(x, op_, parameters_);
  }
  [[nodiscard]] FusibleActivation* fusible_activation() noexcept override { return this; }
  /// Only where the gradient needs the output and not the input; else ValueError.
  void set_output(const Tensor& output) override;

 protected:
  /// `type_name` is PyTorch's class name and must live as long as the layer.
  Activation(std::string_view type_name, UnaryOp op, UnaryParameters parameters = {}) noexcept
      : type_name_(type_name), op_(op), parameters_(parameters) {}
  Activation(const Activation& other, ModuleCopier& copier)
      : Module(other, copier),
        type_name_(other.type_name_),
        op_(other.op_),
        parameters_(other.parameters_) {}
  void release_saved() noexcept override { saved_ = Tensor(); }
  void require_saved_intact(bool input_grad) const override;

 private:
  std::string_view type_name_;
  UnaryOp op_;
  UnaryParameters parameters_;
  SavedTensor saved_;  // input or output of the last forward()
  Scratch output_;
  Scratch grad_input_;
};

/// Copies an activation as one of its own class, which has the constructors of this one.
template <typename Self>
class ActivationOf : public Activation {
 public:
  ActivationOf(const Activation& other, ModuleCopier& copier) : Activation(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const final {
    return std::unique_ptr<Module>(new Self(*this, copier));
  }

 protected:
  using Activation::Activation;
};

/// max(x, 0). The gradient at 0 is 0.
class ReLU final : public ActivationOf<ReLU> {
 public:
  using ActivationOf::ActivationOf;
  ReLU() noexcept : ActivationOf("ReLU", UnaryOp::relu) {}
};

/// min(max(x, 0), 6).
class ReLU6 final : public ActivationOf<ReLU6> {
 public:
  using ActivationOf::ActivationOf;
  ReLU6() noexcept : ActivationOf("ReLU6", UnaryOp::hardtanh, {0.0, 6.0}) {}
};

/// x, or negative_slope * x below 0.
class LeakyReLU final : public ActivationOf<LeakyReLU> {
 public:
  using ActivationOf::ActivationOf;
  explicit LeakyReLU(double negative_slope = 0.01) noexcept
      : ActivationOf("LeakyReLU", UnaryOp::leaky_relu, {negative_slope}) {}
  [[nodiscard]] std::string extra_repr() const override {
    return concat("negative_slope=", python_repr(op_parameters().a));
  }
};

/// x, or alpha * (exp(x) - 1) below 0. The gradient at 0 is alpha.
class ELU final : public ActivationOf<ELU> {
 public:
  using ActivationOf::ActivationOf;
  explicit ELU(double alpha = 1.0) noexcept : ActivationOf("ELU", UnaryOp::elu, {alpha}) {}
  [[nodiscard]] std::string extra_repr() const override {
    return concat("alpha=", python_repr(op_parameters().a));
  }
};

/// ELU with the alpha and the scale that keep mean and variance (Klambauer et al. 2017).
class SELU final : public ActivationOf<SELU> {
 public:
  using ActivationOf::ActivationOf;
  SELU() noexcept : ActivationOf("SELU", UnaryOp::selu) {}
};

/// x, or alpha * (exp(x / alpha) - 1) below 0.
class WICK_API CELU final : public ActivationOf<CELU> {
 public:
  using ActivationOf::ActivationOf;
  /// Throws ValueError for an alpha of 0.
  explicit CELU(double alpha = 1.0);
  [[nodiscard]] std::string extra_repr() const override {
    return concat("alpha=", python_repr(op_parameters().a));
  }
};

/// x times the normal distribution's Phi(x); or, with approximate = "tanh", an approximation of it.
class WICK_API GELU final : public ActivationOf<GELU> {
 public:
  using ActivationOf::ActivationOf;
  /// Throws ValueError for another `approximate` than "none" and "tanh".
  explicit GELU(std::string_view approximate = "none");
  [[nodiscard]] std::string extra_repr() const override {
    return op() == UnaryOp::gelu ? "approximate='none'" : "approximate='tanh'";
  }
};

/// x * sigmoid(x).
class SiLU final : public ActivationOf<SiLU> {
 public:
  using ActivationOf::ActivationOf;
  SiLU() noexcept : ActivationOf("SiLU", UnaryOp::silu) {}
};

/// x * tanh(softplus(x)).
class Mish final : public ActivationOf<Mish> {
 public:
  using ActivationOf::ActivationOf;
  Mish() noexcept : ActivationOf("Mish", UnaryOp::mish) {}
};

/// 1 / (1 + exp(-x)).
class Sigmoid final : public ActivationOf<Sigmoid> {
 public:
  using ActivationOf::ActivationOf;
  Sigmoid() noexcept : ActivationOf("Sigmoid", UnaryOp::sigmoid) {}
};

/// log(sigmoid(x)).
class LogSigmoid final : public ActivationOf<LogSigmoid> {
 public:
  using ActivationOf::ActivationOf;
  LogSigmoid() noexcept : ActivationOf("LogSigmoid", UnaryOp::log_sigmoid) {}
};

/// The hyperbolic tangent.
class Tanh final : public ActivationOf<Tanh> {
 public:
  using ActivationOf::ActivationOf;
  Tanh() noexcept : ActivationOf("Tanh", UnaryOp::tanh) {}
};

/// min(max(x, min_val), max_val). The gradient at both ends is 0.
class WICK_API Hardtanh final : public ActivationOf<Hardtanh> {
 public:
  using ActivationOf::ActivationOf;
  /// Throws ValueError unless min_val < max_val.
  explicit Hardtanh(double min_val = -1.0, double max_val = 1.0);
  [[nodiscard]] std::string extra_repr() const override {
    return concat("min_val=", python_repr(op_parameters().a),
                  ", max_val=", python_repr(op_parameters().b));
  }
};

/// min(max(x + 3, 0), 6) / 6.
class Hardsigmoid final : public ActivationOf<Hardsigmoid> {
 public:
  using ActivationOf::ActivationOf;
  Hardsigmoid() noexcept : ActivationOf("Hardsigmoid", UnaryOp::hardsigmoid) {}
};

/// x times Hardsigmoid's output.
class Hardswish final : public ActivationOf<Hardswish> {
 public:
  using ActivationOf::ActivationOf;
  Hardswish() noexcept : ActivationOf("Hardswish", UnaryOp::hardswish) {}
};

/// log(1 + exp(beta * x)) / beta, or x where beta * x is above the threshold.
class Softplus final : public ActivationOf<Softplus> {
 public:
  using ActivationOf::ActivationOf;
  explicit Softplus(double beta = 1.0, double threshold = 20.0) noexcept
      : ActivationOf("Softplus", UnaryOp::softplus, {beta, threshold}) {}
  [[nodiscard]] std::string extra_repr() const override {
    return concat("beta=", python_repr(op_parameters().a),
                  ", threshold=", python_repr(op_parameters().b));
  }
};

/// x / (1 + |x|).
class Softsign final : public ActivationOf<Softsign> {
 public:
  using ActivationOf::ActivationOf;
  Softsign() noexcept : ActivationOf("Softsign", UnaryOp::softsign) {}
};

}  // namespace wick::nn
