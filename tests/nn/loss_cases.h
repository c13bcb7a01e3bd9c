// SPDX-License-Identifier: MIT
// All losses, one row each. What holds of every loss is tested over this table: its gradients,
// reductions, allocations and threads (loss_cases_test.cpp), on a device
// (tests/device/losses_test.cpp) and beside PyTorch (tests/interop/loss_parity.py). A new loss
// needs a row here and nothing else to be in all of these.
#pragma once

#include <algorithm>
#include <cmath>
#include <memory>
#include <ostream>
#include <utility>

#include "wick/core/random.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/losses/pointwise_loss.h"

namespace wick::testing {

/// Where the numbers of an input or a target lie.
enum class Range {
  any,          // normal
  unit,         // between 0 and 1
  positive,     // above 0
  logarithm,    // of a number between 0 and 1
  count,        // whole, from 0 on
  classes,      // int64, of the input's shape without its classes
  distribution  // above 0, and the classes add up to 1
};

/// What a loss is made with: a loss's weights are drawn from the generator.
struct LossContext {
  Generator& generator;
  nn::Reduction reduction = nn::Reduction::mean;
  DType dtype = DType::float32;
  Device device = kCpu;

  /// Weights of classes or columns.
  [[nodiscard]] Tensor weight(std::int64_t count) const {
    return Tensor::uniform({count}, 0.5, 2.5, generator, DType::float64).to(dtype).to(device);
  }
};

/// The last size of every input, or, of losses of classes, the second: weights have as many.
inline constexpr std::int64_t kLossClasses = 5;

struct LossRow {
  /// How PyTorch makes the same loss: an expression in torch.nn with the names `reduction`, `w` and
  /// `v`, where `w` is the first weight that the row draws and `v` the second.
  const char* torch;
  std::unique_ptr<nn::Loss> (*make)(const LossContext&);
  Range input = Range::any;
  Range target = Range::any;
  int weights = 0;  // that the row draws
  /// A variance is the third argument.
  bool variance = false;

  /// Whether the classes are the second dimension.
  [[nodiscard]] bool has_classes() const {
    return target == Range::classes || target == Range::distribution;
  }
};

inline void PrintTo(const LossRow& row, std::ostream* out) {
  *out << row.torch;
}

template <typename Loss>
std::unique_ptr<nn::Loss> make_loss(const LossContext& context) {
  return std::make_unique<Loss>(context.reduction);
}

inline const LossRow kLossCases[] = {
    {"L1Loss(reduction=reduction)", make_loss<nn::L1Loss>},
    {"MSELoss(reduction=reduction)", make_loss<nn::MSELoss>},
    {"SmoothL1Loss(reduction=reduction, beta=0.7)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::SmoothL1Loss>(c.reduction, 0.7);
     }},
    {"SmoothL1Loss(reduction=reduction, beta=0.0)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::SmoothL1Loss>(c.reduction, 0.0);
     }},
    {"HuberLoss(reduction=reduction, delta=0.6)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::HuberLoss>(c.reduction, 0.6);
     }},
    {"BCEWithLogitsLoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::BCEWithLogitsLoss>(
           nn::BCEWithLogitsLossOptions{.reduction = c.reduction});
     },
     Range::any, Range::unit},
    {"BCEWithLogitsLoss(weight=w, pos_weight=v, reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       nn::BCEWithLogitsLossOptions options;
       options.weight = c.weight(kLossClasses);
       options.pos_weight = c.weight(kLossClasses);
       options.reduction = c.reduction;
       return std::make_unique<nn::BCEWithLogitsLoss>(options);
     },
     Range::any, Range::unit, 2},
    {"BCELoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::BCELoss>(nn::BCELossOptions{.reduction = c.reduction});
     },
     Range::unit, Range::unit},
    {"BCELoss(weight=w, reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::BCELoss>(
           nn::BCELossOptions{.weight = c.weight(kLossClasses), .reduction = c.reduction});
     },
     Range::unit, Range::unit, 1},
    {"KLDivLoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::KLDivLoss>(nn::KLDivLossOptions{.reduction = c.reduction});
     },
     Range::logarithm, Range::unit},
    {"KLDivLoss(reduction=reduction, log_target=True)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::KLDivLoss>(
           nn::KLDivLossOptions{.reduction = c.reduction, .log_target = true});
     },
     Range::logarithm, Range::logarithm},
    {"PoissonNLLLoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::PoissonNLLLoss>(
           nn::PoissonNLLLossOptions{.reduction = c.reduction});
     },
     Range::any, Range::count},
    {"PoissonNLLLoss(log_input=False, full=True, eps=1e-3, reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::PoissonNLLLoss>(nn::PoissonNLLLossOptions{
           .log_input = false, .full = true, .eps = 1e-3, .reduction = c.reduction});
     },
     Range::positive, Range::count},
    {"GaussianNLLLoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::GaussianNLLLoss>(
           nn::GaussianNLLLossOptions{.reduction = c.reduction});
     },
     Range::any, Range::any, 0, true},
    {"GaussianNLLLoss(full=True, eps=0.5, reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::GaussianNLLLoss>(
           nn::GaussianNLLLossOptions{.full = true, .eps = 0.5, .reduction = c.reduction});
     },
     Range::any, Range::any, 0, true},
    {"CrossEntropyLoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::CrossEntropyLoss>(
           nn::CrossEntropyLossOptions{.reduction = c.reduction});
     },
     Range::any, Range::classes},
    {"CrossEntropyLoss(weight=w, ignore_index=1, label_smoothing=0.1, reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::CrossEntropyLoss>(
           nn::CrossEntropyLossOptions{.weight = c.weight(kLossClasses),
                                       .ignore_index = 1,
                                       .reduction = c.reduction,
                                       .label_smoothing = 0.1});
     },
     Range::any, Range::classes, 1},
    // With probabilities as targets.
    {"CrossEntropyLoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::CrossEntropyLoss>(
           nn::CrossEntropyLossOptions{.reduction = c.reduction});
     },
     Range::any, Range::distribution},
    {"CrossEntropyLoss(weight=w, label_smoothing=0.1, reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::CrossEntropyLoss>(nn::CrossEntropyLossOptions{
           .weight = c.weight(kLossClasses), .reduction = c.reduction, .label_smoothing = 0.1});
     },
     Range::any, Range::distribution, 1},
    {"NLLLoss(reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::NLLLoss>(nn::NLLLossOptions{.reduction = c.reduction});
     },
     Range::logarithm, Range::classes},
    {"NLLLoss(weight=w, ignore_index=1, reduction=reduction)",
     [](const LossContext& c) -> std::unique_ptr<nn::Loss> {
       return std::make_unique<nn::NLLLoss>(nn::NLLLossOptions{
           .weight = c.weight(kLossClasses), .ignore_index = 1, .reduction = c.reduction});
     },
     Range::logarithm, Range::classes, 1},
};

