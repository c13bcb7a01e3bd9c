// SPDX-License-Identifier: MIT
// The names that a checkpoint's pickle may refer to. There are no others: nothing is ever imported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "wick/core/dtype.h"

namespace wick {

/// Classes and functions. Those that REDUCE may call have one fixed meaning each, in
/// torch_rebuild.cpp; plain types stand only for a defaultdict's factory.
enum class Callable : std::uint8_t {
  plain_type,           // bool, dict, float, int, list, str, tuple
  ordered_dict,         // collections
  counter,              //
  default_dict,         //
  set,                  // builtins
  frozen_set,           //
  bytes,                // PyTorch writes it for b""
  byte_array,           //
  complex,              //
  encode,               // _codecs.encode: how protocol 2 holds bytes
  size,                 // torch.Size
  device,               // torch.device
  layout,               // torch.serialization._get_layout
  tensor_class,         // torch.Tensor
  parameter_class,      // torch.nn.parameter.Parameter
  rebuild_tensor,       // torch._utils, here and below
  rebuild_tensor_v2,    //
  rebuild_tensor_v3,    //
  rebuild_meta_tensor,  // _rebuild_meta_tensor_no_storage
  rebuild_parameter,    //
  rebuild_parameter_with_state,
  rebuild_from_type,  // torch._tensor._rebuild_from_type_v2
};

/// One of them by its Python name, without the module.
struct Function {
  Callable callable;
  std::string_view name;
};

/// torch.FloatStorage and its like; torch.UntypedStorage has no dtype.
struct StorageClass {
  std::optional<DType> dtype;
};

using Global = std::variant<DType, Function, StorageClass>;

/// Empty where torch.load(weights_only=True) would refuse it, or wick has no such object.
[[nodiscard]] std::optional<Global> find_global(std::string_view module, std::string_view name);

/// Module and name of a function or class, joined by a dot: "collections.OrderedDict".
[[nodiscard]] std::string global_name(const Function& function);
[[nodiscard]] std::string global_name(const StorageClass& storage);

/// Module and name, as protocol 2 writes them, of a type in Dict::default_factories().
[[nodiscard]] std::pair<std::string_view, std::string_view> factory_global(
    std::string_view factory) noexcept;

}  // namespace wick
