// SPDX-License-Identifier: MIT
// One product for each layer and step: the weights of the input and of h stand side by side, and
// the layer's input and h lie one behind the other in memory.
#include "wick/nn/recurrent_stream.h"

#include <cstring>

#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

constexpr std::size_t kAlignment = 64;

std::size_t aligned(std::size_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Rows [first, last) of one parameter, to where `row` begins in the whole weight.
void place(const Tensor& part, std::int64_t first, std::int64_t last, const Tensor& whole,
           std::int64_t row, std::int64_t col) {
  whole.slice(0, row, row + last - first)
      .slice(1, col, col + part.size(1))
      .copy_(part.slice(0, first, last));
}

}  // namespace

RecurrentStream::RecurrentStream(const RNNBase& layer) {
  if (layer.bidirectional()) {
    throw ValueError(concat("RecurrentStream: ", layer.description(),
                            " is bidirectional: what it gives depends on steps to come; use a "
                            "layer of one direction"));
  }
  const auto parameters = layer.named_parameters();
  const Tensor& first = parameters.front().second->value;
  if (first.device() != kCpu) {
    throw DeviceError(concat("RecurrentStream: ", layer.description(), " is on ", first.device(),
                             "; a stream runs on the CPU, move the layer with to(kCpu)"));
  }
  auto weights = std::make_shared<Weights>();
  weights->who = concat("RecurrentStream of ", layer.description());
  weights->op = layer.cell();
  weights->dtype = first.dtype();
  weights->input_size = layer.input_size();
  weights->hidden = layer.hidden_size();
  const std::int64_t hidden = weights->hidden;
  const std::int64_t width = info_of(weights->op).slots * hidden;
  const std::int64_t joint = weights->op == CellOp::gru ? 2 * hidden : width;  // gates of one sum
  Backend& backend = first.backend();
  auto next = parameters.begin();
  for (std::int64_t i = 0; i < layer.num_layers(); ++i) {
    const Tensor& from_x = (next++)->second->value;
    const Tensor& from_h = (next++)->second->value;
    Layer made;
    made.depth = from_x.size(1) + hidden;
    const Tensor whole = Tensor::zeros({width, made.depth}, weights->dtype);
    place(from_x, 0, from_x.size(0), whole, 0, 0);
    place(from_h, 0, joint, whole, 0, from_x.size(1));
    if (joint < width) place(from_h, joint, from_h.size(0), whole, width - hidden, from_x.size(1));
    if (layer.bias()) {
      const Tensor& bias_x = (next++)->second->value;
      const Tensor& bias_h = (next++)->second->value;
      const Tensor sum = Tensor::zeros({width, 2}, weights->dtype);
      place(bias_x.unsqueeze(1), 0, bias_x.size(0), sum, 0, 0);
      place(bias_h.unsqueeze(1), 0, joint, sum, 0, 1);
      if (joint < width) {
        place(bias_h.unsqueeze(1), joint, bias_h.size(0), sum, width - hidden, 1);
      }
      made.bias = Tensor::empty({width}, weights->dtype);
      visit_arithmetic(weights->dtype, "RecurrentStream", [&]<typename T>(TypeTag<T>) {
        for (std::int64_t k = 0; k < width; ++k) {
          made.bias.data<T>()[k] = sum.data<T>()[2 * k] + sum.data<T>()[2 * k + 1];
        }
      });
    }
    made.packed = std::make_shared<Storage>(
        backend.packed_weight_bytes(weights->dtype, width, made.depth), backend);
    backend.pack_weight(weights->dtype, {whole.raw(), width, made.depth, made.depth},
                        made.packed->data());
    made.operand = weights->bytes;
    const std::size_t size = size_of(weights->dtype);
    weights->bytes += aligned(static_cast<std::size_t>(made.depth) * size);
    made.cell = weights->bytes;
    weights->bytes += aligned(static_cast<std::size_t>(hidden) * size);
    weights->layers.push_back(std::move(made));
  }
  weights->gates = weights->bytes;
  weights->bytes += aligned(static_cast<std::size_t>(width) * size_of(weights->dtype));
  weights_ = std::move(weights);
  memory_ = std::make_shared<Storage>(weights_->bytes, backend);
  reset();
}

RecurrentStream::RecurrentStream(const RecurrentStream& other)
    : weights_(other.weights_),
      memory_(std::make_shared<Storage>(other.weights_->bytes, other.memory_->backend())) {
  std::memcpy(memory(), other.memory(), weights_->bytes);
}

RecurrentStream& RecurrentStream::operator=(const RecurrentStream& other) {
  if (this != &other) *this = RecurrentStream(other);
  return *this;
}

std::byte* RecurrentStream::state_of(const Layer& layer) const noexcept {
  const auto inputs = static_cast<std::size_t>(layer.depth - weights_->hidden);
  return memory() + layer.operand + inputs * size_of(weights_->dtype);
}

void RecurrentStream::reset() {
  std::memset(memory(), 0, weights_->bytes);
}

