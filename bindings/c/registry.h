// SPDX-License-Identifier: MIT
// Which handles there are. A handle is a number: a mark, the kind, a generation and the index of a
// slot. A slot that is used again has another generation, so that old handles are recognised.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string_view>

#include "wick/core/error.h"

namespace wick::c {

enum class Kind : std::uint8_t { tensor = 1, value, module, loss, optimizer, generator, plan };
/// "tensor", "module" ...
[[nodiscard]] std::string_view name(Kind kind) noexcept;

/// What a handle stands for.
struct Object {
  Object() = default;
  Object(const Object&) = delete;
  Object& operator=(const Object&) = delete;
  virtual ~Object() = default;
};

/// How a call uses an object: beside others, alone, or also inside an exclusive use by the same
/// thread (a closure in the call that runs it).
enum class Use : std::uint8_t { shared, exclusive, nested };

/// A handle that is NULL, freed, of another kind, or none at all.
class HandleError : public Error {
 public:
  using Error::Error;
};

/// An object that another call is using.
class BusyError : public Error {
 public:
  using Error::Error;
};

/// Thread safety: all functions may be called from several threads. A look-up takes no lock.
class Registry {
 public:
  struct Slot;

  /// That of the process. It is never destroyed: handles may be freed while the program ends.
  [[nodiscard]] static Registry& instance() noexcept;

  /// Returns the handle.
  [[nodiscard]] void* insert(Kind kind, std::unique_ptr<Object> object);
  /// Keeps the object alive until release(), whoever frees the handle meanwhile. Throws HandleError
  /// and BusyError; `argument` is the name for their messages.
  [[nodiscard]] Slot& acquire(const void* handle, Kind kind, Use use, std::string_view argument);
  /// `exclusive`: it was acquired so.
  void release(Slot& slot, bool exclusive) noexcept;
  [[nodiscard]] static Object& object_of(Slot& slot) noexcept;
  /// The handle is void from now on; the object goes when nobody uses it any more.
  void free(const void* handle);
  [[nodiscard]] std::size_t live() const noexcept { return live_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::size_t kChunks = 18;  // of 2^10, 2^11, ... slots
  static constexpr std::size_t kFirstChunk = 1024;

  // Null for an index that there is not.
  [[nodiscard]] Slot* find(std::uint32_t index) const noexcept;
  void reclaim(Slot& slot) noexcept;

  std::array<std::atomic<Slot*>, kChunks> chunks_{};
  std::atomic<std::size_t> live_{0};
  std::mutex mutex_;  // of what follows
  std::uint32_t count_ = 0;
  Slot* unused_ = nullptr;  // a list
};

/// An object while a call uses it.
template <typename T>
class Pinned {
 public:
  Pinned(const void* handle, std::string_view argument, Use use = T::kUse)
      : slot_(Registry::instance().acquire(handle, T::kKind, use, argument)),
        object_(static_cast<T&>(Registry::object_of(slot_))),
        exclusive_(use == Use::exclusive) {}
  Pinned(const Pinned&) = delete;
  Pinned& operator=(const Pinned&) = delete;
  ~Pinned() { Registry::instance().release(slot_, exclusive_); }
  T& operator*() const noexcept { return object_; }
  T* operator->() const noexcept { return &object_; }

 private:
  Registry::Slot& slot_;
  T& object_;
  bool exclusive_;
};

}  // namespace wick::c
