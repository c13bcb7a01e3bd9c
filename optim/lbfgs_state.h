// SPDX-License-Identifier: MIT
// What L-BFGS keeps from step to step. Private to its source files.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "optim/parameter_vectors.h"
#include "wick/optim/lbfgs.h"

namespace wick::optim {

/// Its numbers have PyTorch's names.
struct LBFGS::State {
  /// A change of the gradient, one of the parameters, and 1 / their product.
  struct Change {
    Tensor dir;
    Tensor stp;
    double ro = 0.0;
  };

  /// Makes the vectors those of these parameters, as they are now.
  void settle(const std::vector<ParameterPtr>& params);
  /// The first iteration goes down the gradient.
  void begin(const Tensor& grad);
  /// Takes the change since the last iteration, d * t, into the history; one of t = 0 is none.
  void remember(const Tensor& grad, std::int64_t history_size);
  /// -H grad by the two loops over the history, where H approximates the inverse of the Hessian.
  [[nodiscard]] Tensor direction(const Tensor& grad, std::int64_t history_size);

  bool started = false;  // otherwise nothing of all this is in the state dictionary
  bool stored = false;   // the end of a step with an iteration has been reached
  std::int64_t func_evals = 0;
  std::int64_t n_iter = 0;  // 0: nothing below means anything
  Tensor d;
  double t = 0.0;
  std::vector<Change> history;
  double h_diag = 1.0;
  bool h_diag_is_int = true;  // as it begins in PyTorch
  Tensor prev_flat_grad;
  double prev_loss = 0.0;
  std::vector<std::optional<double>> al;
  std::size_t al_size = 0;      // in the dictionary, with None behind `al`; 0: not there
  bool al_comes_first = false;  // in the order of the keys

  ParameterVectors vectors;
};

}  // namespace wick::optim
