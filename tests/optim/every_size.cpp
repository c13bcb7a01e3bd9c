// SPDX-License-Identifier: MIT
#include "tests/optim/every_size.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <fstream>
#include <initializer_list>
#include <memory>

#include <nlohmann/json.hpp>

#include "kernels/negligible.h"
#include "tests/fixture_file.h"
#include "wick/core/error.h"
#include "wick/core/parameter.h"
#include "wick/optim/adam.h"
#include "wick/optim/sgd.h"

namespace wick::testing {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kElements = 8;
constexpr std::uint64_t kVanishAt = 40;  // steps
constexpr std::uint64_t kReturnAt = 340;

std::uint64_t mixed(std::initializer_list<std::uint64_t> numbers) {
  std::uint64_t z = 0;
  for (const std::uint64_t number : numbers) {
    z += number * 0x9E3779B97F4A7C15 + 0x632BE59BD9B4E019;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    z ^= z >> 31;
  }
  return z;
}

double scaled(std::uint64_t bits, int exponent) {
  const double value = std::ldexp(1.0 + static_cast<double>(bits >> 8 & 0xFF) / 256.0, exponent);
  return (bits >> 16 & 1) != 0 ? -value : value;
}

double gradient(std::uint64_t seed, std::uint64_t c, std::uint64_t step, std::uint64_t j) {
  int size = static_cast<int>(mixed({seed, c, j, step >= kReturnAt ? 1U : 0U}) % 276) - 149;
  const std::uint64_t bits = mixed({seed, c, j, step + 2});
  size = std::clamp(size + static_cast<int>(bits % 9) - 4, -149, 126);
  if (step >= kVanishAt && step < kReturnAt) {
    if (j % 2 == 0) return 0.0;
    size -= static_cast<int>(step - kVanishAt);
    if (size < -149) return 0.0;
  }
  return scaled(bits, size);
}

double start(std::uint64_t seed, std::uint64_t c, std::uint64_t j) {
  const std::uint64_t bits = mixed({seed, c, j});
  return (bits & 1) != 0 ? 0.0 : scaled(bits, static_cast<int>(bits / 2 % 34) - 30);
}

// A number, or "inf", "-inf" or "nan".
double number(const Json& json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

template <typename Class, typename Options>
std::unique_ptr<optim::Optimizer> make_adam(const ParameterPtr& param, const Json& options) {
  Options o;
  o.lr = options.at("lr");
  o.beta1 = options.at("betas").at(0);
  o.beta2 = options.at("betas").at(1);
  o.eps = options.at("eps");
  o.weight_decay = options.at("weight_decay");
  o.amsgrad = options.at("amsgrad");
  o.maximize = options.at("maximize");
  return std::make_unique<Class>(std::vector<ParameterPtr>{param}, o);
}

std::unique_ptr<optim::Optimizer> make(const std::string& name, const ParameterPtr& param,
                                       const Json& options) {
  if (name == "Adam") return make_adam<optim::Adam, optim::AdamOptions>(param, options);
  if (name == "AdamW") return make_adam<optim::AdamW, optim::AdamWOptions>(param, options);
  optim::SGDOptions o;
  o.lr = options.at("lr");
  o.momentum = options.at("momentum");
  o.dampening = options.value("dampening", 0.0);
  o.weight_decay = options.value("weight_decay", 0.0);
  o.nesterov = options.at("nesterov");
  o.maximize = options.at("maximize");
  return std::make_unique<optim::SGD>(std::vector<ParameterPtr>{param}, o);
}

bool agree(double got, double want, double allowed) {
  if (std::isnan(want)) return std::isnan(got);
  if (std::isinf(want)) return got == want;
  return std::abs(got - want) <= allowed;
}

// Of the state, a mean that is negligible may be zero; what the parameters become shows whether it
// was. `left_out`: what a mean may lack of steps before.
bool state_agrees(double got, double want, double left_out) {
  constexpr double kSomeSubnormals = 0x1p-144;
  return (got == 0.0 && std::isfinite(want)) ||
         agree(got, want, 1e-3 * std::abs(want) + left_out + kSomeSubnormals);
}

// Calls agrees(got, want, j) for each element.
template <typename Agrees>
void compare(const Tensor& tensor, const Json& want, const std::string& where,
             std::vector<std::string>& found, const Agrees& agrees) {
  const std::vector<float> values = tensor.to(kCpu).to_vector<float>();
  for (std::size_t j = 0; j < values.size(); ++j) {
    const auto got = static_cast<double>(values[j]);
    const double expected = number(want.at(j));
    if (agrees(got, expected, j)) continue;
    found.push_back(concat(where, "[", j, "] is ", got, ", PyTorch's ", expected));
  }
}

// What the means may lack of earlier steps: of gradients, as a part of the parameter; of squares.
struct LeftOut {
  double mean = 0.0;
  double square = 0.0;
};

LeftOut left_out(const std::string& name, const Json& options) {
  const double lr = options.at("lr");
  double weight = 0.0;
  double keep = 0.0;
  LeftOut result;
  if (name == "SGD") {
    keep = options.at("momentum");
    weight = mean_weight(lr, 1.0, keep);
  } else {
    keep = options.at("betas").at(0);
    const double eps = options.at("eps");
    const double beta2 = options.at("betas").at(1);
    weight = mean_weight(lr, eps, keep);
    result.square = static_cast<double>(negligible_square<float>(eps, beta2)) / (1.0 - beta2);
  }
  if (!std::isnan(weight)) result.mean = 0x1p-23 / weight / (1.0 - keep);
  return result;
}

void run(std::uint64_t seed, std::uint64_t c, const Json& entry, Device device,
         std::vector<std::string>& found) {
  std::vector<float> values(static_cast<std::size_t>(kElements));
  for (std::uint64_t j = 0; j < values.size(); ++j)
    values[j] = static_cast<float>(start(seed, c, j));
  const ParameterPtr param = make_parameter(Tensor::from(values, {kElements}).to(device));
  const std::string name = entry.at("class");
  const Json& options = entry.at("options");
  const auto optimizer = make(name, param, options);
  std::uint64_t step = 0;
  for (const Json& result : entry.at("results")) {
    for (; step < result.at("step").get<std::uint64_t>(); ++step) {
      for (std::uint64_t j = 0; j < values.size(); ++j) {
        values[j] = static_cast<float>(gradient(seed, c, step, j));
      }
      param->grad.copy_(Tensor::from(values, {kElements}));
      param->has_grad = true;
      optimizer->step();
    }
    const std::string where =
        concat("case ", c, " (", name, " ", options.dump(), "), step ", step, ": ");
    compare(param->value, result.at("param"), where + "param", found,
            [&](double got, double expected, std::size_t j) {
              return agree(got, expected, number(result.at("allowed").at(j)));
            });
    const Value state = optimizer->state_dict().at("state");
    const LeftOut less = left_out(name, options);
    for (const auto& [key, want] : result.at("state").items()) {
      const bool square = key.ends_with("sq");
      compare(state.at(0).at(key).as_tensor(), want, where + key, found,
              [&](double got, double expected, std::size_t j) {
                const double size = std::abs(number(result.at("param").at(j)));
                const double lacks = square                ? less.square
                                     : std::isfinite(size) ? less.mean * size
                                                           : 0.0;
                return state_agrees(got, expected, lacks);
              });
    }
  }
}

}  // namespace

std::vector<std::string> differences_at_every_size(Device device) {
  std::ifstream file(fixture_file("optim/every_size.json"));
  const Json all = Json::parse(file);
  std::vector<std::string> found;
  std::uint64_t c = 0;
  for (const Json& entry : all.at("cases")) run(all.at("seed"), c++, entry, device, found);
  return found;
}

}  // namespace wick::testing
