// SPDX-License-Identifier: MIT
// A neural guitar amplifier in an audio callback: a network over the last 64 samples of the input
// gives each sample of the output. It is trained on an amplifier that is a formula here, compiled,
// and then called as JACK calls its clients: once for each period of frames at 48 kHz, with a
// deadline at the end of the period. Prints how long the callback took, and how often it was late.
//
//   example_audio_callback [--frames 128] [--seconds 10] [--priority 70]
//
// What a callback must heed stands at its place below and in docs/real_time.md. Where the system
// refuses locked memory or the priority of real-time threads, the program says so and goes on.
#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string_view>
#include <thread>
#include <vector>

#include <pthread.h>
#include <sched.h>
#include <sys/mman.h>
#include <wick/core/random.h>
#include <wick/kernels/flush_denormal.h>
#include <wick/nn/inference_plan.h>
#include <wick/nn/layers/activation.h>
#include <wick/nn/losses/pointwise_loss.h>
#include <wick/nn/sequential.h>
#include <wick/optim/adam.h>

namespace nn = wick::nn;
using wick::Tensor;
using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::duration<double, std::micro>;

constexpr double kRate = 48000.0;  // frames per second
constexpr std::int64_t kWindow = 64;

struct Options {
  std::int64_t frames = 128;
  double seconds = 10.0;
  int priority = 70;
};

// The amplifier to be learned: a filter of eight taps, then a valve that clips one side sooner.
float amplify(const float* newest) {
  float sum = 0.0F;
  for (int k = 0; k < 8; ++k) sum += newest[-k] * std::exp(-0.5F * static_cast<float>(k));
  return std::tanh(1.5F * sum + 0.2F) - std::tanh(0.2F);
}

// Rows of windows, one sample further each: a view of the samples, no copy.
Tensor windows_of(const Tensor& samples, std::int64_t count) {
  return samples.as_strided({count, kWindow}, {1, 1}, 0);
}

void train(nn::Sequential& model, wick::Generator& generator) {
  constexpr std::int64_t kBatch = 256;
  constexpr int kSteps = 1500;
  wick::optim::Adam optimizer(model.parameters(), {.lr = 3e-3});
  nn::MSELoss loss;
  const Tensor samples = Tensor::empty({kBatch + kWindow - 1}), wanted = Tensor::empty({kBatch, 1});
  for (int step = 1; step <= kSteps; ++step) {
    samples.normal_(0.0, 0.4, generator);
    for (std::int64_t i = 0; i < kBatch; ++i) {
      wanted.data<float>()[i] = amplify(samples.data<float>() + i + kWindow - 1);
    }
    const auto value =
        loss.forward(model.forward(windows_of(samples, kBatch).clone()), wanted).item<float>();
    optimizer.zero_grad();
    model.backward(loss.backward(), false);
    optimizer.step();
    if (step % 500 == 0) std::printf("step %4d: loss %.5f\n", step, static_cast<double>(value));
  }
}

// All that the callback needs, made before it is called for the first time.
class Amplifier {
 public:
  Amplifier(const nn::Module& model, std::int64_t frames)
      : plan_(nn::compile(model, frames)),
        workspace_(plan_.make_workspace()),
        samples_(Tensor::zeros({frames + kWindow - 1})),
        windows_(windows_of(samples_, frames)),
        output_(Tensor::zeros({frames, 1})) {}

  // In the thread that will call process(), before the first period: JACK has
  // jack_set_thread_init_callback() for it.
  void prepare() {
    wick::set_flush_denormal(true);  // a tone that dies away ends in subnormal numbers
    plan_.prepare(workspace_);
  }

  // The callback: no allocation, no lock, no system call, no page fault.
  void process(std::span<const float> in, std::span<float> out) {
    constexpr auto kPast = static_cast<std::size_t>(kWindow - 1);
    auto* const samples = samples_.data<float>();
    std::memmove(samples, samples + in.size(), kPast * sizeof(float));
    std::copy(in.begin(), in.end(), samples + kPast);
    plan_.run(windows_, output_, workspace_);
    std::copy_n(output_.data<float>(), out.size(), out.data());
  }

 private:
  nn::InferencePlan plan_;
  nn::InferencePlan::Workspace workspace_;
  Tensor samples_;  // the last of the periods before, then this one's
  Tensor windows_;
  Tensor output_;
};

struct Results {
  std::vector<double> lateness;   // of each period: from its begin to the callback's, microseconds
  std::vector<double> durations;  // of the callback, microseconds
  std::int64_t missed = 0;        // ends after the end of the period
  double error = 0.0;             // mean, of the output against the formula
};

// A string that is plucked once a second.
float guitar(std::int64_t frame) {
  const double t = std::fmod(static_cast<double>(frame) / kRate, 1.0);
  return static_cast<float>(0.8 * std::exp(-6.0 * t) * std::sin(2.0 * M_PI * 196.0 * t));
}

