// SPDX-License-Identifier: MIT
// Modules of a user's own, compiled without run-time type information.
#include "custom_modules.h"

#include <string_view>
#include <utility>

#include <wick/core/ops.h>
#include <wick/nn/composite.h>
#include <wick/nn/layers/activation.h>
#include <wick/nn/layers/linear.h>
#include <wick/nn/scratch.h>

#if defined(__GXX_RTTI)
#error "this file is to be compiled with -fno-rtti"
#endif

namespace {

namespace nn = wick::nn;

// y = x * x.
class Square final : public nn::Module {
 public:
  Square() = default;
  Square(const Square& other, nn::ModuleCopier& copier) : Module(other, copier) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Square"; }
  [[nodiscard]] std::unique_ptr<nn::Module> copy(nn::ModuleCopier& copier) const override {
    return std::make_unique<Square>(*this, copier);
  }
  [[nodiscard]] wick::Tensor forward(const wick::Tensor& input) override {
    begin_forward();
    input_ = input;
    const wick::Tensor& y = output_.like(input);
    wick::ops::multiply(input, input, y);
    end_forward();
    return y;
  }
  wick::Tensor backward(const wick::Tensor& grad_output, bool input_grad) override {
    require_ready_for_backward();
    begin_backward();
    if (!input_grad) return {};
    const wick::Tensor& grad = grad_.like(input_);
    wick::ops::multiply(grad_output, input_, grad);
    wick::ops::add(grad, grad, grad);
    return grad;
  }
  [[nodiscard]] nn::ValueId append_steps(nn::StepList& steps, nn::ValueId x) const override {
    return steps.multiply(x, x);
  }

 protected:
  void release_saved() noexcept override { input_ = wick::Tensor(); }

 private:
  wick::Tensor input_;
  nn::Scratch output_;
  nn::Scratch grad_;
};

// y = x + tanh(fc(x)).
class Block final : public nn::Composite {
 public:
  Block(std::int64_t size, wick::Generator& generator)
      : fc_(register_child("fc", std::make_unique<nn::Linear>(size, size, generator))),
        tanh_(register_child("tanh", std::make_unique<nn::Tanh>())) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Block"; }
  [[nodiscard]] nn::ValueId append_steps(nn::StepList& steps, nn::ValueId x) const override {
    return steps.add(x, steps.module("tanh", tanh_, steps.module("fc", fc_, x)));
  }

 private:
  nn::Linear& fc_;
  nn::Tanh& tanh_;
};

}  // namespace

std::unique_ptr<wick::nn::Module> make_square() {
  return std::make_unique<Square>();
}

std::unique_ptr<wick::nn::Module> make_block(std::int64_t size, wick::Generator& generator) {
  return std::make_unique<Block>(size, generator);
}
