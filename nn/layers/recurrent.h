// SPDX-License-Identifier: MIT
// Recurrent layers over whole sequences. PyTorch's names, arguments, default values and parameters.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/backend/recurrent.h"
#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/nn/module.h"
#include "wick/nn/saved_tensor.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

struct RecurrentPass;

/// The state of an RNN between two steps: h, and of the LSTM also c. An undefined tensor stands for
/// zeros.
struct RecurrentState {
  Tensor h{};
  Tensor c{};
};
/// torch's `output, h_n` and `output, (h_n, c_n)`.
struct RecurrentOutput {
  Tensor output;
  RecurrentState state;
};
/// The gradients by the input and by the initial state. `input` is undefined where it was not
/// wanted, and initial.c but for the LSTM.
struct RecurrentGradients {
  Tensor input;
  RecurrentState initial;
};

/// torch.nn.RNNBase: what RNN, LSTM and GRU have in common. With D = 2 directions where it is
/// bidirectional, else 1:
///
///   input    (T, N, input_size), or with batch_first (N, T, input_size); unbatched (T, input_size)
///   output   the same with D * hidden_size, the forward direction first
///   h, c     (num_layers * D, N, hidden_size), unbatched (num_layers * D, hidden_size); always in
///            this order
///
/// Parameters, of layer k: `weight_ih_l<k>` (gates * hidden_size, input_size, or D * hidden_size
/// from the second layer on), `weight_hh_l<k>` (gates * hidden_size, hidden_size), `bias_ih_l<k>`
/// and `bias_hh_l<k>` (gates * hidden_size); those of the other direction end in `_reverse`. All
/// are drawn from U(-1/sqrt(hidden_size), 1/sqrt(hidden_size)), as PyTorch draws them.
///
/// `lengths` says how many steps each sequence of the batch has, in any order: the results are
/// those of pack_padded_sequence and pad_packed_sequence with total_length = T. What lies beyond is
/// not read, outputs there are zeros, and the last state is that of each sequence's own end.
/// PyTorch draws no dropout for what lies beyond, so that masks differ with `lengths`.
///
/// In a Sequential, the layer gives `output` and begins with zeros. Graph::select() takes a step of
/// it. It cannot be compiled (nn::compile()); RecurrentStream runs one step at a time.
class WICK_API RNNBase : public Module {
 public:
  ~RNNBase() override;

  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string extra_repr() const override;

  [[nodiscard]] CellOp cell() const noexcept { return op_; }
  [[nodiscard]] std::int64_t input_size() const noexcept { return input_size_; }
  [[nodiscard]] std::int64_t hidden_size() const noexcept { return hidden_size_; }
  [[nodiscard]] std::int64_t num_layers() const noexcept { return num_layers_; }
  [[nodiscard]] bool bias() const noexcept { return bias_; }
  [[nodiscard]] bool batch_first() const noexcept { return batch_first_; }
  [[nodiscard]] double dropout() const noexcept { return dropout_; }
  [[nodiscard]] bool bidirectional() const noexcept { return bidirectional_; }
  /// Draws the masks of the dropout from this one from now on; it must live as long as the layer.
  void set_generator(Generator& generator) noexcept { generator_ = &generator; }

  /// Begins with zeros.
  [[nodiscard]] Tensor forward(const Tensor& input) override {
    return forward(input, RecurrentState{}).output;
  }
  /// Throws ShapeError for an input or a state that does not fit and for a sequence without steps,
  /// ValueError for lengths that are not as many as sequences, below 1 or above T. Then nothing has
  /// changed. `lengths` are in host memory.
  [[nodiscard]] RecurrentOutput forward(const Tensor& input, const RecurrentState& initial,
                                        std::span<const std::int64_t> lengths = {});

  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  /// Takes the gradients by the output and by the last state; undefined ones stand for zeros.
  RecurrentGradients backward(const Tensor& grad_output, const RecurrentState& grad_state,
                              bool input_grad = true);

  void require_saved_intact(bool input_grad) const override;

 protected:
  struct Options {
    std::int64_t num_layers;
    bool bias;
    bool batch_first;
    double dropout;
    bool bidirectional;
    DType dtype;
    Device device;
  };
  /// Draws from `generator`; with `keep`, masks of the dropout, too.
  RNNBase(std::string_view type_name, CellOp op, std::int64_t input_size, std::int64_t hidden_size,
          Generator& generator, bool keep, const Options& options);
  RNNBase(const RNNBase& other, ModuleCopier& copier);
  RNNBase(const RNNBase&) = delete;
  RNNBase& operator=(const RNNBase&) = delete;
  RNNBase(RNNBase&& other) noexcept;
  RNNBase& operator=(RNNBase&& other) noexcept;
  void release_saved() noexcept override;

