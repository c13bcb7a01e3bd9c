// SPDX-License-Identifier: MIT
// The random stream of PyTorch's CPU generator: the same seed gives the same numbers.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "core/tensor.h"

namespace wick {

/// mt19937 (Matsumoto and Nishimura 1998), seeded and drawn from as torch.Generator("cpu") does.
/// Copyable: a copy continues the same stream independently. Not thread-safe.
class Generator {
 public:
  /// torch.Generator().manual_seed(seed). PyTorch's default seed is 67280421310721.
  explicit Generator(std::uint64_t seed = 67280421310721ULL) { manual_seed(seed); }

  void manual_seed(std::uint64_t seed);
  [[nodiscard]] std::uint64_t initial_seed() const noexcept { return seed_; }

  /// 32 random bits.
  [[nodiscard]] std::uint32_t random();
  /// 64 random bits: two draws, the first is the upper half.
  [[nodiscard]] std::uint64_t random64();

  /// Fills a CPU tensor of float32 or float64 as tensor.uniform_(low, high, generator=...).
  void uniform(const Tensor& out, double low, double high);
  /// Fills a CPU tensor of float32 or float64 as tensor.normal_(mean, deviation, generator=...).
  void normal(const Tensor& out, double mean, double deviation);
  /// torch.randperm(count, generator=...): an int64 tensor.
  [[nodiscard]] Tensor randperm(std::int64_t count);
  /// The same into an existing contiguous int64 CPU tensor of `count` elements; allocates nothing.
  void randperm(const Tensor& out);

  /// The bytes of generator.get_state(): a uint8 tensor of 5056 bytes that PyTorch's set_state
  /// takes.
  [[nodiscard]] Tensor get_state() const;
  /// The inverse; takes PyTorch's own states. Throws ValueError for anything else.
  void set_state(const Tensor& state);

 private:
  static constexpr int kStateSize = 624;
  void next_block();

  std::uint64_t seed_ = 0;
  int left_ = 1;  // draws before the next block, counted as PyTorch counts
  std::uint32_t next_ = 0;
  std::array<std::uint32_t, kStateSize> state_{};
  std::optional<float> next_float_normal_;
  std::optional<double> next_double_normal_;
};

}  // namespace wick
