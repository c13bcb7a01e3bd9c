// SPDX-License-Identifier: MIT
#include "tools/cli/foreign_model.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "wick/core/error.h"
#include "wick/core/placeholder.h"
#include "wick/serialize/any_file.h"

namespace wick::tools {
namespace {

// What programs call it, the most usual first.
constexpr std::array<std::string_view, 10> kUsualNames = {
    "model", "model_state_dict", "state_dict",  "net",    "network",
    "nn",    "net_state_dict",   "model_state", "params", "weights"};
constexpr std::array<std::string_view, 2> kWrappers = {"module.", "_orig_mod."};
constexpr int kDeepest = 2;  // levels of dicts below the file's own

bool is_dict(const Value& value) {
  return value.kind() == Value::Kind::dict;
}

/// True for a dict with a matrix that a linear layer may have; what else it holds is looked at
/// later, so that messages can name it.
bool has_matrices(const Value& value) {
  return is_dict(value) && std::ranges::any_of(value.as_dict(), [](const Dict::Entry& entry) {
           const auto& [key, item] = entry;
           return key.kind() == Value::Kind::string && item.kind() == Value::Kind::tensor &&
                  (key.as_string() == "weight" || key.as_string().ends_with(".weight")) &&
                  item.as_tensor().dim() == 2;
         });
}

bool is_tensor_dict(const Value& value) {
  return is_dict(value) && !value.as_dict().empty() &&
         std::ranges::all_of(value.as_dict(), [](const Dict::Entry& entry) {
           return entry.first.kind() == Value::Kind::string &&
                  entry.second.kind() == Value::Kind::tensor;
         });
}

struct Candidate {
  std::string path;  // "ema.model"; empty for the file's own dict
  std::string key;   // its last part
  const Value* value = nullptr;
};

/// The dicts on one level that may be a state dictionary, in order.
template <typename Accepts>
std::vector<Candidate> candidates_in(const std::vector<Candidate>& level, Accepts accepts) {
  std::vector<Candidate> found;
  for (const Candidate& candidate : level) {
    if (accepts(*candidate.value)) found.push_back(candidate);
  }
  return found;
}

std::vector<Candidate> level_below(const std::vector<Candidate>& level) {
  std::vector<Candidate> below;
  for (const Candidate& parent : level) {
    for (const auto& [key, value] : parent.value->as_dict()) {
      if (key.kind() != Value::Kind::string || !is_dict(value)) continue;
      const std::string& text = key.as_string();
      below.push_back({parent.path.empty() ? text : concat(parent.path, '.', text), text, &value});
    }
  }
  return below;
}

std::string list_paths(const std::vector<Candidate>& candidates) {
  constexpr std::size_t kListed = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(candidates.size(), kListed); ++i) {
    text += concat(i == 0 ? "'" : ", '", candidates[i].path, "'");
  }
  return candidates.size() > kListed ? text + ", ..." : text;
}

/// One of several.
const Candidate& choose(const std::vector<Candidate>& candidates, std::vector<std::string>& notes,
                        const std::string& name) {
  if (candidates.size() == 1) return candidates.front();
  for (const std::string_view usual : kUsualNames) {
    const auto same = [usual](const Candidate& candidate) { return candidate.key == usual; };
    if (std::ranges::count_if(candidates, same) != 1) continue;
    const Candidate& chosen = *std::ranges::find_if(candidates, same);
    notes.push_back(concat("of its entries ", list_paths(candidates), ", '", chosen.path,
                           "' is taken for the model"));
    return chosen;
  }
  throw StateDictError(concat(name, ": holds several state dictionaries: ", list_paths(candidates),
                              "; which one is the model's cannot be told (save that one alone)"));
}

/// "list", "object of class argparse.Namespace".
std::string kind_of(const Value& value) {
  if (value.kind() != Value::Kind::placeholder) return std::string(value.kind_name());
  const Placeholder& placeholder = value.as_placeholder();
  return concat(placeholder.is_object ? "object of class " : "class or function ",
                placeholder.type);
}

/// Where a placeholder may be a whole module, pickled.
std::string hint_for(const Value& value) {
  return value.kind() == Value::Kind::placeholder && value.as_placeholder().is_object
             ? " (of a whole module, save module.state_dict() instead)"
             : "";
}

std::string describe_entries(const Value& checkpoint) {
  constexpr std::size_t kListed = 8;
  std::string text;
  std::size_t count = 0;
  for (const auto& [key, value] : checkpoint.as_dict()) {
    if (++count > kListed) return text + ", ...";
    text += concat(count == 1 ? "" : ", ", kind_of(value), " ",
                   key.kind() == Value::Kind::string ? "'" + key.as_string() + "'"
                                                     : concat("under a ", key.kind_name()));
  }
  return text.empty() ? "nothing" : text;
}

Candidate find_candidate(const Value& checkpoint, std::vector<std::string>& notes,
                         const std::string& name) {
  std::vector<Candidate> level = {{"", "", &checkpoint}};
  std::vector<Candidate> tensor_dicts;  // with tensors, but no layers: better than nothing to name
  for (int depth = 0; depth <= kDeepest; ++depth) {
    const auto found = candidates_in(level, has_matrices);
    if (!found.empty()) return choose(found, notes, name);
    if (tensor_dicts.empty()) tensor_dicts = candidates_in(level, is_tensor_dict);
    level = level_below(level);
  }
  if (!tensor_dicts.empty()) return tensor_dicts.front();
  std::string hint;
  for (const auto& [key, value] : checkpoint.as_dict()) {
    if (hint.empty()) hint = hint_for(value);
  }
  throw StateDictError(concat(name, ": holds ", describe_entries(checkpoint),
                              "; among them is no state dictionary with a matrix named *.weight",
                              hint));
}

/// Without the number that torch.optim.swa_utils.AveragedModel keeps beside its module.
StateDict without_count(StateDict state, std::vector<std::string>& notes) {
  constexpr std::string_view kCount = "n_averaged";
  const Tensor* const count = state.find(kCount);
  if (count == nullptr || count->dim() != 0 || count->dtype() != DType::int64) return state;
  StateDict rest;
  for (const auto& [key, tensor] : state) {
    if (key == kCount) continue;
    if (!key.starts_with(kWrappers.front())) return state;
    rest.set(key, tensor);
  }
  notes.push_back(concat("'", kCount, "' of a model of averages is left out"));
  return rest;
}

/// Takes the wrappers' prefixes off, from outside in, where every name has them.
StateDict without_wrappers(StateDict state, std::vector<std::string>& notes) {
  std::string taken;
  const auto all_begin_with = [&state](const std::string& prefix) {
    return !state.empty() && std::ranges::all_of(state, [&prefix](const StateDict::Entry& entry) {
      return entry.first.size() > prefix.size() && entry.first.starts_with(prefix);
    });
  };
  for (bool again = true; again;) {
    again = false;
    for (const std::string_view wrapper : kWrappers) {
      const std::string longer = taken + std::string(wrapper);
      if (!all_begin_with(longer)) continue;
      taken = longer;
      again = true;
    }
  }
  if (taken.empty()) return state;
  notes.push_back(concat("the prefix '", taken, "' of all its names is taken off"));
  StateDict bare;
  for (const auto& [key, tensor] : state) bare.set(key.substr(taken.size()), tensor);
  return bare;
}

}  // namespace

