// SPDX-License-Identifier: MIT
#include "tests/tools/process.h"

#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wick::testing {
namespace {

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

int open_for_writing(const std::filesystem::path& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) throw std::runtime_error("cannot open " + path.string());
  return fd;
}

/// In the child: its stdin, by a process of its own where it is a pipe.
bool give_input(const ProcessOptions& options) {
  const int file = ::open(options.input.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  if (!options.piped_input) return ::dup2(file, STDIN_FILENO) >= 0;
  int ends[2];
  if (::pipe(ends) != 0) return false;
  const pid_t writer = ::fork();
  if (writer < 0) return false;
  if (writer == 0) {
    ::close(ends[0]);
    ::signal(SIGPIPE, SIG_DFL);
    char piece[4096];
    for (ssize_t got = 0; (got = ::read(file, piece, sizeof piece)) > 0;) {
      for (ssize_t done = 0; done < got;) {
        const ssize_t wrote = ::write(ends[1], piece + done, static_cast<std::size_t>(got - done));
        if (wrote < 0) ::_exit(1);
        done += wrote;
      }
    }
    ::_exit(0);
  }
  ::close(ends[1]);
  return ::dup2(ends[0], STDIN_FILENO) >= 0;
}

}  // namespace

Process::Process(const std::string& program, const std::vector<std::string>& arguments,
                 const std::filesystem::path& folder, const ProcessOptions& options)
    : out_(folder / "stdout"), err_(folder / "stderr") {
  const std::string path = std::string(WICK_BIN) + "/" + program;
  std::vector<char*> argv = {const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  const int out = options.output.empty() ? open_for_writing(out_)
                                         : ::open(options.output.c_str(), O_WRONLY | O_CLOEXEC);
  const int err = open_for_writing(err_);
  pid_ = ::fork();
  if (pid_ < 0) throw std::runtime_error("fork failed");
  if (pid_ == 0) {
    ::dup2(out, STDOUT_FILENO);
    ::dup2(err, STDERR_FILENO);
    if (options.unread_output) {
      int ends[2];
      if (::pipe(ends) != 0) ::_exit(127);
      ::close(ends[0]);
      ::dup2(ends[1], STDOUT_FILENO);
    }
    if (!options.input.empty() && !give_input(options)) ::_exit(127);
    if (!options.working_folder.empty() && ::chdir(options.working_folder.c_str()) != 0) {
      ::_exit(127);
    }
    for (const int descriptor : options.closed) ::close(descriptor);
    for (const int signal : options.ignored_signals) std::signal(signal, SIG_IGN);
    if (options.file_limit) {
      const rlimit limit{*options.file_limit, *options.file_limit};
      ::setrlimit(RLIMIT_FSIZE, &limit);
    }
    ::execv(path.c_str(), argv.data());
    ::_exit(127);
  }
  ::close(out);
  ::close(err);
}

Process::~Process() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
}

void Process::send(int signal) const {
  ::kill(pid_, signal);
}

ProcessResult Process::wait() {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {code, read_text(out_), read_text(err_)};
}

ProcessResult run(const std::string& program, const std::vector<std::string>& arguments,
                  const std::filesystem::path& folder, const ProcessOptions& options) {
  return Process(program, arguments, folder, options).wait();
}

}  // namespace wick::testing
