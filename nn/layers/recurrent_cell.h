// SPDX-License-Identifier: MIT
// One step of a recurrent layer. PyTorch's names, arguments, default values and parameters.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "wick/core/compiler.h"
#include "wick/core/random.h"
#include "wick/nn/layers/recurrent.h"
#include "wick/nn/module.h"
#include "wick/nn/saved_tensor.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// torch.nn.RNNCellBase: what RNNCell, LSTMCell and GRUCell have in common. An input is (N,
/// input_size) or (input_size), a state (N, hidden_size) or (hidden_size). Parameters are
/// `weight_ih` (gates * hidden_size, input_size), `weight_hh` (gates * hidden_size, hidden_size),
/// `bias_ih` and `bias_hh`, drawn as those of RNNBase.
///
/// backward() is that of the last forward(): one cell that is applied to several steps needs a
/// share() for each, or, better, is an RNN, LSTM or GRU.
class WICK_API RNNCellBase : public Module {
 public:
  ~RNNCellBase() override;

  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] std::string description() const override;
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::int64_t input_size() const noexcept { return input_size_; }
  [[nodiscard]] std::int64_t hidden_size() const noexcept { return hidden_size_; }

  /// The h after a step from a state of zeros.
  [[nodiscard]] Tensor forward(const Tensor& input) override {
    return forward(input, RecurrentState{}).h;
  }
  /// The state after a step. An undefined tensor stands for zeros. Throws ShapeError, DTypeError or
  /// DeviceError for an input or a state that does not fit; then nothing has changed.
  [[nodiscard]] RecurrentState forward(const Tensor& input, const RecurrentState& state);

  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;
  /// Takes the gradients by the state after the step; undefined ones stand for zeros.
  RecurrentGradients backward(const RecurrentState& grad_state, bool input_grad = true);

  void require_saved_intact(bool input_grad) const override;

 protected:
  RNNCellBase(std::string_view type_name, CellOp op, std::int64_t input_size,
              std::int64_t hidden_size, Generator& generator, bool bias, DType dtype,
              Device device);
  RNNCellBase(const RNNCellBase& other, ModuleCopier& copier);
  RNNCellBase(const RNNCellBase&) = delete;
  RNNCellBase& operator=(const RNNCellBase&) = delete;
  RNNCellBase(RNNCellBase&& other) noexcept;
  RNNCellBase& operator=(RNNCellBase&& other) noexcept;
  void release_saved() noexcept override;

 private:
  [[nodiscard]] const Tensor& weight() const;
  [[nodiscard]] Dims state_shape() const;
  void check_state(const char* what, const Tensor& state, const Dims& shape) const;
  [[nodiscard]] Tensor as_matrix(const Tensor& state, Scratch& memory) const;

  std::string_view type_name_;
  CellOp op_;
  std::int64_t input_size_;
  std::int64_t hidden_size_;
  std::unique_ptr<RecurrentPass> pass_;
  // Of the last forward().
  SavedTensor input_;
  Tensor sequence_;  // the input as one of a step
  std::int64_t rows_ = 0;
  bool batched_ = true;
  Scratch h_0_, c_0_, h_1_, c_1_, grad_h_, grad_c_, grad_input_;
};

struct RNNCellOptions {
  bool bias = true;
  std::string_view nonlinearity = "tanh";  // or "relu"
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.RNNCell.
class WICK_API RNNCell final : public RNNCellBase {
 public:
  /// Throws ValueError for a hidden_size below 1 and for another nonlinearity.
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
          const RNNCellOptions& options = {});
  /// Draws from the default generator of the device.
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, const RNNCellOptions& options = {});
  RNNCell(const RNNCell& other, ModuleCopier& copier) : RNNCellBase(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

struct CellOptions {
  bool bias = true;
  DType dtype = DType::float32;
  Device device = kCpu;
};

/// torch.nn.LSTMCell.
class WICK_API LSTMCell final : public RNNCellBase {
 public:
  /// Throws ValueError for a hidden_size below 1.
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
           const CellOptions& options = {});
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options = {});
  LSTMCell(const LSTMCell& other, ModuleCopier& copier) : RNNCellBase(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

/// torch.nn.GRUCell.
class WICK_API GRUCell final : public RNNCellBase {
 public:
  /// Throws ValueError for a hidden_size below 1.
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, Generator& generator,
          const CellOptions& options = {});
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options = {});
  GRUCell(const GRUCell& other, ModuleCopier& copier) : RNNCellBase(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
};

}  // namespace wick::nn
