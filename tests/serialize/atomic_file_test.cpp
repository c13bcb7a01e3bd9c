// SPDX-License-Identifier: MIT
#include "serialize/atomic_file.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "core/error.h"
#include "tests/support.h"

namespace wick {
namespace {

namespace fs = std::filesystem;

std::string content(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::size_t file_count(const fs::path& directory) {
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator(directory), fs::directory_iterator()));
}

// Lets no file grow beyond a size, as a full disk would: write() fails with EFBIG.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  void (*handler_)(int) = nullptr;
};

TEST(AtomicFile, AppearsOnlyAtCommit) {
  const testing::TempDir directory;
  const fs::path path = directory / "out.bin";
  const std::string large(3 << 20, 'x');
  {
    AtomicFile file(path);
    file.write("small ");
    file.write(large);
    file.write(" end");
    EXPECT_EQ(file.size(), large.size() + 10);
    EXPECT_FALSE(fs::exists(path));
    file.commit();
    EXPECT_THROW(file.write("more"), IoError);
    EXPECT_THROW(file.commit(), IoError);
  }
  EXPECT_EQ(content(path), "small " + large + " end");
  EXPECT_EQ(file_count(directory.path()), 1u);
}

TEST(AtomicFile, WithoutCommitNothingChanges) {
  const testing::TempDir directory;
  const fs::path path = directory / "out.txt";
  write_file_atomically(path, "good");
  { AtomicFile(path).write("half"); }
  EXPECT_EQ(content(path), "good");
  EXPECT_EQ(file_count(directory.path()), 1u);
}

TEST(AtomicFile, FullDiskKeepsTheGoodFile) {
  const testing::TempDir directory;
  const fs::path path = directory / "out.txt";
  write_file_atomically(path, "good");
  {
    const FileSizeLimit limit(100000);
    testing::expect_throw_with<IoError>(
        [&] { write_file_atomically(path, std::string(5 << 20, 'x')); }, "write failed: File too");
    testing::expect_throw_with<IoError>(
        [&] { write_file_atomically(path, std::string(200000, 'x')); }, path.string());
  }
  EXPECT_EQ(content(path), "good");
  EXPECT_EQ(file_count(directory.path()), 1u);
}

TEST(AtomicFile, FollowsLinksAndKeepsPermissions) {
  const testing::TempDir directory;
  write_file_atomically(directory / "target", "one");
  fs::permissions(directory / "target", fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("target", directory / "link");
  write_file_atomically(directory / "link", "two");
  EXPECT_TRUE(fs::is_symlink(directory / "link"));
  EXPECT_EQ(content(directory / "target"), "two");
  EXPECT_EQ(fs::status(directory / "target").permissions(),
            fs::perms::owner_read | fs::perms::owner_write);
}

TEST(AtomicFile, NamesWhatCannotBeWritten) {
  const testing::TempDir directory;
  testing::expect_throw_with<IoError>([&] { AtomicFile(directory / "no/such/file"); },
                                      "No such file or directory");
  testing::expect_throw_with<IoError>([&] { AtomicFile(directory.path()); }, "a directory");
  testing::expect_throw_with<IoError>([&] { AtomicFile("/dev/full"); }, "not a regular file");
  testing::expect_throw_with<IoError>([&] { AtomicFile(""); }, "no file name");
  EXPECT_EQ(file_count(directory.path()), 0u);
}

TEST(AtomicFile, LongNamesAndRelativePathsWork) {
  const testing::TempDir directory;
  const std::string name(250, 'n');
  write_file_atomically(directory / name, "x");
  EXPECT_EQ(content(directory / name), "x");
  const fs::path before = fs::current_path();
  fs::current_path(directory.path());
  write_file_atomically("relative", "y");
  fs::current_path(before);
  EXPECT_EQ(content(directory / "relative"), "y");
}

}  // namespace
}  // namespace wick
