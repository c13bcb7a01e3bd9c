// SPDX-License-Identifier: MIT
// The generators that draw where none is given.
#include <map>
#include <random>

#include "wick/core/random.h"

namespace wick {
namespace {

struct DefaultGenerators {
  std::recursive_mutex mutex;  // the same thread may ask again while it holds one
  // PyTorch's is of 53 bits, too.
  std::uint64_t seed = [] {
    std::random_device device;
    return ((static_cast<std::uint64_t>(device()) << 32) | device()) & ((1ULL << 53) - 1);
  }();
  std::map<std::pair<DeviceType, int>, Generator> of_device;

  Generator& get(Device device) {
    if (device == kMeta) device = kCpu;  // nothing is drawn there
    return of_device.try_emplace({device.type, device.index}, device, seed).first->second;
  }
};

DefaultGenerators& generators() {
  // Kept to the end of the process: threads may draw while statics are destroyed.
  static auto* const all = new DefaultGenerators();
  return *all;
}

}  // namespace

DefaultGenerator default_generator(Device device) {
  DefaultGenerators& all = generators();
  std::unique_lock lock(all.mutex);
  Generator& generator = all.get(device);
  return {std::move(lock), generator};
}

void manual_seed(std::uint64_t seed) {
  DefaultGenerators& all = generators();
  const std::scoped_lock lock(all.mutex);
  all.seed = seed;
  for (auto& [device, generator] : all.of_device) generator.manual_seed(seed);
}

std::uint64_t initial_seed() {
  return default_generator()->initial_seed();
}

}  // namespace wick
