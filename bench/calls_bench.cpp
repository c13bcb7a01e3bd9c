// SPDX-License-Identifier: MIT
// Times one sample through one Linear of n inputs and n outputs, where the call weighs more than
// the work: by pointers, by spans and by tensors.
//
//   calls_bench [N...]      (4 8 16 32 64 where none is given)
//
// Prints for each N the nanoseconds of a run: the least of several rounds, for the rest is the
// machine's noise.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <limits>
#include <span>
#include <string>
#include <vector>

#include "wick/core/random.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/sequential.h"

namespace wick {
namespace {

constexpr int kRounds = 15;
constexpr int kCalls = 20'000;

template <typename Call>
double nanoseconds(const Call& call) {
  double best = std::numeric_limits<double>::infinity();
  for (int round = 0; round < kRounds; ++round) {
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < kCalls; ++i) call();
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    best = std::min(best, time.count() / kCalls);
  }
  return best;
}

void measure(std::int64_t size) {
  Generator generator(0);
  nn::Sequential model;
  model.add<nn::Linear>("dense", size, size, generator);
  const nn::InferencePlan plan = nn::compile(model, 1);
  nn::InferencePlan::Workspace workspace = plan.make_workspace();
  const Tensor x = Tensor::normal({1, size}, 0, 1, generator);
  const Tensor y = Tensor::empty({1, size});
  const float* const in = x.data<float>();
  float* const out = y.data<float>();
  const auto count = static_cast<std::size_t>(size);
  const double pointers = nanoseconds([&] { plan.run(in, out, 1, workspace); });
  const double spans =
      nanoseconds([&] { plan.run(std::span(in, count), std::span(out, count), workspace); });
  const double tensors = nanoseconds([&] { plan.run(x, y, workspace); });
  std::printf("%4lld  %7.1f  %7.1f  %7.1f\n", static_cast<long long>(size), pointers, spans,
              tensors);
}

}  // namespace
}  // namespace wick

int main(int argc, char** argv) {
  try {
    std::vector<std::int64_t> sizes{4, 8, 16, 32, 64};
    if (argc > 1) sizes.clear();
    for (int i = 1; i < argc; ++i) sizes.push_back(std::stoll(argv[i]));
    std::printf("   n  pointers    spans  tensors   ns\n");
    for (const std::int64_t size : sizes) wick::measure(size);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "calls_bench: %s\n", error.what());
    return 1;
  }
}
