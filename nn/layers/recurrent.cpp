// SPDX-License-Identifier: MIT
#include "wick/nn/layers/recurrent.h"

#include <cmath>
#include <utility>

#include "nn/recurrent_pass.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

CellOp rnn_cell(std::string_view nonlinearity) {
  if (nonlinearity == "tanh") return CellOp::rnn_tanh;
  if (nonlinearity == "relu") return CellOp::rnn_relu;
  throw ValueError(
      concat("RNN: unknown nonlinearity \"", nonlinearity, "\"; there are \"tanh\" and \"relu\""));
}

LSTMOptions without_projection(const LSTMOptions& options) {
  if (options.proj_size != 0) {
    throw ValueError(
        concat("LSTM: there is no projection of the hidden state; proj_size must be 0, "
               "got ",
               options.proj_size));
  }
  return options;
}

}  // namespace

// -- Construction ---------------------------------------------------------------------------------

RNNBase::RNNBase(std::string_view type_name, CellOp op, std::int64_t input_size,
                 std::int64_t hidden_size, Generator& generator, bool keep, const Options& options)
    : type_name_(type_name),
      op_(op),
      input_size_(input_size),
      hidden_size_(hidden_size),
      num_layers_(options.num_layers),
      bias_(options.bias),
      batch_first_(options.batch_first),
      bidirectional_(options.bidirectional),
      dropout_(options.dropout) {
  if (input_size < 0 || hidden_size < 1 || num_layers_ < 1) {
    throw ValueError(concat(type_name,
                            ": hidden_size and num_layers must be at least 1, and "
                            "input_size must not be negative, got input_size ",
                            input_size, ", hidden_size ", hidden_size, ", num_layers ",
                            num_layers_));
  }
  if (!(dropout_ >= 0.0 && dropout_ <= 1.0)) {
    throw ValueError(
        concat(type_name, ": the probability dropout must be between 0 and 1, got ", dropout_));
  }
  if (keep && dropout_ > 0.0) generator_ = &generator;
  const double bound = 1.0 / std::sqrt(static_cast<double>(hidden_size));
  const std::int64_t rows = info_of(op).gates * hidden_size;
  layers_.resize(static_cast<std::size_t>(num_layers_));
  for (std::int64_t layer = 0; layer < num_layers_; ++layer) {
    const std::int64_t inputs = layer == 0 ? input_size : directions() * hidden_size;
    for (std::int64_t direction = 0; direction < directions(); ++direction) {
      auto pass = std::make_unique<RecurrentPass>();
      pass->op = op;
      pass->batch_first = batch_first_;
      pass->reverse = direction == 1;
      const std::string end = concat("_l", layer, direction == 1 ? "_reverse" : "");
      const auto add = [&](const char* name, const Dims& shape) {
        const Tensor value = Tensor::empty(shape, options.dtype, options.device);
        value.uniform_(-bound, bound, generator);
        return register_parameter(name + end, value);
      };
      pass->weight_ih = add("weight_ih", {rows, inputs});
      pass->weight_hh = add("weight_hh", {rows, hidden_size});
      if (bias_) {
        pass->bias_ih = add("bias_ih", {rows});
        pass->bias_hh = add("bias_hh", {rows});
      }
      passes_.push_back(std::move(pass));
    }
  }
}

RNNBase::RNNBase(const RNNBase& other, ModuleCopier& copier)
    : Module(other, copier),
      type_name_(other.type_name_),
      op_(other.op_),
      input_size_(other.input_size_),
      hidden_size_(other.hidden_size_),
      num_layers_(other.num_layers_),
      bias_(other.bias_),
      batch_first_(other.batch_first_),
      bidirectional_(other.bidirectional_),
      dropout_(other.dropout_),
      generator_(other.generator_),
      layers_(other.layers_.size()) {
  for (const auto& pass : other.passes_) {
    passes_.push_back(std::make_unique<RecurrentPass>(*pass, copier));
  }
}

RNNBase::RNNBase(RNNBase&& other) noexcept = default;
RNNBase& RNNBase::operator=(RNNBase&& other) noexcept = default;
RNNBase::~RNNBase() = default;

RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
         const RNNOptions& o)
    : RNNBase(
          "RNN", rnn_cell(o.nonlinearity), input_size, hidden_size, generator, true,
          {o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, o.dtype, o.device}) {}
RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& o)
    : RNNBase(
          "RNN", rnn_cell(o.nonlinearity), input_size, hidden_size, default_generator(o.device),
          false,
          {o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, o.dtype, o.device}) {}

LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
           const LSTMOptions& o)
    : RNNBase("LSTM", CellOp::lstm, input_size, hidden_size, generator, true,
              {without_projection(o).num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional,
               o.dtype, o.device}) {}
LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, const LSTMOptions& o)
    : RNNBase("LSTM", CellOp::lstm, input_size, hidden_size, default_generator(o.device), false,
              {without_projection(o).num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional,
               o.dtype, o.device}) {}

GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
         const GRUOptions& o)
    : RNNBase(
          "GRU", CellOp::gru, input_size, hidden_size, generator, true,
          {o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, o.dtype, o.device}) {}
GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, const GRUOptions& o)
    : RNNBase(
          "GRU", CellOp::gru, input_size, hidden_size, default_generator(o.device), false,
          {o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional, o.dtype, o.device}) {}

std::unique_ptr<Module> RNN::copy(ModuleCopier& copier) const {
  return std::make_unique<RNN>(*this, copier);
}
std::unique_ptr<Module> LSTM::copy(ModuleCopier& copier) const {
  return std::make_unique<LSTM>(*this, copier);
}
std::unique_ptr<Module> GRU::copy(ModuleCopier& copier) const {
  return std::make_unique<GRU>(*this, copier);
}

std::string RNNBase::description() const {
  return concat(type_name_, '(', input_size_, ", ", hidden_size_, ')');
}

std::string RNNBase::extra_repr() const {
  std::string text = concat(input_size_, ", ", hidden_size_);
  if (num_layers_ != 1) text += concat(", num_layers=", num_layers_);
  if (!bias_) text += ", bias=False";
  if (batch_first_) text += ", batch_first=True";
  if (dropout_ != 0.0) text += concat(", dropout=", python_repr(dropout_));
  if (bidirectional_) text += ", bidirectional=True";
  return text;
}

RecurrentPass& RNNBase::pass(std::int64_t layer, std::int64_t direction) const {
  return *passes_[static_cast<std::size_t>(layer * directions() + direction)];
}

const Tensor& RNNBase::weight() const {
  return passes_.front()->weight_ih->value;
}

// -- Checks ---------------------------------------------------------------------------------------

RNNBase::Sizes RNNBase::check_input(const Tensor& input) const {
  require_input(input, weight());
  if (input.dim() != 2 && input.dim() != 3) {
    throw ShapeError(concat(description(), ": expected an input of 2 dimensions (steps, ",
                            input_size_, ") or of 3 with a batch, got ", input));
  }
  if (input.size(-1) != input_size_) {
    throw ShapeError(concat(description(), ": input has ", input.size(-1), " features, expected ",
                            input_size_, ", the last size of its shape ", input.shape()));
  }
  Sizes sizes{input.size(0), 1, input.dim() == 3};
  if (sizes.batched) sizes.rows = input.size(1);
  if (sizes.batched && batch_first_) std::swap(sizes.steps, sizes.rows);
  if (sizes.steps == 0) {
    throw ShapeError(concat(description(), ": the sequences of the input ", input.shape(),
                            " have no steps; they need at least one"));
  }
  return sizes;
}

Dims RNNBase::state_shape(const Sizes& sizes) const {
  const std::int64_t count = num_layers_ * directions();
  return sizes.batched ? Dims{count, sizes.rows, hidden_size_} : Dims{count, hidden_size_};
}

void RNNBase::check_state(const char* what, const Tensor& state, const Dims& shape) const {
  if (!state.defined()) return;
  if (state.shape() != shape) {
    throw ShapeError(
        concat(description(), ": ", what, " must have shape ", shape, ", got ", state));
  }
  if (state.dtype() != weight().dtype()) {
    throw DTypeError(concat(description(), ": ", what, " is ", state.dtype(), ", weights are ",
                            weight().dtype(), "; use to(DType::", weight().dtype(), ")"));
  }
  require_same_device(state, weight());
}

void RNNBase::check_lengths(std::span<const std::int64_t> lengths, const Sizes& sizes) const {
  if (lengths.empty()) return;
  if (static_cast<std::int64_t>(lengths.size()) != sizes.rows) {
    throw ValueError(concat(description(), ": there are ", lengths.size(), " lengths for ",
                            sizes.rows, " sequences; give each its own"));
  }
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] < 1 || lengths[i] > sizes.steps) {
      throw ValueError(concat(description(), ": the length ", lengths[i], " of sequence ", i,
                              " must be between 1 and the steps of the input, ", sizes.steps));
    }
  }
}

}  // namespace wick::nn
