// SPDX-License-Identifier: MIT
// Where the training program keeps its checkpoints.
#include "tools/cli/checkpoints.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string>
#include <string_view>

#include <fcntl.h>
#include <unistd.h>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr std::string_view kNumbered = "model_dnn_";

bool is_checkpoint_name(const std::string& name) {
  if (name == last_checkpoint({}).filename()) return true;
  if (!name.starts_with(kNumbered)) return false;
  std::int64_t number = -1;
  std::from_chars(name.data() + kNumbered.size(), name.data() + name.size(), number);
  return number >= 0 && name == numbered_checkpoint({}, number).string();
}

}  // namespace

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
  return folder / concat(kNumbered, number, ".tar");
}

std::vector<std::filesystem::path> checkpoints_in(const std::filesystem::path& folder) {
  std::vector<std::filesystem::path> found;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    if (is_checkpoint_name(entry->path().filename().string())) found.push_back(entry->path());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void require_no_folder(std::string_view option, const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::is_directory(file, error)) return;
  const std::vector<std::filesystem::path> inside = checkpoints_in(file);
  throw IoError(
      concat(option, " '", file.string(), "' is a folder; give a checkpoint",
             inside.empty() ? std::string() : concat(" in it, as ", inside.front().string())));
}

bool may_overwrite(const std::filesystem::path& folder, const std::filesystem::path& file) {
  std::error_code error;
  const std::filesystem::path beside = file.has_parent_path() ? file.parent_path() : ".";
  return std::filesystem::equivalent(beside, folder, error) &&
         is_checkpoint_name(file.filename().string());
}

void require_no_other_run(const std::filesystem::path& folder,
                          const std::optional<std::filesystem::path>& resumed) {
  const std::vector<std::filesystem::path> there = checkpoints_in(folder);
  if (there.empty() || (resumed && may_overwrite(folder, *resumed))) return;
  throw ValueError(concat(
      "--checkpoint-dir '", folder.string(), "' has the checkpoints of ",
      resumed ? "a run, and '" + resumed->string() + "' is none of them" : "another run", " (",
      there.front().filename().string(), there.size() > 1 ? ", ..." : "",
      "); give another --checkpoint-dir, or --force to replace them",
      resumed ? "" : concat(", or go on with that run by --resume ", there.front().string())));
}

std::filesystem::path last_checkpoint(const std::filesystem::path& folder) {
  return folder / "last.tar";
}

}  // namespace wick::tools
