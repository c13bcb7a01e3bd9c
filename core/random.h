// SPDX-License-Identifier: MIT
// The random streams of PyTorch's generators: the same seed gives the same numbers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <optional>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/core/device.h"
#include "wick/core/tensor.h"

namespace wick {

/// torch.Generator. Copyable: a copy continues the same stream independently. Not thread-safe.
///
/// On the CPU it is mt19937 (Matsumoto and Nishimura 1998), seeded and drawn from as
/// torch.Generator("cpu") does. "The same numbers" means equal bits, for every size and dtype
/// below, as PyTorch gives on an x86-64 processor with AVX2 (its kernels differ in the last bits
/// elsewhere). Two kinds of number also depend on the C library's log, log1p, sin and cos, which
/// PyTorch calls too: normal() in float64, and normal() of fewer than 16 elements.
///
/// On a CUDA device it is Philox4x32-10 (Salmon et al. 2011) as torch.Generator("cuda") draws from
/// it: a seed, and an offset that each call moves on. It fills tensors of its own device where they
/// lie, and nothing goes from or to the host. Which thread draws for which element, and by how much
/// the offset moves, depends on the number of multiprocessors (PyTorch: calc_execution_policy in
/// ATen/native/cuda/DistributionTemplates.h): the numbers are PyTorch's on the same model of GPU,
/// and on any for tensors of no more elements than its threads. Two things differ: tensors of more
/// than 2^31 bytes, which PyTorch draws for in parts, and tensors that are not contiguous.
/// A recorded step (core/recording.h) draws on in each repetition; the generator stays where it is.
class WICK_API Generator {
 public:
  /// torch.Generator().manual_seed(seed). PyTorch's default seed is 67280421310721.
  explicit Generator(std::uint64_t seed = kDefaultSeed) { manual_seed(seed); }
  /// torch.Generator(device).manual_seed(seed). The device is not asked for before the first number
  /// is: that call throws DeviceError where there is none, or where it has no generator.
  explicit Generator(Device device, std::uint64_t seed = kDefaultSeed) : device_(device) {
    manual_seed(seed);
  }

  [[nodiscard]] Device device() const noexcept { return device_; }
  /// Starts the stream anew; the device stays.
  void manual_seed(std::uint64_t seed);
  [[nodiscard]] std::uint64_t initial_seed() const noexcept { return seed_; }

  /// 32 random bits. Throws DeviceError where the generator is not on the CPU, as random64() and
  /// randperm() do: single numbers are the host's.
  [[nodiscard]] std::uint32_t random();
  /// 64 random bits: two draws, the first is the upper half.
  [[nodiscard]] std::uint64_t random64();

  /// Fills a contiguous tensor on the generator's device, of float32 or float64, as
  /// tensor.uniform_(low, high, generator=...). Throws ValueError where low > high, or where a
  /// bound or their difference is no finite number of the dtype; then the stream stays as it was.
  void uniform(const Tensor& out, double low, double high);
  /// Fills a contiguous tensor on the generator's device, of float32 or float64, as
  /// tensor.normal_(mean, deviation, generator=...). Throws ValueError where the deviation is
  /// negative or NaN. On the CPU, fewer than 16 elements come in pairs: where the count is odd, the
  /// second number of the last pair is kept for the next such call.
  void normal(const Tensor& out, double mean, double deviation);
  /// Fills a contiguous bool tensor on the CPU with true where a uniform float64 number is below
  /// `p`, as tensor.bernoulli_(p, generator=...). Throws ValueError for a p outside [0, 1].
  void bernoulli(const Tensor& out, double p);
  /// torch.nn.functional.dropout(x, p) in training, in its bits, rounding included: out = 0 * x
  /// with probability p, else x / (1 - p). `mask`, a bool tensor, receives which elements were
  /// kept, for ops::masked_scale, which takes the gradient. All are contiguous, of one shape, on
  /// the generator's device; `out` may be `x`. Nothing is drawn for a p of 0 or 1. Throws
  /// ValueError for a p outside [0, 1].
  ///
  /// On the CPU, the elements kept are those of bernoulli(mask, 1 - p). On a CUDA device, they are
  /// those of PyTorch's fused dropout on the same model of GPU (torch 2.15; it depends, as there,
  /// on the alignment of x).
  void dropout(const Tensor& x, double p, const Tensor& mask, const Tensor& out);
  /// torch.randperm(count, generator=...) on the CPU: an int64 tensor. Throws ValueError for a
  /// negative count.
  [[nodiscard]] Tensor randperm(std::int64_t count);
  /// The same into an existing contiguous int64 CPU tensor of `count` elements; allocates nothing.
  void randperm(const Tensor& out);

