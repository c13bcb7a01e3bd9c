// SPDX-License-Identifier: MIT
// Forward passes that save nothing.
#pragma once

#include "wick/core/compiler.h"

namespace wick::nn {

/// Whether forward() in this thread saves what backward() needs.
[[nodiscard]] WICK_API bool is_grad_enabled() noexcept;

/// torch.no_grad: as long as one lives, a forward() in this thread saves nothing for backward(),
/// which throws then, and lets go of what was saved before. Guards may be nested. An object must
/// end in the thread that made it.
class WICK_API NoGradGuard {
 public:
  NoGradGuard() noexcept;
  NoGradGuard(const NoGradGuard&) = delete;
  NoGradGuard& operator=(const NoGradGuard&) = delete;
  ~NoGradGuard();

 private:
  bool before_;
};

}  // namespace wick::nn
