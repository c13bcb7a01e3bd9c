// SPDX-License-Identifier: MIT
// A stack of its own for each thread of a block, and the switch between stacks, with the notes that
// AddressSanitizer needs to follow it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <vector>

namespace wick::simt {

/// Runs functions that may pause. Used by one operating-system thread at a time.
class Fiber {
 public:
  Fiber();
  Fiber(const Fiber&) = delete;
  Fiber& operator=(const Fiber&) = delete;
  ~Fiber();

  /// Starts `body`, which must outlive the run, on this fiber's stack, or goes on after its last
  /// pause(). Returns when it pauses or ends.
  void resume();
  void set_body(void (*body)(void*), void* argument);
  /// Called on the fiber: returns to where resume() was called.
  void pause();
  /// True between set_body() and the body's end.
  [[nodiscard]] bool busy() const noexcept;

  struct State;  // for the entry function

 private:
  std::unique_ptr<State> state_;
};

/// Fibers that wait for work. A fiber whose body has not ended is thrown away.
class FiberPool {
 public:
  [[nodiscard]] std::unique_ptr<Fiber> take();
  void give_back(std::unique_ptr<Fiber> fiber);

 private:
  std::vector<std::unique_ptr<Fiber>> idle_;
};

}  // namespace wick::simt
