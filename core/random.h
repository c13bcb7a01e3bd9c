// SPDX-License-Identifier: MIT
// The random stream of PyTorch's CPU generator: the same seed gives the same numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "core/tensor.h"

namespace wick {

/// mt19937 (Matsumoto and Nishimura 1998), seeded and drawn from as torch.Generator("cpu") does.
/// Copyable: a copy continues the same stream independently. Not thread-safe.
///
/// "The same numbers" means equal bits, for every size and dtype below, as PyTorch gives on an
/// x86-64 processor with AVX2 (its kernels differ in the last bits elsewhere). Two kinds of number
/// also depend on the C library's log, log1p, sin and cos, which PyTorch calls too: normal() in
/// float64, and normal() of fewer than 16 elements.
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

  /// Fills a contiguous CPU tensor of float32 or float64 as
  /// tensor.uniform_(low, high, generator=...). Throws ValueError where low > high, or where a
  /// bound or their difference is no finite number of the dtype; then the stream stays as it was.
  void uniform(const Tensor& out, double low, double high);
  /// Fills a contiguous CPU tensor of float32 or float64 as
  /// tensor.normal_(mean, deviation, generator=...). Throws ValueError where the deviation is
  /// negative or NaN. Fewer than 16 elements come in pairs: where the count is odd, the second
  /// number of the last pair is kept for the next such call.
  void normal(const Tensor& out, double mean, double deviation);
  /// torch.randperm(count, generator=...): an int64 tensor. Throws ValueError for a negative count.
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
  // The next `count` draws of random().
  void draw(std::uint32_t* out, std::size_t count);
  template <typename T>
  void fill_uniform(T* out, std::int64_t count, T low, T high);
  template <typename T>
  void fill_normal(T* out, std::int64_t count, T mean, T deviation);
  double next_normal();

  std::uint64_t seed_ = 0;
  int left_ = 1;            // one more than the draws before the next block, as PyTorch counts
  std::uint32_t next_ = 0;  // the word of state_ that the next draw takes, if left_ > 1
  std::array<std::uint32_t, kStateSize> state_{};
  std::optional<float> next_float_normal_;  // PyTorch keeps one in its state but never uses it
  std::optional<double> next_double_normal_;
};

}  // namespace wick
