// SPDX-License-Identifier: MIT
#include "tools/cli/data_place.h"

#include <system_error>

#include "wick/core/error.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDrawn = "synthetic";

bool is_folder(const fs::path& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

/// The folder of a file, as an absolute path without links.
fs::path folder_of(const fs::path& file) {
  std::error_code error;
  const fs::path folder = file.has_parent_path() ? file.parent_path() : fs::path(".");
  fs::path whole = fs::weakly_canonical(folder, error);
  return error ? folder : whole;
}

}  // namespace

std::string absolute_data(const std::string& data) {
  if (data.empty() || data == kDrawn) return data;
  std::error_code error;
  fs::path path = fs::absolute(data, error);
  if (error) return data;
  // Behind a link, ".." is not what stands before it.
  if (data.find("..") == std::string::npos) path = path.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();  // "mnist/"
  return path.string();
}

std::string data_from(const fs::path& folder, const std::string& data) {
  if (data == kDrawn) return {};
  std::error_code error;
  const fs::path way = fs::relative(data, folder, error);
  return error ? std::string() : way.string();
}

std::string find_saved_data(const TrainConfig& saved, const fs::path& checkpoint) {
  if (saved.data == kDrawn || is_folder(saved.data)) return absolute_data(saved.data);
  std::string places = concat("'", saved.data, "'");
  if (!saved.data_from_here.empty()) {
    const fs::path beside = (folder_of(checkpoint) / saved.data_from_here).lexically_normal();
    if (is_folder(beside)) return beside.string();
    places += concat(" and '", beside.string(), "'");
  } else if (fs::path(saved.data).is_relative()) {
    places += concat(" in the present folder '", fs::current_path().string(), "'");
  }
  throw IoError(concat("the run of '", checkpoint.string(), "' has its data in ", places,
                       ", where there is no such folder; give --data DIR"));
}

}  // namespace wick::tools
