// SPDX-License-Identifier: MIT
// Where the training program keeps its checkpoints.
#include "tools/cli/checkpoints.h"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <unistd.h>

#include "core/error.h"

namespace wick::tools {

void prepare_checkpoint_dir(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) {
    throw IoError(
        concat("cannot make the checkpoint folder '", folder.string(), "': ", error.message()));
  }
  if (!std::filesystem::is_directory(folder, error)) {
    throw IoError(concat("the checkpoint folder '", folder.string(), "' is no folder"));
  }
  // Permissions do not tell all (read-only mounts, quotas); a file does.
  const std::string probe = (folder / concat(".probe.", ::getpid())).string();
  const int fd = ::open(probe.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) {
    throw IoError(concat("cannot write into the checkpoint folder '", folder.string(),
                         "': ", std::strerror(errno)));
  }
  ::close(fd);
  ::unlink(probe.c_str());
}

std::filesystem::path epoch_checkpoint(const std::filesystem::path& folder, std::int64_t epoch) {
  return folder / concat("model_dnn_", epoch, ".tar");
}

std::filesystem::path last_checkpoint(const std::filesystem::path& folder) {
  return folder / "last.tar";
}

}  // namespace wick::tools
