// SPDX-License-Identifier: MIT
// Runs work in a child process that may not call the system.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/real_time/hooks.h"

namespace wick::testing {

/// Which threads of the child are watched.
enum class Watch { caller, all_threads };

/// What the work did.
struct Watched {
  bool ended = false;    // without a system call that was not allowed
  int system_call = -1;  // the number of the first one, where there was one
  Calls calls;           // of the watched threads
  std::string error;     // what was thrown, or how the child ended
};

/// Whether the system lets a process filter its system calls.
[[nodiscard]] bool can_watch();

/// Calls prepare() and then work() in a child of one thread (others are prepare()'s). From the
/// first statement of work() to its last, a system call other than the allowed ones ends the child.
[[nodiscard]] Watched watch(const std::function<void()>& prepare, const std::function<void()>& work,
                            Watch whom = Watch::caller, const std::vector<int>& allowed = {});

/// "futex", or the number.
[[nodiscard]] std::string name_of_system_call(int number);

/// Expects that the child came to the end, without a system call, an allocation or a lock.
void expect_quiet(const Watched& watched, const std::string& what);

}  // namespace wick::testing
