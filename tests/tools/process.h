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

/// A started program. Kills it where it still runs at the end.
class Process {
 public:
  /// `program` is a name in bin/. `file_limit` bounds the size of every file it writes, in bytes,
  /// and makes writing more an error, as on a full disk. Outputs go to files in `folder`.
  Process(const std::string& program, const std::vector<std::string>& arguments,
          const std::filesystem::path& folder, std::optional<std::size_t> file_limit = {});
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
                                const std::filesystem::path& folder);

}  // namespace wick::testing
