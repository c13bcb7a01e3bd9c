// SPDX-License-Identifier: MIT
// The file around a pickle: the zip archive that save() writes.
#pragma once

#include <filesystem>

#include "serialize/pickle_writer.h"
#include "serialize/storage_supply.h"
#include "wick/serialize/checkpoint.h"

namespace wick {

/// See save(). Reads the storages in this thread, those of a device in pieces and beside what other
/// threads do on it (Backend::aside); with `supply`, the bytes are those that it gives. Throws
/// IoError.
void write_checkpoint(const Pickled& pickled, const std::filesystem::path& path,
                      const SaveOptions& options, const StorageSupply* supply = nullptr);

}  // namespace wick
