// SPDX-License-Identifier: MIT
// Remembers the first SIGINT or SIGTERM.
#include "tools/cli/stop_signal.h"

#include <csignal>

namespace wick::tools {
namespace {

// A signal handler can reach nothing but a variable of static storage.
volatile std::sig_atomic_t g_received = 0;

extern "C" void remember(int signal) {
  g_received = signal;
  // Both kinds: Ctrl-C after a SIGTERM, or the other way round, must end the program too.
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

}  // namespace

StopSignal::StopSignal() {
  g_received = 0;
  std::signal(SIGINT, remember);
  std::signal(SIGTERM, remember);
}

StopSignal::~StopSignal() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

int StopSignal::received() noexcept {
  return g_received;
}

}  // namespace wick::tools
