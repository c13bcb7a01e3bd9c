// SPDX-License-Identifier: MIT
#include "nn/plan_builder.h"

#include <algorithm>
#include <utility>

#include "nn/plan_memory.h"
#include "wick/core/backend.h"
#include "wick/core/backend/elementwise.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/error.h"
#include "wick/nn/fusion_rules.h"
#include "wick/nn/layers/reshape.h"

namespace wick::nn {
namespace {

std::byte* at(const std::shared_ptr<Storage>& storage, std::size_t offset) {
  return static_cast<std::byte*>(storage->data()) + offset;
}

std::int64_t product(const Dims& shape, std::size_t first, std::size_t last) {
  return element_count(std::span(shape).subspan(first, last - first));
}

}  // namespace

PlanBuilder::PlanBuilder(const Module& model, std::span<const Dims> sample_shapes,
                         std::int64_t max_batch)
    : list_(StepList::Purpose::description) {
  if (max_batch < 1) throw ValueError(concat("compile: max_batch ", max_batch, " is less than 1"));
  model.describe(list_);
  plan_.max_batch_ = max_batch;
  only_users_ = list_.only_users();
  values_.resize(static_cast<std::size_t>(list_.value_count()), InferencePlan::kNone);
  done_.resize(list_.steps().size());
  find_kind();
  add_inputs(sample_shapes);
}

void PlanBuilder::find_kind() {
  for (const Step& step : list_.steps()) {
    if (step.weight == nullptr) continue;
    first_ = step.weight->value;
    plan_.dtype_ = first_.dtype();
    return;
  }
}

void PlanBuilder::add_inputs(std::span<const Dims> sample_shapes) {
  std::vector<Dims> shapes(sample_shapes.begin(), sample_shapes.end());
  if (shapes.empty()) {
    const auto linear = std::ranges::find(list_.steps(), StepKind::linear, &Step::kind);
    const bool has_linear = linear != list_.steps().end();
    const bool has_images = std::ranges::any_of(list_.steps(), [](const Step& step) {
      return step.kind == StepKind::conv || step.kind == StepKind::pool ||
             step.kind == StepKind::resample || step.kind == StepKind::pixel_shuffle;
    });
    if (!has_linear || has_images || list_.inputs().size() != 1) {
      throw ValueError(concat("compile: the model has ",
                              !has_linear  ? "no Linear"
                              : has_images ? "layers for images"
                                           : "several inputs",
                              ", so the shapes of its inputs' samples must be given"));
    }
    shapes.push_back({linear->weight->value.size(1)});
  }
  if (shapes.size() != list_.inputs().size()) {
    throw ValueError(
        concat("compile: ", shapes.size(), " shapes for ", list_.inputs().size(), " inputs"));
  }
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    const std::size_t value = add_value(std::move(shapes[i]));
    plan_.values_[value].place = InferencePlan::Place::input;
    plan_.values_[value].offset = i;
    plan_.inputs_.push_back(value);
    values_[static_cast<std::size_t>(list_.inputs()[i])] = value;
  }
}

std::size_t PlanBuilder::add_value(Dims shape) {
  Value value;
  value.elements = element_count(shape);
  value.shape = std::move(shape);
  plan_.values_.push_back(std::move(value));
  memory_.push_back(memory_.size());
  return memory_.size() - 1;
}

const Dims& PlanBuilder::shape(ValueId id) const {
  return plan_.values_[values_[static_cast<std::size_t>(id)]].shape;
}

void PlanBuilder::finish(const Step& step, InferencePlan::Step planned, Dims shape) {
  planned.kind = step.kind;
  planned.path = step.path;
  for (const ValueId input : step.inputs) {
    planned.inputs.push_back(values_[static_cast<std::size_t>(input)]);
  }
  planned.output = add_value(std::move(shape));
  values_[static_cast<std::size_t>(step.output)] = planned.output;
  plan_.steps_.push_back(std::move(planned));
}

