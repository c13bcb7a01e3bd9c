// SPDX-License-Identifier: MIT
// Convolutions, pooling, resizing and pixel shuffles in inference plans.
#include <utility>

#include "nn/plan_builder.h"
#include "wick/core/backend.h"
#include "wick/core/backend/memory.h"
#include "wick/core/error.h"
#include "wick/nn/fusion_rules.h"

namespace wick::nn {
namespace {

// The sizes of one sample.
ImageSizes sizes_of(const std::string& who, std::size_t dims, const Dims& sample) {
  Dims batch = sample;
  batch.insert(0, 1);
  const ImageSizes sizes = ImageSizes::of(who, dims, batch);
  if (sizes.single) {
    throw ShapeError(concat(who, ": samples have shape ", sample, ", expected (C, ",
                            dims == 2 ? "H, W)" : "L)"));
  }
  return sizes;
}

Dims sample_shape(const ImageSizes& sizes, std::size_t dims, std::int64_t channels,
                  std::int64_t height, std::int64_t width) {
  Dims shape = sizes.shape(dims, channels, height, width);
  shape.erase(0);
  return shape;
}

ResampleArgs args_of(const ops::ResampleShape& shape, DType dtype) {
  return {.op = shape.op,
          .dtype = dtype,
          .planes = shape.planes,
          .height = shape.height,
          .width = shape.width,
          .align_corners = shape.align_corners};
}

}  // namespace

void PlanBuilder::add_conv(std::size_t i) {
  const Step& step = list_.steps()[i];
  const ConvStep& of = step.conv;
  require_same_kind(step, step.weight->value);
  if (step.bias) require_same_kind(step, step.bias->value);
  const ImageSizes sizes = sizes_of(who(step), of.dims, shape(step.inputs.front()));
  const ConvShape conv = of.shape_of(who(step), sizes);
  std::size_t x = values_[static_cast<std::size_t>(step.inputs.front())];
  if (of.pads()) {
    const ops::ResampleShape pad = of.pad_shape(sizes);
    InferencePlan::Step padding;
    padding.kind = StepKind::resample;
    padding.path = step.path;
    padding.inputs = {x};
    padding.resample = args_of(pad, plan_.dtype_);
    padding.output = x = add_value(
        sample_shape(sizes, of.dims, sizes.channels, pad.height.output, pad.width.output));
    plan_.steps_.push_back(std::move(padding));
  }
  InferencePlan::Step planned;
  ConvArgs& args = planned.conv;
  args.op = of.transposed ? ConvOp::input_gradient : ConvOp::forward;
  args.dtype = plan_.dtype_;
  args.shape = conv;
  Packed packed{plan_.steps_.size(), step.weight->value.reshape({step.weight->value.size(0), -1}),
                step.bias ? step.bias->value : Tensor()};
  // What is behind it, where nothing else uses what is in between.
  ValueId output = step.output;
  while (!args.has_activation) {
    const std::size_t j = only_users_[static_cast<std::size_t>(output)];
    if (j == StepList::kNone) break;
    const Step& next = list_.steps()[j];
    if (next.inputs.front() != output || !find_fusion_rule(FusedPass::plan, step, next)) break;
    if (next.kind == StepKind::norm) {
      fold_norm(next, of.out_channels, packed);
    } else {
      args.has_activation = true;
      args.activation = next.op;
      args.parameters = next.parameters;
    }
    done_[j] = true;
    output = next.output;
  }
  planned.conv_weight = add_vector(step, &packed.weight);
  planned.conv_bias = add_vector(step, packed.bias.defined() ? &packed.bias : nullptr);
  Dims result = of.output_shape(sizes, conv);
  result.erase(0);
  finish(step, std::move(planned), std::move(result));
  plan_.steps_.back().inputs = {x};
  values_[static_cast<std::size_t>(output)] = plan_.steps_.back().output;
}

void PlanBuilder::add_pool(const Step& step) {
  const PoolStep& of = step.pool;
  const ImageSizes sizes = sizes_of(who(step), of.dims, shape(step.inputs.front()));
  const ops::PoolShape pool = of.shape_of(who(step), sizes);
  InferencePlan::Step planned;
  planned.pool = {.op = pool.op,
                  .dtype = plan_.dtype_,
                  .planes = pool.planes,
                  .height = pool.height,
                  .width = pool.width,
                  .count_include_pad = pool.count_include_pad,
                  .divisor = pool.divisor};
  finish(step, std::move(planned),
         sample_shape(sizes, of.dims, sizes.channels, pool.height.output, pool.width.output));
}

void PlanBuilder::add_resample(const Step& step) {
  ResampleStep of = step.resample;
  const Dims& sample = shape(step.inputs.front());
  // Signals may be resized, too.
  if (of.op == ResampleOp::nearest && sample.size() == 2) of.dims = 1;
  const ImageSizes sizes = sizes_of(who(step), of.dims, sample);
  const ops::ResampleShape resample = of.shape_of(who(step), sizes);
  InferencePlan::Step planned;
  planned.resample = args_of(resample, plan_.dtype_);
  finish(
      step, std::move(planned),
      sample_shape(sizes, of.dims, sizes.channels, resample.height.output, resample.width.output));
}

void PlanBuilder::add_pixel_shuffle(const Step& step) {
  Dims result = shape(step.inputs.front());
  const std::int64_t factor = step.length;
  if (result.size() != 3 || result[0] % (factor * factor) != 0) {
    throw ShapeError(concat(who(step), ": samples have shape ", result,
                            ", expected (C, H, W) with a C that ", factor * factor, " divides"));
  }
  InferencePlan::Step planned;
  planned.outer = result[0] /= factor * factor;
  planned.depth = result[1];
  planned.width = result[2];
  planned.start = factor;
  result[1] *= factor;
  result[2] *= factor;
  finish(step, std::move(planned), std::move(result));
}

template <typename Work>
void InferencePlan::for_samples(const Step& step, const Run& run, const Work& work) const {
  const Samples x = samples(step.inputs.front(), run);
  const Samples y = samples(step.output, run);
  const auto size = static_cast<std::int64_t>(size_of(dtype_));
  if (x.stride == x.elements && y.stride == y.elements) return work(x.data, y.data, run.count);
  for (std::int64_t i = 0; i < run.count; ++i) {
    work(x.data + i * x.stride * size, y.data + i * y.stride * size, 1);
  }
}

void InferencePlan::run_conv(const Step& step, const Run& run) const {
  const auto at = [this](std::size_t offset) -> void* {
    return offset == kNone ? nullptr : static_cast<std::byte*>(weights_->data()) + offset;
  };
  ConvArgs args = step.conv;
  args.weight = at(step.conv_weight);
  args.bias = at(step.conv_bias);
  for_samples(step, run, [&](std::byte* x, std::byte* y, std::int64_t count) {
    const bool transposed = args.op == ConvOp::input_gradient;
    args.shape.samples = count;
    args.input = transposed ? y : x;
    args.output = transposed ? x : y;
    weights_->backend().conv(args);
  });
}

void InferencePlan::run_pool(const Step& step, const Run& run) const {
  PoolArgs args = step.pool;
  for_samples(step, run, [&](const std::byte* x, std::byte* y, std::int64_t count) {
    args.planes = step.pool.planes * count;
    args.from = x;
    args.to = y;
    weights_->backend().pool(args);
  });
}

void InferencePlan::run_resample(const Step& step, const Run& run) const {
  ResampleArgs args = step.resample;
  for_samples(step, run, [&](const std::byte* x, std::byte* y, std::int64_t count) {
    args.planes = step.resample.planes * count;
    args.from = x;
    args.to = y;
    weights_->backend().resample(args);
  });
}

void InferencePlan::run_pixel_shuffle(const Step& step, const Run& run) const {
  const Samples x = samples(step.inputs.front(), run);
  const Samples y = samples(step.output, run);
  if (y.elements == 0) return;
  const std::int64_t r = step.start;
  const std::int64_t plane = step.depth * step.width;
  const Dims shape{run.count, step.outer, step.depth, r, step.width, r};
  weights_->backend().copy_strided(
      {y.data, dtype_, shape, {y.stride, r * r * plane, r * r * step.width, r * step.width, r, 1}},
      {x.data, dtype_, shape, {x.stride, r * r * plane, step.width, r * plane, 1, plane}});
}

}  // namespace wick::nn
