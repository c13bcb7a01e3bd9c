// SPDX-License-Identifier: MIT
// Finds a network in a file of any program and any format.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "nn/linear_chain.h"
#include "wick/core/containers.h"
#include "wick/core/state_dict.h"
#include "wick/core/value.h"
#include "wick/serialize/load_options.h"

namespace wick::tools {

/// A state dictionary that was found among other things.
struct ModelState {
  StateDict state;
  std::vector<std::string> notes;  // what was assumed, a clause each
};

/// The state dictionary of the model in what a file holds: the file's dict itself where it has
/// matrices called *.weight; else the entry that is a dict of such, two levels down at most:
/// 'model', 'model_state_dict', 'state_dict', 'net' and the like where there are several. The
/// prefixes that torch.nn.DataParallel and torch.compile put before every name, `module.` and
/// `_orig_mod.`, are taken off. Whatever other entries hold does not matter.
///
/// Throws StateDictError that begins with `name` where there is no such dictionary, or several and
/// none has a usual name.
[[nodiscard]] ModelState find_model_state(const Value& checkpoint, const std::string& name);

struct ForeignModel {
  // Before the value, which may contain itself: what frees it. Null where the caller holds it.
  std::shared_ptr<const HeldValue> holder;
  Value checkpoint;  // all that the file holds
  nn::LinearChain chain;
  std::vector<std::string> notes;  // what was assumed, a clause each; with those of the chain
};

/// Loads a file of any format that load_any() takes into the CPU's memory, with placeholders for
/// objects that wick does not have (whatever `options` say of them), and finds the chain of linear
/// layers in it. Throws as load_any(), find_model_state() and find_linear_chain() do.
[[nodiscard]] ForeignModel load_foreign_model(const std::filesystem::path& path,
                                              LoadOptions options = {});

/// The same of what has been loaded already.
[[nodiscard]] ForeignModel find_foreign_model(Value checkpoint, const std::string& name);

}  // namespace wick::tools