  /// The bytes of generator.get_state(), a uint8 tensor on the CPU that PyTorch's set_state takes:
  /// 5056 bytes; of a CUDA generator, as of torch.cuda.get_rng_state(), 16: the seed and the
  /// offset, 64 bits each, little-endian.
  [[nodiscard]] Tensor get_state() const;
  /// The inverse; takes PyTorch's own states of the same kind of device (on CUDA also those of 8
  /// bytes, a seed alone). Throws ValueError for anything else.
  void set_state(const Tensor& state);

 private:
  WICK_HIDDEN static constexpr std::uint64_t kDefaultSeed = 67280421310721ULL;
  WICK_HIDDEN static constexpr int kStateSize = 624;
  void require_cpu(const char* operation) const;
  void require_writable(const Tensor& out, const char* operation) const;
  [[nodiscard]] Tensor get_device_state() const;
  void set_device_state(const Tensor& state);
  // What random() returns, with no look at the device.
  [[nodiscard]] std::uint32_t next_word();
  [[nodiscard]] std::uint64_t next_two_words();
  // The next `count` draws of random().
  void draw(std::uint32_t* out, std::size_t count);
  template <typename T>
  void fill_uniform(T* out, std::int64_t count, T low, T high);
  template <typename T>
  void fill_normal(T* out, std::int64_t count, T mean, T deviation);
  double next_normal();
  // Which of the next `count` float64 draws are below p.
  void fill_bernoulli(bool* out, std::int64_t count, double p);

  Device device_;
  std::uint64_t seed_ = 0;
  std::uint64_t offset_ = 0;  // on a device: how far its stream has gone on
  // All else is mt19937's, on the CPU.
  int left_ = 1;            // one more than the draws before the next block, as PyTorch counts
  std::uint32_t next_ = 0;  // the word of state_ that the next draw takes, if left_ > 1
  std::array<std::uint32_t, kStateSize> state_{};
  std::optional<float> next_float_normal_;  // PyTorch keeps one in its state but never uses it
  std::optional<double> next_double_normal_;
};

/// What default_generator() returns. While it lives, other threads that ask for the default
/// generator of any device wait, so keep it for one call, or for numbers that belong together. A
/// reference to its Generator that outlives it is not protected from other threads.
class WICK_API DefaultGenerator {
 public:
  operator Generator&() const noexcept { return *generator_; }
  [[nodiscard]] Generator& operator*() const noexcept { return *generator_; }
  [[nodiscard]] Generator* operator->() const noexcept { return generator_; }

 private:
  friend WICK_API DefaultGenerator default_generator(Device device);
  DefaultGenerator(std::unique_lock<std::recursive_mutex> lock, Generator& generator) noexcept
      : lock_(std::move(lock)), generator_(&generator) {}
  std::unique_lock<std::recursive_mutex> lock_;
  Generator* generator_;
};

/// torch.default_generator, and torch.cuda.default_generators: what draws where no generator is
/// given, the weights of new layers, say. There is one for each device, which lives as long as the
/// program. As in PyTorch, its seed is another one in each run until manual_seed() sets it:
///
///   wick::manual_seed(0);
///   nn::Linear layer(784, 32);  // the weights of torch.nn.Linear(784, 32)
///   x.uniform_(0.0, 1.0, wick::default_generator());
///
/// Thread safety: may be called from several threads, which take turns; who needs the same numbers
/// in each run draws in one of them, or from generators of his own.
[[nodiscard]] WICK_API DefaultGenerator default_generator(Device device = kCpu);

/// torch.manual_seed: the default generators of all devices begin anew. Thread-safe.
WICK_API void manual_seed(std::uint64_t seed);
/// torch.initial_seed: that of the CPU's default generator. Thread-safe.
[[nodiscard]] WICK_API std::uint64_t initial_seed();

}  // namespace wick
