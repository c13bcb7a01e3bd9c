// SPDX-License-Identifier: MIT
#include "serialize/torch_globals.h"

#include "serialize/torch_names.h"

namespace wick {
namespace {

struct Entry {
  std::string_view module;
  std::string_view name;
  Function function;
};

// What Python 3 calls builtins; protocol 2 has Python 2's names for the module and for some of its
// contents (int is long, str is unicode).
constexpr Function kBuiltins[] = {
    {Callable::plain_type, "bool"},      {Callable::plain_type, "dict"},
    {Callable::plain_type, "float"},     {Callable::plain_type, "int"},
    {Callable::plain_type, "list"},      {Callable::plain_type, "str"},
    {Callable::plain_type, "tuple"},     {Callable::byte_array, "bytearray"},
    {Callable::bytes, "bytes"},          {Callable::complex, "complex"},
    {Callable::frozen_set, "frozenset"}, {Callable::set, "set"},
};

constexpr Entry kOthers[] = {
    {"collections", "OrderedDict", {Callable::ordered_dict, "OrderedDict"}},
    {"collections", "Counter", {Callable::counter, "Counter"}},
    {"collections", "defaultdict", {Callable::default_dict, "defaultdict"}},
    {"_codecs", "encode", {Callable::encode, "encode"}},
    {"torch", "Size", {Callable::size, "Size"}},
    {"torch", "device", {Callable::device, "device"}},
    {"torch.serialization", "_get_layout", {Callable::layout, "_get_layout"}},
    {"torch", "Tensor", {Callable::tensor_class, "Tensor"}},
    {"torch.nn.parameter", "Parameter", {Callable::parameter_class, "Parameter"}},
    {"torch._utils", "_rebuild_tensor", {Callable::rebuild_tensor, "_rebuild_tensor"}},
    {"torch._utils", "_rebuild_tensor_v2", {Callable::rebuild_tensor_v2, "_rebuild_tensor_v2"}},
    {"torch._utils", "_rebuild_tensor_v3", {Callable::rebuild_tensor_v3, "_rebuild_tensor_v3"}},
    {"torch._utils",
     "_rebuild_meta_tensor_no_storage",
     {Callable::rebuild_meta_tensor, "_rebuild_meta_tensor_no_storage"}},
    {"torch._utils", "_rebuild_parameter", {Callable::rebuild_parameter, "_rebuild_parameter"}},
    {"torch._utils",
     "_rebuild_parameter_with_state",
     {Callable::rebuild_parameter_with_state, "_rebuild_parameter_with_state"}},
    {"torch._tensor",
     "_rebuild_from_type_v2",
     {Callable::rebuild_from_type, "_rebuild_from_type_v2"}},
};

std::optional<Function> find_builtin(std::string_view module, std::string_view name) {
  if (module == "__builtin__") {
    if (name == "long") name = "int";
    if (name == "unicode") name = "str";
  } else if (module != "builtins") {
    return std::nullopt;
  }
  for (const Function& function : kBuiltins) {
    if (function.name == name) return function;
  }
  return std::nullopt;
}

}  // namespace

std::optional<Global> find_global(std::string_view module, std::string_view name) {
  if (const auto builtin = find_builtin(module, name)) return *builtin;
  for (const Entry& entry : kOthers) {
    if (entry.module == module && entry.name == name) return entry.function;
  }
  if (module == "torch" || module == "torch.storage") {
    if (name == "UntypedStorage") return StorageClass{};
  }
  if (module == "torch.storage" && name == "_UntypedStorage") return StorageClass{};  // of 1.12
  if (module == "torch" || module == "torch.cuda") {
    if (const auto dtype = dtype_of_storage_class(name)) return StorageClass{dtype};
  }
  if (module == "torch") {
    if (const auto dtype = dtype_from_name(name)) return *dtype;
  }
  return std::nullopt;
}

std::string global_name(const Function& function) {
  for (const Entry& entry : kOthers) {
    if (entry.function.callable == function.callable) {
      return std::string(entry.module) + '.' + std::string(entry.name);
    }
  }
  return "builtins." + std::string(function.name);
}

std::string global_name(const StorageClass& storage) {
  const auto name = storage.dtype ? storage_class(*storage.dtype) : std::nullopt;
  return name ? "torch." + std::string(*name) : "torch.storage.UntypedStorage";
}

std::pair<std::string_view, std::string_view> factory_global(std::string_view factory) noexcept {
  if (factory == "Counter" || factory == "OrderedDict") return {"collections", factory};
  if (factory == "int") return {"__builtin__", "long"};
  if (factory == "str") return {"__builtin__", "unicode"};
  return {"__builtin__", factory};
}

}  // namespace wick
