// SPDX-License-Identifier: MIT
#include "tests/real_time/watched_child.h"

#include <array>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace wick::testing {
namespace {

#if defined(__x86_64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
constexpr std::uint32_t kArchitecture = AUDIT_ARCH_AARCH64;
#else
#error "which architecture do system calls have here?"
#endif

constexpr int kCaughtStatus = 3;
constexpr int kThrownStatus = 4;

// In memory that parent and child share.
struct Report {
  volatile int system_call;
  Calls calls;
  std::array<char, 512> error;
};

Report* report_of_child = nullptr;  // for the signal handler

void on_system_call(int /*signal*/, siginfo_t* info, void* /*context*/) {
  report_of_child->system_call = info->si_syscall;
  _exit(kCaughtStatus);
}

sock_filter statement(std::uint16_t code, std::uint32_t value) {
  return {code, 0, 0, value};
}

// Returns false where the system does not have it.
bool forbid_system_calls(const std::vector<int>& allowed, Watch whom) {
  struct sigaction action {};
  action.sa_sigaction = on_system_call;
  action.sa_flags = SA_SIGINFO;
  sigaction(SIGSYS, &action, nullptr);
  std::vector<int> allowed_too = allowed;
  allowed_too.push_back(SYS_exit_group);  // the end of the child
  std::vector<sock_filter> filter{
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, arch)),
      {BPF_JMP | BPF_JEQ | BPF_K, 1, 0, kArchitecture},
      statement(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
      statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
  };
  for (const int number : allowed_too) {
    filter.push_back({BPF_JMP | BPF_JEQ | BPF_K, 0, 1, static_cast<std::uint32_t>(number)});
    filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  filter.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_TRAP));
  const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
  const unsigned flags = whom == Watch::all_threads ? SECCOMP_FILTER_FLAG_TSYNC : 0U;
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program) == 0;
}

Calls difference(const Calls& after, const Calls& before) {
  return {after.allocations - before.allocations, after.frees - before.frees,
          after.locks - before.locks};
}

[[noreturn]] void run_child(const std::function<void()>& prepare, const std::function<void()>& work,
                            Watch whom, const std::vector<int>& allowed, Report& report) {
  report_of_child = &report;
  const auto fail = [&report](const char* text) {
    std::strncpy(report.error.data(), text, report.error.size() - 1);
    _exit(kThrownStatus);
  };
  const auto count = [whom] { return whom == Watch::caller ? calls_of_thread() : calls_of_all(); };
  try {
    prepare();
    if (!forbid_system_calls(allowed, whom)) fail("the system has no seccomp filters");
    const Calls before = count();
    work();
    report.calls = difference(count(), before);
    _exit(0);
  } catch (const std::exception& error) {
    fail(error.what());
  }
  _exit(kThrownStatus);
}

}  // namespace

Watched watch(const std::function<void()>& prepare, const std::function<void()>& work, Watch whom,
              const std::vector<int>& allowed) {
  void* const shared =
      mmap(nullptr, sizeof(Report), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) throw std::bad_alloc();
  auto& report = *new (shared) Report{-1, {}, {}};
  const pid_t child = fork();
  if (child < 0) throw std::runtime_error("fork failed");
  if (child == 0) run_child(prepare, work, whom, allowed, report);
  int status = 0;
  waitpid(child, &status, 0);
  Watched result;
  result.ended = WIFEXITED(status) && WEXITSTATUS(status) == 0;
  result.system_call = report.system_call;
  result.calls = report.calls;
  result.error = report.error.data();
  if (WIFSIGNALED(status)) {
    result.error = std::string("ended by the signal ") + strsignal(WTERMSIG(status));
  }
  munmap(shared, sizeof(Report));
  return result;
}

bool can_watch() {
  return watch([] {}, [] {}).ended;
}

std::string name_of_system_call(int number) {
  switch (number) {
    case SYS_futex: return "futex";
    case SYS_sched_yield: return "sched_yield";
    case SYS_mmap: return "mmap";
    case SYS_munmap: return "munmap";
    case SYS_brk: return "brk";
    case SYS_madvise: return "madvise";
    case SYS_getppid: return "getppid";
    case SYS_clone3: return "clone3";
    default: return std::to_string(number);
  }
}

void expect_quiet(const Watched& watched, const std::string& what) {
  EXPECT_TRUE(watched.ended) << what << ": " << watched.error << "; system call "
                             << name_of_system_call(watched.system_call);
  EXPECT_EQ(watched.calls.allocations, 0U) << what;
  EXPECT_EQ(watched.calls.frees, 0U) << what;
  EXPECT_EQ(watched.calls.locks, 0U) << what;
}

}  // namespace wick::testing
