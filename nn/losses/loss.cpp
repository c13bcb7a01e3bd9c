// SPDX-License-Identifier: MIT
#include "nn/losses/loss.h"

#include "core/error.h"

namespace wick::nn {

Tensor Loss::backward() const {
  if (!last_grad_.defined()) {
    throw ValueError(concat(type_name(), ": backward() before any forward()"));
  }
  return last_grad_;
}

}  // namespace wick::nn
