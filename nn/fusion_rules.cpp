// SPDX-License-Identifier: MIT
#include "nn/fusion_rules.h"

#include <algorithm>
#include <array>

namespace wick::nn {
namespace {

constexpr std::array kRules = {
    FusionRule{"ReLU in the product's epilogue", FusedPass::forward, StepKind::linear,
               StepKind::relu},
    FusionRule{"gradient of the ReLU in the epilogue of the product for the input's",
               FusedPass::backward, StepKind::relu, StepKind::linear},
    FusionRule{"ReLU in the packed product's epilogue", FusedPass::plan, StepKind::linear,
               StepKind::relu},
};

}  // namespace

std::optional<FusionRule> find_fusion_rule(FusedPass pass, const Step& first, const Step& second) {
  const auto found = std::ranges::find_if(kRules, [&](const FusionRule& rule) {
    return rule.pass == pass && rule.first == first.kind && rule.second == second.kind;
  });
  if (found == kRules.end()) return std::nullopt;
  return *found;
}

}  // namespace wick::nn