// What an audio server does: it sleeps until a period begins, and calls.
void serve(Amplifier& amplifier, const Options& options, Results& results) {
  sched_param parameters{};
  parameters.sched_priority = options.priority;
  const bool real_time = pthread_setschedparam(pthread_self(), SCHED_FIFO, &parameters) == 0;
  std::printf("SCHED_FIFO with priority %d: %s\n", options.priority,
              real_time ? "yes" : "not permitted (see ulimit -r)");
  amplifier.prepare();
  const auto frames = static_cast<std::size_t>(options.frames);
  const auto period = std::chrono::duration_cast<Clock::duration>(
      std::chrono::duration<double>(static_cast<double>(options.frames) / kRate));
  const auto periods = static_cast<std::int64_t>(options.seconds * kRate) / options.frames;
  std::vector<float> in(frames);
  std::vector<float> out(frames);
  std::array<float, 8> past{};
  double error = 0.0;
  results.durations.assign(static_cast<std::size_t>(periods), 0.0);
  results.lateness = results.durations;
  const auto start = Clock::now() + std::chrono::milliseconds(10);
  for (std::int64_t p = 0; p < periods; ++p) {
    for (std::size_t i = 0; i < frames; ++i) {
      in[i] = guitar(p * options.frames + static_cast<std::int64_t>(i));
    }
    const auto begin = start + p * period;
    std::this_thread::sleep_until(begin);
    const auto called = Clock::now();
    amplifier.process(in, out);
    const auto returned = Clock::now();
    results.lateness[static_cast<std::size_t>(p)] = Microseconds(called - begin).count();
    results.durations[static_cast<std::size_t>(p)] = Microseconds(returned - called).count();
    results.missed += returned > begin + period;
    for (std::size_t i = 0; i < frames; ++i) {
      std::shift_left(past.begin(), past.end(), 1);
      past.back() = in[i];
      error += std::abs(static_cast<double>(out[i] - amplify(&past.back())));
    }
  }
  results.error = error / static_cast<double>(periods * options.frames);
}

double percentile(std::vector<double>& values, double part) {
  std::sort(values.begin(), values.end());
  return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1))];
}

void print(const char* name, std::vector<double>& microseconds) {
  std::printf("%-22s p50 %8.1f   p99 %8.1f   p99.9 %8.1f   max %8.1f us\n", name,
              percentile(microseconds, 0.5), percentile(microseconds, 0.99),
              percentile(microseconds, 0.999), percentile(microseconds, 1.0));
}

bool parse(int count, char** arguments, Options& options) {
  for (int i = 1; i + 1 < count; i += 2) {
    const std::string_view name = arguments[i];
    const double value = std::atof(arguments[i + 1]);
    if (name == "--frames") {
      options.frames = static_cast<std::int64_t>(value);
    } else if (name == "--seconds") {
      options.seconds = value;
    } else if (name == "--priority") {
      options.priority = static_cast<int>(value);
    } else {
      return false;
    }
  }
  return count % 2 == 1 && options.frames >= 16 && options.frames <= 4096 &&
         options.seconds >= 0.5 && options.seconds <= 3600.0;
}

int main(int count, char** arguments) {
  Options options;
  if (!parse(count, arguments, options)) {
    std::fprintf(stderr, "usage: %s [--frames 16..4096] [--seconds 0.5..3600] [--priority 1..99]\n",
                 arguments[0]);
    return 2;
  }
  wick::Generator generator(0);
  nn::Sequential model;
  model.add<nn::Linear>("layer1", kWindow, 32, generator);
  model.add<nn::Tanh>("tanh1");
  model.add<nn::Linear>("layer2", 32, 16, generator);
  model.add<nn::Tanh>("tanh2");
  model.add<nn::Linear>("layer3", 16, 1, generator);
  train(model, generator);

  Amplifier amplifier(model, options.frames);
  // Weights, code and stacks stay in memory.
  const bool locked = mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
  std::printf("memory locked: %s\n", locked ? "yes" : "not permitted (see ulimit -l)");
  Results results;
  std::thread([&] { serve(amplifier, options, results); }).join();

  const double period = 1e6 * static_cast<double>(options.frames) / kRate;
  std::printf("%zu periods of %lld frames, %.0f us each\n", results.durations.size(),
              static_cast<long long>(options.frames), period);
  print("the callback took", results.durations);
  print("the call was late by", results.lateness);
  std::printf("missed deadlines: %lld\n", static_cast<long long>(results.missed));
  std::printf("mean error of the sound: %.4f\n", results.error);
  // What other programs do to a single period is not the example's fault; half of them is.
  return results.error < 0.03 && percentile(results.durations, 0.5) < period ? 0 : 1;
}
