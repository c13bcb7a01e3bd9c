// SPDX-License-Identifier: MIT
// The largest errors of the float32 functions that activations and losses are made of, as a table:
//
//   math_errors [EVERY]     every EVERY-th number of float32, from a random one on; 1: all of them
//
// In units in the last place of the right result, which the C library has in float64.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "tests/kernels/math_reference.h"

namespace wick::testing {
namespace {

// The distance of neighbours of float32 around `exact`.
double unit(double exact) {
  int exponent = 0;
  static_cast<void>(std::frexp(exact, &exponent));
  return std::ldexp(1.0, std::max(exponent - 24, -149));
}

struct Worst {
  double error = 0.0;
  float at = 0.0F;
  std::uint64_t wrong = 0;  // further than 2 numbers from the right one, or NaN where that is none
};

void take(Worst& worst, float x, float y, double exact) {
  if (distance(y, exact) > 2) ++worst.wrong;
  if (!std::isfinite(static_cast<float>(exact)) || !std::isfinite(y)) return;
  const double error = std::abs(static_cast<double>(y) - exact) / unit(exact);
  if (error > worst.error) worst = {error, x, worst.wrong};
}

Worst look(const Checked& checked, const MathFunctions& functions, std::uint64_t every,
           std::uint64_t first) {
  constexpr std::size_t kBlock = 4096;
  std::vector<float> x;
  std::vector<float> y(kBlock);
  Worst worst;
  for (std::uint64_t bits = first; bits < (1ULL << 32U);) {
    x.clear();
    for (; x.size() < kBlock && bits < (1ULL << 32U); bits += every) {
      x.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(bits)));
    }
    (functions.*checked.function)(x.data(), y.data(), x.size());
    for (std::size_t i = 0; i < x.size(); ++i) {
      take(worst, x[i], y[i], checked.reference(static_cast<double>(x[i])));
    }
  }
  return worst;
}

int run(std::uint64_t every) {
  const std::uint64_t first = std::random_device()() % every;
  std::printf("every %llu. number, from %llu on\n\n| function |",
              static_cast<unsigned long long>(every), static_cast<unsigned long long>(first));
  const std::vector<const MathFunctions*> all = all_functions();
  for (const MathFunctions* const each : all) std::printf(" %s |", each->name);
  std::printf("\n|---|");
  for (std::size_t i = 0; i < all.size(); ++i) std::printf("---|");
  std::uint64_t wrong = 0;
  for (const Checked& checked : kChecked) {
    std::printf("\n| %s |", checked.name);
    for (const MathFunctions* const each : all) {
      const Worst worst = look(checked, *each, every, first);
      std::printf(" %.3f at %a |", worst.error, static_cast<double>(worst.at));
      std::fflush(stdout);
      wrong += worst.wrong;
    }
  }
  std::printf(
      "\n\nMore than 2 numbers of float32 from the right one, or NaN where that is none: %llu\n",
      static_cast<unsigned long long>(wrong));
  return wrong == 0 ? 0 : 1;
}

}  // namespace
}  // namespace wick::testing

int main(int argc, char** argv) {
  const std::uint64_t every = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
  if (every == 0) {
    std::fprintf(stderr, "usage: math_errors [EVERY]\n");
    return 2;
  }
  return wick::testing::run(every);
}
