// SPDX-License-Identifier: MIT
// The names that a checkpoint's pickle may refer to. There are no others: nothing is ever imported.
#pragma once

#include <optional>
#include <string_view>
#include <variant>

#include "core/dtype.h"

namespace wick {

/// What REDUCE may call. Each has one fixed meaning, in torch_rebuild.cpp.
enum class Callable : std::uint8_t {
  ordered_dict,       // collections.OrderedDict
  set,                // set
  bytes,              // bytes (PyTorch writes it for b"")
  complex,            // complex
  encode,             // _codecs.encode: how protocol 2 holds bytes
  size,               // torch.Size
  device,             // torch.device
  rebuild_tensor_v2,  // torch._utils
  rebuild_tensor_v3,
  rebuild_parameter,
};

/// torch.FloatStorage and its like; torch.UntypedStorage has no dtype.
struct StorageClass {
  std::optional<DType> dtype;
};

using Global = std::variant<DType, Callable, StorageClass>;

/// Empty where torch.load(weights_only=True) would refuse it, or wick has no such object.
[[nodiscard]] std::optional<Global> find_global(std::string_view module, std::string_view name);

}  // namespace wick
