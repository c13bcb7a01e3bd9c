// SPDX-License-Identifier: MIT
#include "serialize/atomic_file.h"

#include <atomic>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support.h"
#include "wick/core/error.h"

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

// As open() does, and with it torch.save.
TEST(AtomicFile, ALinkToNothingYetIsWrittenThrough) {
  const testing::TempDir directory;
  fs::create_directory(directory / "d");
  fs::create_directory(directory / "e");
  fs::create_symlink("target", directory / "link");
  write_file_atomically(directory / "link", "one");
  EXPECT_TRUE(fs::is_symlink(directory / "link"));
  EXPECT_EQ(content(directory / "target"), "one");
  // A chain, by relative paths from where each link lies, and an absolute one.
  fs::create_symlink("second", directory / "first");
  fs::create_symlink("d/third", directory / "second");
  fs::create_symlink("../e/end", directory / "d" / "third");
  write_file_atomically(directory / "first", "two");
  EXPECT_EQ(content(directory / "e" / "end"), "two");
  EXPECT_EQ(file_count(directory / "e"), 1u);
  for (const char* const link : {"first", "second", "d/third"}) {
    EXPECT_TRUE(fs::is_symlink(directory / link)) << link;
  }
  fs::create_symlink(directory / "e" / "other", directory / "absolute");
  write_file_atomically(directory / "absolute", "three");
  EXPECT_EQ(content(directory / "e" / "other"), "three");
  // Through a link to a folder, whose ".." is that of the folder it leads to.
  fs::create_directory_symlink("e", directory / "d" / "folder");
  fs::remove(directory / "d" / "folder");
  fs::create_directory_symlink("../e", directory / "d" / "folder");
  fs::create_symlink("d/folder/../up", directory / "through");
  write_file_atomically(directory / "through", "four");
  EXPECT_EQ(content(directory / "up"), "four");
}

TEST(AtomicFile, LinksThatLeadNowhereAreErrors) {
  const testing::TempDir directory;
  const auto refuse = [&](const char* name, const char* message) {
    testing::expect_throw_with<IoError>([&] { AtomicFile(directory / name); }, message);
    EXPECT_TRUE(fs::is_symlink(directory / name));
  };
  fs::create_symlink("loop2", directory / "loop1");
  fs::create_symlink("loop1", directory / "loop2");
  refuse("loop1", "symbolic links");
  fs::create_symlink("none/file", directory / "nowhere");
  refuse("nowhere", "No such file or directory");
  fs::create_directory_symlink(".", directory / "folder");
  refuse("folder", "it is a directory");
  EXPECT_EQ(file_count(directory.path()), 4u);
}

TEST(AtomicFile, ANameThatIsTooLongShowsBeforeAnythingIsWritten) {
  const testing::TempDir directory;
  testing::expect_throw_with<IoError>([&] { AtomicFile(directory / std::string(256, 'n')); },
                                      "File name too long");
  EXPECT_EQ(file_count(directory.path()), 0u);
}

TEST(AtomicFile, KeepsTheGroupAndLendsNoRights) {
  const testing::TempDir directory;
  const fs::path path = directory / "file";
  write_file_atomically(path, "one");
  ASSERT_EQ(::chmod(path.c_str(), 06755), 0);
  struct stat before {};
  ASSERT_EQ(::stat(path.c_str(), &before), 0);
  // Root may give files away; anybody else keeps the own group at least.
  const bool given = ::geteuid() == 0 && ::chown(path.c_str(), 4321, 1234) == 0;
  if (given) {
    ASSERT_EQ(::chmod(path.c_str(), 06755), 0);
  }
  write_file_atomically(path, "two");
  struct stat after {};
  ASSERT_EQ(::stat(path.c_str(), &after), 0);
  EXPECT_EQ(after.st_mode & 07777U, 0755U);
  EXPECT_EQ(after.st_gid, given ? 1234U : before.st_gid);
  EXPECT_EQ(after.st_uid, given ? 4321U : before.st_uid);
}

// -- What killed processes leave ------------------------------------------------------------------

std::vector<fs::path> temporaries(const fs::path& directory) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().starts_with(".wick-")) found.push_back(entry.path());
  }
  return found;
}

TEST(AtomicFile, WhatAKilledProcessLeftIsRemovedByTheNext) {
  const testing::TempDir directory;
  const pid_t child = ::fork();
  if (child == 0) {
    AtomicFile file(directory / "x");
    file.write(std::string(1 << 20, 'x'));
    ::raise(SIGKILL);
    ::_exit(0);
  }
  ASSERT_GT(child, 0);
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFSIGNALED(status));
  ASSERT_EQ(temporaries(directory.path()).size(), 1u);
  write_file_atomically(directory / "y", "good");
  EXPECT_TRUE(temporaries(directory.path()).empty());
  EXPECT_FALSE(fs::exists(directory / "x"));
}

TEST(AtomicFile, WhatOthersWriteIsLeftAlone) {
  const testing::TempDir directory;
  AtomicFile mine(directory / "x");
  mine.write("half");
  const fs::path in_work = temporaries(directory.path()).at(0);
  const std::string name = in_work.filename().string();
  // Another host's, another program's, and names that are only like ours.
  const std::string others[] = {".wick-00000000" + name.substr(14), name + ".txt",
                                ".wick-notes.tmp", "wick.tmp"};
  for (const std::string& other : others) std::ofstream(directory / other) << "theirs";
  fs::create_symlink(others[3], directory / (name.substr(0, 15) + std::string(16, '0') + ".tmp"));
  for (int i = 0; i < 3; ++i) write_file_atomically(directory / "y", "good");
  EXPECT_TRUE(fs::exists(in_work));
  for (const std::string& other : others) EXPECT_TRUE(fs::exists(directory / other)) << other;
  mine.commit();
  EXPECT_EQ(content(directory / "x"), "half");
}

// Files in the same folder by several threads: none takes another's for one that was left.
TEST(AtomicFile, ManyAtOnceDoNotDisturbEachOther) {
  const testing::TempDir directory;
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int j = 0; j < 100; ++j) {
        try {
          write_file_atomically(directory / std::to_string(i), std::to_string(j));
        } catch (const IoError&) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  EXPECT_EQ(file_count(directory.path()), 4u);
}

}  // namespace
}  // namespace wick
