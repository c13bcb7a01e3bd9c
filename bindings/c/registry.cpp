// SPDX-License-Identifier: MIT
#include "bindings/c/registry.h"

#include <bit>
#include <type_traits>
#include <utility>

namespace wick::c {
namespace {

static_assert(sizeof(std::uintptr_t) == 8, "a handle is a number of 64 bits");

// A handle, from its highest bit: a mark and the kind, which no address has there; 28 bits of
// generation; 28 bits of index.
constexpr unsigned kIndexBits = 28;
constexpr unsigned kKindShift = 56;
constexpr std::uint64_t kMark = 0xA0;
constexpr std::uint64_t kIndexMask = (std::uint64_t{1} << kIndexBits) - 1;
constexpr std::uint64_t kLastGeneration = kIndexMask;

// The state of a slot: 32 bits of generation, whether the handle is valid, whether the use is
// exclusive, and 30 bits that count the uses.
constexpr unsigned kGenerationShift = 32;
constexpr std::uint64_t kAlive = std::uint64_t{1} << 31;
constexpr std::uint64_t kExclusive = std::uint64_t{1} << 30;
constexpr std::uint64_t kUses = kExclusive - 1;

struct Parts {
  std::uint64_t kind;  // with the mark
  std::uint64_t generation;
  std::uint32_t index;
};

Parts parts_of(const void* handle) noexcept {
  const auto bits = reinterpret_cast<std::uintptr_t>(handle);
  return {bits >> kKindShift, (bits >> kIndexBits) & kIndexMask,
          static_cast<std::uint32_t>(bits & kIndexMask)};
}

// Tells threads apart by its address.
const void* this_thread() noexcept {
  thread_local char token = 0;
  return &token;
}

[[noreturn]] void refuse(std::string_view argument, std::string_view problem) {
  throw HandleError(concat("the handle '", argument, "' ", problem));
}

}  // namespace

// One cache line each, so that threads with handles of their own do not share one.
struct alignas(64) Registry::Slot {
  std::atomic<std::uint64_t> state{0};
  std::atomic<const void*> owner{nullptr};  // the thread whose use is exclusive
  std::unique_ptr<Object> object;
  Slot* next = nullptr;  // of the unused ones
  std::uint32_t index = 0;
  std::atomic<Kind> kind{};
};

std::string_view name(Kind kind) noexcept {
  switch (kind) {
    case Kind::tensor: return "tensor";
    case Kind::value: return "value";
    case Kind::module: return "module";
    case Kind::loss: return "loss";
    case Kind::optimizer: return "optimizer";
    case Kind::generator: return "generator";
    case Kind::plan: return "plan";
  }
  return "";
}

Registry& Registry::instance() noexcept {
  static_assert(std::is_trivially_destructible_v<Registry>);
  static constinit Registry registry;
  return registry;
}

Registry::Slot* Registry::find(std::uint32_t index) const noexcept {
  const auto chunk = static_cast<std::size_t>(std::bit_width(index / kFirstChunk + 1)) - 1;
  if (chunk >= kChunks) return nullptr;
  Slot* const slots = chunks_[chunk].load(std::memory_order_acquire);
  if (slots == nullptr) return nullptr;
  return slots + (index - ((std::size_t{1} << chunk) - 1) * kFirstChunk);
}

void* Registry::insert(Kind kind, std::unique_ptr<Object> object) {
  const std::lock_guard lock(mutex_);
  Slot* slot = unused_;
  if (slot != nullptr) {
    unused_ = slot->next;
  } else {
    slot = find(count_);
    if (slot == nullptr) {
      const auto chunk = static_cast<std::size_t>(std::bit_width(count_ / kFirstChunk + 1)) - 1;
      if (chunk >= kChunks)
        throw ValueError("there are too many handles; free some by wick_free()");
      chunks_[chunk].store(new Slot[kFirstChunk << chunk], std::memory_order_release);
      slot = find(count_);
    }
    slot->index = count_++;
    slot->state.store(std::uint64_t{1} << kGenerationShift, std::memory_order_relaxed);
  }
  slot->object = std::move(object);
  slot->kind.store(kind, std::memory_order_relaxed);
  const std::uint64_t generation = slot->state.load(std::memory_order_relaxed) >> kGenerationShift;
  slot->state.store(generation << kGenerationShift | kAlive, std::memory_order_release);
  live_.fetch_add(1, std::memory_order_relaxed);
  const std::uint64_t bits = (kMark | static_cast<std::uint64_t>(kind)) << kKindShift |
                             generation << kIndexBits | slot->index;
  // NOLINTNEXTLINE(performance-no-int-to-ptr): nothing is ever read there
  return reinterpret_cast<void*>(static_cast<std::uintptr_t>(bits));
}

Registry::Slot& Registry::acquire(const void* handle, Kind kind, Use use,
                                  std::string_view argument) {
  if (handle == nullptr) refuse(argument, "is NULL");
  const auto [mark, generation, index] = parts_of(handle);
  if (mark != (kMark | static_cast<std::uint64_t>(kind))) {
    const std::string_view given = name(static_cast<Kind>(mark ^ kMark));
    if (given.empty()) refuse(argument, "is no handle of wick's");
    refuse(argument, concat("is of a ", given, ", not of a ", name(kind)));
  }
  Slot* const slot = find(index);
  if (slot == nullptr) refuse(argument, "is no handle of wick's");
  std::uint64_t state = slot->state.load(std::memory_order_acquire);
  for (;;) {
    if (state >> kGenerationShift != generation || (state & kAlive) == 0 ||
        slot->kind.load(std::memory_order_relaxed) != kind) {
      refuse(argument, concat("is of a ", name(kind), " that was freed"));
    }
    const bool is_exclusive = (state & kExclusive) != 0;
    const bool is_mine = is_exclusive && use == Use::nested &&
                         slot->owner.load(std::memory_order_relaxed) == this_thread();
    if (!is_mine && (is_exclusive || (use == Use::exclusive && (state & kUses) != 0))) {
      throw BusyError(concat("the ", name(kind), " '", argument,
                             "' is in use, by another thread or by the call that runs this "
                             "callback; give each thread one of its own"));
    }
    const std::uint64_t next = state + 1 + (use == Use::exclusive ? kExclusive : 0);
    if (slot->state.compare_exchange_weak(state, next, std::memory_order_acquire)) break;
  }
  if (use == Use::exclusive) slot->owner.store(this_thread(), std::memory_order_relaxed);
  return *slot;
}

void Registry::release(Slot& slot, bool exclusive) noexcept {
  if (exclusive) slot.owner.store(nullptr, std::memory_order_relaxed);
  const std::uint64_t before =
      slot.state.fetch_sub(1 + (exclusive ? kExclusive : 0), std::memory_order_acq_rel);
  if ((before & kAlive) == 0 && (before & kUses) == 1) reclaim(slot);
}

Object& Registry::object_of(Slot& slot) noexcept {
  return *slot.object;
}

void Registry::free(const void* handle) {
  const auto [mark, generation, index] = parts_of(handle);
  const std::string_view given = name(static_cast<Kind>(mark ^ kMark));
  Slot* const slot = given.empty() ? nullptr : find(index);
  if (slot == nullptr) refuse("handle", "is no handle of wick's");
  std::uint64_t state = slot->state.load(std::memory_order_acquire);
  do {
    if (state >> kGenerationShift != generation || (state & kAlive) == 0) {
      refuse("handle", concat("is of a ", given, " that was freed before"));
    }
    if (name(slot->kind.load(std::memory_order_relaxed)) != given) {
      refuse("handle", "is no handle of wick's");
    }
  } while (!slot->state.compare_exchange_weak(state, state & ~kAlive, std::memory_order_acq_rel));
  live_.fetch_sub(1, std::memory_order_relaxed);
  if ((state & kUses) == 0) reclaim(*slot);
}

void Registry::reclaim(Slot& slot) noexcept {
  // It may call the user's function, which may free or make other handles.
  const std::unique_ptr<Object> object = std::move(slot.object);
  const std::lock_guard lock(mutex_);
  const std::uint64_t generation =
      (slot.state.load(std::memory_order_relaxed) >> kGenerationShift) + 1;
  slot.state.store(generation << kGenerationShift, std::memory_order_release);
  // A generation must not come back: a slot that has had all of them is not used again.
  if (generation > kLastGeneration) return;
  slot.next = unused_;
  unused_ = &slot;
}

}  // namespace wick::c
