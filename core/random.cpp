// SPDX-License-Identifier: MIT
// The engine behind Generator: mt19937, and the bytes in which PyTorch keeps its state.
#include "wick/core/random.h"

#include <algorithm>
#include <cstring>

#include "core/twister.h"
#include "wick/core/error.h"

namespace wick {
namespace {

constexpr std::size_t kWords = detail::kTwisterWords;

// What torch.Generator.get_state() holds: PyTorch's CPUGeneratorImplState, in the byte order and
// with the alignment of x86-64. The members that wick has no use for are always zero.
struct SavedState {
  std::uint64_t initial_seed;
  std::int32_t left;
  std::int32_t seeded;
  std::uint64_t next;
  std::array<std::uint64_t, kWords> words;  // 32 bits each
  double unused_x;
  double double_normal;
  double unused_rho;
  std::int32_t has_double_normal;
  std::int32_t unused_padding;
  float float_normal;
  std::uint8_t has_float_normal;
  std::array<std::uint8_t, 3> unused_tail;
};
static_assert(sizeof(SavedState) == 5056);
static_assert(offsetof(SavedState, double_normal) == 5024);
static_assert(offsetof(SavedState, has_float_normal) == 5052);

}  // namespace

void Generator::manual_seed(std::uint64_t seed) {
  seed_ = seed;
  offset_ = 0;
  left_ = 1;
  next_ = 0;
  next_float_normal_.reset();
  next_double_normal_.reset();
  state_[0] = static_cast<std::uint32_t>(seed);  // the upper half of a seed has no effect
  for (std::uint32_t i = 1; i < kWords; ++i) {
    const std::uint32_t before = state_[i - 1];
    state_[i] = 1812433253U * (before ^ (before >> 30)) + i;
  }
}

std::uint32_t Generator::next_word() {
  if (--left_ == 0) {
    detail::next_twister_block(state_.data());
    left_ = kStateSize;
    next_ = 0;
  }
  return detail::temper(state_[next_++]);
}

std::uint64_t Generator::next_two_words() {
  const std::uint64_t upper = next_word();
  return (upper << 32) | next_word();
}

std::uint32_t Generator::random() {
  require_cpu("Generator::random");
  return next_word();
}

std::uint64_t Generator::random64() {
  require_cpu("Generator::random64");
  return next_two_words();
}

void Generator::draw(std::uint32_t* out, std::size_t count) {
  while (count > 0) {
    if (left_ == 1) {
      *out++ = next_word();  // starts the next block
      --count;
      continue;
    }
    const std::size_t run = std::min(count, static_cast<std::size_t>(left_) - 1);
    detail::temper(state_.data() + next_, run, out);
    left_ -= static_cast<int>(run);
    next_ += static_cast<std::uint32_t>(run);
    out += run;
    count -= run;
  }
}

Tensor Generator::get_state() const {
  if (device_ != kCpu) return get_device_state();
  SavedState saved{};
  saved.initial_seed = seed_;
  saved.left = left_;
  saved.seeded = 1;
  saved.next = next_;
  std::copy(state_.begin(), state_.end(), saved.words.begin());
  saved.has_double_normal = next_double_normal_.has_value() ? 1 : 0;
  saved.double_normal = next_double_normal_.value_or(0.0);
  saved.has_float_normal = next_float_normal_.has_value() ? 1 : 0;
  saved.float_normal = next_float_normal_.value_or(0.0F);
  Tensor result = Tensor::empty({static_cast<std::int64_t>(sizeof(saved))}, DType::uint8);
  std::memcpy(result.raw(), &saved, sizeof(saved));
  return result;
}

void Generator::set_state(const Tensor& state) {
  if (device_ != kCpu) {
    set_device_state(state);
    return;
  }
  if (!state.defined() || state.dtype() != DType::uint8 || state.device() != kCpu ||
      !state.is_contiguous() || state.nbytes() != sizeof(SavedState)) {
    throw ValueError(concat("Generator::set_state: a state is a contiguous uint8 tensor of ",
                            sizeof(SavedState), " bytes on the CPU, got ", state));
  }
  SavedState saved;
  std::memcpy(&saved, state.raw(), sizeof(saved));
  // The words from `next` on must last until `left` runs out.
  const bool fits = saved.left == 1
                        ? saved.next <= kWords
                        : saved.left > 1 && saved.left <= kStateSize &&
                              saved.next <= kWords + 1 - static_cast<std::uint64_t>(saved.left);
  if (saved.seeded == 0 || !fits) {
    throw ValueError(concat("Generator::set_state: no state of mt19937 (seeded ", saved.seeded,
                            ", left ", saved.left, ", next ", saved.next,
                            "); take one from get_state()"));
  }
  seed_ = saved.initial_seed;
  left_ = saved.left;
  next_ = static_cast<std::uint32_t>(saved.next);
  std::transform(saved.words.begin(), saved.words.end(), state_.begin(),
                 [](std::uint64_t word) { return static_cast<std::uint32_t>(word); });
  next_double_normal_.reset();
  next_float_normal_.reset();
  if (saved.has_double_normal != 0) next_double_normal_ = saved.double_normal;
  if (saved.has_float_normal != 0) next_float_normal_ = saved.float_normal;
}

}  // namespace wick
