// SPDX-License-Identifier: MIT
// Muon: momentum whose matrices are made orthogonal before they are taken.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/optim/optimizer.h"

namespace wick::optim {

struct MuonOptions {
  double lr = 1e-3;           // at least 0
  double weight_decay = 0.1;  // at least 0; decoupled: times lr and the parameter
  double momentum = 0.95;     // at least 0; the buffer keeps so much of itself
  bool nesterov = true;       // takes the gradient once more beside the buffer
  std::array<double, 3> ns_coefficients = {3.4445, -4.7750, 2.0315};
  double eps = 1e-7;          // at least 0; the smallest norm that a matrix is divided by
  std::int64_t ns_steps = 5;  // from 0 to 99
  /// How the rate depends on a matrix (A, B). "original", as none: times sqrt(max(1, A / B));
  /// "match_rms_adamw": times 0.2 sqrt(max(A, B)); "spectral_unclamped": times sqrt(A / B).
  std::optional<std::string> adjust_lr_fn{};
};

/// torch.optim.Muon (Jordan, https://kellerjordan.github.io/posts/muon/), for matrices alone:
/// other parameters are a ValueError; give them to AdamW. State per parameter: 'momentum_buffer'.
///
/// The Newton-Schulz iteration has its products in bfloat16, summed in float32, as PyTorch; in
/// between, wick keeps float32 where PyTorch rounds, so that single steps agree to about 1 %.
class WICK_API Muon final : public Optimizer {
 public:
  using Group = ParamGroup<MuonOptions>;

  explicit Muon(std::vector<ParameterPtr> params, const MuonOptions& options = {});
  explicit Muon(std::vector<Group> groups);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Muon"; }
};

}  // namespace wick::optim
