// SPDX-License-Identifier: MIT
#include "nn/inference_plan.h"

#include <algorithm>
#include <string>
#include <utility>

#include "core/error.h"
#include "core/overlap.h"

namespace wick::nn {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// The Linear and ReLU modules of a model in the order of their work, with their names.
struct Layer {
  std::string name;
  const Linear* linear;  // null: a ReLU
};

void flatten(const Sequential& model, const std::string& prefix, std::vector<Layer>& layers) {
  for (const auto& [name, child] : model.children()) {
    if (const auto* const inner = dynamic_cast<const Sequential*>(child.get())) {
      flatten(*inner, prefix + name + ".", layers);
    } else if (const auto* const linear = dynamic_cast<const Linear*>(child.get())) {
      layers.push_back({prefix + name, linear});
    } else if (dynamic_cast<const ReLU*>(child.get()) != nullptr) {
      layers.push_back({prefix + name, nullptr});
    } else {
      throw ValueError(concat("compile: ", prefix, name, " is a ", child->type_name(),
                              "; a plan knows Linear, ReLU and Sequential"));
    }
  }
}

void require_same_kind(const std::string& name, const Tensor& first, const Tensor& other) {
  if (&first.backend() != &other.backend() || first.dtype() != other.dtype()) {
    throw ValueError(concat("compile: ", name, " has a parameter ", other, " on ", other.device(),
                            ", the first layer ", first, " on ", first.device(),
                            "; convert the model with to()"));
  }
}

std::byte* at(const std::shared_ptr<Storage>& storage, std::size_t offset) {
  return static_cast<std::byte*>(storage->data()) + offset;
}

}  // namespace

InferencePlan compile(const Sequential& model, std::int64_t max_batch) {
  if (max_batch < 1) throw ValueError(concat("compile: max_batch ", max_batch, " is less than 1"));
  std::vector<Layer> layers;
  flatten(model, "", layers);
  const auto first =
      std::ranges::find_if(layers, [](const Layer& layer) { return layer.linear != nullptr; });
  if (first == layers.end()) throw ValueError("compile: the model has no Linear");
  const Tensor& first_weight = first->linear->weight()->value;
  Backend& backend = first_weight.backend();

  InferencePlan plan;
  plan.dtype_ = first_weight.dtype();
  plan.max_batch_ = max_batch;
  plan.in_features_ = first->linear->in_features();
  std::int64_t width = plan.in_features_;
  std::size_t bytes = 0;
  for (const Layer& layer : layers) {
    if (layer.linear == nullptr) {
      if (!plan.steps_.empty()) {
        plan.steps_.back().relu = true;  // twice is as good as once
      } else {
        plan.steps_.push_back({width, width, InferencePlan::kNone, InferencePlan::kNone, true});
      }
      continue;
    }
    const Linear& linear = *layer.linear;
    require_same_kind(layer.name, first_weight, linear.weight()->value);
    if (linear.in_features() != width) {
      throw ShapeError(concat("compile: ", layer.name, " takes ", linear.in_features(),
                              " features, but gets ", width));
    }
    width = linear.out_features();
    InferencePlan::Step step{linear.in_features(), width, bytes, InferencePlan::kNone, false};
    bytes += aligned(backend.packed_linear_bytes(plan.dtype_, width, step.inputs));
    if (linear.bias()) {
      require_same_kind(layer.name, first_weight, linear.bias()->value);
      step.bias = bytes;
      bytes += aligned(linear.bias()->value.nbytes());
    }
    plan.steps_.push_back(step);
  }
  plan.out_features_ = width;

  plan.weights_ = std::make_shared<Storage>(bytes, backend);
  auto step = plan.steps_.begin();
  for (const Layer& layer : layers) {
    if (layer.linear == nullptr) continue;
    while (step->packed == InferencePlan::kNone) ++step;
    const Tensor weight = layer.linear->weight()->value.contiguous();
    backend.pack_linear(plan.dtype_, {weight.raw(), step->outputs, step->inputs, step->inputs},
                        at(plan.weights_, step->packed));
    if (step->bias != InferencePlan::kNone) {
      const auto offset = static_cast<std::int64_t>(step->bias / size_of(plan.dtype_));
      Tensor(plan.weights_, plan.dtype_, {step->outputs}, {1}, offset)
          .copy_(layer.linear->bias()->value);
    }
    ++step;
  }
  for (std::size_t i = 0; i + 1 < plan.steps_.size(); ++i) {
    const auto values = static_cast<std::size_t>(max_batch * plan.steps_[i].outputs);
    plan.half_workspace_ = std::max(plan.half_workspace_, aligned(values * size_of(plan.dtype_)));
  }
  return plan;
}