 private:
  // The sizes of an input.
  struct Sizes {
    std::int64_t steps;
    std::int64_t rows;
    bool batched;
  };
  [[nodiscard]] std::int64_t directions() const noexcept { return bidirectional_ ? 2 : 1; }
  [[nodiscard]] RecurrentPass& pass(std::int64_t layer, std::int64_t direction) const;
  [[nodiscard]] const Tensor& weight() const;
  [[nodiscard]] Sizes check_input(const Tensor& input) const;
  [[nodiscard]] Dims state_shape(const Sizes& sizes) const;
  void check_state(const char* what, const Tensor& state, const Dims& shape) const;
  void check_lengths(std::span<const std::int64_t> lengths, const Sizes& sizes) const;
  [[nodiscard]] Tensor without_padding(const Tensor& input, std::span<const std::int64_t> lengths);
  // A state of all layers and directions as (L * D, N, hidden), copied or zeros.
  [[nodiscard]] Tensor gathered(const Tensor& state, const Sizes& sizes, Scratch& memory) const;
  [[nodiscard]] bool drops(std::int64_t layer) const;
  [[nodiscard]] Tensor drop(const Tensor& output, std::int64_t layer);
  [[nodiscard]] Tensor drop_gradient(const Tensor& grad, std::int64_t layer);
  void check_generator(Device device) const;

  std::string_view type_name_;
  CellOp op_;
  std::int64_t input_size_;
  std::int64_t hidden_size_;
  std::int64_t num_layers_;
  bool bias_;
  bool batch_first_;
  bool bidirectional_;
  double dropout_;
  Generator* generator_ = nullptr;                      // null: the default one
  std::vector<std::unique_ptr<RecurrentPass>> passes_;  // of each layer and direction

  // Of the last forward().
  SavedTensor input_;  // as (T, N, ...), or (N, T, ...)
  Sizes sizes_{};
  bool has_lengths_ = false;
  bool dropped_ = false;
  Dims output_shape_;
  struct Layer {
    Tensor input;  // of its passes
    Scratch output;
    Scratch mask;
    Scratch in_time;  // (T, N, ...) for the mask where batch_first
    Scratch grad_input;
  };
  std::vector<Layer> layers_;
  Scratch clean_;
  Scratch zero_;
  Scratch lengths_;
  Scratch h_0_, c_0_, h_n_, c_n_, grad_h_, grad_c_;
};

struct RNNOptions {
  std::int64_t num_layers = 1;
  std::string_view nonlinearity = "tanh";  // or "relu"
  bool bias = true;
  bool batch_first = false;
  double dropout = 0.0;  // of the outputs of all layers but the last, in training
  bool bidirectional = false;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.RNN (Elman 1990): h = tanh(x W_ihᵀ + b_ih + h W_hhᵀ + b_hh), or its ReLU.
class WICK_API RNN final : public RNNBase {
 public:
  /// Draws the initial weights from `generator`, and in training the masks of the dropout: where
  /// there is any, it must live as long as the layer. Throws ValueError for sizes and numbers of
  /// layers below 1, a dropout outside [0, 1] and another nonlinearity.
  RNN(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
      const RNNOptions& options = {});
  /// Draws from the default generator of the device.
  RNN(std::int64_t input_size, std::int64_t hidden_size, const RNNOptions& options = {});
  RNN(const RNN& other, ModuleCopier& copier) : RNNBase(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

struct LSTMOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0.0;
  bool bidirectional = false;
  std::int64_t proj_size = 0;  // there is nothing but 0
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.LSTM (Hochreiter and Schmidhuber 1997), with gates i, f, g, o.
class WICK_API LSTM final : public RNNBase {
 public:
  /// As RNN; ValueError for a proj_size.
  LSTM(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
       const LSTMOptions& options = {});
  LSTM(std::int64_t input_size, std::int64_t hidden_size, const LSTMOptions& options = {});
  LSTM(const LSTM& other, ModuleCopier& copier) : RNNBase(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

struct GRUOptions {
  std::int64_t num_layers = 1;
  bool bias = true;
  bool batch_first = false;
  double dropout = 0.0;
  bool bidirectional = false;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.GRU (Cho et al. 2014), with gates r, z, n.
class WICK_API GRU final : public RNNBase {
 public:
  /// As RNN.
  GRU(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
      const GRUOptions& options = {});
  GRU(std::int64_t input_size, std::int64_t hidden_size, const GRUOptions& options = {});
  GRU(const GRU& other, ModuleCopier& copier) : RNNBase(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

}  // namespace wick::nn
