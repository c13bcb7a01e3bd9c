// SPDX-License-Identifier: MIT
#include "serialize/placeholder_maker.h"

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <utility>

#include "serialize/numpy_rebuild.h"
#include "serialize/utf8.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using Kind = Value::Kind;

// The storages of quantized tensors hold plain numbers. Those of four and two bits are bytes.
struct QuantizedStorage {
  std::string_view name;
  DType dtype;
};
constexpr std::array kQuantizedStorages = {
    QuantizedStorage{"QInt8Storage", DType::int8},
    QuantizedStorage{"QUInt8Storage", DType::uint8},
    QuantizedStorage{"QInt32Storage", DType::int32},
    QuantizedStorage{"QUInt4x2Storage", DType::uint8},
    QuantizedStorage{"QUInt2x4Storage", DType::uint8},
};

// Functions of module copyreg that call the class which is their first argument.
bool calls_its_first(std::string_view function) {
  for (const std::string_view module : {"copyreg.", "copy_reg."}) {
    if (!function.starts_with(module)) continue;
    const std::string_view name = function.substr(module.size());
    return name == "__newobj__" || name == "_reconstructor";
  }
  return false;
}

bool is_placeholder(const Value& value) {
  return value.kind() == Kind::placeholder;
}

bool is_call_of(const Value& value, std::string_view type) {
  return is_placeholder(value) && value.as_placeholder().is_object &&
         value.as_placeholder().type == type;
}

struct Creation {
  std::string type;
  std::vector<Value> arguments;
  Value keywords;
};

// How protocols 2 and 3 hold NEWOBJ_EX: functools.partial(class.__new__, class, ...)().
std::optional<Creation> creation_in(const Value& partial) {
  if (!is_call_of(partial, "functools.partial")) return std::nullopt;
  const Value& state = partial.as_placeholder().state;  // (function, arguments, keywords, __dict__)
  if (state.kind() != Kind::tuple || state.as_tuple().size() < 3) return std::nullopt;
  const Value& function = state.at_index(0);
  const Value& arguments = state.at_index(1);
  if (!is_call_of(function, "builtins.getattr") ||
      function.as_placeholder().arguments.size() != 2 ||
      !(function.as_placeholder().arguments[1] == Value("__new__")) ||
      arguments.kind() != Kind::tuple || arguments.as_tuple().empty() ||
      !is_placeholder(arguments.at_index(0))) {
    return std::nullopt;
  }
  const std::vector<Value>& given = arguments.as_tuple();
  return Creation{given[0].as_placeholder().type,
                  {given.begin() + 1, given.end()},
                  state.at_index(2).kind() == Kind::dict ? state.at_index(2) : Value()};
}

}  // namespace

Value PlaceholderMaker::global(std::string_view module, std::string_view name) {
  if (module == "torch" || module == "torch.cuda") {
    const auto* const known = std::ranges::find(kQuantizedStorages, name, &QuantizedStorage::name);
    if (known != kQuantizedStorages.end()) {
      return objects_.add_stand_in(StorageClass{known->dtype});
    }
  }
  // Protocol 2 has Python 2's name.
  std::string type = concat(module == "__builtin__" ? "builtins" : module, '.', name);
  if (!is_utf8(type)) throw ValueError("the name of a class or function is not valid UTF-8");
  objects_.spend(type.size());
  const auto known = globals_.find(type);
  if (known != globals_.end()) return known->second;
  Value made = objects_.add(std::make_shared<Placeholder>(Placeholder{.type = type}));
  globals_.emplace(std::move(type), made);
  return made;
}

Value PlaceholderMaker::object(std::string type, std::vector<Value> arguments, Value keywords) {
  objects_.spend(type.size());
  return objects_.add(std::make_shared<Placeholder>(Placeholder{.type = std::move(type),
                                                                .is_object = true,
                                                                .arguments = std::move(arguments),
                                                                .keywords = std::move(keywords)}));
}

Value PlaceholderMaker::call(const Value& callable, std::vector<Value> arguments, Value keywords) {
  const std::string& type = callable.as_placeholder().type;
  if (calls_its_first(type) && !arguments.empty() && is_placeholder(arguments[0])) {
    // _reconstructor(class, object, None): what follows is the base class and its value.
    std::string made = arguments[0].as_placeholder().type;
    arguments.erase(arguments.begin());
    if (type.ends_with("_reconstructor")) arguments.clear();
    return object(std::move(made), std::move(arguments), {});
  }
  if (is_numpy_reconstruct(type) && !arguments.empty() && is_placeholder(arguments[0]) &&
      is_numpy_array_class(arguments[0].as_placeholder().type)) {
    // _reconstruct(class, (0,), b"b"): an empty one, to be filled by its state.
    arrays_.push_back(object(arguments[0].as_placeholder().type, {}, {}));
    return arrays_.back();
  }
  for (const Value& argument : arguments) objects_.spend_content(argument);
  if (callable.as_placeholder().is_object) {
    if (auto made = creation_in(callable)) {
      objects_.spend_content(callable.as_placeholder().state.at_index(1));
      return object(std::move(made->type), std::move(made->arguments), std::move(made->keywords));
    }
    arguments.insert(arguments.begin(), callable);
    return object(type + "()", std::move(arguments), std::move(keywords));
  }
  if (auto made = call_numpy(type, arguments)) {
    ++(made->kind() == Kind::tensor ? found_.numpy_arrays : found_.numpy_numbers);
    return *std::move(made);
  }
  return object(type, std::move(arguments), std::move(keywords));
}

Value PlaceholderMaker::call(const Function& function, std::vector<Value> arguments) {
  // _rebuild_from_type_v2(function, class, arguments, attributes): the class says more.
  const bool typed = function.callable == Callable::rebuild_from_type && arguments.size() == 4 &&
                     is_placeholder(arguments[1]);
  std::string type = typed ? arguments[1].as_placeholder().type : global_name(function);
  return object(std::move(type), std::move(arguments), {});
}

Value PlaceholderMaker::persistent(const Value& id) {
  if (id.kind() == Kind::tuple && id.as_tuple().size() > 1 && id.at_index(0) == Value("module")) {
    return id.at_index(1);
  }
  return object("persistent id", {id}, {});
}

bool PlaceholderMaker::has_placeholder(const std::vector<Value>& arguments) {
  return std::ranges::any_of(arguments, [this](const Value& argument) {
    objects_.spend_content(argument);
    if (argument.kind() == Kind::list || argument.kind() == Kind::tuple) {
      return std::ranges::any_of(argument.as_sequence(), is_placeholder);
    }
    return is_placeholder(argument);
  });
}

void PlaceholderMaker::finish() {
  for (const Value& array : arrays_) {
    const Value& state = array.as_placeholder().state;
    if (state.kind() != Kind::tuple || state.as_tuple().empty()) continue;
    objects_.spend_content(state.as_tuple().back());
    if (auto tensor = numpy_array(state)) {
      objects_.replace(array, *std::move(tensor));
      ++found_.numpy_arrays;
    }
  }
}

}  // namespace wick
