// SPDX-License-Identifier: MIT
// Adam, and AdamW, which decays the weights apart from the gradient.
#pragma once

#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct AdamOptions {
  double lr = 1e-3;           // at least 0
  double beta1 = 0.9;         // in [0, 1): decay of the gradient's running mean
  double beta2 = 0.999;       // in [0, 1): decay of the squared gradient's running mean
  double eps = 1e-8;          // at least 0; added to the denominator
  double weight_decay = 0.0;  // at least 0; times the parameter, added to the gradient
  bool amsgrad = false;       // divides by the largest running mean so far
  bool maximize = false;      // climbs instead of descending
};

struct AdamWOptions {
  double lr = 1e-3;
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 1e-2;  // at least 0; the parameter shrinks by lr * weight_decay each step
  bool amsgrad = false;
  bool maximize = false;
};

/// torch.optim.Adam (Kingma and Ba, https://arxiv.org/abs/1412.6980; amsgrad: Reddi et al.,
/// https://openreview.net/forum?id=ryQu7f-RZ). State per parameter: 'step' (a float32 scalar),
/// 'exp_avg', 'exp_avg_sq', and with amsgrad 'max_exp_avg_sq'.
///
/// As in PyTorch, a loaded state dictionary decides with 'decoupled_weight_decay' whether the decay
/// is Adam's or AdamW's.
class WICK_API Adam final : public Optimizer {
 public:
  using Group = ParamGroup<AdamOptions>;

  explicit Adam(std::vector<ParameterPtr> params, const AdamOptions& options = {});
  explicit Adam(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Adam"; }
};

/// torch.optim.AdamW (Loshchilov and Hutter, https://arxiv.org/abs/1711.05101). The state is
/// Adam's.
class WICK_API AdamW final : public Optimizer {
 public:
  using Group = ParamGroup<AdamWOptions>;

  explicit AdamW(std::vector<ParameterPtr> params, const AdamWOptions& options = {});
  explicit AdamW(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "AdamW"; }
};

}  // namespace wick::optim
