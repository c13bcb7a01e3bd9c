// SPDX-License-Identifier: MIT
#include "tools/cli/init_optimizer.h"

#include <algorithm>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "tools/cli/divergence.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

/// Why a state is not taken; a clause.
class DoesNotFit : public std::runtime_error {
 public:
  explicit DoesNotFit(const std::string& reason) : std::runtime_error(reason) {}
};

bool is_optimizer_state(const Value& value) {
  return value.kind() == Value::Kind::dict && value.contains("state") &&
         value.at("state").kind() == Value::Kind::dict && value.contains("param_groups") &&
         value.at("param_groups").kind() == Value::Kind::list;
}

/// The only one in the file's dict, or in a list there, as some programs keep it; null where there
/// is none.
const Value* find_state(const Value& checkpoint) {
  if (checkpoint.kind() != Value::Kind::dict) return nullptr;
  const Value* found = nullptr;
  const auto look_at = [&found](const Value& value) {
    if (!is_optimizer_state(value)) return;
    if (found != nullptr) throw DoesNotFit("it has the states of several optimizers");
    found = &value;
  };
  for (const auto& [key, value] : checkpoint.as_dict()) {
    look_at(value);
    if (value.kind() != Value::Kind::list) continue;
    for (const Value& item : value.as_list()) look_at(item);
  }
  return found;
}

/// The family of optimizers whose states mean the same; by the options that PyTorch's classes have.
std::string family_of(const Value& group) {
  const auto has = [&group](const char* key) {
    return group.kind() == Value::Kind::dict && group.contains(key);
  };
  // The first whose options are all there; each has one that those above it lack.
  static constexpr struct {
    const char* family;
    const char* options[2];
  } kFamilies[] = {
      {"NAdam", {"betas", "momentum_decay"}},
      {"Adam", {"betas", "amsgrad"}},
      {"RAdam", {"betas", "decoupled_weight_decay"}},
      {"Adamax", {"betas", "eps"}},
      {"RMSprop", {"alpha", "centered"}},
      {"Adagrad", {"lr_decay", "initial_accumulator_value"}},
      {"Muon", {"ns_coefficients", "ns_steps"}},
      {"SGD", {"dampening", "nesterov"}},
  };
  for (const auto& [family, options] : kFamilies) {
    if (has(options[0]) && has(options[1])) return family;
  }
  return "another optimizer";
}

using Numbers = std::vector<std::size_t>;

/// The names of the file's parameters in the order in which its optimizer numbers them.
std::vector<std::string> names_in_order(const Value& group, const ForeignModel& file,
                                        const std::string& name) {
  std::vector<std::string> names;
  if (group.contains("param_names") && group.at("param_names").kind() == Value::Kind::list) {
    for (const Value& item : group.at("param_names").as_list()) {
      if (item.kind() == Value::Kind::string) names.push_back(item.as_string());
    }
    return names;
  }
  const ModelState model = find_model_state(file.checkpoint, name);
  for (const auto& [key, tensor] : model.state) names.push_back(key);
  return names;
}

/// The number that the run's optimizer gives to a parameter of the file: two to a layer.
std::optional<std::size_t> number_of(const std::string& name, const nn::LinearChain& chain) {
  for (std::size_t i = 0; i < chain.layers.size(); ++i) {
    const std::string& layer = chain.layers[i].name;
    const std::string prefix = layer.empty() ? "" : layer + ".";
    // 'param_names' may have the prefixes of wrappers, which the chain's names have not.
    const auto is = [&](const char* parameter) {
      const std::string full = prefix + parameter;
      return name == full || name == "module." + full || name == "_orig_mod." + full;
    };
    if (is("weight")) return 2 * i;
    if (is("bias")) return 2 * i + 1;
  }
  return std::nullopt;
}

/// The state's entry of each of the run's parameters.
std::vector<const Value*> entries_in_order(const Dict& state, const std::vector<Value>& ids,
                                           const Numbers& numbers) {
  std::vector<const Value*> entries(numbers.size(), nullptr);
  for (std::size_t i = 0; i < ids.size(); ++i) entries[numbers[i]] = state.find(ids[i]);
  return entries;
}

/// What has no dimensions, whatever the parameter has.
bool is_number(const Value& key) {
  return key == Value("step") || key == Value("mu_product");
}

/// True where every tensor of an entry that is no number has its parameter's shape.
bool shapes_fit(const std::vector<const Value*>& entries,
                const std::vector<ParameterPtr>& parameters) {
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i] == nullptr || entries[i]->kind() != Value::Kind::dict) continue;
    for (const auto& [key, value] : entries[i]->as_dict()) {
      if (value.kind() != Value::Kind::tensor || is_number(key)) continue;
      if (value.as_tensor().shape() != parameters[i]->value.shape()) return false;
    }
  }
  return true;
}

