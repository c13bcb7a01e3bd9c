// SPDX-License-Identifier: MIT
// Normalisations in inference plans: as the layers do them in eval mode.
#include <cmath>
#include <vector>

#include "nn/plan_builder.h"
#include "nn/plan_memory.h"
#include "wick/core/backend.h"
#include "wick/core/backend/norm.h"
#include "wick/core/error.h"

namespace wick::nn {

std::size_t PlanBuilder::add_vector(const Step& step, const Tensor* values) {
  if (values == nullptr) return InferencePlan::kNone;
  if (first_.defined()) {
    require_same_kind(step, *values);
  } else {
    // Such as the running statistics of a layer without a weight.
    first_ = *values;
    plan_.dtype_ = values->dtype();
  }
  const std::size_t offset = weight_bytes_;
  weight_bytes_ += aligned(values->nbytes());
  vectors_.push_back({offset, *values});
  return offset;
}

void PlanBuilder::add_norm(const Step& step) {
  const Dims& sample = shape(step.inputs.front());
  Dims one = sample;
  one.insert(0, 1);
  NormShape of_sample = step.norm.shape_of(who(step), one);
  InferencePlan::Step planned;
  planned.norm_op = step.norm.op;
  planned.eps = step.norm.eps;
  if (step.norm.running_mean != nullptr) {
    planned.norm_op = NormOp::batch_norm;
    of_sample.groups = 1;
    planned.running_mean = add_vector(step, step.norm.running_mean.get());
    planned.running_var = add_vector(step, step.norm.running_var.get());
  } else if (step.norm.op == NormOp::batch_norm) {
    throw ValueError(concat(who(step),
                            ": has no running statistics, so its output for a sample depends on "
                            "the others, which no plan can do; use track_running_stats"));
  }
  planned.norm_shape = of_sample;
  planned.norm_weight = add_vector(step, step.weight ? &step.weight->value : nullptr);
  planned.norm_bias = add_vector(step, step.bias ? &step.bias->value : nullptr);
  finish(step, std::move(planned), sample);
}

// y = (W x + b - mean) rstd weight + bias is a linear step of its own, whose weight and bias are
// worked out in float64.
void PlanBuilder::fold_norm(const Step& norm, std::int64_t features, Packed& packed) const {
  try {
    static_cast<void>(norm.norm.shape_of(concat("compile: ", who(norm)), {1, features}));
  } catch (Error& error) {
    error.add_where(norm.path);
    throw;
  }
  const auto vector = [&](const Tensor* values, double instead) {
    if (values == nullptr) return std::vector<double>(static_cast<std::size_t>(features), instead);
    require_same_kind(norm, *values);
    return values->to(kCpu).to(DType::float64).to_vector<double>();
  };
  const std::vector<double> mean = vector(norm.norm.running_mean.get(), 0.0);
  const std::vector<double> var = vector(norm.norm.running_var.get(), 1.0);
  const std::vector<double> scale = vector(norm.weight ? &norm.weight->value : nullptr, 1.0);
  const std::vector<double> shift = vector(norm.bias ? &norm.bias->value : nullptr, 0.0);
  const std::vector<double> before = vector(packed.bias.defined() ? &packed.bias : nullptr, 0.0);
  const Tensor weight = packed.weight.to(kCpu).to(DType::float64).clone();
  const Tensor bias = Tensor::zeros({features}, DType::float64);
  const std::int64_t depth = weight.size(1);
  for (std::size_t c = 0; c < scale.size(); ++c) {
    const double factor = scale[c] / std::sqrt(var[c] + norm.norm.eps);
    bias.data<double>()[c] = (before[c] - mean[c]) * factor + shift[c];
    double* const row = weight.data<double>() + static_cast<std::int64_t>(c) * depth;
    for (std::int64_t i = 0; i < depth; ++i) row[i] *= factor;
  }
  packed.weight = weight.to(plan_.dtype_).to(first_.device());
  packed.bias = bias.to(plan_.dtype_).to(first_.device());
}

void InferencePlan::run_norm(const Step& step, const Run& run) const {
  const auto at = [this](std::size_t offset) -> void* {
    return offset == kNone ? nullptr : static_cast<std::byte*>(weights_->data()) + offset;
  };
  const Samples x = samples(step.inputs.front(), run);
  const Samples y = samples(step.output, run);
  const bool together = x.stride == x.elements && y.stride == y.elements;
  const std::int64_t parts = together ? 1 : run.count;
  const auto size = static_cast<std::int64_t>(size_of(dtype_));
  NormArgs args{.op = step.norm_op,
                .dtype = dtype_,
                .shape = step.norm_shape,
                .weight = at(step.norm_weight),
                .bias = at(step.norm_bias),
                .eps = step.eps,
                .running_mean = at(step.running_mean),
                .running_var = at(step.running_var),
                .use_running = step.running_mean != kNone};
  if (together) args.shape.samples *= run.count;
  for (std::int64_t i = 0; i < parts; ++i) {
    args.x = x.data + i * x.stride * size;
    args.y = y.data + i * y.stride * size;
    weights_->backend().norm(args);
  }
}

}  // namespace wick::nn