void PlanBuilder::add_step(std::size_t i) {
  const Step& step = list_.steps()[i];
  switch (step.kind) {
    case StepKind::linear: return add_linear(i);
    case StepKind::norm: return add_norm(step);
    case StepKind::unary: return add_unary(step);
    case StepKind::add:
    case StepKind::multiply: return add_binary(step);
    case StepKind::concatenate: return add_concatenate(step);
    case StepKind::reshape: return add_reshape(step);
    case StepKind::narrow:
    case StepKind::select: return add_part(step);
    case StepKind::flatten:
    case StepKind::unflatten: return add_view(step);
    case StepKind::softmax:
    case StepKind::log_softmax: return add_softmax(step);
    case StepKind::conv: return add_conv(i);
    case StepKind::pool: return add_pool(step);
    case StepKind::resample: return add_resample(step);
    case StepKind::pixel_shuffle: return add_pixel_shuffle(step);
    case StepKind::opaque: break;
  }
  throw ValueError(
      concat(who(step), ": does not describe itself, as a plan needs; override append_steps()"));
}

std::string PlanBuilder::who(const Step& step) {
  return step.module == nullptr ? std::string(to_string(step.kind)) : step.module->description();
}

void PlanBuilder::require_same_kind(const Step& step, const Tensor& tensor) const {
  if (&first_.backend() != &tensor.backend() || first_.dtype() != tensor.dtype()) {
    throw ValueError(concat(who(step), ": has a parameter ", tensor, ", the first layer ", first_,
                            "; a plan is in one dtype and on one device: convert the model with "
                            "to()"));
  }
}

void PlanBuilder::add_linear(std::size_t i) {
  const Step& step = list_.steps()[i];
  const Tensor& weight = step.weight->value;
  require_same_kind(step, weight);
  if (step.bias) require_same_kind(step, step.bias->value);
  InferencePlan::Step planned;
  planned.width = weight.size(0);
  planned.depth = weight.size(1);
  Dims result = shape(step.inputs.front());
  if (result.empty() || result.back() != planned.depth) {
    throw ShapeError(concat(who(step), ": samples have shape ", result, ", expected ",
                            planned.depth, " features, as their last size"));
  }
  result[result.size() - 1] = planned.width;
  planned.outer = product(result, 0, result.size() - 1);
  Packed packed{plan_.steps_.size(), weight, step.bias ? step.bias->value : Tensor()};
  // What is behind it, where nothing else uses what is in between.
  ValueId output = step.output;
  while (!planned.product.relu) {
    const std::size_t j = only_users_[static_cast<std::size_t>(output)];
    if (j == StepList::kNone) break;
    const Step& next = list_.steps()[j];
    if (next.inputs.front() != output || !find_fusion_rule(FusedPass::plan, step, next)) break;
    if (next.kind == StepKind::norm) {
      if (result.size() != 1) break;  // its channels are not the features
      fold_norm(next, planned.width, packed);
    } else {
      planned.product.relu = true;
    }
    done_[j] = true;
    output = next.output;
  }
  packed.offset = weight_bytes_;
  weight_bytes_ +=
      aligned(first_.backend().packed_weight_bytes(plan_.dtype_, planned.width, planned.depth));
  if (packed.bias.defined()) {
    packed.bias_offset = weight_bytes_;
    weight_bytes_ += aligned(packed.bias.nbytes());
    vectors_.push_back({packed.bias_offset, packed.bias});
  }
  packed_.push_back(std::move(packed));
  finish(step, std::move(planned), std::move(result));
  values_[static_cast<std::size_t>(output)] = plan_.steps_.back().output;
}

