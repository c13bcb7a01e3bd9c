// SPDX-License-Identifier: MIT
// A piece of a network: named parameters, named children, a forward and a backward pass.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/parameter.h"
#include "wick/core/state_dict.h"
#include "wick/nn/module_copier.h"
#include "wick/nn/no_grad.h"
#include "wick/nn/saved_tensor.h"
#include "wick/nn/steps.h"

namespace wick::nn {

class BatchNorm;
class FusibleActivation;
class FusibleProduct;

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
/// before has saved, and one backward() uses it up. A change of the mode, to(), load_state_dict()
/// and a forward() under a NoGradGuard drop it. So a gradient is always that of the last forward(),
/// or backward() throws. What it saves is not copied. Do not write to the input before backward():
/// backward() then throws ValueError, if the write went through a function of wick
/// (Storage::version()).
///
/// An error in a layer of a network has the layer's dotted name in front, below the module whose
/// forward() or backward() was called: "encoder.fc1: Linear(784, 32): ..." (Error::where()). For
/// that, a class of your own that runs its children by itself calls forward_child() and
/// backward_child().
///
/// A module can be moved; copies are made by clone(). A class of your own overrides type_name(),
/// forward() and backward(), and for more: copy() to be cloned, append_steps() to be compiled.
///
/// Thread safety: none; give each thread a module of its own.
class WICK_API Module {
 public:
  Module() = default;
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;
  virtual ~Module();

  /// PyTorch's class name: "Linear".
  [[nodiscard]] virtual std::string_view type_name() const noexcept = 0;
  /// How messages call it: "Linear(784, 32)". As it is written here, type_name().
  [[nodiscard]] virtual std::string description() const;
  /// PyTorch's: what stands in the brackets of print(layer), "in_features=784, out_features=32,
  /// bias=True"; numbers are Python's. As it is written here, nothing.
  [[nodiscard]] virtual std::string extra_repr() const { return {}; }

  [[nodiscard]] virtual Tensor forward(const Tensor& input) = 0;
  /// Takes the gradient of the loss by the last forward()'s output, adds to (or, after zero_grad(),
  /// sets) the gradients of the parameters, and returns the gradient by the input; an undefined
  /// tensor where `input_grad` is false, which saves the work. Throws ValueError that names the
  /// layer where there is nothing saved by a forward(); then nothing has changed. `grad_output` is
  /// only read. For frozen parameters (Parameter::requires_grad) there is no work.
  virtual Tensor backward(const Tensor& grad_output, bool input_grad = true) = 0;

  using NamedParameter = wick::NamedParameter;
  /// All parameters below this module, depth first, under PyTorch's dotted names; one that several
  /// modules share, once.
  [[nodiscard]] std::vector<NamedParameter> named_parameters() const;
  [[nodiscard]] std::vector<ParameterPtr> parameters() const;
  void zero_grad() const;
  /// Sets the flag of all parameters.
  void requires_grad_(bool requires_grad = true) const;

  using NamedBuffer = std::pair<std::string, BufferPtr>;
  /// Likewise all buffers, also those that are not saved.
  [[nodiscard]] std::vector<NamedBuffer> named_buffers() const;
  [[nodiscard]] std::vector<BufferPtr> buffers() const;

  using NamedModule = std::pair<std::string, Module*>;
  /// This module, under the name "", and all below it, parents first. One that a network uses twice
  /// (Graph::again()) appears once; its twins, which share() has made, are left out.
  [[nodiscard]] std::vector<NamedModule> named_modules();
  /// Calls `function` for all modules below, for each use of one (twins), and then for itself.
  void apply(const std::function<void(Module&)>& function);

  /// A copy with parameters, gradients and buffers of its own, in the same mode. Nothing is saved
  /// for its backward(). Not copied are what the parameters have beside value, gradient and
  /// requires_grad: their grad_ready_hook, and their place in a ParameterArena. Throws ValueError
  /// for a module whose class does not override copy().
  [[nodiscard]] std::unique_ptr<Module> clone() const;
  /// A module that has the parameters and buffers of this one and saves for backward() by itself:
  /// for a network in which it appears twice. Throws as clone() does.
  [[nodiscard]] std::unique_ptr<Module> share() const;
  /// What clone() and share() are made of: a module of the same class, made by a constructor that
  /// passes `copier` on to Module(other, copier) and gets the handles of its members from it.
  [[nodiscard]] virtual std::unique_ptr<Module> copy(ModuleCopier& copier) const;

