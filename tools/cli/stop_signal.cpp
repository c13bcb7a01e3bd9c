// SPDX-License-Identifier: MIT
// Remembers the first SIGINT, SIGTERM or SIGHUP.
#include "tools/cli/stop_signal.h"

#include <array>
#include <csignal>

namespace wick::tools {
namespace {

constexpr std::array kSignals = {SIGINT, SIGTERM, SIGHUP};

// A signal handler can reach nothing but a variable of static storage.
volatile std::sig_atomic_t g_received = 0;

bool is_ignored(int signal) {
  struct sigaction action {};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

/// Of those that are not ignored. Both functions are safe in a signal handler.
void handle_all(void (*handler)(int)) {
  for (const int signal : kSignals) {
    if (!is_ignored(signal)) std::signal(signal, handler);
  }
}

extern "C" void remember(int signal) {
  g_received = signal;
  // All kinds: Ctrl-C after a SIGTERM, or the other way round, must end the program too.
  handle_all(SIG_DFL);
}

}  // namespace

StopSignal::StopSignal() {
  g_received = 0;
  handle_all(remember);
}

StopSignal::~StopSignal() {
  handle_all(SIG_DFL);
}

int StopSignal::received() noexcept {
  return g_received;
}

}  // namespace wick::tools
