// SPDX-License-Identifier: MIT
// What PyTorch's optimizers did (fixtures/optim/generate.py), and the same parameters and
// gradients for wick's.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "wick/core/parameter.h"
#include "wick/core/value.h"
#include "wick/optim/optimizer.h"

namespace wick::testing {

using Json = nlohmann::ordered_json;

/// The whole of reference.json.
[[nodiscard]] const Json& reference();
/// The case of that name among reference()["cases"] or ["schedules"].
[[nodiscard]] const Json& reference_case(const char* list, const std::string& name);

/// The value that generate.py's encode() wrote, kinds included.
[[nodiscard]] Value decode(const Json& json);
/// Empty where `got` has the same kinds, the same keys in the same order, the same numbers, and
/// tensors of the same dtype and shape whose elements agree within `tolerance` (relative to 1 or
/// the larger); else where they differ first.
[[nodiscard]] std::string difference(const Value& got, const Value& want, double tolerance,
                                     const std::string& path = "");

[[nodiscard]] std::vector<ParameterPtr> make_params(DType dtype);
/// Sets has_grad and the gradients of step `step`; without has_grad, the gradient is garbage.
void set_gradients(const std::vector<ParameterPtr>& params, int step, bool skipping);
/// The optimizer of a case over `params`.
[[nodiscard]] std::unique_ptr<optim::Optimizer> make_optimizer(
    const Json& c, const std::vector<ParameterPtr>& params);
[[nodiscard]] DType dtype_of_case(const Json& c);
/// What the parameters' elements differ from `want` (a list per parameter) at most, relative to 1
/// or the larger.
[[nodiscard]] double largest_error(const std::vector<ParameterPtr>& params, const Json& want);

}  // namespace wick::testing