/// The shape of an input: `batch` and the classes, which of losses of classes are the second
/// dimension where there are others.
[[nodiscard]] inline Dims loss_input_shape(const LossRow& row, const Dims& batch) {
  Dims shape;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    if (i == 1 && row.has_classes()) shape.push_back(kLossClasses);
    shape.push_back(batch[i]);
  }
  if (!row.has_classes() || batch.size() < 2) shape.push_back(kLossClasses);
  return shape;
}

[[nodiscard]] inline Tensor loss_values(Range range, const Dims& shape, Generator& generator,
                                        DType dtype) {
  if (range == Range::any) {
    return Tensor::normal(shape, 0.0, 1.5, generator, DType::float64).to(dtype);
  }
  const Tensor x = Tensor::uniform(shape, 0.02, 0.98, generator, DType::float64);
  auto* const data = x.data<double>();
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    if (range == Range::positive) data[i] *= 4.0;
    if (range == Range::logarithm) data[i] = std::log(data[i]);
    if (range == Range::count) data[i] = std::floor(data[i] * 5.0);
  }
  return x.to(dtype);
}

/// A target for an input of that shape.
[[nodiscard]] inline Tensor loss_target(const LossRow& row, const Dims& shape, Generator& generator,
                                        DType dtype) {
  if (!row.has_classes()) return loss_values(row.target, shape, generator, dtype);
  Dims without;
  for (std::size_t i = 0; i < shape.size(); ++i) {
    if (i != 1 && shape.size() > 1) without.push_back(shape[i]);
  }
  const Tensor classes = Tensor::empty(without, DType::int64);
  for (std::int64_t i = 0; i < classes.numel(); ++i) {
    classes.data<std::int64_t>()[i] = generator.random() % kLossClasses;
  }
  if (row.target == Range::classes) return classes;
  const Tensor x = Tensor::uniform(shape, 0.02, 0.98, generator, DType::float64);
  const std::int64_t outer = shape.size() > 1 ? shape[0] : 1;
  const std::int64_t inner = x.numel() / std::max<std::int64_t>(outer * kLossClasses, 1);
  auto* const data = x.data<double>();
  for (std::int64_t o = 0; o < outer; ++o) {
    for (std::int64_t i = 0; i < inner; ++i) {
      double* const column = data + o * kLossClasses * inner + i;
      double sum = 0.0;
      for (std::int64_t c = 0; c < kLossClasses; ++c) sum += column[c * inner];
      for (std::int64_t c = 0; c < kLossClasses; ++c) column[c * inner] /= sum;
    }
  }
  return x.to(dtype);
}

/// A loss with what it is called with.
struct LossCall {
  nn::Loss* loss;
  bool variance;
  Tensor input;
  Tensor target;
  Tensor var;  // undefined for none

  [[nodiscard]] nn::GaussianNLLLoss& gaussian() const {
    return *static_cast<nn::GaussianNLLLoss*>(loss);
  }
  [[nodiscard]] Tensor forward() const {
    return variance ? gaussian().forward(input, target, var) : loss->forward(input, target);
  }
  /// `grad_output` is undefined but for Reduction::none.
  [[nodiscard]] Tensor backward(const Tensor& grad_output) const {
    return grad_output.defined() ? loss->backward(grad_output)
                                 : static_cast<const nn::Loss*>(loss)->backward();
  }
  [[nodiscard]] Tensor var_backward(const Tensor& grad_output) const {
    return grad_output.defined() ? gaussian().var_backward(grad_output) : gaussian().var_backward();
  }
};

[[nodiscard]] inline LossCall make_call(const LossRow& row, nn::Loss& loss, const Dims& batch,
                                        Generator& generator, DType dtype) {
  const Dims shape = loss_input_shape(row, batch);
  LossCall call{&loss,
                row.variance,
                loss_values(row.input, shape, generator, dtype),
                loss_target(row, shape, generator, dtype),
                {}};
  if (row.variance) call.var = loss_values(Range::positive, shape, generator, dtype);
  return call;
}

}  // namespace wick::testing
