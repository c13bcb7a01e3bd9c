// SPDX-License-Identifier: MIT
// Losses that are sums over elements. PyTorch's names, arguments and default values.
#pragma once

#include "core/backend/loss.h"
#include "nn/losses/loss.h"

namespace wick::nn {

/// Of an input and a target of one shape and dtype, float32 or float64, both contiguous. The mean
/// is over all elements; that of none is NaN.
class PointwiseLoss : public Loss {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] Tensor forward(const Tensor& input, const Tensor& target) override;

 protected:
  /// `type_name` must live as long as the loss.
  PointwiseLoss(std::string_view type_name, LossOp op, Reduction reduction, double a = 0.0) noexcept
      : type_name_(type_name), op_(op), reduction_(reduction), a_(a) {}
  /// Undefined ones for none.
  void set_weights(Tensor weight, Tensor pos_weight);

 private:
  std::string_view type_name_;
  LossOp op_;
  Reduction reduction_;
  double a_;
  Tensor weight_;
  Tensor pos_weight_;
};

/// |x - t|. The gradient at 0 is 0.
class L1Loss final : public PointwiseLoss {
 public:
  explicit L1Loss(Reduction reduction = Reduction::mean) noexcept
      : PointwiseLoss("L1Loss", LossOp::l1_loss, reduction) {}
};

/// (x - t)^2.
class MSELoss final : public PointwiseLoss {
 public:
  explicit MSELoss(Reduction reduction = Reduction::mean) noexcept
      : PointwiseLoss("MSELoss", LossOp::mse_loss, reduction) {}
};

/// Quadratic below beta, linear from there on (Girshick 2015).
class SmoothL1Loss final : public PointwiseLoss {
 public:
  /// Throws ValueError for a negative beta; 0 is L1Loss.
  explicit SmoothL1Loss(Reduction reduction = Reduction::mean, double beta = 1.0);
};

/// delta times SmoothL1Loss (Huber 1964).
class HuberLoss final : public PointwiseLoss {
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
class BCEWithLogitsLoss final : public PointwiseLoss {
 public:
  explicit BCEWithLogitsLoss(const BCEWithLogitsLossOptions& options = {});
};

}  // namespace wick::nn
