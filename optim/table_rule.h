// SPDX-License-Identifier: MIT
// A rule whose options are a table: checks, and both ways of the state dictionary, follow from it.
#pragma once

#include <algorithm>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "optim/option_reader.h"
#include "optim/update_rule.h"

namespace wick::optim {

/// One key of a parameter group. Rows stand in the order of PyTorch's keys.
template <typename Options>
struct OptionRow {
  std::string_view key;
  double Options::*number = nullptr;
  double Options::*second = nullptr;  // the other one of 'betas'
  bool Options::*flag = nullptr;
  std::string_view what{};            // of a number, in messages: "epsilon value"
  bool is_int_zero = false;           // zero is the int 0, as PyTorch's default is
  std::optional<double> otherwise{};  // where a state dictionary of an older version lacks it
  bool is_foreign_flag = false;       // of PyTorch's own machinery: False; without it None
};

/// `Rule` has a static array of rows, kRows.
template <typename Rule, typename Options>
class TableRule : public UpdateRule {
 public:
  explicit TableRule(const Options& options) : options_(options) {}

  [[nodiscard]] double lr() const noexcept override { return options_.lr; }
  void set_lr(double lr) noexcept override { options_.lr = lr; }
  [[nodiscard]] bool counts_steps() const noexcept override { return true; }

  [[nodiscard]] std::optional<double> momentum() const noexcept override {
    double Options::*const option = momentum_option();
    if (option == nullptr) return {};
    return options_.*option;
  }
  [[nodiscard]] bool momentum_is_beta1() const noexcept override {
    return std::any_of(std::begin(Rule::kRows), std::end(Rule::kRows),
                       [](const auto& row) { return row.key == "betas"; });
  }
  void set_momentum(double momentum) noexcept override {
    double Options::*const option = momentum_option();
    if (option != nullptr) options_.*option = momentum;
  }

  [[nodiscard]] std::vector<std::string> problems(Origin origin) const override {
    std::vector<std::string> found;
    for (const OptionRow<Options>& row : Rule::kRows) {
      if (row.number == nullptr) continue;
      if (row.second != nullptr) {
        require_betas(found, options_.*row.number, options_.*row.second);
      } else {
        require_not_negative(found, row.what, options_.*row.number, origin);
      }
    }
    return found;
  }

  [[nodiscard]] Dict options() const override {
    Dict result;
    for (const OptionRow<Options>& row : Rule::kRows) result.set(row.key, value_of(row));
    return result;
  }

  [[nodiscard]] std::unique_ptr<UpdateRule> read(OptionReader& reader) const override {
    Options options;
    for (const OptionRow<Options>& row : Rule::kRows) {
      if (row.flag != nullptr) {
        options.*row.flag = reader.flag(row.key, false);
      } else if (row.second != nullptr) {
        std::tie(options.*row.number, options.*row.second) = reader.pair(row.key);
      } else if (row.number != nullptr) {
        options.*row.number = row.otherwise.has_value() && !reader.has(row.key)
                                  ? *row.otherwise
                                  : reader.number(row.key);
      }
    }
    return std::make_unique<Rule>(options);
  }

 protected:
  [[nodiscard]] const Options& given() const noexcept { return options_; }

 private:
  using Number = double Options::*;
  [[nodiscard]] static Number momentum_option() noexcept {
    for (const OptionRow<Options>& row : Rule::kRows) {
      if (row.key == "betas" || row.key == "momentum") return row.number;
    }
    return nullptr;
  }
  [[nodiscard]] Value value_of(const OptionRow<Options>& row) const {
    if (row.flag != nullptr) return options_.*row.flag;
    if (row.second != nullptr) return Tuple{{options_.*row.number, options_.*row.second}};
    if (row.number == nullptr) return row.is_foreign_flag ? Value(false) : Value();
    return row.is_int_zero ? zero_as_int(options_.*row.number) : Value(options_.*row.number);
  }

  Options options_;
};

}  // namespace wick::optim