  /// Appends what this module does to the value `x` of a list that describes a network, and returns
  /// the value of its output. As it is written here, the module is an opaque step, which containers
  /// run by forward() and backward() and which cannot be compiled.
  [[nodiscard]] virtual ValueId append_steps(StepList& steps, ValueId x) const;
  /// Describes this module as a whole network, with its inputs and outputs. As it is written here,
  /// there is one of each, with append_steps() in between.
  virtual void describe(StepList& steps) const;
  /// Whether append_steps() is all that this module does: see Composite.
  [[nodiscard]] virtual bool is_composite() const noexcept { return false; }
  /// What a layer offers for fusion; null where it is nothing.
  [[nodiscard]] virtual FusibleProduct* fusible_product() noexcept { return nullptr; }
  [[nodiscard]] virtual FusibleActivation* fusible_activation() noexcept { return nullptr; }

  /// This module, where it is one of torch's _BatchNorm classes, whose statistics update_bn() makes
  /// anew; else null.
  [[nodiscard]] virtual BatchNorm* batch_norm() noexcept { return nullptr; }

  /// Parameters and buffers under their dotted names, sharing their storage, with `_metadata`. With
  /// `keep_vars`, the parameters' tensors have their flag requires_grad, which files keep; else it
  /// is false, as in PyTorch.
  [[nodiscard]] StateDict state_dict(bool keep_vars = false) const;
  /// Copies the tensors of `state` into this module, converting dtype and device. Where names or
  /// shapes do not fit, a dtype is opaque, or complex for real numbers, throws StateDictError that
  /// lists every missing key, unexpected key, wrong shape and dtype, and changes nothing. With
  /// strict = false, missing and unexpected keys are only reported.
  LoadReport load_state_dict(const StateDict& state, bool strict = true);
  /// The same for a dict, such as load() gives, or a part of one: StateDict::from_value().
  LoadReport load_state_dict(const Value& state, bool strict = true) {
    return load_state_dict(StateDict::from_value(state), strict);
  }
  /// Freezes and unfreezes the parameters by the flags of the tensors in `state` with their names,
  /// such as those of a file that keeps Parameters.
  void load_requires_grad(const StateDict& state) const;
  /// PyTorch's `_version` of this class of modules, which its state has in `_metadata`.
  [[nodiscard]] virtual std::int64_t state_version() const noexcept { return 1; }
  /// Whether a state of this version of the class, or of an unknown one, may lack the parameter or
  /// buffer with that name, which then keeps its value.
  [[nodiscard]] virtual bool may_lack(std::string_view /*name*/,
                                      std::optional<std::int64_t> /*version*/) const {
    return false;
  }

  /// Training mode, here and in all children. New modules are in training mode. Where that changes
  /// the mode of any of them, what they have saved for backward() is dropped.
  void train(bool on = true);
  void eval() { train(false); }
  [[nodiscard]] bool is_training() const noexcept { return training_; }

  /// Whether backward() has what it needs: what the last forward() has saved, neither used up nor
  /// dropped. True of a module that saves nothing.
  [[nodiscard]] virtual bool is_ready_for_backward() const noexcept;
  /// Throws the ValueError of a backward() that is not ready.
  virtual void require_ready_for_backward() const;
  /// Throws ValueError where backward(..., input_grad) would read something that was overwritten
  /// since the last forward() has saved it. As it is written here, nothing is known of that.
  virtual void require_saved_intact(bool /*input_grad*/) const {}
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
  Module(Module&&) = default;
  Module& operator=(Module&&) = default;
  /// The names, handles, children and mode of another one: for the constructors of copies.
  Module(const Module& other, ModuleCopier& copier);

  // Names must be new, not empty, and without dots; else ValueError.

