// SPDX-License-Identifier: MIT
// Optimizers by PyTorch's names.
#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bindings/c/objects.h"
#include "bindings/c/options.h"
#include "wick/c/train.h"
#include "wick/optim/adagrad.h"
#include "wick/optim/adam.h"
#include "wick/optim/adamax.h"
#include "wick/optim/lbfgs.h"
#include "wick/optim/muon.h"
#include "wick/optim/nadam.h"
#include "wick/optim/radam.h"
#include "wick/optim/rmsprop.h"
#include "wick/optim/sgd.h"

namespace {

using namespace wick;
using namespace wick::c;

struct Row {
  const char* name;
  void (*make)(Options& options, std::vector<ParameterPtr> params, OptimizerEntry& object);
};

// The options of any of them, by the names of the structures' members, which are PyTorch's.
template <typename T>
T read(Options& options) {
  T o;
  options.number("lr", o.lr);
  if constexpr (requires { o.maximize; }) options.flag("maximize", o.maximize);
  if constexpr (requires { o.weight_decay; }) options.number("weight_decay", o.weight_decay);
  if constexpr (requires { o.beta1; }) {
    std::array<double, 2> betas = {o.beta1, o.beta2};
    options.numbers("betas", betas);
    o.beta1 = betas[0];
    o.beta2 = betas[1];
  }
  if constexpr (requires { o.eps; }) options.number("eps", o.eps);
  if constexpr (requires { o.momentum; }) options.number("momentum", o.momentum);
  if constexpr (requires { o.dampening; }) options.number("dampening", o.dampening);
  if constexpr (requires { o.nesterov; }) options.flag("nesterov", o.nesterov);
  if constexpr (requires { o.amsgrad; }) options.flag("amsgrad", o.amsgrad);
  if constexpr (requires { o.alpha; }) options.number("alpha", o.alpha);
  if constexpr (requires { o.centered; }) options.flag("centered", o.centered);
  if constexpr (requires { o.lr_decay; }) options.number("lr_decay", o.lr_decay);
  if constexpr (requires { o.initial_accumulator_value; }) {
    options.number("initial_accumulator_value", o.initial_accumulator_value);
  }
  if constexpr (requires { o.momentum_decay; }) options.number("momentum_decay", o.momentum_decay);
  if constexpr (requires { o.decoupled_weight_decay; }) {
    options.flag("decoupled_weight_decay", o.decoupled_weight_decay);
  }
  if constexpr (requires { o.ns_steps; }) {
    options.numbers("ns_coefficients", o.ns_coefficients);
    options.integer("ns_steps", o.ns_steps);
    options.optional_text("adjust_lr_fn", o.adjust_lr_fn);
  }
  if constexpr (requires { o.max_iter; }) {
    options.integer("max_iter", o.max_iter);
    options.optional_integer("max_eval", o.max_eval);
    options.number("tolerance_grad", o.tolerance_grad);
    options.number("tolerance_change", o.tolerance_change);
    options.integer("history_size", o.history_size);
    options.optional_text("line_search_fn", o.line_search_fn);
  }
  for (const char* const name : {"foreach", "fused", "capturable", "differentiable"}) {
    options.ignore(name);
  }
  options.require_all_taken();
  return o;
}

template <typename Optimizer, typename T>
void make(Options& options, std::vector<ParameterPtr> params, OptimizerEntry& object) {
  object.optimizer = std::make_unique<Optimizer>(std::move(params), read<T>(options));
}

// Sorted by name.
constexpr auto kRows = std::to_array<Row>({
    {"Adagrad", make<optim::Adagrad, optim::AdagradOptions>},
    {"Adam", make<optim::Adam, optim::AdamOptions>},
    {"AdamW", make<optim::AdamW, optim::AdamWOptions>},
    {"Adamax", make<optim::Adamax, optim::AdamaxOptions>},
    {"LBFGS",
     [](Options& options, std::vector<ParameterPtr> params, OptimizerEntry& object) {
       auto made =
           std::make_unique<optim::LBFGS>(std::move(params), read<optim::LBFGSOptions>(options));
       object.lbfgs = made.get();
       object.optimizer = std::move(made);
     }},
    {"Muon", make<optim::Muon, optim::MuonOptions>},
    {"NAdam", make<optim::NAdam, optim::NAdamOptions>},
    {"RAdam", make<optim::RAdam, optim::RAdamOptions>},
    {"RMSprop", make<optim::RMSprop, optim::RMSpropOptions>},
    {"SGD", make<optim::SGD, optim::SGDOptions>},
});

template <typename Work>
wick_status with_optimizer(const char* function, wick_optimizer* optimizer, Work&& work,
                           Use use = Use::exclusive) {
  return call(function,
              [&] { work(*Pinned<OptimizerEntry>(optimizer, "optimizer", use)->optimizer); });
}

}  // namespace

