// SPDX-License-Identifier: MIT
// What several tests need.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

namespace wick::testing {

/// A directory that goes away with the object.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "wick-test-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = pattern;
  }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::filesystem::path& path() const { return path_; }
  [[nodiscard]] std::filesystem::path operator/(const std::string& name) const {
    return path_ / name;
  }

 private:
  std::filesystem::path path_;
};

/// A new file each time: to write an old one anew can wait for the disk.
inline void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::filesystem::remove(path);
  std::ofstream(path, std::ios::binary) << bytes;
}

/// The folder with MNIST's four files: $WICK_MNIST, or ../shared/mnist beside the source tree.
inline std::optional<std::filesystem::path> mnist_dir() {
  if (const char* const given = std::getenv("WICK_MNIST")) return given;
  const std::filesystem::path beside =
      std::filesystem::path(WICK_FIXTURES) / "../../../shared/mnist";
  if (std::filesystem::exists(beside / "train-labels-idx1-ubyte.gz")) return beside;
  return std::nullopt;
}

/// Runs `statement` and checks that it throws `exception` with `text` in its message.
template <typename Exception, typename Statement>
void expect_throw_with(Statement&& statement, const std::string& text) {
  try {
    statement();
    ADD_FAILURE() << "nothing was thrown; expected a message with \"" << text << '"';
  } catch (const Exception& error) {
    EXPECT_NE(std::string(error.what()).find(text), std::string::npos) << error.what();
  }
}

}  // namespace wick::testing
