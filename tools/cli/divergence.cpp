// SPDX-License-Identifier: MIT
#include "tools/cli/divergence.h"

#include <algorithm>
#include <cmath>
#include <span>
#include <string_view>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

bool all_finite(std::span<const float> values) {
  // x - x is 0 for finite x and NaN for all others. Sums of several lanes, for speed.
  constexpr std::size_t kLanes = 16;
  float sums[kLanes] = {};
  std::size_t i = 0;
  for (; i + kLanes <= values.size(); i += kLanes) {
    for (std::size_t lane = 0; lane < kLanes; ++lane) {
      sums[lane] += values[i + lane] - values[i + lane];
    }
  }
  for (; i < values.size(); ++i) sums[0] += values[i] - values[i];
  return std::all_of(std::begin(sums), std::end(sums), [](float sum) { return sum == 0; });
}

}  // namespace

std::string describe_not_finite(const std::string& name, const Tensor& tensor) {
  const Tensor here = tensor.to(kCpu).contiguous();
  const std::span<const float> values(here.data<float>(), static_cast<std::size_t>(here.numel()));
  if (all_finite(values)) return {};
  const auto bad =
      std::count_if(values.begin(), values.end(), [](float x) { return !std::isfinite(x); });
  return concat(name, " has ", bad, " of ", values.size(), " values that are not finite");
}

std::string find_divergence(const RunState& run) {
  const auto parameters = run.model->named_parameters();
  for (const auto& [name, parameter] : parameters) {
    if (std::string found = describe_not_finite(name, parameter->value); !found.empty())
      return found;
  }
  const Value state = run.optimizer->state_dict();
  for (const auto& [index, entry] : state.at("state").as_dict()) {
    const std::string& parameter = parameters.at(static_cast<std::size_t>(index.as_int())).first;
    for (const auto& [key, value] : entry.as_dict()) {
      if (value.kind() != Value::Kind::tensor) continue;
      std::string found = describe_not_finite(
          concat("the optimizer's ", key.as_string(), " of ", parameter), value.as_tensor());
      if (!found.empty()) return found;
    }
  }
  return {};
}

}  // namespace wick::tools
