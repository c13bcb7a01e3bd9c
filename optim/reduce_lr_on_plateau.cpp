// SPDX-License-Identifier: MIT
#include "wick/optim/reduce_lr_on_plateau.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "optim/option_reader.h"
#include "wick/core/error.h"

namespace wick::optim {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

Value int_of(double number) {
  if (number == std::floor(number) && std::abs(number) < 0x1p62) {
    return static_cast<std::int64_t>(number);
  }
  return number;
}

void require_word(std::string_view name, const std::string& word, std::string_view first,
                  std::string_view second) {
  if (word == first || word == second) return;
  throw ValueError(concat("ReduceLROnPlateau: ", name, " must be '", first, "' or '", second,
                          "', got '", word, "'"));
}

std::string read_word(OptionReader& reader, std::string_view key, std::string_view first,
                      std::string_view second) {
  const Value* const found = reader.find(key);
  if (found != nullptr && found->kind() == Value::Kind::string &&
      (found->as_string() == first || found->as_string() == second)) {
    return found->as_string();
  }
  reader.problem(concat("'", key, "' must be '", first, "' or '", second, "'"));
  return std::string(first);
}

std::int64_t int_in(OptionReader& reader, std::string_view key) {
  return static_cast<std::int64_t>(std::floor(reader.count(key).as_double()));
}

double worst(const std::string& mode) {
  return mode == "min" ? kInfinity : -kInfinity;
}

}  // namespace

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, const Options& options)
    : optimizer_(optimizer), options_(options), has_one_min_lr_(options.min_lrs.empty()) {
  if (!(options.factor < 1.0)) {
    throw ValueError(concat("ReduceLROnPlateau: factor must be below 1, got ", options.factor));
  }
  require_word("mode", options.mode, "min", "max");
  require_word("threshold_mode", options.threshold_mode, "rel", "abs");
  const std::size_t groups = optimizer.group_count();
  if (has_one_min_lr_) {
    options_.min_lrs.assign(groups, options.min_lr);
  } else if (options.min_lrs.size() != groups) {
    throw ValueError(concat("ReduceLROnPlateau: got ", options.min_lrs.size(), " min_lrs for ",
                            groups, " parameter groups"));
  }
  for (std::size_t g = 0; g < groups; ++g) last_lr_.push_back(optimizer.lr(g));
  best_ = worst(options_.mode);
}

bool ReduceLROnPlateau::is_better(double metrics) const noexcept {
  const double threshold = options_.threshold;
  if (options_.mode == "min") {
    return options_.threshold_mode == "rel" ? metrics < best_ * (1.0 - threshold)
                                            : metrics < best_ - threshold;
  }
  return options_.threshold_mode == "rel" ? metrics > best_ * (threshold + 1.0)
                                          : metrics > best_ + threshold;
}

void ReduceLROnPlateau::step(double metrics) noexcept {
  last_epoch_ += 1.0;
  if (is_better(metrics)) {
    best_ = metrics;
    num_bad_epochs_ = 0.0;
  } else {
    num_bad_epochs_ += 1.0;
  }
  if (cooldown_counter_ > 0.0) {
    cooldown_counter_ -= 1.0;
    num_bad_epochs_ = 0.0;
  }
  if (num_bad_epochs_ > static_cast<double>(options_.patience)) {
    reduce();
    cooldown_counter_ = static_cast<double>(options_.cooldown);
    num_bad_epochs_ = 0.0;
  }
  for (std::size_t g = 0; g < last_lr_.size(); ++g) last_lr_[g] = optimizer_.lr(g);
}

void ReduceLROnPlateau::reduce() noexcept {
  for (std::size_t g = 0; g < options_.min_lrs.size(); ++g) {
    const double before = optimizer_.lr(g);
    const double reduced = std::max(before * options_.factor, options_.min_lrs[g]);
    if (before - reduced > options_.eps) optimizer_.take_lr(reduced, g);
  }
}

Value ReduceLROnPlateau::state_dict() const {
  List min_lrs;
  for (const double min_lr : options_.min_lrs) min_lrs.items.push_back(int_of(min_lr));
  List last_lr;
  for (const double lr : last_lr_) last_lr.items.emplace_back(lr);
  Dict state{
      {"factor", options_.factor},
      {"default_min_lr", has_one_min_lr_ ? int_of(options_.min_lr) : Value()},
      {"min_lrs", std::move(min_lrs)},
      {"patience", options_.patience},
      {"cooldown", options_.cooldown},
      {"eps", options_.eps},
      {"last_epoch", int_of(last_epoch_)},
      {"_last_lr", std::move(last_lr)},
      {"mode_worse", worst(options_.mode)},
      {"mode", options_.mode},
      {"threshold", options_.threshold},
      {"threshold_mode", options_.threshold_mode},
      {"best", best_},
      {"cooldown_counter", int_of(cooldown_counter_)},
      {"num_bad_epochs", int_of(num_bad_epochs_)},
  };
  for (const auto& [key, value] : loaded_) {
    const Value* const current = state.find(key);
    if (current != nullptr && *current == value) state.set(key, value);
  }
  return state;
}

void ReduceLROnPlateau::load_state_dict(const Value& state) {
  const char* const operation = "ReduceLROnPlateau::load_state_dict: ";
  if (state.kind() != Value::Kind::dict) {
    throw StateDictError(concat(operation, "wants a dict, got ", state.kind_name()));
  }
  std::vector<std::string> problems;
  OptionReader reader(state.as_dict(), "the state", problems);
  Options options;
  const std::size_t groups = last_lr_.size();
  options.factor = reader.number("factor");
  options.min_lrs = reader.numbers("min_lrs", groups);
  const Value* const one = reader.find("default_min_lr");
  const bool has_one = one != nullptr && !one->is_none();
  if (has_one) options.min_lr = reader.number("default_min_lr");
  options.patience = int_in(reader, "patience");
  options.cooldown = int_in(reader, "cooldown");
  options.eps = reader.number("eps");
  const double last_epoch = reader.count("last_epoch").as_double();
  const std::vector<double> last_lr =
      reader.has("_last_lr") ? reader.numbers("_last_lr", groups) : last_lr_;
  options.mode = read_word(reader, "mode", "min", "max");
  options.threshold = reader.number("threshold");
  options.threshold_mode = read_word(reader, "threshold_mode", "rel", "abs");
  const double best = reader.number("best");
  const double cooldown_counter = reader.count("cooldown_counter").as_double();
  const double num_bad_epochs = reader.count("num_bad_epochs").as_double();
  throw_where_problems(operation, problems);
  options_ = std::move(options);
  has_one_min_lr_ = has_one;
  last_epoch_ = last_epoch;
  last_lr_ = last_lr;
  best_ = best;
  cooldown_counter_ = cooldown_counter;
  num_bad_epochs_ = num_bad_epochs;
  loaded_ = state.as_dict();
}

}  // namespace wick::optim
