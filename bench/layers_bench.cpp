// SPDX-License-Identifier: MIT
// Times layers and losses, one after the other, as compare.py wants them. Reads lines
//
//   forward|backward|step|loss NAME SHAPE STEPS [ARGUMENT=VALUE ...]
//   copy ELEMENTS STEPS
//
// and answers each with microseconds for one of STEPS runs (of the thread's time where there is
// one): of forward() or backward() of a layer that make_module() makes of NAME and the arguments,
// of forward() of a loss, which computes its gradient, too, of a step of a recurrent layer's
// stream, or of copying float32. SHAPE is that of the input: 128x512. A line `names` is answered
// with the names of all layers and losses, `peak` with the float32 GFLOP/s of the machine at most.
//
//   layers_bench [THREADS]
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <iostream>
#include <memory>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bench/machine_peak.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/core/value.h"
#include "wick/kernels/devices.h"
#include "wick/nn/layers/recurrent.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/losses/pointwise_loss.h"
#include "wick/nn/make_module.h"
#include "wick/nn/recurrent_stream.h"

namespace wick {
namespace {

// Of this thread where it is the only one, which other processes disturb less, else of the wall.
double seconds_now() {
  timespec time{};
  clock_gettime(num_threads() == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double microseconds(double seconds, std::int64_t steps) {
  return 1e6 * seconds / static_cast<double>(steps);
}

template <typename Function>
double timed(std::int64_t steps, const Function& function) {
  const double start = seconds_now();
  for (std::int64_t i = 0; i < steps; ++i) function();
  return microseconds(seconds_now() - start, steps);
}

Dims read_shape(std::string_view text) {
  Dims shape;
  std::istringstream in{std::string(text)};
  std::string size;
  while (std::getline(in, size, 'x')) shape.push_back(std::stoll(size));
  return shape;
}

// 3, 0.5, 8x64 (a tuple), tanh.
Value read_value(const std::string& text) {
  if (text.find_first_not_of("0123456789.x-") != std::string::npos) return text;
  if (text.find('.') != std::string::npos) return std::stod(text);
  if (text.find('x') == std::string::npos) return std::int64_t{std::stoll(text)};
  Tuple sizes;
  for (const std::int64_t size : read_shape(text)) sizes.items.emplace_back(size);
  return sizes;
}

// A layer with its input and the gradient by its output.
class LayerCase {
 public:
  LayerCase(const std::string& name, const Dims& shape, const Dict& arguments)
      : layer_(nn::make_module(name, arguments, generator_)) {
    const bool looks_up = name == "Embedding";
    input_ = looks_up
                 ? Tensor::uniform(shape, 0.0,
                                   static_cast<double>(arguments.at("num_embeddings").as_int()),
                                   generator_)
                       .to(DType::int64)
                 : Tensor::normal(shape, 0.0, 1.0, generator_);
    grad_output_ = Tensor::normal(layer_->forward(input_).shape(), 0.0, 1.0, generator_);
    if (const auto* const recurrent = dynamic_cast<const nn::RNNBase*>(layer_.get())) {
      stream_.emplace(*recurrent);
      stream_->prepare();
    }
  }

  double step(std::int64_t steps) {
    if (!stream_) throw ValueError(concat(layer_->type_name(), " does not go step by step"));
    const std::span<const float> x(input_.data<float>(),
                                   static_cast<std::size_t>(stream_->input_size()));
    std::vector<float> y(static_cast<std::size_t>(stream_->output_size()));
    return timed(steps, [&] { stream_->step(x, std::span(y)); });
  }

  double forward(std::int64_t steps) {
    return timed(steps, [&] { static_cast<void>(layer_->forward(input_)); });
  }
  // Each needs a forward pass, whose time does not count.
  double backward(std::int64_t steps) {
    double time = 0.0;
    for (std::int64_t i = 0; i < steps; ++i) {
      static_cast<void>(layer_->forward(input_));
      layer_->zero_grad();
      const double start = seconds_now();
      layer_->backward(grad_output_);
      time += seconds_now() - start;
    }
    return microseconds(time, steps);
  }

 private:
  Generator generator_;
  std::unique_ptr<nn::Module> layer_;
  std::optional<nn::RecurrentStream> stream_;
  Tensor input_;
  Tensor grad_output_;
};

struct LossRow {
  std::string_view name;
  std::unique_ptr<nn::Loss> (*make)();
  bool of_classes = false;
  bool of_probabilities = false;  // an input from 0 to 1
};

template <typename Loss>
std::unique_ptr<nn::Loss> make() {
  return std::make_unique<Loss>();
}

constexpr LossRow kLosses[] = {
    {"BCELoss", make<nn::BCELoss>, false, true},
    {"BCEWithLogitsLoss", make<nn::BCEWithLogitsLoss>},
    {"CrossEntropyLoss", make<nn::CrossEntropyLoss>, true},
    {"GaussianNLLLoss", make<nn::GaussianNLLLoss>},
    {"HuberLoss", make<nn::HuberLoss>},
    {"KLDivLoss", make<nn::KLDivLoss>},
    {"L1Loss", make<nn::L1Loss>},
    {"MSELoss", make<nn::MSELoss>},
    {"NLLLoss", make<nn::NLLLoss>, true},
    {"PoissonNLLLoss", make<nn::PoissonNLLLoss>},
    {"SmoothL1Loss", make<nn::SmoothL1Loss>},
};

class LossCase {
 public:
  LossCase(const std::string& name, const Dims& shape) {
    const LossRow* row = nullptr;
    for (const LossRow& each : kLosses) {
      if (each.name == name) row = &each;
    }
    if (row == nullptr) throw ValueError(concat("there is no loss ", name));
    loss_ = row->make();
    input_ = row->of_probabilities ? Tensor::uniform(shape, 0.01, 0.99, generator_)
                                   : Tensor::normal(shape, 0.0, 1.0, generator_);
    target_ = row->of_classes
                  ? Tensor::uniform({shape[0]}, 0.0, static_cast<double>(shape[1]), generator_)
                        .to(DType::int64)
                  : Tensor::uniform(shape, 0.01, 0.99, generator_);
    gaussian_ = dynamic_cast<nn::GaussianNLLLoss*>(loss_.get());
    var_ = Tensor::uniform(shape, 1.0, 2.0, generator_);
  }

  double forward(std::int64_t steps) {
    return timed(steps, [&] {
      if (gaussian_ != nullptr) {
        static_cast<void>(gaussian_->forward(input_, target_, var_));
      } else {
        static_cast<void>(loss_->forward(input_, target_));
      }
    });
  }

 private:
  Generator generator_;
  std::unique_ptr<nn::Loss> loss_;
  nn::GaussianNLLLoss* gaussian_ = nullptr;
  Tensor input_;
  Tensor target_;
  Tensor var_;
};

double copy(std::size_t elements, std::int64_t steps) {
  static std::vector<float> from;
  static std::vector<float> to;
  from.resize(elements, 1.0F);
  to.resize(elements, 0.0F);
  return timed(steps, [&] {
    std::memcpy(to.data(), from.data(), elements * sizeof(float));
    asm volatile("" : : "r"(to.data()) : "memory");
  });
}

// What the lines ask for; the last layer or loss is kept.
class Server {
 public:
  std::string answer(const std::string& line) {
    std::istringstream in(line);
    std::string what;
    std::string name;
    in >> what;
    if (what == "names") return names();
    if (what == "peak") return std::to_string(bench::current_peak().gflops);
    std::int64_t steps = 0;
    if (what == "copy") {
      std::size_t elements = 0;
      if (!(in >> elements >> steps)) throw ValueError("copy ELEMENTS STEPS");
      return std::to_string(copy(elements, steps));
    }
    std::string shape;
    if (!(in >> name >> shape >> steps) || steps < 1) {
      throw ValueError("forward|backward|step|loss NAME SHAPE STEPS [ARGUMENT=VALUE ...]");
    }
    std::string rest;
    std::getline(in, rest);
    const std::string key = concat(what == "loss" ? what : "layer", ' ', name, ' ', shape, rest);
    if (key != key_) {
      layer_.reset();
      loss_.reset();
      key_.clear();
      if (what == "loss") {
        loss_ = std::make_unique<LossCase>(name, read_shape(shape));
      } else {
        layer_ = std::make_unique<LayerCase>(name, read_shape(shape), read_arguments(rest));
      }
      key_ = key;
    }
    if (what == "loss") return std::to_string(loss_->forward(steps));
    if (what == "forward") return std::to_string(layer_->forward(steps));
    if (what == "backward") return std::to_string(layer_->backward(steps));
    if (what == "step") return std::to_string(layer_->step(steps));
    throw ValueError(concat("there is no \"", what, '"'));
  }

 private:
  static std::string names() {
    std::string result;
    for (const std::string_view name : nn::module_names()) result += concat(name, ' ');
    for (const LossRow& row : kLosses) result += concat(row.name, ' ');
    return result;
  }
  static Dict read_arguments(const std::string& text) {
    Dict result;
    std::istringstream in(text);
    std::string argument;
    while (in >> argument) {
      const std::size_t at = argument.find('=');
      if (at == std::string::npos) throw ValueError(concat("no = in ", argument));
      result.set(argument.substr(0, at), read_value(argument.substr(at + 1)));
    }
    return result;
  }

  std::string key_;
  std::unique_ptr<LayerCase> layer_;
  std::unique_ptr<LossCase> loss_;
};

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  try {
    wick::set_num_threads(argc > 1 ? std::atoi(argv[1]) : 1);
    wick::Server server;
    std::string line;
    while (std::getline(std::cin, line)) std::cout << server.answer(line) << std::endl;
  } catch (const std::exception& error) {
    std::cerr << "layers_bench: " << error.what() << '\n';
    return 1;
  }
}
