// SPDX-License-Identifier: MIT
// Philox4x32-10 (Salmon, Moraes, Dror and Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3")
// and the distributions that cuRAND, and with it torch.Generator("cuda"), makes from its words.
#pragma once

#include "kernels/cuda/launch.cuh"

namespace wick::cuda {

/// Where a kernel draws from.
struct PhiloxSource {
  PhiloxState state;
  PhiloxSchedule schedule;

  [[nodiscard]] __device__ PhiloxState now() const {
    if (schedule.table == nullptr) return state;
    const PhiloxState begin = schedule.table[*schedule.counter];
    return {begin.seed, begin.offset + state.offset};
  }
};

struct PhiloxWords {
  std::uint32_t w[4];
};

__host__ __device__ inline std::uint32_t high_product(std::uint32_t a, std::uint32_t b) {
  return static_cast<std::uint32_t>((static_cast<std::uint64_t>(a) * b) >> 32);
}

/// Ten rounds on a counter of 128 bits with a key of 64.
__host__ __device__ inline PhiloxWords philox(PhiloxWords counter, std::uint64_t seed) {
  constexpr std::uint32_t kMultiply0 = 0xD2511F53U;
  constexpr std::uint32_t kMultiply1 = 0xCD9E8D57U;
  auto key0 = static_cast<std::uint32_t>(seed);
  auto key1 = static_cast<std::uint32_t>(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint32_t* const c = counter.w;
    counter = {{high_product(kMultiply1, c[2]) ^ c[1] ^ key0, kMultiply1 * c[2],
                high_product(kMultiply0, c[0]) ^ c[3] ^ key1, kMultiply0 * c[0]}};
    key0 += 0x9E3779B9U;
    key1 += 0xBB67AE85U;
  }
  return counter;
}

/// What thread `thread` of cuRAND's generator draws: the lower half of the counter is the position,
/// in draws of four words; the upper half the thread's number.
__host__ __device__ inline PhiloxWords philox_draw(std::uint64_t seed, std::uint64_t position,
                                                   std::uint64_t thread) {
  return philox({{static_cast<std::uint32_t>(position), static_cast<std::uint32_t>(position >> 32),
                  static_cast<std::uint32_t>(thread), static_cast<std::uint32_t>(thread >> 32)}},
                seed);
}

/// Uniform in (0, 1].
__host__ __device__ inline float uniform_float(std::uint32_t word) {
  constexpr float kScale = 2.3283064e-10F;  // 2^-32
  return static_cast<float>(word) * kScale + kScale / 2.0F;
}

/// Uniform in (0, 1], from 53 bits.
__host__ __device__ inline double uniform_double(std::uint32_t low, std::uint32_t high) {
  constexpr double kScale = 0x1p-53;
  const std::uint64_t bits = low ^ (static_cast<std::uint64_t>(high) << 21);
  return static_cast<double>(bits) * kScale + kScale / 2.0;
}

/// Numbers per draw of four words: four floats or two doubles.
template <typename T>
inline constexpr int kDrawn = 16 / static_cast<int>(sizeof(T));

template <typename T>
struct Drawn {
  T values[kDrawn<T>];
};

/// In [low, high): what reaches the upper bound becomes the lower one, as PyTorch does it.
template <typename T>
struct UniformNumbers {
  T low;
  T high;
  __host__ __device__ T between(T unit) const {
    const T value = unit * (high - low) + low;
    return value == high ? low : value;
  }
  __host__ __device__ Drawn<T> operator()(const PhiloxWords& words) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      return {{between(uniform_float(words.w[0])), between(uniform_float(words.w[1])),
               between(uniform_float(words.w[2])), between(uniform_float(words.w[3]))}};
    } else {
      return {{between(uniform_double(words.w[0], words.w[1])),
               between(uniform_double(words.w[2], words.w[3]))}};
    }
  }
};

/// cuRAND takes the hardware's sine and cosine in float, and those of half turns in double; what
/// differs from it differs from PyTorch's numbers. The host's are for the executor of the tests.
__host__ __device__ inline void sine_and_cosine(float angle, float& sine, float& cosine) {
#ifdef __CUDA_ARCH__
  __sincosf(angle, &sine, &cosine);
#else
  sine = sinf(angle);
  cosine = cosf(angle);
#endif
}
__host__ __device__ inline void sine_and_cosine_of_half_turns(double turns, double& sine,
                                                              double& cosine) {
#ifdef __CUDA_ARCH__
  sincospi(turns, &sine, &cosine);
#else
  constexpr double kPi = 3.14159265358979323846;
  sine = sin(turns * kPi);
  cosine = cos(turns * kPi);
#endif
}

/// Box and Muller's transform (1958) of pairs of words.
template <typename T>
struct NormalNumbers {
  T mean;
  T deviation;
  __host__ __device__ Drawn<T> operator()(const PhiloxWords& words) const {
    if constexpr (sizeof(T) == sizeof(float)) {
      Drawn<T> drawn;
      for (int pair = 0; pair < 4; pair += 2) {
        constexpr float kTurn = 2.3283064e-10F * 6.2831855F;  // 2 pi / 2^32
        const float radius = sqrtf(-2.0F * logf(uniform_float(words.w[pair])));
        const float angle = static_cast<float>(words.w[pair + 1]) * kTurn + kTurn / 2.0F;
        float sine = 0.0F;
        float cosine = 0.0F;
        sine_and_cosine(angle, sine, cosine);
        drawn.values[pair] = radius * sine * deviation + mean;
        drawn.values[pair + 1] = radius * cosine * deviation + mean;
      }
      return drawn;
    } else {
      const double radius = sqrt(-2.0 * log(uniform_double(words.w[0], words.w[1])));
      double sine = 0.0;
      double cosine = 0.0;
      sine_and_cosine_of_half_turns(2.0 * uniform_double(words.w[2], words.w[3]), sine, cosine);
      return {{radius * sine * deviation + mean, radius * cosine * deviation + mean}};
    }
  }
};

}  // namespace wick::cuda
