// SPDX-License-Identifier: MIT
// What the main functions of the programs share.
#include "tools/cli/program.h"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <new>
#include <optional>
#include <string_view>

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include "serialize/zip_reader.h"
#include "tools/printable.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

bool reader_is_gone() {
  pollfd output{STDOUT_FILENO, POLLOUT, 0};
  return ::poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/// Where a standard descriptor is closed, the next file that is opened would get its number, and
/// what the program prints would go into that file. It stays a closed one: /dev/null is opened the
/// wrong way round.
void keep_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (::fcntl(fd, F_GETFD) >= 0) continue;
    (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
  }
}

/// More than the system's smallest heap, in which the C++ library keeps memory for exceptions that
/// are thrown where there is none.
constexpr std::size_t kMemoryToBegin = std::size_t{256} << 10;

bool has_memory_to_begin() {
  // operator new would throw.
  void* const memory = std::malloc(kMemoryToBegin);  // NOLINT(*-no-malloc)
  const bool has = memory != nullptr;
  std::free(memory);  // NOLINT(*-no-malloc)
  return has;
}

/// Writes as streams do, without asking for memory.
int out_of_memory(const char* name) {
  for (const char* const text : {name, ": out of memory\n"}) {
    if (::write(STDERR_FILENO, text, std::strlen(text)) < 0) break;
  }
  return kFailure;
}

}  // namespace

int run_main(const char* name, int (*main)(int, char**), int argc, char** argv) {
  if (!has_memory_to_begin()) return out_of_memory(name);
  try {
    return main(argc, argv);
  } catch (const std::bad_alloc&) {
    return out_of_memory(name);
  }
}

std::string message_of(const Error& error, const RemedyWords& words) {
  std::string message(error.problem());
  if (error.remedy() == Remedy::none || !words) return message;
  const std::string helps = words(error.remedy());
  return helps.empty() ? message : message + "; " + helps;
}

int run_program(const char* name, const std::function<int()>& body, const RemedyWords& words) {
  keep_standard_descriptors();
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  std::optional<int> status;
  try {
    status = body();
    flush_output();
    return *status;
  } catch (const OutputClosed&) {
    return status.value_or(128 + SIGPIPE);
  } catch (const std::bad_alloc&) {
    return out_of_memory(name);
  } catch (const Error& error) {
    std::cerr << name << ": " << message_line(message_of(error, words)) << std::endl;
  } catch (const std::exception& error) {
    std::cerr << name << ": " << message_line(error.what()) << std::endl;
  }
  return kFailure;
}

int run_reading_program(const char* name, const std::function<int()>& body,
                        const RemedyWords& words) {
  const auto reading = [&body] {
    try {
      return body();
    } catch (const ChecksumError& error) {
      throw FormatError(reading_message(error));
    }
  };
  return run_program(name, reading, words);
}

std::string reading_message(const Error& error, const RemedyWords& words) {
  const bool is_checksum = dynamic_cast<const ChecksumError*>(&error) != nullptr;
  return message_of(error, words) + (is_checksum ? "; --no-verify reads on" : "");
}

void flush_output() {
  errno = 0;
  std::cout.flush();
  const bool flushed = std::fflush(stdout) == 0;
  if (std::cout.good() && flushed && std::ferror(stdout) == 0) return;
  int code = errno;
  // An earlier write failed, and its errno is lost. Another write gets it; the output is incomplete
  // anyway.
  if (code == 0 && ::write(STDOUT_FILENO, "\n", 1) < 0) code = errno;
  if (code == EPIPE || reader_is_gone()) throw OutputClosed();
  throw IoError(concat("cannot write to standard output", code != 0 ? ": " : "",
                       code != 0 ? std::strerror(code) : ""));
}

int show_text(const char* name, const std::string& text) {
  return run_program(name, [&text] {
    std::cout << text;
    return 0;
  });
}

int usage_error(const char* name, const char* message) {
  std::cerr << name << ": " << message_line(message) << " (see " << name << " --help)" << std::endl;
  return kUsageError;
}

void refuse_empty_arguments(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument.starts_with("--") && argument.ends_with("=")) {
      throw ValueError(concat(argument.substr(0, argument.size() - 1), " has an empty value"));
    }
    if (!argument.empty()) continue;
    const std::string_view before = i > 1 ? argv[i - 1] : "";
    throw ValueError(before.starts_with("-") ? concat(before, " has an empty value")
                                             : concat("argument ", i, " is empty"));
  }
}

}  // namespace wick::tools
