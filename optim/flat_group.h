// SPDX-License-Identifier: MIT
// The parameters of one group and their state, in flat memory of one layout.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "wick/core/parameter_arena.h"

namespace wick::optim {

class UpdateRule;

/// What the optimizer knows of the parameters: per parameter, and in flat tensors, one for each
/// name in UpdateRule::state_names(), with the parameters' layout and zeros between them.
struct FlatState {
  struct Entry {
    std::int64_t place = 0;  // from 1, in the order of first steps, as in 'state'; 0: never stepped
    double step = 0.0;       // updates so far, where the rule counts them
    double product = 1.0;    // of UpdateRule::product_factor() in these updates
    // In float32, as PyTorch begins, or in float64, as it goes on with a float64 parameter once a
    // state has been loaded.
    bool wide_product = false;
    [[nodiscard]] bool present() const noexcept { return place != 0; }
  };
  std::vector<Entry> entries;
  std::vector<Tensor> tensors;
};

class FlatGroup {
 public:
  /// Moves the parameters. Throws as Optimizer says.
  explicit FlatGroup(std::vector<ParameterPtr> params);

  [[nodiscard]] const std::vector<ParameterPtr>& params() const noexcept { return params_; }
  [[nodiscard]] const ParameterArena& arena() const noexcept { return arena_; }
  [[nodiscard]] const FlatState& state() const noexcept { return state_; }
  /// Takes a state made by empty_state() since the last refresh().
  void set_state(FlatState state) noexcept { state_ = std::move(state); }
  /// A state with nothing in it; its tensors begin as the rule says.
  [[nodiscard]] FlatState empty_state(const UpdateRule& rule) const;
  /// One parameter's part of a flat tensor, in the parameter's shape.
  [[nodiscard]] Tensor part(const Tensor& flat, std::size_t param) const {
    return arena_.part(flat, param);
  }

  /// Moves parameters and state again where somebody has moved the parameters since.
  void refresh();
  /// Makes the state of rules that have one from the beginning.
  void begin(const UpdateRule& rule, std::int64_t& last_place);
  /// Updates the parameters that have a gradient, in as few passes as their state allows. New
  /// entries of the state take their places from `last_place` on.
  void step(const UpdateRule& rule, std::int64_t& last_place);

 private:
  // The tensors that the rule wants and the state does not have yet.
  void add_tensors(FlatState& state, const UpdateRule& rule) const;
  // One past the last of the parameters from `first` that are updated alike; `first` where it has
  // no gradient.
  [[nodiscard]] std::size_t run_end(std::size_t first) const;
  void update(const UpdateRule& rule, std::size_t first, std::size_t end, std::int64_t& last_place);

  // Where the parameters from `param` on begin; the end for one past the last.
  [[nodiscard]] std::int64_t offset(std::size_t param) const noexcept;

  std::vector<ParameterPtr> params_;
  ParameterArena arena_;
  FlatState state_;
  std::vector<std::vector<Tensor>> old_parts_;  // of a state whose move was interrupted
};

}  // namespace wick::optim
