// SPDX-License-Identifier: MIT
// Losses by PyTorch's names.
#include <algorithm>
#include <array>
#include <memory>
#include <string>
#include <string_view>

#include "bindings/c/objects.h"
#include "bindings/c/options.h"
#include "wick/c/train.h"
#include "wick/nn/losses/cross_entropy_loss.h"
#include "wick/nn/losses/pointwise_loss.h"

namespace {

using namespace wick;
using namespace wick::c;

struct Row {
  const char* name;
  void (*make)(Options& options, LossEntry& object);
};

nn::Reduction reduction_of(Options& options) {
  std::string name = "mean";
  options.text("reduction", name);
  if (name == "mean") return nn::Reduction::mean;
  if (name == "sum") return nn::Reduction::sum;
  if (name == "none") return nn::Reduction::none;
  if (name == "batchmean") return nn::Reduction::batchmean;
  throw ValueError(concat("there is no reduction '", name,
                          "'; there are 'mean', 'sum', 'none', and 'batchmean' of KLDivLoss"));
}

// What the options structures have in common, by the names of their members.
template <typename T>
T read(Options& options) {
  T o;
  o.reduction = reduction_of(options);
  if constexpr (requires { o.weight; }) options.tensor("weight", o.weight);
  if constexpr (requires { o.pos_weight; }) options.tensor("pos_weight", o.pos_weight);
  if constexpr (requires { o.ignore_index; }) options.integer("ignore_index", o.ignore_index);
  if constexpr (requires { o.label_smoothing; }) {
    options.number("label_smoothing", o.label_smoothing);
  }
  if constexpr (requires { o.log_target; }) options.flag("log_target", o.log_target);
  if constexpr (requires { o.log_input; }) options.flag("log_input", o.log_input);
  if constexpr (requires { o.full; }) options.flag("full", o.full);
  if constexpr (requires { o.eps; }) options.number("eps", o.eps);
  options.require_all_taken();
  return o;
}

template <typename Loss, typename T>
void with_options(Options& options, LossEntry& object) {
  object.loss = std::make_unique<Loss>(read<T>(options));
}

template <typename Loss>
void plain(Options& options, LossEntry& object) {
  const nn::Reduction reduction = reduction_of(options);
  options.require_all_taken();
  object.loss = std::make_unique<Loss>(reduction);
}

template <typename Loss>
void with_number(Options& options, LossEntry& object, std::string_view name) {
  const nn::Reduction reduction = reduction_of(options);
  double number = 1.0;
  options.number(name, number);
  options.require_all_taken();
  object.loss = std::make_unique<Loss>(reduction, number);
}

// Sorted by name.
constexpr auto kRows = std::to_array<Row>({
    {"BCELoss", with_options<nn::BCELoss, nn::BCELossOptions>},
    {"BCEWithLogitsLoss", with_options<nn::BCEWithLogitsLoss, nn::BCEWithLogitsLossOptions>},
    {"CrossEntropyLoss", with_options<nn::CrossEntropyLoss, nn::CrossEntropyLossOptions>},
    {"GaussianNLLLoss",
     [](Options& options, LossEntry& object) {
       auto loss = std::make_unique<nn::GaussianNLLLoss>(read<nn::GaussianNLLLossOptions>(options));
       object.with_variance = loss.get();
       object.loss = std::move(loss);
     }},
    {"HuberLoss", [](Options& options,
                     LossEntry& object) { with_number<nn::HuberLoss>(options, object, "delta"); }},
    {"KLDivLoss", with_options<nn::KLDivLoss, nn::KLDivLossOptions>},
    {"L1Loss", plain<nn::L1Loss>},
    {"MSELoss", plain<nn::MSELoss>},
    {"NLLLoss", with_options<nn::NLLLoss, nn::NLLLossOptions>},
    {"PoissonNLLLoss", with_options<nn::PoissonNLLLoss, nn::PoissonNLLLossOptions>},
    {"SmoothL1Loss",
     [](Options& options, LossEntry& object) {
       with_number<nn::SmoothL1Loss>(options, object, "beta");
     }},
});

}  // namespace

wick_status wick_loss_create(const char* name, const char* arguments, wick_value* options,
                             wick_loss** result) {
  return call(__func__, [&] {
    const Result<LossEntry> to(result);
    const std::string_view wanted = require(name, "name");
    const Dict given = merge_options(arguments, options);
    const auto* const row = std::ranges::find(kRows, wanted, &Row::name);
    if (row == kRows.end()) {
      std::string names;
      for (const Row& each : kRows) names += concat(names.empty() ? "" : ", ", each.name);
      throw ValueError(concat("there is no loss \"", wanted, "\"; there are ", names));
    }
    Options reader(row->name, given);
    auto object = std::make_unique<LossEntry>();
    row->make(reader, *object);
    to = std::move(object);
  });
}

const char* wick_loss_name(size_t index) {
  return index < kRows.size() ? kRows[index].name : nullptr;
}

wick_status wick_loss_forward(wick_loss* loss, wick_tensor* input, wick_tensor* target,
                              wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    const Pinned<LossEntry> of(loss, "loss");
    const Pinned<TensorEntry> x(input, "input");
    put(to, of->loss->forward(x->tensor, Pinned<TensorEntry>(target, "target")->tensor));
  });
}

wick_status wick_loss_forward_with_variance(wick_loss* loss, wick_tensor* input,
                                            wick_tensor* target, wick_tensor* variance,
                                            wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    const Pinned<LossEntry> of(loss, "loss");
    if (of->with_variance == nullptr) {
      throw ValueError(concat(of->loss->type_name(),
                              " takes no variance, as GaussianNLLLoss does; call "
                              "wick_loss_forward()"));
    }
    const Pinned<TensorEntry> x(input, "input");
    const Pinned<TensorEntry> t(target, "target");
    put(to, of->with_variance->forward(x->tensor, t->tensor,
                                       Pinned<TensorEntry>(variance, "variance")->tensor));
  });
}

wick_status wick_loss_backward(wick_loss* loss, wick_tensor* grad_output, wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    const Pinned<LossEntry> of(loss, "loss");
    if (grad_output == nullptr) {
      put(to, of->loss->backward());
    } else {
      put(to, of->loss->backward(Pinned<TensorEntry>(grad_output, "grad_output")->tensor));
    }
  });
}
