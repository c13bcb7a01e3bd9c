// SPDX-License-Identifier: MIT
// Runs a program of ours as its users do, with its outputs in files.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace wick::testing {

struct ProcessResult {
  int status = 0;  // exit status, or 128 + signal
  std::string out;
  std::string err;
};

/// How a program is started.
struct ProcessOptions {
  std::optional<std::size_t> file_limit =
      {};                      // largest size of a file that it writes (ulimit -f), bytes
  std::string output = {};     // a device to which stdout goes; empty: to a file
  bool unread_output = false;  // stdout is a pipe whose other end is closed
  std::vector<int> ignored_signals = {};
  std::filesystem::path working_folder = {};  // in which it runs; empty: that of the test
  std::string input = {};                     // a file that is stdin; empty: that of the test
  bool piped_input = false;                   // `input` comes through a pipe
  std::vector<int> closed = {};               // descriptors that are closed
};

/// A started program. Kills it where it still runs at the end.
class Process {
 public:
  /// `program` is a name in bin/. Outputs go to files in `folder`, where nothing else is said.
  Process(const std::string& program, const std::vector<std::string>& arguments,
          const std::filesystem::path& folder, const ProcessOptions& options = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  void send(int signal) const;
  [[nodiscard]] ProcessResult wait();

 private:
  pid_t pid_ = -1;
  std::filesystem::path out_;
  std::filesystem::path err_;
};

/// Starts and waits.
[[nodiscard]] ProcessResult run(const std::string& program,
                                const std::vector<std::string>& arguments,
                                const std::filesystem::path& folder,
                                const ProcessOptions& options = {});

}  // namespace wick::testing
