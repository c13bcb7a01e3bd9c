// SPDX-License-Identifier: MIT
// Where the training program keeps its checkpoints.
#include "tools/cli/checkpoints.h"

#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "wick/core/error.h"

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

std::filesystem::path numbered_checkpoint(const std::filesystem::path& folder,
                                          std::int64_t number) {
  return folder / concat("model_dnn_", number, ".tar");
}

bool may_overwrite(const std::filesystem::path& folder, std::int64_t epochs,
                   const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::path beside = file.has_parent_path() ? file.parent_path() : ".";
  if (!std::filesystem::equivalent(beside, folder, error)) return false;
  if (file.filename() == last_checkpoint({}).filename()) return true;
  const std::string name = file.filename().string();
  std::int64_t number = -1;
  const std::size_t digits = std::string_view("model_dnn_").size();
  if (!name.starts_with("model_dnn_")) return false;
  std::from_chars(name.data() + digits, name.data() + name.size(), number);
  return number >= 0 && number < epochs && name == numbered_checkpoint({}, number).string();
}

std::filesystem::path last_checkpoint(const std::filesystem::path& folder) {
  return folder / "last.tar";
}

}  // namespace wick::tools
