// SPDX-License-Identifier: MIT
// Finds an optimizer's state in any checkpoint, and takes it where it fits.
#pragma once

#include <string>

#include "tools/cli/foreign_model.h"
#include "wick/nn/sequential.h"
#include "wick/optim/optimizer.h"

namespace wick::tools {

/// Gives the optimizer of a new run, over the parameters of `model`, the state that the file keeps
/// for the same weights: an entry of the file's dict with 'state' and 'param_groups', as
/// torch.optim's optimizers give it. Options are not taken. Returns what came of it, a clause for
/// the user; where the state does not fit, or is not there, the optimizer is not changed.
///
/// The entries of a state are numbered; which parameters they belong to is told by 'param_names',
/// else by the order of the model's state dictionary in the file, and only where the shapes agree.
[[nodiscard]] std::string start_optimizer(optim::Optimizer& optimizer, const nn::Sequential& model,
                                          const ForeignModel& file, const std::string& name);

}  // namespace wick::tools
