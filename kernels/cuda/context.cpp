// SPDX-License-Identifier: MIT
#include "kernels/cuda/context.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <utility>

#include "kernels/cuda/step_observer.h"
#include "wick/core/error.h"

namespace wick::cuda {
namespace {

// What this thread has chosen for a device; null stands for the device's own stream.
struct Chosen {
  StreamState* stream = nullptr;
  StepObserver* observer = nullptr;
};

Chosen& chosen(int device) {
  static thread_local std::vector<Chosen> devices;
  const auto index = static_cast<std::size_t>(device);
  if (devices.size() <= index) devices.resize(index + 1);
  return devices[index];
}

}  // namespace

Context::Context(int device) : device_(device), name_("cuda:" + std::to_string(device)) {
  check(cudaGetDeviceProperties(&properties_, device), "ask for a device's properties");
  if (properties_.major < 8) {
    throw DeviceError(concat("device ", name_, " (", properties_.name, ") has compute capability ",
                             properties_.major, ".", properties_.minor,
                             "; wick needs 8.0 or higher: use the device \"cpu\""));
  }
  int pools = 0;
  check(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, device),
        "ask for memory pools");
  has_pool_ = pools != 0;
  if (has_pool_) {
    // What is freed stays with the process, so that the next allocation is quick.
    cudaMemPool_t pool = nullptr;
    check(cudaDeviceGetDefaultMemPool(&pool, device), "ask for the memory pool");
    auto threshold = std::numeric_limits<std::uint64_t>::max();
    check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold),
          "set up the memory pool");
  }
  own_ = make_stream();
  own_state_ = std::make_unique<StreamState>(own_.get(), properties_);
}

Context::~Context() = default;

StreamState& Context::current() {
  StreamState* const stream = chosen(device_).stream;
  return stream != nullptr ? *stream : *own_state_;
}

StreamState& Context::exchange_current(StreamState& next) noexcept {
  StreamState& before = current();
  chosen(device_).stream = &next == own_state_.get() ? nullptr : &next;
  return before;
}

StepObserver* Context::observer() const {
  return chosen(device_).observer;
}

void Context::set_observer(StepObserver* observer) noexcept {
  chosen(device_).observer = observer;
}

StreamState& Context::state_of(cudaStream_t stream) {
  if (stream == own_.get()) return *own_state_;
  const std::scoped_lock lock(mutex_);
  std::unique_ptr<StreamState>& state = callers_[stream];
  if (state == nullptr) state = std::make_unique<StreamState>(stream, properties_);
  return *state;
}

StreamState& Context::side() {
  {
    const std::scoped_lock lock(mutex_);
    if (side_ == nullptr) side_ = make_stream();
  }
  return state_of(side_.get());
}

CaptureStream Context::lend_capture_stream() {
  {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      CaptureStream capture = std::move(idle_.back());
      idle_.pop_back();
      return capture;
    }
  }
  CaptureStream capture;
  capture.stream = make_stream();
  capture.state = std::make_unique<StreamState>(capture.stream.get(), properties_);
  static_cast<void>(capture.state->blas_workspace());
  // The scratch is cleared in the stream, which from now on is captured.
  check(cudaStreamSynchronize(capture.stream.get()), "prepare a recording");
  return capture;
}

void Context::take_back(CaptureStream capture) {
  const std::scoped_lock lock(mutex_);
  idle_.push_back(std::move(capture));
}

// -- Memory ---------------------------------------------------------------------------------------
//
// All of it comes from and goes back to the device's own stream, whatever stream is in use, so that
// no block depends on a stream of the caller's, which may be gone by then.

void* Context::try_allocate(std::size_t bytes) {
  void* data = nullptr;
  const cudaError_t status =
      has_pool_ ? cudaMallocAsync(&data, bytes, own_.get()) : cudaMalloc(&data, bytes);
  if (status == cudaErrorMemoryAllocation) {
    static_cast<void>(cudaGetLastError());
    return nullptr;
  }
  check(status, "allocate memory on the device");
  return data;
}

void* Context::allocate(std::size_t bytes) {
  if (const StepObserver* const watching = observer()) watching->refuse("allocate memory");
  bytes = std::max<std::size_t>(bytes, 1);
  void* data = try_allocate(bytes);
  if (data == nullptr && has_pool_) {
    // Once more with everything that the pool holds in reserve.
    check(cudaStreamSynchronize(own_.get()), "allocate memory on the device");
    cudaMemPool_t pool = nullptr;
    check(cudaDeviceGetDefaultMemPool(&pool, device_), "ask for the memory pool");
    check(cudaMemPoolTrimTo(pool, 0), "empty the memory pool");
    data = try_allocate(bytes);
  }
  if (data == nullptr) throw_out_of_memory(bytes, name_);
  current().wait_for(*own_state_);
  return data;
}

void Context::deallocate(void* data) noexcept {
  try {
    {
      const std::scoped_lock lock(mutex_);
      if (const auto held = held_.find(std::this_thread::get_id()); held != held_.end()) {
        held->second.blocks.push_back(data);
        return;
      }
    }
    own_state_->wait_for(current());
  } catch (...) {
    // The device is lost; nothing can be freed, and nobody is to be told here.
    return;
  }
  static_cast<void>(has_pool_ ? cudaFreeAsync(data, own_.get()) : cudaFree(data));
}

void Context::hold_frees() {
  const std::scoped_lock lock(mutex_);
  ++held_[std::this_thread::get_id()].holds;
}

void Context::release_frees() noexcept {
  std::vector<void*> freed;
  {
    const std::scoped_lock lock(mutex_);
    const auto held = held_.find(std::this_thread::get_id());
    if (held == held_.end() || --held->second.holds > 0) return;
    freed = std::move(held->second.blocks);
    held_.erase(held);
  }
  for (void* const data : freed) deallocate(data);
}

}  // namespace wick::cuda
