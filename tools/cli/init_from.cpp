// SPDX-License-Identifier: MIT
#include "tools/cli/init_from.h"

#include <utility>

#include "tools/cli/digit_net.h"
#include "tools/cli/divergence.h"
#include "tools/cli/init_optimizer.h"
#include "tools/cli/saved_transforms.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

void require_same_sizes(const InitialModel& initial, const std::vector<std::int64_t>& wanted) {
  const std::vector<std::int64_t> sizes = initial.sizes();
  if (sizes == wanted) return;
  const char* const remedy = sizes.front() != wanted.front() ? "the data's images have another size"
                             : sizes.back() != wanted.back()
                                 ? "the data has another number of classes"
                                 : "without --model, the sizes are taken from the file";
  throw StateDictError(concat(initial.name, ": its network is ", describe(sizes), ", the run's is ",
                              describe(wanted), "; ", remedy));
}

/// The weights under the names of the run's network, whose layers all have biases.
StateDict weights_of(const nn::LinearChain& chain, std::vector<std::string>& notes) {
  StateDict weights = nn::numbered_state(chain);
  std::string without;
  for (std::size_t i = 0; i < chain.layers.size(); ++i) {
    if (chain.layers[i].bias.defined()) continue;
    weights.set(concat("layer", i + 1, ".bias"), Tensor::zeros({chain.layers[i].weight.size(0)}));
    without += concat(without.empty() ? "" : ", ", "'", chain.layers[i].name, "'");
  }
  if (!without.empty()) notes.push_back("the biases start at 0 where it has none: of " + without);
  return weights;
}

/// What of the file's run differs from this one, where the file says so.
void compare_runs(const RunState& run, const Value& checkpoint, std::vector<std::string>& notes) {
  nn::Compose transforms;
  try {
    transforms = saved_transforms(checkpoint);
  } catch (const Error&) {
    // Another program's idea of 'transforms' or 'tfs'.
  }
  if (transforms.empty()) {
    notes.emplace_back("ReLUs are put between its layers, about which it says nothing");
  } else if (!(transforms.to_value() == run.transforms.to_value())) {
    notes.emplace_back(
        "its images were prepared in another way; this run's way is that of --normalize and"
        " --color, and of its own data");
  }
}

}  // namespace

std::vector<std::int64_t> InitialModel::hidden_sizes() const {
  const std::vector<std::int64_t> all = sizes();
  if (all.size() < 3) {
    throw StateDictError(concat(name, ": its network is ", describe(all),
                                ", without a hidden layer; train's networks have at least one"));
  }
  return {all.begin() + 1, all.end() - 1};
}

InitialModel load_initial_model(const std::filesystem::path& path, const LoadOptions& options) {
  return {load_foreign_model(path, options), concat("'", path.string(), "'")};
}

std::vector<std::string> start_from(RunState& run, const InitialModel& initial) {
  require_same_sizes(initial, layer_sizes(*run.model));
  std::vector<std::string> notes = initial.model.notes;
  run.model->load_state_dict(weights_of(initial.model.chain, notes));
  if (const std::string found = find_divergence(run); !found.empty()) {
    throw StateDictError(concat(initial.name, ": ", found, " as float32"));
  }
  compare_runs(run, initial.model.checkpoint, notes);
  notes.push_back(start_optimizer(*run.optimizer, *run.model, initial.model, initial.name));
  return notes;
}

}  // namespace wick::tools