void PlanBuilder::add_unary(const Step& step) {
  const std::size_t x = values_[static_cast<std::size_t>(step.inputs.front())];
  if (step.op == UnaryOp::relu) {
    // Twice is as good as once.
    for (const InferencePlan::Step& before : plan_.steps_) {
      const bool is_relu = before.kind == StepKind::unary && before.op == UnaryOp::relu;
      if (before.output == x && (before.product.relu || is_relu)) {
        values_[static_cast<std::size_t>(step.output)] = x;
        return;
      }
    }
  }
  InferencePlan::Step planned;
  planned.op = step.op;
  planned.parameters = step.parameters;
  finish(step, std::move(planned), shape(step.inputs.front()));
}

void PlanBuilder::add_binary(const Step& step) {
  const Dims& a = shape(step.inputs[0]);
  const Dims& b = shape(step.inputs[1]);
  if (a != b) {
    throw ShapeError(
        concat(who(step), ": samples have shapes ", a, " and ", b, ", expected the same"));
  }
  finish(step, {}, a);
}

// The dimension of a sample that a step names by that of a batch.
std::size_t PlanBuilder::dimension(const Step& step, const Dims& shape) const {
  const auto dims = static_cast<std::int64_t>(shape.size()) + 1;
  const std::int64_t dim = step.dim < 0 ? step.dim + dims : step.dim;
  if (dim < 1 || dim >= dims) {
    throw ShapeError(concat(who(step), ": dimension ", step.dim,
                            " is none of the samples', of shape ", shape,
                            ", which are counted from 1 in a plan"));
  }
  return static_cast<std::size_t>(dim - 1);
}

void PlanBuilder::add_concatenate(const Step& step) {
  Dims result = shape(step.inputs.front());
  const std::size_t dim = dimension(step, result);
  result[dim] = 0;
  for (const ValueId input : step.inputs) {
    Dims own = shape(input);
    const bool same_rank = own.size() == result.size();
    if (same_rank) result[dim] += std::exchange(own[dim], result[dim] + own[dim]);
    if (!same_rank || own != result) {
      throw ShapeError(concat(who(step), ": samples have shapes ", shape(step.inputs.front()),
                              " and ", shape(input), ", expected the same but in dimension ",
                              step.dim));
    }
  }
  InferencePlan::Step planned;
  planned.outer = product(result, 0, dim);
  planned.inner = product(result, dim + 1, result.size());
  finish(step, std::move(planned), std::move(result));
}

void PlanBuilder::add_reshape(const Step& step) {
  const std::size_t x = values_[static_cast<std::size_t>(step.inputs.front())];
  Dims result = step.shape;
  const std::int64_t elements = plan_.values_[x].elements;
  if (!result.empty() && result[0] == -1) {
    result.erase(0);
  } else {
    result = {-1};  // refused below
  }
  if (std::ranges::count(result, -1) != 0 || element_count(result) != elements) {
    throw ShapeError(concat(who(step), ": samples have shape ", plan_.values_[x].shape,
                            ", the new shape is ", step.shape,
                            "; in a plan, -1 stands for the samples, as the "
                            "first size, and the others must have ",
                            elements, " elements"));
  }
  add_shared(step, std::move(result));
}

// The same memory under another shape.
void PlanBuilder::add_shared(const Step& step, Dims shape) {
  const std::size_t y = add_value(std::move(shape));
  memory_[y] = memory_[values_[static_cast<std::size_t>(step.inputs.front())]];
  values_[static_cast<std::size_t>(step.output)] = y;
}

void PlanBuilder::add_view(const Step& step) {
  const Dims& whole = shape(step.inputs.front());
  Dims batch{1};
  for (const std::int64_t size : whole) batch.push_back(size);
  // The samples' dimension stays by itself.
  static_cast<void>(dimension(step, whole));
  Dims result = step.kind == StepKind::flatten
                    ? flattened_shape(batch, step.dim, step.last, "Flatten")
                    : unflattened_shape(batch, step.dim, step.shape);
  result.erase(0);
  add_shared(step, std::move(result));
}

