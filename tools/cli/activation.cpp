// SPDX-License-Identifier: MIT
#include "tools/cli/activation.h"

#include <array>
#include <cmath>
#include <numbers>
#include <utility>

#include "core/error.h"
#include "nn/relu.h"

namespace wick::tools {
namespace {

constexpr std::array<std::pair<std::string_view, Activation>, 9> kNames = {{
    {"none", Activation::none},
    {"relu", Activation::relu},
    {"leaky_relu", Activation::leaky_relu},
    {"elu", Activation::elu},
    {"gelu", Activation::gelu},
    {"gelu_tanh", Activation::gelu_tanh},
    {"silu", Activation::silu},
    {"sigmoid", Activation::sigmoid},
    {"tanh", Activation::tanh},
}};

double sigmoid(double x) noexcept {
  return 1.0 / (1.0 + std::exp(-x));
}

// One element at a time on the CPU: predictions do not wait for it.
class ElementwiseActivation final : public nn::Module {
 public:
  explicit ElementwiseActivation(Activation activation) : activation_(activation) {}

  [[nodiscard]] std::string_view type_name() const noexcept override { return name(activation_); }

  [[nodiscard]] Tensor forward(const Tensor& input) override {
    Tensor values = input.to(kCpu).to(DType::float32).clone();
    auto* const data = values.data<float>();
    for (std::int64_t i = 0; i < values.numel(); ++i) {
      data[i] = static_cast<float>(activate(activation_, data[i]));
    }
    return values.to(input.device());
  }

  Tensor backward(const Tensor& /*grad_output*/, bool /*input_grad*/) override {
    throw ValueError(concat(type_name(), ": is for predictions alone and has no backward()"));
  }

 private:
  Activation activation_;
};

}  // namespace

Activation activation_from_name(std::string_view text) {
  for (const auto& [known, activation] : kNames) {
    if (known == text) return activation;
  }
  throw ValueError(concat("no activation is called '", text, "'; there are ", activation_names()));
}

std::string_view name(Activation activation) noexcept {
  for (const auto& [known, candidate] : kNames) {
    if (candidate == activation) return known;
  }
  return "unknown";
}

std::string activation_names() {
  std::string text;
  for (const auto& [known, activation] : kNames) {
    if (!text.empty()) text += ", ";
    text += known;
  }
  return text;
}

double activate(Activation activation, double x) noexcept {
  // Formulas of PyTorch's documentation; NaN passes through all of them.
  switch (activation) {
    case Activation::none: return x;
    case Activation::relu: return x < 0 ? 0 : x;
    case Activation::leaky_relu: return x < 0 ? 0.01 * x : x;
    case Activation::elu: return x < 0 ? std::expm1(x) : x;
    case Activation::gelu: return 0.5 * x * std::erfc(-x / std::numbers::sqrt2);
    case Activation::gelu_tanh: {
      const double inner = std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return x * sigmoid(2 * inner);  // 0.5 (1 + tanh(inner)), exact where it is nearly 0
    }
    case Activation::silu: return x * sigmoid(x);
    case Activation::sigmoid: return sigmoid(x);
    case Activation::tanh: return std::tanh(x);
  }
  return x;
}

void add_activation(nn::Sequential& model, std::string child, Activation activation) {
  if (activation == Activation::none) return;
  if (activation == Activation::relu) {
    model.add<nn::ReLU>(std::move(child));
  } else {
    model.add<ElementwiseActivation>(std::move(child), activation);
  }
}

}  // namespace wick::tools
