// SPDX-License-Identifier: MIT
// Descents down a loss, for optimizers whose steps depend on more than given gradients, as
// optimizer_parity.py wants them.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "wick/core/error.h"
#include "wick/core/ops.h"
#include "wick/core/ops_vector_reduce.h"
#include "wick/optim/lbfgs.h"
#include "wick/optim/muon.h"

namespace wick::testing {

/// A term |A P - B|^2 / 2 of the loss for each parameter P, and bend * sum P^4 / 4, in float64.
class Descent {
 public:
  explicit Descent(const Value& request) {
    const auto device = Device::parse(request.at("device").as_string());
    for (const Value& value : request.at("params").as_list()) {
      params_.push_back(make_parameter(value.as_tensor().clone().to(device)));
    }
    for (const Value& term : request.at("terms").as_list()) {
      terms_.push_back({term.at("A").as_tensor(), term.at("B").as_tensor()});
    }
    bend_ = request.at("bend").as_double();
    const Value& options = request.at("options");
    if (options.contains("maximize") && options.at("maximize").as_bool()) sign_ = -1.0;
  }

  [[nodiscard]] const std::vector<ParameterPtr>& params() const { return params_; }
  /// Sets the gradients and returns the loss.
  double evaluate() const {
    double loss = 0.0;
    for (std::size_t i = 0; i < params_.size(); ++i) loss += term(*params_[i], terms_[i]);
    return sign_ * loss;
  }

 private:
  struct Term {
    Tensor a;
    Tensor b;
  };
  double term(Parameter& param, const Term& term) const {
    const Tensor value = param.value.to(kCpu).to(DType::float64);
    const Tensor rest = term.b.clone();
    ops::matmul(term.a, value, rest);
    ops::weighted_sum(1.0, rest, -1.0, term.b, rest);
    const Tensor grad = Tensor::empty(value.shape(), DType::float64);
    ops::matmul(term.a, rest, grad, {.transpose_a = true});
    const Tensor square = Tensor::empty(value.shape(), DType::float64);
    ops::multiply(value, value, square);
    const double loss = dot(rest, rest) / 2.0 + bend_ * dot(square, square) / 4.0;
    ops::multiply(square, value, square);
    ops::weighted_sum(sign_, grad, sign_ * bend_, square, grad);
    param.grad.copy_(grad);
    param.has_grad = true;
    return loss;
  }
  static double dot(const Tensor& a, const Tensor& b) {
    const Tensor out = Tensor::empty({}, DType::float64);
    ops::vector_reduce(VectorReduceOp::dot, a, out, {.other = &b});
    return out.item<double>();
  }

  std::vector<ParameterPtr> params_;
  std::vector<Term> terms_;
  double bend_ = 0.0;
  double sign_ = 1.0;
};

inline std::optional<std::string> text_or_none(const Value& value) {
  return value.is_none() ? std::nullopt : std::optional<std::string>(value.as_string());
}

inline optim::LBFGSOptions lbfgs_options(const Value& o) {
  optim::LBFGSOptions options;
  options.lr = o.at("lr").as_double();
  options.max_iter = o.at("max_iter").as_int();
  if (!o.at("max_eval").is_none()) options.max_eval = o.at("max_eval").as_int();
  options.tolerance_grad = o.at("tolerance_grad").as_double();
  options.tolerance_change = o.at("tolerance_change").as_double();
  options.history_size = o.at("history_size").as_int();
  options.line_search_fn = text_or_none(o.at("line_search_fn"));
  options.maximize = o.at("maximize").as_bool();
  return options;
}

inline optim::MuonOptions muon_options(const Value& o) {
  optim::MuonOptions options;
  options.lr = o.at("lr").as_double();
  options.weight_decay = o.at("weight_decay").as_double();
  options.momentum = o.at("momentum").as_double();
  options.nesterov = o.at("nesterov").as_bool();
  options.eps = o.at("eps").as_double();
  options.ns_steps = o.at("ns_steps").as_int();
  options.adjust_lr_fn = text_or_none(o.at("adjust_lr_fn"));
  return options;
}

/// Steps of LBFGS or Muon, perhaps from a state.
inline Value descend_case(const Value& request) {
  Descent descent(request);
  const auto closure = [&descent] { return descent.evaluate(); };
  List losses;
  const auto run = [&](optim::Optimizer& optimizer, const auto& step) {
    if (!request.at("state").is_none()) optimizer.load_state_dict(request.at("state"));
    for (std::int64_t i = 0; i < request.at("steps").as_int(); ++i) {
      losses.items.emplace_back(step());
    }
    List params;
    for (const ParameterPtr& param : descent.params()) {
      params.items.emplace_back(param->value.clone());
    }
    return Dict{{"losses", std::move(losses)},
                {"params", std::move(params)},
                {"opt", optimizer.state_dict()}};
  };
  if (request.at("name").as_string() == "LBFGS") {
    optim::LBFGS optimizer(descent.params(), lbfgs_options(request.at("options")));
    return run(optimizer, [&] { return optimizer.step(closure); });
  }
  optim::Muon optimizer(descent.params(), muon_options(request.at("options")));
  return run(optimizer, [&] {
    const double loss = closure();
    optimizer.step();
    return loss;
  });
}

inline Value descend(const Value& request) {
  List answers;
  for (const Value& one : request.at("cases").as_list()) {
    answers.items.push_back(descend_case(one));
  }
  return Dict{{"answers", std::move(answers)}};
}

}  // namespace wick::testing