ModelState find_model_state(const Value& checkpoint, const std::string& name) {
  if (!is_dict(checkpoint)) {
    throw StateDictError(concat(name, ": holds a ", kind_of(checkpoint),
                                ", not a state dictionary or a dict with one",
                                hint_for(checkpoint)));
  }
  ModelState result;
  const Candidate found = find_candidate(checkpoint, result.notes, name);
  StateDict state;
  try {
    state = StateDict::from_value(*found.value);
  } catch (const StateDictError& error) {
    const std::string where = found.path.empty() ? "" : concat("in '", found.path, "', ");
    throw StateDictError(concat(name, ": ", where, error.what()));
  }
  result.state = without_wrappers(without_count(std::move(state), result.notes), result.notes);
  return result;
}

ForeignModel find_foreign_model(Value checkpoint, const std::string& name) {
  ForeignModel model;
  ModelState found = find_model_state(checkpoint, name);
  model.chain = nn::find_linear_chain(found.state, name);
  model.notes = std::move(found.notes);
  model.notes.insert(model.notes.end(), model.chain.notes.begin(), model.chain.notes.end());
  model.checkpoint = std::move(checkpoint);
  return model;
}

ForeignModel load_foreign_model(const std::filesystem::path& path, LoadOptions options) {
  options.placeholders = true;  // what else the file holds need not be of kinds that wick has
  auto holder = std::make_shared<const HeldValue>(load_any(path, kCpu, options));
  ForeignModel model = find_foreign_model(holder->get(), concat('\'', path.string(), '\''));
  model.holder = std::move(holder);
  return model;
}

}  // namespace wick::tools