void PlanBuilder::add_softmax(const Step& step) {
  Dims result = shape(step.inputs.front());
  const std::size_t dim = dimension(step, result);
  InferencePlan::Step planned;
  planned.outer = product(result, 0, dim);
  planned.depth = result[dim];
  planned.inner = product(result, dim + 1, result.size());
  finish(step, std::move(planned), std::move(result));
}

void PlanBuilder::add_part(const Step& step) {
  Dims result = shape(step.inputs.front());
  const std::size_t dim = dimension(step, result);
  const std::int64_t size = result[dim];
  const std::int64_t start = step.start < 0 ? step.start + size : step.start;
  if (start < 0 || step.length < 0 || start > size - step.length) {
    throw ShapeError(concat(who(step), ": ", step.length, " position(s) from ", step.start,
                            " on are not in dimension ", step.dim, " of samples of shape ",
                            result));
  }
  InferencePlan::Step planned;
  planned.outer = product(result, 0, dim);
  planned.inner = product(result, dim + 1, result.size());
  planned.start = start * planned.inner;
  planned.width = size * planned.inner;         // of an outer row of the input
  planned.depth = step.length * planned.inner;  // likewise of the output
  if (step.kind == StepKind::select) {
    result.erase(dim);
  } else {
    result[dim] = step.length;
  }
  finish(step, std::move(planned), std::move(result));
}

InferencePlan PlanBuilder::build() {
  for (std::size_t i = 0; i < list_.steps().size(); ++i) {
    if (done_[i]) continue;
    try {
      add_step(i);
    } catch (Error& error) {
      // A step that was done together with this one has named itself.
      if (error.where().empty()) error.add_where(list_.steps()[i].path);
      throw;
    }
  }
  place_outputs();
  place_in_workspace();
  pack_weights();
  return std::move(plan_);
}

void PlanBuilder::pack_weights() {
  Backend& backend = first_.defined() ? first_.backend() : backend_for(kCpu);
  plan_.weights_ = std::make_shared<Storage>(weight_bytes_, backend);
  for (const Packed& each : packed_) {
    InferencePlan::Step& step = plan_.steps_[each.step];
    const Tensor weight = each.weight.contiguous();
    std::byte* const packed = at(plan_.weights_, each.offset);
    backend.pack_weight(plan_.dtype_, {weight.raw(), step.width, step.depth, step.depth}, packed);
    MatmulArgs& product = step.product;
    product.dtype = product.operand_dtype = plan_.dtype_;
    product.a = {nullptr, 0, step.depth, step.depth};
    product.b = {packed, step.width, step.depth, step.depth};
    product.c = {nullptr, 0, step.width, step.width};
    product.transpose_b = product.packed_b = true;
    if (each.bias.defined()) product.bias = at(plan_.weights_, each.bias_offset);
    if (step.outer == 1) {
      MatmulArgs row = product;
      row.a.rows = row.c.rows = 1;
      backend.prepare_row(row, step.row);
    }
  }
  plan_.all_rows_ = plan_.inputs_.size() == 1 && plan_.outputs_.size() == 1 &&
                    std::ranges::all_of(plan_.steps_, [](const InferencePlan::Step& step) {
                      return step.kind == StepKind::linear && step.row.run != nullptr;
                    });
  for (const Vector& each : vectors_) {
    const auto offset = static_cast<std::int64_t>(each.offset / size_of(plan_.dtype_));
    Tensor(plan_.weights_, plan_.dtype_, {each.values.numel()}, {1}, offset)
        .copy_(each.values.reshape({each.values.numel()}));
  }
  // Threads that run the plan give their work to the device in an order of their own.
  backend.synchronize();
}

InferencePlan compile(const Module& model, std::int64_t max_batch) {
  return PlanBuilder(model, {}, max_batch).build();
}

InferencePlan compile(const Module& model, std::span<const Dims> sample_shapes,
                      std::int64_t max_batch) {
  return PlanBuilder(model, sample_shapes, max_batch).build();
}

}  // namespace wick::nn
