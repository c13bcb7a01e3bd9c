// SPDX-License-Identifier: MIT
// Losses that are sums over elements. PyTorch's names, arguments and default values.
#pragma once

#include "wick/core/backend/loss.h"
#include "wick/core/compiler.h"
#include "wick/nn/losses/loss.h"

namespace wick::nn {

/// Of an input and a target of one shape and dtype, float32 or float64, both contiguous. The mean
/// is over all elements; that of none is NaN.
class WICK_API PointwiseLoss : public Loss {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  Tensor forward(const Tensor& input, const Tensor& target) override;

 protected:
  struct Parameters {
    double a = 0.0;
    double b = 0.0;
  };
  /// `type_name` must live as long as the loss. Throws ValueError for a batchmean that is not
  /// KLDivLoss's.
  PointwiseLoss(std::string_view type_name, LossOp op, Reduction reduction)
      : PointwiseLoss(type_name, op, reduction, Parameters{}) {}
  PointwiseLoss(std::string_view type_name, LossOp op, Reduction reduction, Parameters parameters);
  /// Undefined ones for none.
  void set_weights(Tensor weight, Tensor pos_weight);
  /// forward() with a variance, and what its gradient is written to; both null for none.
  [[nodiscard]] Tensor compute(const Tensor& input, const Tensor& target, const Tensor* var,
                               const Tensor* grad_var);

 private:
  std::string_view type_name_;
  LossOp op_;
  Reduction reduction_;
  Parameters parameters_;
  Tensor weight_;
  Tensor pos_weight_;
  Scratch losses_;
};

/// |x - t|. The gradient at 0 is 0.
class L1Loss final : public PointwiseLoss {
 public:
  explicit L1Loss(Reduction reduction = Reduction::mean)
      : PointwiseLoss("L1Loss", LossOp::l1_loss, reduction) {}
};

/// (x - t)^2.
class MSELoss final : public PointwiseLoss {
 public:
  explicit MSELoss(Reduction reduction = Reduction::mean)
      : PointwiseLoss("MSELoss", LossOp::mse_loss, reduction) {}
};

/// Quadratic below beta, linear from there on (Girshick 2015).
class WICK_API SmoothL1Loss final : public PointwiseLoss {
 public:
  /// Throws ValueError for a negative beta; 0 is L1Loss.
  explicit SmoothL1Loss(Reduction reduction = Reduction::mean, double beta = 1.0);
};

/// delta times SmoothL1Loss (Huber 1964).
class WICK_API HuberLoss final : public PointwiseLoss {
 public:
  /// Throws ValueError unless delta is positive.
  explicit HuberLoss(Reduction reduction = Reduction::mean, double delta = 1.0);
};

struct BCEWithLogitsLossOptions {
  /// Of as many elements as the input's last dimension has: what each loss is multiplied by.
  Tensor weight{};
  /// Likewise: the weight of the positive answers.
  Tensor pos_weight{};
  Reduction reduction = Reduction::mean;
};

/// -(t log(sigmoid(x)) + (1 - t) log(1 - sigmoid(x))) for targets from 0 to 1.
class WICK_API BCEWithLogitsLoss final : public PointwiseLoss {
 public:
  explicit BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options = {});
};

struct BCELossOptions {
  /// Of as many elements as the input's last dimension has: what each loss is multiplied by.
  Tensor weight{};
  Reduction reduction = Reduction::mean;
};

/// -(t log(x) + (1 - t) log(1 - x)) for inputs and targets from 0 to 1; logarithms are -100 at
/// least. On the CPU, forward() throws ValueError for an input or a target outside; on a CUDA
/// device the loss is NaN for such an input.
class WICK_API BCELoss final : public PointwiseLoss {
 public:
  explicit BCELoss(const BCELossOptions& options = {});
};

struct KLDivLossOptions {
  Reduction reduction = Reduction::mean;  // over elements, as in PyTorch; the divergence: batchmean
  bool log_target = false;                // the target is a logarithm, too
};

/// t (log(t) - x): the divergence of a distribution t from exp(x) (Kullback and Leibler 1951).
class WICK_API KLDivLoss final : public PointwiseLoss {
 public:
  explicit KLDivLoss(const KLDivLossOptions& options = {});
};

struct PoissonNLLLossOptions {
  bool log_input = true;  // the input is the logarithm of the mean
  bool full = false;      // with Stirling's approximation of log(t!), for targets above 1
  double eps = 1e-8;      // is added to the mean before its logarithm is taken
  Reduction reduction = Reduction::mean;
};

/// exp(x) - t x, or x - t log(x + eps): of a Poisson distribution of the target.
class WICK_API PoissonNLLLoss final : public PointwiseLoss {
 public:
  /// Throws ValueError unless eps is positive.
  explicit PoissonNLLLoss(const PoissonNLLLossOptions& options = {});
};

struct GaussianNLLLossOptions {
  bool full = false;  // with log(2 pi) / 2
  double eps = 1e-6;  // the least variance
  Reduction reduction = Reduction::mean;
};

/// (log(v) + (x - t)^2 / v) / 2 with v = max(var, eps): of a normal distribution of the target (Nix
/// and Weigend 1994). The gradient by the variance is that by v, as in PyTorch.
class WICK_API GaussianNLLLoss final : public PointwiseLoss {
 public:
  /// Throws ValueError unless eps is positive.
  explicit GaussianNLLLoss(const GaussianNLLLossOptions& options = {});

  /// Throws ValueError: this loss takes a variance.
  Tensor forward(const Tensor& input, const Tensor& target) override;
  /// `var` is of the input's shape, or has 1 as its last size, or lacks the last dimension: then it
  /// is that of all elements of the last dimension. On the CPU, throws ValueError for a negative
  /// one.
  Tensor forward(const Tensor& input, const Tensor& target, const Tensor& var);
  /// The gradient of the last loss by the variance, of its shape; the next forward() overwrites it.
  /// Throws ValueError before any forward(), and with Reduction::none.
  [[nodiscard]] Tensor var_backward();
  /// The same for Reduction::none, from the gradient by the losses.
  [[nodiscard]] Tensor var_backward(const Tensor& grad_output);

 private:
  [[nodiscard]] const Tensor& reduce_to_var(const Tensor& gradient);

  Dims var_shape_;     // of the last forward()
  Tensor grad_var_;    // likewise, of the input's shape
  Scratch wide_;       // the variance in the input's shape
  Scratch gradients_;  // by it
  Scratch chained_;
  Scratch narrow_;
};

}  // namespace wick::nn
