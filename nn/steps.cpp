// SPDX-License-Identifier: MIT
#include "wick/nn/steps.h"

#include <utility>

#include "wick/core/error.h"
#include "wick/nn/module.h"

namespace wick::nn {

std::string_view to_string(StepKind kind) noexcept {
  switch (kind) {
    case StepKind::opaque: return "opaque";
    case StepKind::linear: return "linear";
    case StepKind::norm: return "norm";
    case StepKind::unary: return "unary";
    case StepKind::add: return "add";
    case StepKind::multiply: return "multiply";
    case StepKind::concatenate: return "concatenate";
    case StepKind::reshape: return "reshape";
    case StepKind::narrow: return "narrow";
    case StepKind::select: return "select";
    case StepKind::flatten: return "flatten";
    case StepKind::unflatten: return "unflatten";
    case StepKind::softmax: return "softmax";
    case StepKind::log_softmax: return "log_softmax";
    case StepKind::conv: return "conv";
    case StepKind::pool: return "pool";
    case StepKind::resample: return "resample";
    case StepKind::pixel_shuffle: return "pixel_shuffle";
  }
  return "unknown";
}

ValueId StepList::input() {
  inputs_.push_back(value_count_);
  return value_count_++;
}

ValueId StepList::module(std::string_view name, const Module& module, ValueId x) {
  const Module* const outer = std::exchange(module_, &module);
  const std::size_t outer_length = path_.size();
  if (!name.empty()) path_ += concat(path_.empty() ? "" : ".", name);
  const std::size_t first = steps_.size();
  const ValueId values = value_count_;
  ValueId y = module.append_steps(*this, x);
  if (module.is_composite()) {
    for (std::size_t i = first; i < steps_.size(); ++i) {
      if (steps_[i].module == &module) {
        throw ValueError(concat(module.type_name(), ": append_steps() describes a ",
                                to_string(steps_[i].kind),
                                " of its own, which has no module to do it; register a child for "
                                "it and append the child's steps"));
      }
    }
  } else if (purpose_ == Purpose::training) {
    const bool whole = steps_.size() == first + 1 && steps_[first].module == &module &&
                       steps_[first].inputs == std::vector<ValueId>{x} && steps_[first].output == y;
    if (!whole) {
      steps_.resize(first);
      value_count_ = values;
      y = opaque(x);
    }
  }
  path_.resize(outer_length);
  module_ = outer;
  return y;
}

ValueId StepList::append(Step step) {
  for (const ValueId value : step.inputs) {
    if (value < 0 || value >= value_count_) {
      throw ValueError(concat("StepList: a ", to_string(step.kind), " takes value ", value,
                              ", but there are ", value_count_));
    }
  }
  step.path = path_;
  step.output = value_count_;
  steps_.push_back(std::move(step));
  return value_count_++;
}

ValueId StepList::of_module(StepKind kind, ValueId x, ParameterPtr weight, ParameterPtr bias) {
  Step step;
  step.kind = kind;
  step.module = module_;
  step.inputs = {x};
  step.weight = std::move(weight);
  step.bias = std::move(bias);
  return append(std::move(step));
}

ValueId StepList::between(StepKind kind, std::vector<ValueId> inputs) {
  Step step;
  step.kind = kind;
  step.inputs = std::move(inputs);
  return append(std::move(step));
}

ValueId StepList::opaque(ValueId x) {
  return of_module(StepKind::opaque, x);
}

ValueId StepList::linear(ValueId x, ParameterPtr weight, ParameterPtr bias) {
  return of_module(StepKind::linear, x, std::move(weight), std::move(bias));
}

ValueId StepList::norm(ValueId x, ParameterPtr weight, ParameterPtr bias, NormStep norm) {
  const ValueId y = of_module(StepKind::norm, x, std::move(weight), std::move(bias));
  steps_.back().norm = std::move(norm);
  return y;
}

ValueId StepList::unary(ValueId x, UnaryOp op, const UnaryParameters& parameters) {
  const ValueId y = of_module(StepKind::unary, x);
  steps_.back().op = op;
  steps_.back().parameters = parameters;
  return y;
}

ValueId StepList::flatten(ValueId x, std::int64_t first, std::int64_t last) {
  const ValueId y = of_module(StepKind::flatten, x);
  steps_.back().dim = first;
  steps_.back().last = last;
  return y;
}

ValueId StepList::unflatten(ValueId x, std::int64_t dim, const Dims& sizes) {
  const ValueId y = of_module(StepKind::unflatten, x);
  steps_.back().dim = dim;
  steps_.back().shape = sizes;
  return y;
}

ValueId StepList::softmax(ValueId x, std::int64_t dim, bool log) {
  const ValueId y = of_module(log ? StepKind::log_softmax : StepKind::softmax, x);
  steps_.back().dim = dim;
  return y;
}

ValueId StepList::conv(ValueId x, ParameterPtr weight, ParameterPtr bias, const ConvStep& conv) {
  const ValueId y = of_module(StepKind::conv, x, std::move(weight), std::move(bias));
  steps_.back().conv = conv;
  return y;
}

ValueId StepList::pool(ValueId x, const PoolStep& pool) {
  const ValueId y = of_module(StepKind::pool, x);
  steps_.back().pool = pool;
  return y;
}

ValueId StepList::resample(ValueId x, const ResampleStep& resample) {
  const ValueId y = of_module(StepKind::resample, x);
  steps_.back().resample = resample;
  return y;
}

ValueId StepList::pixel_shuffle(ValueId x, std::int64_t factor) {
  const ValueId y = of_module(StepKind::pixel_shuffle, x);
  steps_.back().length = factor;
  return y;
}

ValueId StepList::add(ValueId a, ValueId b) {
  return between(StepKind::add, {a, b});
}

ValueId StepList::multiply(ValueId a, ValueId b) {
  return between(StepKind::multiply, {a, b});
}

ValueId StepList::concatenate(std::span<const ValueId> values, std::int64_t dim) {
  if (values.empty()) throw ValueError("StepList: concatenate takes at least one value");
  const ValueId y = between(StepKind::concatenate, {values.begin(), values.end()});
  steps_.back().dim = dim;
  return y;
}

ValueId StepList::reshape(ValueId x, const Dims& shape) {
  const ValueId y = between(StepKind::reshape, {x});
  steps_.back().shape = shape;
  return y;
}

ValueId StepList::narrow(ValueId x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  const ValueId y = between(StepKind::narrow, {x});
  Step& step = steps_.back();
  step.dim = dim;
  step.start = start;
  step.length = length;
  return y;
}

ValueId StepList::select(ValueId x, std::int64_t dim, std::int64_t index) {
  const ValueId y = between(StepKind::select, {x});
  steps_.back().dim = dim;
  steps_.back().start = index;
  return y;
}

std::vector<std::size_t> StepList::only_users() const {
  std::vector<std::size_t> users(static_cast<std::size_t>(value_count_), kNone);
  std::vector<int> counts(users.size());
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    for (const ValueId value : steps_[i].inputs) {
      const bool is_first = ++counts[static_cast<std::size_t>(value)] == 1;
      users[static_cast<std::size_t>(value)] = is_first ? i : kNone;
    }
  }
  for (const ValueId value : outputs_) users[static_cast<std::size_t>(value)] = kNone;
  return users;
}

}  // namespace wick::nn
