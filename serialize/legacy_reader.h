// SPDX-License-Identifier: MIT
// Reads torch.save's format of PyTorch 0.2 to 1.5: pickles one after the other, then the storages.
#pragma once

#include "core/value.h"
#include "serialize/foreign_objects.h"
#include "serialize/input_file.h"
#include "serialize/map_location.h"

namespace wick {

/// True where the file begins with the pickled number that marks the format.
[[nodiscard]] bool looks_like_legacy(const InputFile& file);

/// The value, as load() gives it for the ZIP format, with the same names admitted and the same
/// bounds; `foreign` as in unpickle_value(). Throws FormatError naming the file, the part of it and
/// the offset, and DeviceError.
[[nodiscard]] Value load_legacy(const InputFile& file, const MapLocation& map_location,
                                ForeignObjects* foreign = nullptr);

}  // namespace wick
