// SPDX-License-Identifier: MIT
// A piece of a network: named parameters, named children, a forward and a backward pass.
#pragma once

#include <cstdint>
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
/// Each forward(), in evaluation mode too, saves what its backward() needs in place of what the one
/// before has saved, and one backward() uses it up. A change of the mode, to() and
/// load_state_dict() drop it. So a gradient is always that of the last forward(), or backward()
/// throws.
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
  /// tensor where `input_grad` is false, which saves the work. Throws ValueError that names the
  /// layer where there is nothing saved by a forward(); then nothing has changed. `grad_output` may
  /// be overwritten.
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
  /// lists every missing key, unexpected key, wrong shape and dtype, and changes nothing. With
  /// strict = false, missing and unexpected keys are only reported.
  LoadReport load_state_dict(const StateDict& state, bool strict = true);

  /// Training mode, here and in all children. New modules are in training mode. Where that changes
  /// the mode of any of them, what they have saved for backward() is dropped.
  void train(bool on = true);
  void eval() { train(false); }
  [[nodiscard]] bool is_training() const noexcept { return training_; }

  /// Whether backward() has what it needs: what the last forward() has saved, neither used up nor
  /// dropped. True of a module that saves nothing.
  [[nodiscard]] virtual bool is_ready_for_backward() const noexcept;
  /// Throws the ValueError of a backward() that is not ready. `path` is the module's name below the
  /// one whose backward() was called.
  virtual void require_ready_for_backward(const std::string& path = {}) const;
  /// How many forward passes have begun here; 0 for a module that saves nothing. It tells a
  /// container that somebody else has called its child meanwhile.
  [[nodiscard]] std::uint64_t forward_count() const noexcept { return forward_count_; }

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

  // A module that saves something in forward() for backward() calls these.

  /// In forward(), once its input has been found right: what was saved before is void.
  void begin_forward() noexcept;
  /// At the end of forward().
  void end_forward() noexcept { saved_ = Saved::ready; }
  /// In backward(), once its argument has been found right: what was saved is used up.
  void begin_backward() noexcept { saved_ = Saved::used; }
  /// Lets go of the tensors that were saved.
  virtual void release_saved() noexcept {}

 private:
  enum class Saved : std::uint8_t { nothing, ready, used, dropped };
  // Here and in all modules below.
  void drop_saved();
  void set_training(bool on);
  [[nodiscard]] bool has_mode(bool training) const;
  void require_new_name(const std::string& name) const;
  template <typename Visitor>
  void visit(const std::string& prefix, Visitor&& visitor) const;

  std::vector<NamedParameter> parameters_;
  std::vector<std::pair<std::string, Tensor>> buffers_;
  std::vector<NamedChild> children_;
  bool training_ = true;
  Saved saved_ = Saved::nothing;
  std::uint64_t forward_count_ = 0;
  DType autocast_dtype_ = DType::float32;
};

}  // namespace wick::nn
