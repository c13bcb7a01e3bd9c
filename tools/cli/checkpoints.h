// SPDX-License-Identifier: MIT
// Where the training program keeps its checkpoints.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string_view>
#include <vector>

namespace wick::tools {

/// Makes the folder where it is missing and makes sure that files can be written there. Throws
/// IoError that names it.
void prepare_checkpoint_dir(const std::filesystem::path& folder);

/// "model_dnn_<number>.tar" in the folder.
[[nodiscard]] std::filesystem::path numbered_checkpoint(const std::filesystem::path& folder,
                                                        std::int64_t number);
/// The checkpoints in the folder, by their names, sorted: last.tar and the numbered ones. None
/// where there is no such folder.
[[nodiscard]] std::vector<std::filesystem::path> checkpoints_in(
    const std::filesystem::path& folder);

/// Throws IoError where a file that an option names is a folder; says which checkpoint in it may
/// have been meant.
void require_no_folder(std::string_view option, const std::filesystem::path& file);

/// True where a run with that folder may write or remove the file.
[[nodiscard]] bool may_overwrite(const std::filesystem::path& folder,
                                 const std::filesystem::path& file);

/// Throws ValueError where the folder has another run's checkpoints, that is any, unless the run
/// goes on from one of them (`resumed`).
void require_no_other_run(const std::filesystem::path& folder,
                          const std::optional<std::filesystem::path>& resumed);

/// "last.tar" in the folder: where the run stands, whatever its loss.
[[nodiscard]] std::filesystem::path last_checkpoint(const std::filesystem::path& folder);

}  // namespace wick::tools
