// SPDX-License-Identifier: MIT
#include "wick/nn/fusion_rules.h"

#include <algorithm>
#include <array>

#include "wick/core/backend/elementwise.h"

namespace wick::nn {
namespace {

bool is_relu(const Step& step) {
  return step.kind == StepKind::unary && step.op == UnaryOp::relu;
}
bool first_is_relu(const Step& first, const Step& /*second*/) {
  return is_relu(first);
}
bool second_is_relu(const Step& /*first*/, const Step& second) {
  return is_relu(second);
}
bool second_is_constant_batch_norm(const Step& /*first*/, const Step& second) {
  return second.norm.op == NormOp::batch_norm && second.norm.running_mean != nullptr;
}

// A transposed one has its weights in another order, and no epilogue.
bool first_is_plain_conv(const Step& first, const Step& /*second*/) {
  return !first.conv.transposed;
}
bool is_plain_conv_before_constant_batch_norm(const Step& first, const Step& second) {
  return first_is_plain_conv(first, second) && second_is_constant_batch_norm(first, second);
}

constexpr std::array kRules = {
    FusionRule{"ReLU in the product's epilogue", FusedPass::forward, StepKind::linear,
               StepKind::unary, second_is_relu},
    FusionRule{"gradient of the ReLU in the epilogue of the product for the input's",
               FusedPass::backward, StepKind::unary, StepKind::linear, first_is_relu},
    FusionRule{"ReLU in the packed product's epilogue", FusedPass::plan, StepKind::linear,
               StepKind::unary, second_is_relu},
    FusionRule{"BatchNorm by running statistics in the packed weight and bias", FusedPass::plan,
               StepKind::linear, StepKind::norm, second_is_constant_batch_norm},
    FusionRule{"activation in the convolution's epilogue", FusedPass::plan, StepKind::conv,
               StepKind::unary, first_is_plain_conv},
    FusionRule{"BatchNorm by running statistics in the convolution's weight and bias",
               FusedPass::plan, StepKind::conv, StepKind::norm,
               is_plain_conv_before_constant_batch_norm},
};

}  // namespace

std::optional<FusionRule> find_fusion_rule(FusedPass pass, const Step& first, const Step& second) {
  const auto found = std::ranges::find_if(kRules, [&](const FusionRule& rule) {
    return rule.pass == pass && rule.first == first.kind && rule.second == second.kind &&
           rule.applies(first, second);
  });
  if (found == kRules.end()) return std::nullopt;
  return *found;
}

}  // namespace wick::nn
