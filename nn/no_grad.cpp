// SPDX-License-Identifier: MIT
#include "wick/nn/no_grad.h"

namespace wick::nn {
namespace {

thread_local bool grad_enabled = true;

}  // namespace

bool is_grad_enabled() noexcept {
  return grad_enabled;
}

NoGradGuard::NoGradGuard() noexcept : before_(grad_enabled) {
  grad_enabled = false;
}

NoGradGuard::~NoGradGuard() {
  grad_enabled = before_;
}

}  // namespace wick::nn
