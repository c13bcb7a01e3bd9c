// SPDX-License-Identifier: MIT
// Where a run's data is, for those who go on with the run from another folder.
#pragma once

#include <filesystem>
#include <string>

#include "tools/cli/train_config.h"

namespace wick::tools {

/// What --data says, as a checkpoint keeps it: a folder by its absolute path; the word "synthetic"
/// (and nothing at all) as it is.
[[nodiscard]] std::string absolute_data(const std::string& data);

/// The way from a folder to the data: "../mnist". Empty for "synthetic".
[[nodiscard]] std::string data_from(const std::filesystem::path& folder, const std::string& data);

/// The data of a saved run: where it was; else at the same place beside the checkpoint, as where a
/// folder with both was moved. The path of a checkpoint that keeps a relative one, as those of
/// earlier versions do, starts at the present folder. Throws IoError that names the places and
/// --data where the data is at none of them.
[[nodiscard]] std::string find_saved_data(const TrainConfig& saved,
                                          const std::filesystem::path& checkpoint);

}  // namespace wick::tools
