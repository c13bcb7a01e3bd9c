// SPDX-License-Identifier: MIT
// The JSON header of safetensors files.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/state_dict.h"
#include "wick/serialize/safetensors.h"

namespace wick {

struct SafetensorsHeader {
  TextMetadata metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of their bytes
};

/// Bytes of JSON that a header may have; as in the reference implementation.
inline constexpr std::uint64_t kMaxSafetensorsHeader = 100'000'000;

/// Checks everything: the JSON itself, that no name or key is there twice, that each tensor's bytes
/// are as many as its shape and dtype need, and that they all together fill `data_bytes` without
/// gap or overlap. Throws FormatError that names the tensor. `where` begins its messages.
[[nodiscard]] SafetensorsHeader parse_safetensors_header(std::string_view text,
                                                         const std::string& where,
                                                         std::uint64_t data_bytes);

/// The header for these tensors, in the order in which the reference implementation writes them:
/// by dtype, the wider first, then by name. Throws DTypeError for complex32 and complex128, which
/// the format does not have, and ValueError for a name or metadata that it cannot hold.
struct SafetensorsLayout {
  std::string header;           // length field, JSON, padding to a multiple of 8
  std::vector<Tensor> tensors;  // in the order of their bytes
};
[[nodiscard]] SafetensorsLayout lay_out_safetensors(const StateDict& state,
                                                    const TextMetadata& metadata);

}  // namespace wick
