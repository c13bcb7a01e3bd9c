// SPDX-License-Identifier: MIT
// A piece of a network: named parameters, named children, a forward and a backward pass.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/parameter.h"
#include "core/state_dict.h"

namespace wick::nn {

/// What load_state_dict did not find, or did not know.
struct LoadReport {
  std::vector<std::string> missing_keys;
  std::vector<std::string> unexpected_keys;
};

/// torch.nn.Module, with an explicit backward pass in place of autograd.
///
/// forward() and backward() return tensors that the module owns and overwrites at its next call of
/// the same function; clone() what must last. Once the sizes of the inputs have been seen, neither
/// allocates.
///
/// Thread safety: none; give each thread a module of its own.
class Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module() = default;

  /// PyTorch's class name: "Linear".
  [[nodiscard]] virtual std::string_view type_name() const noexcept = 0;

  [[nodiscard]] virtual Tensor forward(const Tensor& input) = 0;
  /// Takes the gradient of the loss by the last forward()'s output, adds to (or, after zero_grad(),
  /// sets) the gradients of the parameters, and returns the gradient by the input; an undefined
  /// tensor where `input_grad` is false, which saves the work. Throws ValueError where no forward()
  /// came before. `grad_output` may be overwritten.
  virtual Tensor backward(const Tensor& grad_output, bool input_grad = true) = 0;

  using NamedParameter = std::pair<std::string, ParameterPtr>;
  /// All parameters below this module, depth first, under PyTorch's dotted names.
  [[nodiscard]] std::vector<NamedParameter> named_parameters() const;
  [[nodiscard]] std::vector<ParameterPtr> parameters() const;
  void zero_grad() const;

  /// Parameters and buffers under their dotted names, sharing their storage, with `_metadata`.
  [[nodiscard]] StateDict state_dict() const;
  /// Copies the tensors of `state` into this module, converting dtype and device. Where names or
  /// shapes do not fit, a dtype is opaque, or complex for real numbers, throws StateDictError that
  /// lists every missing key, unexpected key, wrong shape and dtype, and changes nothing. With strict = false,
  /// missing and unexpected keys are only reported.
  LoadReport load_state_dict(const StateDict& state, bool strict = true);

  /// Training mode, here and in all children. New modules are in training mode.
  void train(bool on = true);
  void eval() { train(false); }
  [[nodiscard]] bool is_training() const noexcept { return training_; }

  /// torch.autocast for this module and all below it: with bfloat16, a Linear whose parameters are
  /// float32 rounds the operands of its products, forward and backward, to bfloat16; sums are
  /// float32. So are parameters and their gradients, and with them optimizers and checkpoints, and
  /// what comes in and goes out; between two layers of a Sequential, values are bfloat16. With
  /// float32, as new modules are, there is no rounding. Not part of the state dictionary. Throws
  /// DTypeError for other dtypes: float16 would need its losses scaled. Modules that are added
  /// later need a call of their own.
  void autocast(DType dtype);
  [[nodiscard]] DType autocast_dtype() const noexcept { return autocast_dtype_; }

  /// Moves or converts the parameters and buffers, in place. Optimizers made before notice.
  void to(Device device);
  void to(DType dtype);

  using NamedChild = std::pair<std::string, std::unique_ptr<Module>>;
  [[nodiscard]] const std::vector<NamedChild>& children() const noexcept { return children_; }

 protected:
  /// Names must be new, not empty, and without dots; else ValueError.
  ParameterPtr register_parameter(std::string name, Tensor value);
  /// State that is saved but not trained.
  void register_buffer(std::string name, Tensor value);
  Module& register_child(std::string name, std::unique_ptr<Module> child);

 private:
  void require_new_name(const std::string& name) const;
  template <typename Visitor>
  void visit(const std::string& prefix, Visitor&& visitor) const;

  std::vector<NamedParameter> parameters_;
  std::vector<std::pair<std::string, Tensor>> buffers_;
  std::vector<NamedChild> children_;
  bool training_ = true;
  DType autocast_dtype_ = DType::float32;
};

}  // namespace wick::nn
