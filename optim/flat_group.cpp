// SPDX-License-Identifier: MIT
#include "optim/flat_group.h"

#include <algorithm>
#include <utility>

#include "optim/update_rule.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

void require_arithmetic(const Tensor& value) {
  if (value.dtype() == DType::float32 || value.dtype() == DType::float64) return;
  throw DTypeError(concat("optimizer: parameters must be float32 or float64, got ", value,
                          "; convert the model with Module::to(DType::float32)"));
}

void* address(const Tensor& flat, std::int64_t offset) {
  return static_cast<std::byte*>(flat.raw()) +
         static_cast<std::size_t>(offset) * size_of(flat.dtype());
}

const std::vector<ParameterPtr>& checked(const std::vector<ParameterPtr>& params) {
  for (const ParameterPtr& param : params) require_arithmetic(param->value);
  return params;
}

}  // namespace

FlatGroup::FlatGroup(std::vector<ParameterPtr> params)
    : params_(std::move(params)), arena_(checked(params_)) {
  state_.entries.resize(params_.size());
}

std::int64_t FlatGroup::offset(std::size_t param) const noexcept {
  return param < params_.size() ? arena_.entries()[param].offset : arena_.size();
}

void FlatGroup::add_tensors(FlatState& state, const UpdateRule& rule) const {
  const auto names = rule.state_names();
  const std::optional<double> initial = rule.initial_state();
  if (state.tensors.size() < names.size()) state.tensors.resize(names.size());
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (names[k].empty() || state.tensors[k].defined()) continue;
    state.tensors[k] = arena_.zeros();
    if (initial) state.tensors[k].fill_(*initial);
  }
}

FlatState FlatGroup::empty_state(const UpdateRule& rule) const {
  FlatState state;
  state.entries.resize(params_.size());
  add_tensors(state, rule);
  return state;
}

void FlatGroup::begin(const UpdateRule& rule, std::int64_t& last_place) {
  if (!rule.initial_state()) return;
  add_tensors(state_, rule);
  for (FlatState::Entry& entry : state_.entries) entry.place = ++last_place;
}

void FlatGroup::refresh() {
  if (arena_.is_current() && old_parts_.empty()) return;
  checked(params_);
  // The parts of the old state, by the old layout. They are kept until the new state is whole:
  // memory may be short, and the next call goes on from here.
  if (old_parts_.empty()) {
    std::vector<std::vector<Tensor>> parts(state_.tensors.size());
    for (std::size_t k = 0; k < parts.size(); ++k) {
      if (!state_.tensors[k].defined()) continue;
      for (std::size_t i = 0; i < params_.size(); ++i) {
        parts[k].push_back(part(state_.tensors[k], i));
      }
    }
    old_parts_ = std::move(parts);
  }
  arena_.refresh();
  std::vector<Tensor> moved(old_parts_.size());
  for (std::size_t k = 0; k < moved.size(); ++k) {
    if (old_parts_[k].empty()) continue;
    moved[k] = arena_.zeros();
    for (std::size_t i = 0; i < params_.size(); ++i) part(moved[k], i).copy_(old_parts_[k][i]);
  }
  state_.tensors = std::move(moved);
  old_parts_.clear();
}

std::size_t FlatGroup::run_end(std::size_t first) const {
  const FlatState::Entry& like = state_.entries[first];
  std::size_t end = first;
  while (end < params_.size() && params_[end]->has_grad &&
         state_.entries[end].present() == like.present() && state_.entries[end].step == like.step &&
         state_.entries[end].product == like.product &&
         state_.entries[end].wide_product == like.wide_product) {
    ++end;
  }
  return end;
}

void FlatGroup::step(const UpdateRule& rule, std::int64_t& last_place) {
  add_tensors(state_, rule);
  for (std::size_t first = 0; first < params_.size();) {
    const std::size_t end = run_end(first);
    if (end > first) update(rule, first, end, last_place);
    first = std::max(end, first + 1);
  }
}

void FlatGroup::update(const UpdateRule& rule, std::size_t first, std::size_t end,
                       std::int64_t& last_place) {
  const FlatState::Entry before = state_.entries[first];
  const std::int64_t begin = offset(first);
  const Tensor& values = arena_.values();
  const auto names = rule.state_names();
  Run run;
  run.backend = &values.storage()->backend();
  run.dtype = values.dtype();
  run.count = offset(end) - begin;
  run.param = address(values, begin);
  run.grad = address(arena_.gradients(), begin);
  for (std::size_t k = 0; k < names.size(); ++k) {
    if (names[k].empty()) continue;
    run.state[k] = address(state_.tensors[k], begin);
  }
  run.step = rule.counts_steps() ? before.step + 1.0 : 0.0;
  const double factor = rule.product_factor(run.step);
  run.product =
      before.wide_product
          ? before.product * factor
          : static_cast<double>(static_cast<float>(before.product) * static_cast<float>(factor));
  run.first = !before.present();
  values.storage()->bump_version();
  run.params = std::span(params_).subspan(first, end - first);
  run.arena = &arena_;
  run.state_tensors = state_.tensors;
  run.first_param = first;
  rule.update(run);
  if (names.empty()) return;
  for (std::size_t i = first; i < end; ++i) {
    FlatState::Entry& entry = state_.entries[i];
    if (!entry.present()) entry.place = ++last_place;
    entry.step = run.step;
    entry.product = run.product;
  }
}

}  // namespace wick::optim
