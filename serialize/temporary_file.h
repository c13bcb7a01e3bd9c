// SPDX-License-Identifier: MIT
// Files that are written and then renamed, and what killed processes left of such.
#pragma once

#include <filesystem>

namespace wick {

/// Creates ".wick-<host>-<random>.tmp" in the directory, open for writing and locked as long as a
/// descriptor of it is open (flock, which ends with the process, however that ends). Sets `path`,
/// and returns the descriptor, which is the caller's; -1 with errno where it cannot be created.
/// Where the file system has no locks, it comes without.
[[nodiscard]] int create_temporary(const std::filesystem::path& directory,
                                   std::filesystem::path& path);

/// Removes the ones that nobody writes any more: of this user, of this host (where locks may not
/// reach across a network, another host's are none of our business), and not locked. Whatever fails
/// is left alone. Looks at the first 20,000 names of the directory.
void remove_stale_temporaries(const std::filesystem::path& directory) noexcept;

}  // namespace wick
