// SPDX-License-Identifier: MIT
#include "serialize/torch_globals.h"

#include "serialize/torch_names.h"

namespace wick {
namespace {

struct Entry {
  std::string_view module;
  std::string_view name;
  Callable callable;
};

// Python 2's names of the built-in module and of its contents are those of protocol 2.
constexpr Entry kCallables[] = {
    {"collections", "OrderedDict", Callable::ordered_dict},
    {"__builtin__", "set", Callable::set},
    {"builtins", "set", Callable::set},
    {"__builtin__", "bytes", Callable::bytes},
    {"builtins", "bytes", Callable::bytes},
    {"__builtin__", "complex", Callable::complex},
    {"builtins", "complex", Callable::complex},
    {"_codecs", "encode", Callable::encode},
    {"torch", "Size", Callable::size},
    {"torch", "device", Callable::device},
    {"torch._utils", "_rebuild_tensor_v2", Callable::rebuild_tensor_v2},
    {"torch._utils", "_rebuild_tensor_v3", Callable::rebuild_tensor_v3},
    {"torch._utils", "_rebuild_parameter", Callable::rebuild_parameter},
};

}  // namespace

std::optional<Global> find_global(std::string_view module, std::string_view name) {
  for (const Entry& entry : kCallables) {
    if (entry.module == module && entry.name == name) return entry.callable;
  }
  if (module == "torch" || module == "torch.storage") {
    if (name == "UntypedStorage") return StorageClass{};
  }
  if (module == "torch") {
    if (const auto dtype = dtype_of_storage_class(name)) return StorageClass{dtype};
    if (const auto dtype = dtype_from_name(name)) return *dtype;
  }
  return std::nullopt;
}

}  // namespace wick