  ParameterPtr register_parameter(std::string name, Tensor value);
  /// One that another module has, too.
  ParameterPtr register_parameter(std::string name, ParameterPtr parameter);
  /// State that is not trained. It is saved unless `persistent` is false.
  BufferPtr register_buffer(std::string name, Tensor value, bool persistent = true);
  Module& register_child(std::string name, std::unique_ptr<Module> child);
  template <std::derived_from<Module> M>
  M& register_child(std::string name, std::unique_ptr<M> child) {
    M* const result = child.get();
    register_child(std::move(name), std::unique_ptr<Module>(std::move(child)));
    return *result;
  }
  /// One that is no child by name: a share() of a child, for its second appearance in a network.
  Module& register_twin(std::unique_ptr<Module> twin);
  [[nodiscard]] const std::vector<std::unique_ptr<Module>>& twins() const noexcept {
    return twins_;
  }

  /// child.forward() and child.backward(), whose errors get the child's name in front.
  [[nodiscard]] Tensor forward_child(Module& child, const Tensor& input) const;
  Tensor backward_child(Module& child, const Tensor& grad_output, bool input_grad = true) const;

  // What a layer checks first in forward(). An undefined input throws ValueError.

  /// For a layer with weights: throws DTypeError for an input of another dtype than `weight`'s, and
  /// DeviceError for one on another device.
  void require_input(const Tensor& input, const Tensor& weight) const;
  /// For a layer without: throws DTypeError for one that is neither float32 nor float64.
  void require_input(const Tensor& input) const;
  void require_defined(const Tensor& input) const;
  void require_same_device(const Tensor& input, const Tensor& weight) const;
  /// Throws ShapeError.
  void require_contiguous(const Tensor& input) const;

  // A module that saves something in forward() for backward() calls these.

  /// In forward(), once its input has been found right: what was saved before is void.
  void begin_forward() noexcept;
  /// At the end of forward(). Under a NoGradGuard, lets go of what was saved.
  void end_forward() noexcept;
  /// First in backward(): throws ValueError where it is not ready or what it needs was overwritten,
  /// ShapeError for a gradient that is not of the shape of the last output, and, unless `like` is
  /// null, DTypeError and DeviceError for one that is not of its dtype and on its device.
  void require_gradient(const Tensor& grad_output, const Dims& output_shape, bool input_grad = true,
                        const Tensor* like = nullptr) const;
  /// For require_saved_intact(): throws ValueError where `saved` was overwritten. `what` is
  /// "input", "output".
  void require_intact(const SavedTensor& saved, std::string_view what) const;
  /// In backward(), once its argument has been found right: what was saved is used up.
  void begin_backward() noexcept { saved_ = Saved::used; }
  /// Lets go of the tensors that were saved.
  virtual void release_saved() noexcept {}

 private:
  enum class Saved : std::uint8_t { nothing, ready, used, dropped, no_grad };
  struct OwnBuffer {
    std::string name;
    BufferPtr buffer;
    bool persistent;
  };
  // Here and in all modules below.
  void drop_saved();
  void set_training(bool on);
  [[nodiscard]] bool has_mode(bool training) const;
  void require_new_name(const std::string& name) const;
  [[nodiscard]] std::string_view name_of(const Module& child) const noexcept;
  template <typename Visitor>
  void visit(const std::string& prefix, Visitor&& visitor) const;
  template <typename Visitor>
  void visit_state(const std::string& prefix, Visitor&& visitor) const;
  void add_metadata(const std::string& prefix, Dict& metadata) const;
  // Twins too.
  template <typename Visitor>
  void visit_children(Visitor&& visitor) const;

  std::vector<NamedParameter> parameters_;
  std::vector<OwnBuffer> buffers_;
  std::vector<NamedChild> children_;
  std::vector<std::unique_ptr<Module>> twins_;
  bool training_ = true;
  Saved saved_ = Saved::nothing;
  std::uint64_t forward_count_ = 0;
  DType autocast_dtype_ = DType::float32;
};

/// str(module) of PyTorch, character for character: layers under their names, indented.
///
///   Sequential(
///     (fc1): Linear(in_features=784, out_features=32, bias=True)
///     (relu): ReLU()
///   )
[[nodiscard]] WICK_API std::string to_string(const Module& module);
WICK_API std::ostream& operator<<(std::ostream& out, const Module& module);

/// clone() with the class of the module.
template <std::derived_from<Module> M>
[[nodiscard]] std::unique_ptr<M> clone(const M& module) {
  // copy() makes a module of the same class.
  return std::unique_ptr<M>(static_cast<M*>(static_cast<const Module&>(module).clone().release()));
}

}  // namespace wick::nn
