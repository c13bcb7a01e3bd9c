// SPDX-License-Identifier: MIT
// Saves values to files that torch.load(weights_only=True) opens, and loads what torch.save wrote.
#pragma once

#include <filesystem>

#include "wick/core/compiler.h"
#include "wick/core/state_dict.h"
#include "wick/core/value.h"
#include "wick/serialize/load_options.h"
#include "wick/serialize/map_location.h"

namespace wick {

struct SaveOptions {
  /// Wait until the bytes are on the disk. torch.save does not: it is faster, and after a power
  /// failure there may be no file, old or new.
  bool sync = true;
};

/// Writes `value` to `path` as torch.save does. The file appears whole or not at all: the bytes go
/// to a temporary file beside it, are synced to the disk, and the file is then renamed; what was at
/// `path` before stays until that moment. Throws IoError.
WICK_API void save(const Value& value, const std::filesystem::path& path,
                   const SaveOptions& options = {});
WICK_API void save(const StateDict& state, const std::filesystem::path& path,
                   const SaveOptions& options = {});

/// Reads a file of save() or of torch.save, also of PyTorch 0.4 to 1.5. Runs no code of the file:
/// only the tensors, storages and plain objects that torch.load(weights_only=True) admits are made.
/// A lazily conjugated or negated view comes resolved: its elements are right, but it no longer
/// shares them with the tensor that it is a view of.
/// `map_location` says where the tensors go: a Device, "cpu" or another device's name, a map or a
/// function (see MapLocation); without it, each goes to the device it was saved from.
///
/// `options` say what happens with what is not admitted.
///
/// Throws IoError where the file cannot be read, FormatError where its content is damaged or not
/// admitted (naming the record and the offset; ChecksumError where a record has another CRC-32 than
/// the recorded one, which `options.verify` = false passes over), DeviceError where a tensor's
/// device is not there.
///
/// A container may contain itself; who loads files of unknown origin and drops their values calls
/// take_apart() (core/containers.h), since nothing else frees such a circle.
[[nodiscard]] WICK_API Value load(const std::filesystem::path& path,
                                  const MapLocation& map_location = {},
                                  const LoadOptions& options = {});

}  // namespace wick
