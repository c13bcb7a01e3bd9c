// SPDX-License-Identifier: MIT
#include "nn/plan_builder.h"

#include <algorithm>
#include <utility>

#include "core/backend.h"
#include "core/backend/elementwise.h"
#include "core/backend/matrix.h"
#include "core/error.h"
#include "nn/fusion_rules.h"
#include "nn/layers/reshape.h"
#include "nn/plan_memory.h"

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
  use_counts_ = list_.use_counts();
  values_.resize(static_cast<std::size_t>(list_.value_count()), InferencePlan::kNone);
  done_.resize(list_.steps().size());
  find_kind();
  add_inputs(sample_shapes);
}

void PlanBuilder::find_kind() {
  for (const Step& step : list_.steps()) {
    if (step.weight == nullptr) continue;
    first_ = step.weight->value;
    first_name_ = who(step);
    plan_.dtype_ = first_.dtype();
    return;
  }
}

void PlanBuilder::add_inputs(std::span<const Dims> sample_shapes) {
  std::vector<Dims> shapes(sample_shapes.begin(), sample_shapes.end());
  if (shapes.empty()) {
    const auto linear = std::ranges::find(list_.steps(), StepKind::linear, &Step::kind);
    if (linear == list_.steps().end() || list_.inputs().size() != 1) {
      throw ValueError(concat("compile: the model has ",
                              linear == list_.steps().end() ? "no Linear" : "several inputs",
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
    case StepKind::opaque: break;
  }
  throw ValueError(concat("compile: ", step.path, " is a ", step.module->type_name(),
                          ", which does not describe itself; override append_steps()"));
}

void PlanBuilder::require_same_kind(const Step& step, const Tensor& tensor) const {
  if (&first_.backend() != &tensor.backend() || first_.dtype() != tensor.dtype()) {
    throw ValueError(concat("compile: ", who(step), " has a parameter ", tensor, " on ",
                            tensor.device(), ", the first layer ", first_, " on ", first_.device(),
                            "; convert the model with to()"));
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
    throw ShapeError(concat("compile: ", who(step), " takes ", planned.depth,
                            " features, but gets ", result.empty() ? 0 : result.back()));
  }
  result[result.size() - 1] = planned.width;
  planned.outer = product(result, 0, result.size() - 1);
  Packed packed{plan_.steps_.size(), weight, step.bias ? step.bias->value : Tensor()};
  // What is behind it, where nothing else uses what is in between.
  ValueId output = step.output;
  for (std::size_t j = only_user(output, i); j < done_.size() && !planned.relu;
       j = only_user(output, j)) {
    const Step& next = list_.steps()[j];
    if (!find_fusion_rule(FusedPass::plan, step, next)) break;
    if (next.kind == StepKind::norm) {
      if (result.size() != 1) break;  // its channels are not the features
      fold_norm(next, planned.width, packed);
    } else {
      planned.relu = true;
    }
    done_[j] = true;
    output = next.output;
  }
  planned.packed = weight_bytes_;
  weight_bytes_ +=
      aligned(first_.backend().packed_linear_bytes(plan_.dtype_, planned.width, planned.depth));
  if (packed.bias.defined()) {
    planned.bias = weight_bytes_;
    weight_bytes_ += aligned(packed.bias.nbytes());
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
      if (before.output == x && (before.relu || is_relu)) {
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
        concat("compile: ", who(step), ": ", to_string(step.kind), " of samples ", a, " and ", b));
  }
  finish(step, {}, a);
}

// The dimension of a sample that a step names by that of a batch.
std::size_t PlanBuilder::dimension(const Step& step, const Dims& shape) const {
  const auto dims = static_cast<std::int64_t>(shape.size()) + 1;
  const std::int64_t dim = step.dim < 0 ? step.dim + dims : step.dim;
  if (dim < 1 || dim >= dims) {
    throw ShapeError(concat("compile: ", who(step), ": ", to_string(step.kind), " along dimension ",
                            step.dim, " of samples ", shape,
                            "; it must be one of the samples' own, which are counted from 1"));
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
      throw ShapeError(concat("compile: ", who(step), ": concatenate of samples ",
                              shape(step.inputs.front()), " and ", shape(input),
                              " along dimension ", step.dim));
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
    throw ShapeError(concat("compile: ", who(step), ": reshape of samples ", plan_.values_[x].shape,
                            " to ", step.shape,
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
  Dims result = step.kind == StepKind::flatten ? flattened_shape(batch, step.dim, step.last)
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
    throw ShapeError(concat("compile: ", who(step), ": ", to_string(step.kind), " of ", step.length,
                            " from ", step.start, " on of dimension ", step.dim, " of samples ",
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
    if (!done_[i]) add_step(i);
  }
  place_outputs();
  place_in_workspace();
  pack_weights();
  return std::move(plan_);
}

// An output is written where the caller wants it, unless it is an input or an output already.
void PlanBuilder::place_outputs() {
  for (const ValueId id : list_.outputs()) {
    const std::size_t value = values_[static_cast<std::size_t>(id)];
    Value& owner = plan_.values_[memory_[value]];
    const std::size_t number = plan_.outputs_.size();
    if (owner.place == InferencePlan::Place::workspace) {
      owner.place = InferencePlan::Place::output;
      owner.offset = plan_.inputs_.size() + number;
      plan_.outputs_.push_back(value);
      continue;
    }
    InferencePlan::Step copy;
    copy.kind = StepKind::narrow;
    copy.inputs = {value};
    copy.width = copy.depth = plan_.values_[value].elements;
    copy.output = add_value(plan_.values_[value].shape);
    plan_.values_[copy.output].place = InferencePlan::Place::output;
    plan_.values_[copy.output].offset = plan_.inputs_.size() + number;
    plan_.outputs_.push_back(copy.output);
    plan_.steps_.push_back(std::move(copy));
  }
}

void PlanBuilder::place_in_workspace() {
  std::vector<std::size_t> last_use(plan_.values_.size(), 0);
  for (std::size_t i = 0; i < plan_.steps_.size(); ++i) {
    for (const std::size_t input : plan_.steps_[i].inputs) last_use[memory_[input]] = i;
  }
  PlanMemory memory;
  for (std::size_t i = 0; i < plan_.steps_.size(); ++i) {
    const InferencePlan::Step& step = plan_.steps_[i];
    Value& value = plan_.values_[step.output];
    if (value.place == InferencePlan::Place::workspace) {
      value.offset = memory.take(aligned(
          static_cast<std::size_t>(value.elements * plan_.max_batch_) * size_of(plan_.dtype_)));
      if (last_use[step.output] < i) last_use[step.output] = i;  // of no use at all
    }
    for (std::size_t each = 0; each < plan_.values_.size(); ++each) {
      const Value& other = plan_.values_[each];
      if (memory_[each] == each && other.place == InferencePlan::Place::workspace &&
          other.offset != InferencePlan::kNone && last_use[each] == i) {
        memory.give_back(other.offset);
      }
    }
  }
  plan_.workspace_bytes_ = memory.bytes();
  for (std::size_t each = 0; each < plan_.values_.size(); ++each) {
    const Value& owner = plan_.values_[memory_[each]];
    plan_.values_[each].place = owner.place;
    plan_.values_[each].offset = owner.offset;
  }
}

void PlanBuilder::pack_weights() {
  Backend& backend = first_.defined() ? first_.backend() : backend_for(kCpu);
  plan_.weights_ = std::make_shared<Storage>(weight_bytes_, backend);
  for (const Packed& each : packed_) {
    const InferencePlan::Step& step = plan_.steps_[each.step];
    const Tensor weight = each.weight.contiguous();
    backend.pack_linear(plan_.dtype_, {weight.raw(), step.width, step.depth, step.depth},
                        at(plan_.weights_, step.packed));
    if (!each.bias.defined()) continue;
    const auto offset = static_cast<std::int64_t>(step.bias / size_of(plan_.dtype_));
    Tensor(plan_.weights_, plan_.dtype_, {step.width}, {1}, offset).copy_(each.bias);
  }
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
