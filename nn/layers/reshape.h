// SPDX-License-Identifier: MIT
// Layers that compute nothing: the output is the input's memory, under another shape or the same.
#pragma once

#include "wick/core/compiler.h"
#include "wick/nn/module.h"
#include "wick/nn/scratch.h"

namespace wick::nn {

/// torch.Tensor.unflatten: dimension `dim` as `sizes`, of which one may be -1. Throws
/// IndexError for a dimension that the shape does not have, and ShapeError for sizes that do not
/// make it up.
[[nodiscard]] WICK_API Dims unflattened_shape(const Dims& shape, std::int64_t dim,
                                              const Dims& sizes);

/// Views of any dtype; a tensor that is not contiguous is copied where its strides need it.
class WICK_API Reshape : public Module {
 public:
  [[nodiscard]] std::string_view type_name() const noexcept override { return type_name_; }
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

 protected:
  explicit Reshape(std::string_view type_name) noexcept : type_name_(type_name) {}
  Reshape(const Reshape& other, ModuleCopier& copier)
      : Module(other, copier), type_name_(other.type_name_) {}
  [[nodiscard]] virtual Dims output_shape(const Dims& input) const = 0;

 private:
  std::string_view type_name_;
  Dims input_shape_;
  Dims output_shape_;
  Scratch input_copy_;
  Scratch grad_copy_;
};

/// torch.nn.Identity.
class WICK_API Identity final : public Reshape {
 public:
  Identity() noexcept : Reshape("Identity") {}
  Identity(const Identity& other, ModuleCopier& copier) : Reshape(other, copier) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] ValueId append_steps(StepList& /*steps*/, ValueId x) const override { return x; }

 protected:
  [[nodiscard]] Dims output_shape(const Dims& input) const override { return input; }
};

/// torch.nn.Flatten.
class WICK_API Flatten final : public Reshape {
 public:
  explicit Flatten(std::int64_t start_dim = 1, std::int64_t end_dim = -1) noexcept
      : Reshape("Flatten"), start_dim_(start_dim), end_dim_(end_dim) {}
  Flatten(const Flatten& other, ModuleCopier& copier)
      : Reshape(other, copier), start_dim_(other.start_dim_), end_dim_(other.end_dim_) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.flatten(x, start_dim_, end_dim_);
  }

 protected:
  [[nodiscard]] Dims output_shape(const Dims& input) const override {
    // One number counts as a vector of one, as in PyTorch.
    return flattened_shape(input.empty() ? Dims{1} : input, start_dim_, end_dim_, "Flatten");
  }

 private:
  std::int64_t start_dim_;
  std::int64_t end_dim_;
};

/// torch.nn.Unflatten, without names of dimensions.
class WICK_API Unflatten final : public Reshape {
 public:
  Unflatten(std::int64_t dim, Dims unflattened_size)
      : Reshape("Unflatten"), dim_(dim), sizes_(std::move(unflattened_size)) {}
  Unflatten(const Unflatten& other, ModuleCopier& copier)
      : Reshape(other, copier), dim_(other.dim_), sizes_(other.sizes_) {}
  [[nodiscard]] std::string extra_repr() const override;
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;
  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override {
    return steps.unflatten(x, dim_, sizes_);
  }

 protected:
  [[nodiscard]] Dims output_shape(const Dims& input) const override {
    return unflattened_shape(input, dim_, sizes_);
  }

 private:
  std::int64_t dim_;
  Dims sizes_;
};

}  // namespace wick::nn
