// SPDX-License-Identifier: MIT
// What of Generator is special to a device that draws by itself: its state is a seed and an offset.
#include <cstring>

#include "wick/core/error.h"
#include "wick/core/random.h"

namespace wick {
namespace {

// What torch.cuda.get_rng_state() holds, in the byte order of x86-64.
// PyTorch: CUDAGeneratorImpl::get_state.
struct DeviceState {
  std::uint64_t seed = 0;
  std::int64_t offset = 0;
};
static_assert(sizeof(DeviceState) == 16);

}  // namespace

void Generator::require_cpu(const char* operation) const {
  if (device_ == kCpu) return;
  throw DeviceError(concat(operation, ": the generator is on ", device_,
                           ", which fills tensors with uniform and normal numbers only; draw this "
                           "from a Generator on the CPU, and move what it gives to the device"));
}

Tensor Generator::get_device_state() const {
  const DeviceState saved{seed_, static_cast<std::int64_t>(offset_)};
  Tensor result = Tensor::empty({static_cast<std::int64_t>(sizeof(saved))}, DType::uint8);
  std::memcpy(result.raw(), &saved, sizeof(saved));
  return result;
}

void Generator::set_device_state(const Tensor& state) {
  if (!state.defined() || state.dtype() != DType::uint8 || state.device() != kCpu ||
      !state.is_contiguous() ||
      (state.nbytes() != sizeof(DeviceState) && state.nbytes() != sizeof(DeviceState::seed))) {
    throw ValueError(concat("Generator::set_state: a state of a generator on ", device_,
                            " is a contiguous uint8 tensor of ", sizeof(DeviceState),
                            " bytes on the CPU, got ", state));
  }
  DeviceState saved;
  std::memcpy(&saved, state.raw(), state.nbytes());
  // A draw has four words, and no stream begins within one.
  if (saved.offset < 0 || saved.offset % 4 != 0) {
    throw ValueError(concat("Generator::set_state: the offset ", saved.offset,
                            " is no multiple of 4; take a state from get_state()"));
  }
  seed_ = saved.seed;
  offset_ = static_cast<std::uint64_t>(saved.offset);
}

}  // namespace wick
