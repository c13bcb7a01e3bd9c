// SPDX-License-Identifier: MIT
// Where the training program keeps its checkpoints.
#pragma once

#include <cstdint>
#include <filesystem>

namespace wick::tools {

/// Makes the folder where it is missing and makes sure that files can be written there. Throws
/// IoError that names it.
void prepare_checkpoint_dir(const std::filesystem::path& folder);

/// "model_dnn_<number>.tar" in the folder.
[[nodiscard]] std::filesystem::path numbered_checkpoint(const std::filesystem::path& folder,
                                                        std::int64_t number);
/// True where a run of so many epochs may write the file.
[[nodiscard]] bool may_overwrite(const std::filesystem::path& folder, std::int64_t epochs,
                                 const std::filesystem::path& file);
/// "last.tar" in the folder: where the run stands, whatever its loss.
[[nodiscard]] std::filesystem::path last_checkpoint(const std::filesystem::path& folder);

}  // namespace wick::tools
