// SPDX-License-Identifier: MIT
// Reads a pickle of protocols 2 to 5 into a value, and executes nothing.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "serialize/torch_rebuild.h"
#include "wick/core/value.h"
#include "wick/serialize/foreign_objects.h"

namespace wick {

/// A stack machine for the opcodes in pickle_opcodes.h over the names in torch_globals.h.
///
/// - Containers that are shared in the pickle are shared in the value; a container may contain
///   itself, and is then freed by take_apart() only (core/containers.h).
/// - Containers may lie in each other to any depth: neither reading nor destroying them recurses.
///   Memory and time are bounded by a multiple of `stored_bytes`, what the pickle takes in its
///   file: its own size unless it was compressed.
///
/// `base` is where the pickle begins in what offsets are counted from.
///
/// With `foreign`, placeholders take the place of classes, functions and objects that are not
/// admitted; arrays and scalars of NumPy become tensors on the CPU and numbers, counted there.
///
/// Throws FormatError, with `where` (as in `file "m.pt", record "m/data.pkl"`) and the offset, for
/// everything else; and what `storages` throws.
[[nodiscard]] Value unpickle_value(std::string_view bytes, const std::string& where,
                                   const StorageSource& storages, std::uint64_t stored_bytes,
                                   std::uint64_t base = 0, ForeignObjects* foreign = nullptr);
[[nodiscard]] inline Value unpickle_value(std::string_view bytes, const std::string& where,
                                          const StorageSource& storages) {
  return unpickle_value(bytes, where, storages, bytes.size());
}

}  // namespace wick
