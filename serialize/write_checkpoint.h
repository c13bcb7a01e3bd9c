// SPDX-License-Identifier: MIT
// The file around a pickle: the zip archive that save() writes.
#pragma once

#include <filesystem>

#include "serialize/checkpoint.h"
#include "serialize/pickle_writer.h"

namespace wick {

/// See save(). Reads the storages in this thread, those of a device in pieces and beside what other
/// threads do on it (Backend::aside). Throws IoError.
void write_checkpoint(const Pickled& pickled, const std::filesystem::path& path,
                      const SaveOptions& options);

}  // namespace wick
