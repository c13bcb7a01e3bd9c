// SPDX-License-Identifier: MIT
// Which steps are done together.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/nn/steps.h"

namespace wick::nn {

enum class FusedPass : std::uint8_t {
  forward,   // the product applies the activation behind it
  backward,  // the product takes the gradient of the activation in front of it
  plan       // as forward, in an inference plan
};

/// Two steps of which the second is the only one that uses the first one's output.
struct WICK_API FusionRule {
  std::string_view name;
  FusedPass pass;
  StepKind first;
  StepKind second;
  bool (*applies)(const Step& first, const Step& second);
};

/// The rule for two such steps in a pass, where there is one. Those of training also need what the
/// modules offer (nn/fusion.h).
[[nodiscard]] WICK_API std::optional<FusionRule> find_fusion_rule(FusedPass pass, const Step& first,
                                                                  const Step& second);

}  // namespace wick::nn
