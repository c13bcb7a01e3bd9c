// SPDX-License-Identifier: MIT
#include "tools/cli/activation.h"

#include <array>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tools/cli/names.h"
#include "wick/core/error.h"
#include "wick/nn/layers/activation.h"

namespace wick::tools {
namespace {

struct Row {
  std::string_view name;
  std::unique_ptr<nn::Module> (*make)();  // null: no layer
};

template <typename Layer>
std::unique_ptr<nn::Module> make() {
  return std::make_unique<Layer>();
}

constexpr std::array kRows = {
    Row{"none", nullptr},
    Row{"relu", make<nn::ReLU>},
    Row{"relu6", make<nn::ReLU6>},
    Row{"leaky_relu", make<nn::LeakyReLU>},
    Row{"elu", make<nn::ELU>},
    Row{"selu", make<nn::SELU>},
    Row{"celu", make<nn::CELU>},
    Row{"gelu", make<nn::GELU>},
    Row{"gelu_tanh",
        []() -> std::unique_ptr<nn::Module> { return std::make_unique<nn::GELU>("tanh"); }},
    Row{"silu", make<nn::SiLU>},
    Row{"mish", make<nn::Mish>},
    Row{"sigmoid", make<nn::Sigmoid>},
    Row{"log_sigmoid", make<nn::LogSigmoid>},
    Row{"tanh", make<nn::Tanh>},
    Row{"hardtanh", make<nn::Hardtanh>},
    Row{"hardsigmoid", make<nn::Hardsigmoid>},
    Row{"hardswish", make<nn::Hardswish>},
    Row{"softplus", make<nn::Softplus>},
    Row{"softsign", make<nn::Softsign>},
};

}  // namespace

Activation Activation::from_name(std::string_view text) {
  for (std::size_t row = 0; row < kRows.size(); ++row) {
    if (kRows[row].name == text) return Activation(row);
  }
  std::vector<std::string> all;
  for (const Row& row : kRows) all.emplace_back(row.name);
  throw ValueError(
      concat("no activation is called '", text, "'; there are ", names(), did_you_mean(text, all)));
}

std::string Activation::names() {
  std::string text;
  for (const Row& row : kRows) {
    if (!text.empty()) text += ", ";
    text += row.name;
  }
  return text;
}

std::string_view Activation::name() const noexcept {
  return kRows[row_].name;
}

void Activation::add_to(nn::Sequential& model, std::string child) const {
  if (kRows[row_].make != nullptr) model.append(std::move(child), kRows[row_].make());
}

}  // namespace wick::tools