wick_status wick_optimizer_create(const char* name, wick_module* module, const char* arguments,
                                  wick_value* options, wick_optimizer** result) {
  return call(__func__, [&] {
    const Result<OptimizerEntry> to(result);
    const std::string_view wanted = require(name, "name");
    const Pinned<ModuleEntry> of(module, "module");
    const Dict given = merge_options(arguments, options);
    const auto* const row = std::ranges::find(kRows, wanted, &Row::name);
    if (row == kRows.end()) {
      std::string names;
      for (const Row& each : kRows) names += concat(names.empty() ? "" : ", ", each.name);
      throw ValueError(concat("there is no optimizer \"", wanted, "\"; there are ", names));
    }
    Options reader(row->name, given);
    auto object = std::make_unique<OptimizerEntry>();
    row->make(reader, of->module->parameters(), *object);
    to = std::move(object);
  });
}

const char* wick_optimizer_name(size_t index) {
  return index < kRows.size() ? kRows[index].name : nullptr;
}

wick_status wick_optimizer_zero_grad(wick_optimizer* optimizer) {
  return with_optimizer(
      __func__, optimizer, [](optim::Optimizer& o) { o.zero_grad(); }, Use::nested);
}

wick_status wick_optimizer_step(wick_optimizer* optimizer) {
  return call(__func__, [&] {
    const Pinned<OptimizerEntry> of(optimizer, "optimizer");
    if (of->lbfgs != nullptr) {
      throw ValueError("LBFGS needs a closure; call wick_optimizer_step_with()");
    }
    of->optimizer->step();
  });
}

wick_status wick_optimizer_step_with(wick_optimizer* optimizer, wick_closure closure, void* context,
                                     double* loss) {
  return call(__func__, [&] {
    require(closure, "closure");
    const Pinned<OptimizerEntry> of(optimizer, "optimizer");
    const auto evaluate = [&] {
      double value = 0.0;
      call_back("closure", [&] { return closure(context, &value); });
      return value;
    };
    double first = 0.0;
    if (of->lbfgs != nullptr) {
      first = of->lbfgs->step(evaluate);
    } else {
      first = evaluate();
      of->optimizer->step();
    }
    if (loss != nullptr) *loss = first;
  });
}

wick_status wick_optimizer_lr(wick_optimizer* optimizer, double* lr) {
  return with_optimizer(__func__, optimizer,
                        [&](optim::Optimizer& o) { *require(lr, "lr") = o.lr(); });
}

wick_status wick_optimizer_set_lr(wick_optimizer* optimizer, double lr) {
  return with_optimizer(__func__, optimizer, [&](optim::Optimizer& o) { o.set_lr(lr); });
}

wick_status wick_optimizer_state_dict(wick_optimizer* optimizer, wick_value** result) {
  return call(__func__, [&] {
    const Result<ValueEntry> to(result);
    put(to, Pinned<OptimizerEntry>(optimizer, "optimizer")->optimizer->state_dict());
  });
}

wick_status wick_optimizer_load_state_dict(wick_optimizer* optimizer, wick_value* state) {
  return with_optimizer(__func__, optimizer, [&](optim::Optimizer& o) {
    o.load_state_dict(Pinned<ValueEntry>(state, "state")->value);
  });
}