void RecurrentStream::prepare() {
  const RecurrentStream kept(*this);
  const std::size_t size = size_of(dtype());
  std::vector<std::byte> input(static_cast<std::size_t>(input_size()) * size);
  std::vector<std::byte> output(static_cast<std::size_t>(output_size()) * size);
  // Other threads that may take part of a product have then most likely done one, too.
  constexpr int kRounds = 16;
  for (int i = 0; i < kRounds; ++i) run(input.data(), output.data());
  std::memcpy(memory(), kept.memory(), weights_->bytes);
}

void RecurrentStream::step_bytes(std::span<const std::byte> input, std::span<std::byte> output,
                                 DType dtype) {
  if (dtype != weights_->dtype) {
    throw DTypeError(concat(weights_->who, ": step() got ", dtype, ", weights are ",
                            weights_->dtype, "; convert the layer with to(DType) before"));
  }
  const std::size_t size = size_of(dtype);
  if (input.size() != static_cast<std::size_t>(input_size()) * size ||
      output.size() != static_cast<std::size_t>(output_size()) * size) {
    throw ShapeError(concat(weights_->who, ": a step takes ", input_size(), " numbers and gives ",
                            output_size(), ", got room for ", input.size() / size, " and ",
                            output.size() / size));
  }
  run(input.data(), output.data());
}

void RecurrentStream::run(const std::byte* input, std::byte* output) {
  Backend& backend = memory_->backend();
  const Weights& weights = *weights_;
  const std::int64_t hidden = weights.hidden;
  const std::int64_t width = info_of(weights.op).slots * hidden;
  const std::size_t size = size_of(weights.dtype);
  for (const Layer& layer : weights.layers) {
    std::byte* const operand = memory() + layer.operand;
    std::byte* const h = state_of(layer);
    std::byte* const gates = memory() + weights.gates;
    std::memcpy(operand, input, static_cast<std::size_t>(layer.depth - hidden) * size);
    MatmulArgs product{.dtype = weights.dtype, .operand_dtype = weights.dtype};
    product.a = {operand, 1, layer.depth, layer.depth};
    product.b = {layer.packed->data(), width, layer.depth, layer.depth};
    product.c = {gates, 1, width, width};
    product.transpose_b = product.packed_b = true;
    product.bias = layer.bias.defined() ? layer.bias.raw() : nullptr;
    backend.matmul(product);
    RecurrentArgs step{.op = weights.op, .dtype = weights.dtype};
    step.shape = {.steps = 1, .rows = 1, .hidden = hidden, .step_pitch = 1, .row_pitch = 1};
    step.gates = gates;
    step.h_0 = step.h_n = h;
    if (weights.op == CellOp::lstm) step.c_0 = step.c_n = memory() + layer.cell;
    backend.recurrent(step);
    input = h;
  }
  std::memcpy(output, input, static_cast<std::size_t>(hidden) * size);
}

RecurrentState RecurrentStream::state() const {
  const auto gather = [&](const auto& place_of) {
    Tensor all = Tensor::empty({num_layers(), weights_->hidden}, weights_->dtype);
    for (std::size_t i = 0; i < weights_->layers.size(); ++i) {
      const Tensor row = all[static_cast<std::int64_t>(i)];
      std::memcpy(row.raw(), place_of(weights_->layers[i]), row.nbytes());
    }
    return all;
  };
  RecurrentState result;
  result.h = gather([&](const Layer& layer) { return state_of(layer); });
  if (weights_->op == CellOp::lstm) {
    result.c = gather([&](const Layer& layer) { return memory() + layer.cell; });
  }
  return result;
}

void RecurrentStream::set_state(const RecurrentState& state) {
  const Dims shape{num_layers(), weights_->hidden};
  const auto check = [&](const char* what, const Tensor& tensor) {
    if (!tensor.defined()) return;
    if (tensor.shape() != shape) {
      throw ShapeError(
          concat(weights_->who, ": ", what, " must have shape ", shape, ", got ", tensor));
    }
    if (tensor.dtype() != weights_->dtype) {
      throw DTypeError(concat(weights_->who, ": ", what, " is ", tensor.dtype(), ", weights are ",
                              weights_->dtype, "; convert it with to(DType)"));
    }
    if (tensor.device() != kCpu) {
      throw DeviceError(
          concat(weights_->who, ": ", what, " is on ", tensor.device(), "; move it with to(kCpu)"));
    }
  };
  check("h", state.h);
  check("c", state.c);
  if (weights_->op != CellOp::lstm && state.c.defined()) {
    throw ValueError(concat(weights_->who, ": has no cell state; leave c undefined"));
  }
  const auto scatter = [&](const Tensor& from, std::size_t i, std::byte* to) {
    const std::size_t bytes = static_cast<std::size_t>(weights_->hidden) * size_of(dtype());
    if (!from.defined()) {
      std::memset(to, 0, bytes);
    } else {
      std::memcpy(to, from[static_cast<std::int64_t>(i)].contiguous().raw(), bytes);
    }
  };
  for (std::size_t i = 0; i < weights_->layers.size(); ++i) {
    const Layer& layer = weights_->layers[i];
    scatter(state.h, i, state_of(layer));
    if (weights_->op == CellOp::lstm) scatter(state.c, i, memory() + layer.cell);
  }
}

}  // namespace wick::nn
