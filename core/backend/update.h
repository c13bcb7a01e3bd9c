// SPDX-License-Identifier: MIT
// The family of optimizers' updates.
#pragma once

#include <cstdint>

#include "core/dtype.h"

namespace wick {

/// SGD with momentum over `count` elements, in place. PyTorch: torch.optim.SGD.
struct SgdArgs {
  DType dtype = DType::float32;
  std::int64_t count = 0;
  void* param = nullptr;
  const void* grad = nullptr;
  void* momentum_buffer = nullptr;  // none where momentum is 0
  bool first_step = false;          // the buffer holds nothing yet: it becomes the gradient
  double lr = 0.0;
  double momentum = 0.0;
  double dampening = 0.0;
  double weight_decay = 0.0;
  bool nesterov = false;
  bool maximize = false;
};

/// Adam or AdamW over `count` elements, in place. PyTorch: torch.optim.Adam, torch.optim.AdamW.
struct AdamArgs {
  DType dtype = DType::float32;
  std::int64_t count = 0;
  void* param = nullptr;
  const void* grad = nullptr;
  void* exp_avg = nullptr;
  void* exp_avg_sq = nullptr;
  void* max_exp_avg_sq = nullptr;  // amsgrad's running maximum, or none
  double step = 1.0;               // 1 for the first
  double lr = 0.0;
  double beta1 = 0.0;
  double beta2 = 0.0;
  double eps = 0.0;
  double weight_decay = 0.0;
  bool decoupled_weight_decay = false;  // AdamW
  bool maximize = false;
};

}  // namespace wick
