// SPDX-License-Identifier: MIT
#include "wick/core/keyed_hash.h"

#include <bit>
#include <chrono>
#include <exception>
#include <random>

namespace wick {
namespace {

struct Key {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
};

std::uint64_t draw() {
  try {
    std::random_device random;
    return std::uint64_t{random()} << 32 | random();
  } catch (const std::exception&) {
    // Without a source of randomness the clock is still more than a file can know.
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    return static_cast<std::uint64_t>(now) * 0x9E3779B97F4A7C15U;
  }
}

const Key& process_key() {
  static const Key key{draw(), draw()};
  return key;
}

class SipState {
 public:
  explicit SipState(const Key& key)
      : a_(key.low ^ 0x736f6d6570736575U),
        b_(key.high ^ 0x646f72616e646f6dU),
        c_(key.low ^ 0x6c7967656e657261U),
        d_(key.high ^ 0x7465646279746573U) {}

  void take(std::uint64_t word) {
    d_ ^= word;
    round();
    a_ ^= word;
  }
  [[nodiscard]] std::uint64_t finish() {
    c_ ^= 0xFF;
    for (int i = 0; i < 3; ++i) round();
    return a_ ^ b_ ^ c_ ^ d_;
  }

 private:
  void round() {
    a_ += b_;
    b_ = std::rotl(b_, 13) ^ a_;
    a_ = std::rotl(a_, 32);
    c_ += d_;
    d_ = std::rotl(d_, 16) ^ c_;
    a_ += d_;
    d_ = std::rotl(d_, 21) ^ a_;
    c_ += b_;
    b_ = std::rotl(b_, 17) ^ c_;
    c_ = std::rotl(c_, 32);
  }

  std::uint64_t a_, b_, c_, d_;
};

// Up to eight bytes, the first one lowest.
std::uint64_t word_of(std::string_view bytes) {
  std::uint64_t word = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    word |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
  }
  return word;
}

}  // namespace

std::uint64_t keyed_hash(std::string_view bytes) noexcept {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  SipState state(process_key());
  const std::uint64_t length = bytes.size();
  for (; bytes.size() >= kWord; bytes.remove_prefix(kWord)) {
    state.take(word_of(bytes.substr(0, kWord)));
  }
  state.take(word_of(bytes) | length << 56);
  return state.finish();
}

std::uint64_t keyed_hash(std::uint64_t number) noexcept {
  SipState state(process_key());
  state.take(number);
  state.take(std::uint64_t{8} << 56);
  return state.finish();
}

}  // namespace wick