InferencePlan::Workspace InferencePlan::make_workspace() const {
  return Workspace(std::make_shared<Storage>(2 * half_workspace_, weights_->backend()));
}

MatrixRef InferencePlan::checked(const char* what, const Tensor& tensor, std::int64_t cols) const {
  if (tensor.dim() != 2 || tensor.shape()[1] != cols || tensor.shape()[0] > max_batch_) {
    throw ShapeError(concat("InferencePlan: the ", what, " must have shape (N, ", cols,
                            ") with N at most ", max_batch_, ", got ", tensor));
  }
  if (tensor.dtype() != dtype_) {
    throw DTypeError(concat("InferencePlan: the ", what, " must be ", dtype_, ", got ", tensor));
  }
  if (&tensor.backend() != &weights_->backend()) {
    throw DeviceError(concat("InferencePlan: the ", what, " ", tensor, " is not on ", device(),
                             ", where the plan is"));
  }
  if (cols > 1 && tensor.strides()[1] != 1) {
    throw ShapeError(concat("InferencePlan: the columns of the ", what, " ", tensor,
                            " with strides ", tensor.strides(),
                            " are not contiguous; use contiguous()"));
  }
  const std::int64_t rows = tensor.shape()[0];
  return {tensor.raw(), rows, cols, rows > 1 ? tensor.strides()[0] : cols};
}

void InferencePlan::run(const Tensor& input, const Tensor& output, Workspace& workspace) const {
  ConstMatrixRef x = checked("input", input, in_features_);
  const MatrixRef last = checked("output", output, out_features_);
  if (x.rows != last.rows) {
    throw ShapeError(concat("InferencePlan: input ", input, " and output ", output,
                            " must have equally many rows"));
  }
  require_no_internal_overlap("InferencePlan", output);
  require_no_overlap("InferencePlan", output, input);
  Backend& backend = weights_->backend();
  const std::shared_ptr<Storage>& memory = workspace.memory_;
  if (memory == nullptr || &memory->backend() != &backend ||
      memory->bytes() < 2 * half_workspace_) {
    throw ValueError("InferencePlan: the workspace is another plan's; use make_workspace()");
  }
  for (std::size_t i = 0; i < steps_.size(); ++i) {
    const Step& step = steps_[i];
    MatrixRef y = last;
    if (i + 1 < steps_.size()) {
      y = {at(memory, i % 2 * half_workspace_), x.rows, step.outputs, step.outputs};
    }
    if (step.packed == kNone) {
      const std::size_t size = size_of(dtype_);
      for (std::int64_t r = 0; r < x.rows; ++r) {  // the rows of the input may be apart
        backend.relu(
            dtype_,
            static_cast<const std::byte*>(x.data) + static_cast<std::size_t>(r * x.stride) * size,
            static_cast<std::byte*>(y.data) + static_cast<std::size_t>(r * y.stride) * size,
            x.cols);
      }
    } else {
      backend.packed_linear({.dtype = dtype_,
                             .x = x,
                             .packed = at(weights_, step.packed),
                             .y = y,
                             .bias = step.bias == kNone ? nullptr : at(weights_, step.bias),
                             .relu = step.relu});
    }
    x = y;
  }
}

}  // namespace wick::nn