void require_finite(const std::vector<const Value*>& entries) {
  for (const Value* const entry : entries) {
    if (entry == nullptr || entry->kind() != Value::Kind::dict) continue;
    for (const auto& [key, value] : entry->as_dict()) {
      if (value.kind() != Value::Kind::tensor || !is_floating_point(value.as_tensor().dtype())) {
        continue;
      }
      const std::string found = describe_not_finite("it", value.as_tensor().to(DType::float32));
      if (!found.empty()) throw DoesNotFit(found);
    }
  }
}

/// The entries of the only group, in the order of the run's parameters.
std::vector<const Value*> match_entries(const Value& saved, const ForeignModel& file,
                                        const std::string& name,
                                        const std::vector<ParameterPtr>& parameters) {
  const std::vector<Value>& groups = saved.at("param_groups").as_list();
  if (groups.size() != 1) throw DoesNotFit(concat("it has ", groups.size(), " parameter groups"));
  if (!groups[0].contains("params") || groups[0].at("params").kind() != Value::Kind::list) {
    throw DoesNotFit("it does not list its parameters");
  }
  const std::vector<Value>& ids = groups[0].at("params").as_list();
  if (ids.size() != parameters.size()) {
    throw DoesNotFit(
        concat("it is of ", ids.size(), " parameters, the run has ", parameters.size()));
  }
  Numbers by_names;
  for (const std::string& key : names_in_order(groups[0], file, name)) {
    if (const auto number = number_of(key, file.chain)) by_names.push_back(*number);
  }
  if (by_names.size() != ids.size()) throw DoesNotFit("its parameters have other names");
  Numbers plain(ids.size());
  std::iota(plain.begin(), plain.end(), std::size_t{0});
  if (!std::is_permutation(plain.begin(), plain.end(), by_names.begin())) {
    throw DoesNotFit("it names a parameter twice");
  }
  const Dict& state = saved.at("state").as_dict();
  auto entries = entries_in_order(state, ids, by_names);
  const bool fits = shapes_fit(entries, parameters);
  if (by_names != plain && !groups[0].contains("param_names")) {
    // The file's order may be that of a tool that sorts the model's names, and not the optimizer's.
    auto in_chain_order = entries_in_order(state, ids, plain);
    const bool others_fit = shapes_fit(in_chain_order, parameters);
    if (fits && others_fit) {
      throw DoesNotFit("which of its entries belongs to which layer is ambiguous");
    }
    if (others_fit) return in_chain_order;
  }
  if (!fits) throw DoesNotFit("its tensors have other shapes");
  return entries;
}

std::string take(optim::Optimizer& optimizer, const nn::Sequential& model, const Value& saved,
                 const ForeignModel& file, const std::string& name) {
  if (saved.at("state").as_dict().empty()) {
    return "its optimizer's state is empty, which means that no step has been taken yet: the"
           " optimizer starts anew";
  }
  const Value own = optimizer.state_dict();
  const std::vector<Value>& groups = saved.at("param_groups").as_list();
  const std::string wanted = family_of(own.at("param_groups").at_index(0));
  const std::string there = groups.empty() ? "no optimizer" : family_of(groups[0]);
  if (there != wanted) throw DoesNotFit(concat("it is that of ", there));
  const std::vector<const Value*> entries = match_entries(saved, file, name, model.parameters());
  require_finite(entries);
  Dict state;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    if (entries[i] != nullptr) state.set(static_cast<std::int64_t>(i), *entries[i]);
  }
  try {
    optimizer.load_state_dict(
        Dict{{"state", std::move(state)}, {"param_groups", own.at("param_groups")}});
  } catch (const StateDictError& error) {
    throw DoesNotFit(error.what());
  }
  if (optimizer.state_dict().at("state").as_dict().empty()) {
    return concat(optimizer.type_name(),
                  " has no use for its optimizer's state without --momentum");
  }
  return "its optimizer's state is taken, under this run's options";
}

}  // namespace

std::string start_optimizer(optim::Optimizer& optimizer, const nn::Sequential& model,
                            const ForeignModel& file, const std::string& name) {
  try {
    const Value* const saved = find_state(file.checkpoint);
    if (saved == nullptr) return "it has no optimizer's state: the optimizer starts anew";
    return take(optimizer, model, *saved, file, name);
  } catch (const DoesNotFit& problem) {
    return concat("its optimizer's state is not taken: ", problem.what(),
                  ", the run's optimizer is ", optimizer.type_name(), " and starts anew");
  }
}

}  // namespace wick::tools
