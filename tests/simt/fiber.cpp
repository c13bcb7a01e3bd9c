// SPDX-License-Identifier: MIT
// Fibers over Boost.Context's two primitives: make_fcontext and jump_fcontext.
#include "tests/simt/fiber.h"

#include <new>

#include <boost/context/detail/fcontext.hpp>
#include <sys/mman.h>

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace wick::simt {
namespace {

namespace context = boost::context::detail;

#if defined(__SANITIZE_ADDRESS__)
constexpr std::size_t kStackBytes = 256 << 10;  // instrumented frames are large
void start_switch(void** save, const void* bottom, std::size_t size) {
  __sanitizer_start_switch_fiber(save, bottom, size);
}
void finish_switch(void* save, const void** bottom, std::size_t* size) {
  __sanitizer_finish_switch_fiber(save, bottom, size);
}
void forget(void* stack, std::size_t size) {
  __asan_unpoison_memory_region(stack, size);
}
#else
constexpr std::size_t kStackBytes = 64 << 10;
void start_switch(void** /*save*/, const void* /*bottom*/, std::size_t /*size*/) {}
void finish_switch(void* /*save*/, const void** /*bottom*/, std::size_t* /*size*/) {}
void forget(void* /*stack*/, std::size_t /*size*/) {}
#endif
constexpr std::size_t kGuardBytes = 4096;

}  // namespace

struct Fiber::State {
  void* mapping = nullptr;  // a guard page, then the stack
  context::fcontext_t inside = nullptr;
  context::fcontext_t outside = nullptr;
  void (*body)(void*) = nullptr;
  void* argument = nullptr;
  bool busy = false;
  void* fake_stack_inside = nullptr;
  void* fake_stack_outside = nullptr;
  const void* outside_bottom = nullptr;
  std::size_t outside_size = 0;
  [[nodiscard]] char* stack() const { return static_cast<char*>(mapping) + kGuardBytes; }
};

namespace {

void leave(Fiber::State& state) {
  start_switch(&state.fake_stack_inside, state.outside_bottom, state.outside_size);
  const context::transfer_t back = context::jump_fcontext(state.outside, nullptr);
  finish_switch(state.fake_stack_inside, &state.outside_bottom, &state.outside_size);
  state.outside = back.fctx;
}

// A fiber never returns from here: it takes one body after the other.
void entry(context::transfer_t from) {
  auto& state = *static_cast<Fiber::State*>(from.data);
  finish_switch(nullptr, &state.outside_bottom, &state.outside_size);
  state.outside = from.fctx;
  for (;;) {
    state.body(state.argument);
    state.busy = false;
    leave(state);
  }
}

}  // namespace

Fiber::Fiber() : state_(std::make_unique<State>()) {
  void* const mapping = ::mmap(nullptr, kGuardBytes + kStackBytes, PROT_READ | PROT_WRITE,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (mapping == MAP_FAILED) throw std::bad_alloc();
  ::mprotect(mapping, kGuardBytes, PROT_NONE);
  state_->mapping = mapping;
  state_->inside = context::make_fcontext(state_->stack() + kStackBytes, kStackBytes, entry);
}

Fiber::~Fiber() {
  forget(state_->stack(), kStackBytes);
  ::munmap(state_->mapping, kGuardBytes + kStackBytes);
}

void Fiber::set_body(void (*body)(void*), void* argument) {
  state_->body = body;
  state_->argument = argument;
  state_->busy = true;
}

bool Fiber::busy() const noexcept {
  return state_->busy;
}

void Fiber::resume() {
  State& state = *state_;
  start_switch(&state.fake_stack_outside, state.stack(), kStackBytes);
  const context::transfer_t back = context::jump_fcontext(state.inside, &state);
  finish_switch(state.fake_stack_outside, nullptr, nullptr);
  state.inside = back.fctx;
}

void Fiber::pause() {
  leave(*state_);
}

std::unique_ptr<Fiber> FiberPool::take() {
  if (idle_.empty()) return std::make_unique<Fiber>();
  std::unique_ptr<Fiber> fiber = std::move(idle_.back());
  idle_.pop_back();
  return fiber;
}

void FiberPool::give_back(std::unique_ptr<Fiber> fiber) {
  if (!fiber->busy()) idle_.push_back(std::move(fiber));
}

}  // namespace wick::simt
