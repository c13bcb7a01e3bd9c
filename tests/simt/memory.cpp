// SPDX-License-Identifier: MIT
// Device and pinned memory, copies and fills.
#include <cstring>
#include <new>

#include "tests/simt/runtime.h"

namespace wick::simt {
namespace {

constexpr std::align_val_t kAlignment{256};
constexpr int kNeverWritten = 0xFF;

DeviceState& device_state(int device) {
  return runtime().devices[static_cast<std::size_t>(device)];
}

cudaError_t allocate(void** pointer, std::size_t bytes, Kind kind, int device) {
  *pointer = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (kind == Kind::device) {
    DeviceState& state = device_state(device);
    if (state.used > state.limit || bytes > state.limit - state.used) {
      static_cast<void>(drain_device(device));  // frees that are still queued
      if (state.used > state.limit || bytes > state.limit - state.used) {
        return cudaErrorMemoryAllocation;
      }
    }
    state.used += bytes;
  }
  // Of exactly this size, so that AddressSanitizer sees one byte too many.
  *pointer = ::operator new(bytes, kAlignment);
  std::memset(*pointer, kNeverWritten, bytes);
  runtime().allocations[static_cast<const char*>(*pointer)] = {bytes, kind, device, true};
  return cudaSuccess;
}

cudaError_t release(void* pointer, Kind kind) {
  if (pointer == nullptr) return cudaSuccess;
  auto& allocations = runtime().allocations;
  const auto found = allocations.find(static_cast<const char*>(pointer));
  if (found == allocations.end() || found->second.kind != kind || !found->second.owned) {
    return cudaErrorInvalidValue;
  }
  if (kind == Kind::device) device_state(found->second.device).used -= found->second.bytes;
  ::operator delete(pointer, kAlignment);
  allocations.erase(found);
  return cudaSuccess;
}

bool in_kind(const void* pointer, std::size_t bytes, Kind kind) {
  const Allocation* const found = find_allocation(pointer, bytes);
  return found != nullptr && found->kind == kind;
}

struct Copy {
  void* to;
  std::size_t to_pitch;
  const void* from;
  std::size_t from_pitch;
  std::size_t width;
  std::size_t height;
  [[nodiscard]] std::size_t extent(std::size_t pitch) const { return (height - 1) * pitch + width; }
};

cudaError_t do_copy(const Copy& copy) {
  for (std::size_t row = 0; row < copy.height; ++row) {
    std::memcpy(static_cast<char*>(copy.to) + row * copy.to_pitch,
                static_cast<const char*>(copy.from) + row * copy.from_pitch, copy.width);
  }
  return cudaSuccess;
}

// As CUDA documents it: pageable memory is read before the call returns and written before it
// returns; pinned and device memory when the stream gets there.
cudaError_t copy_async(const Copy& copy, cudaMemcpyKind kind, CUstream_st* stream) {
  if (stream == nullptr) return cudaErrorInvalidResourceHandle;
  if (copy.width == 0 || copy.height == 0) return cudaSuccess;
  if (copy.height > 1 && (copy.width > copy.to_pitch || copy.width > copy.from_pitch)) {
    return cudaErrorInvalidValue;
  }
  const std::size_t to_bytes = copy.extent(copy.to_pitch);
  const std::size_t from_bytes = copy.extent(copy.from_pitch);
  const bool to_device = in_kind(copy.to, to_bytes, Kind::device);
  const bool from_device = in_kind(copy.from, from_bytes, Kind::device);
  if (kind != cudaMemcpyDefault) {
    const bool wants_to = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToDevice;
    const bool wants_from = kind == cudaMemcpyDeviceToHost || kind == cudaMemcpyDeviceToDevice;
    if (wants_to != to_device || wants_from != from_device) return cudaErrorInvalidValue;
  }
  const bool pageable_from = !from_device && !in_kind(copy.from, from_bytes, Kind::pinned);
  const bool pageable_to = !to_device && !in_kind(copy.to, to_bytes, Kind::pinned);
  const bool capturing = stream->capture != nullptr;
  if (pageable_to && !capturing) {
    begin_work(stream);
    use_memory(stream, {copy.to, copy.from});
    if (const cudaError_t error = drain(stream)) return error;
    host_waited(stream->clock);
    return do_copy(copy);
  }
  if (pageable_from && !capturing) {
    const auto* const first = static_cast<const char*>(copy.from);
    auto staged = std::make_shared<std::vector<char>>(first, first + from_bytes);
    Copy later = copy;
    const Work work = [staged, later]() mutable {
      later.from = staged->data();
      return do_copy(later);
    };
    return submit(stream, work, {copy.to});
  }
  return submit(stream, [copy] { return do_copy(copy); }, {copy.to, copy.from});
}

cudaError_t copy_now(const Copy& copy, cudaMemcpyKind kind) {
  if (const cudaError_t error = check_may_wait()) return error;
  if (const cudaError_t error = wait_for_device(current_device())) return error;
  CUstream_st* const stream = stream_of(nullptr);
  if (const cudaError_t error = copy_async(copy, kind, stream)) return error;
  host_waited(stream->clock);
  return drain(stream);
}

}  // namespace

Allocation* find_allocation(const void* pointer, std::size_t bytes) {
  const auto* const first = static_cast<const char*>(pointer);
  auto& allocations = runtime().allocations;
  auto next = allocations.upper_bound(first);
  if (next == allocations.begin()) return nullptr;
  --next;
  const auto offset = static_cast<std::size_t>(first - next->first);
  const bool inside = offset < next->second.bytes && bytes <= next->second.bytes - offset;
  return inside ? &next->second : nullptr;
}

}  // namespace wick::simt

using namespace wick::simt;

cudaError_t cudaMalloc(void** pointer, std::size_t bytes) {
  const auto held = lock();
  if (const cudaError_t error = check_may_wait()) return note(error);
  return note(allocate(pointer, bytes, Kind::device, current_device()));
}
cudaError_t cudaFree(void* pointer) {
  const auto held = lock();
  if (pointer == nullptr) return cudaSuccess;
  const cudaError_t before = check_may_wait();
  if (before == cudaErrorStreamCaptureUnsupported) return note(before);
  const Allocation* const found = find_allocation(pointer, 1);
  if (found == nullptr) return note(cudaErrorInvalidValue);
  // Even after a failure: the memory is the test's.
  const cudaError_t drained = wait_for_device(found->device);
  const cudaError_t released = release(pointer, Kind::device);
  return note(before != cudaSuccess ? before : drained != cudaSuccess ? drained : released);
}

cudaError_t cudaMallocAsync(void** pointer, std::size_t bytes, cudaStream_t handle) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  // CUDA would make a memory node of it; a step of wick's allocates nothing.
  if (stream->capture != nullptr) return note(cudaErrorStreamCaptureUnsupported);
  const cudaError_t error = allocate(pointer, bytes, Kind::device, stream->device);
  if (error != cudaSuccess || *pointer == nullptr) return note(error);
  begin_work(stream);
  find_allocation(*pointer, 1)->uses.allocated = stream->clock;
  return cudaSuccess;
}
cudaError_t cudaFreeAsync(void* pointer, cudaStream_t handle) {
  const auto held = lock();
  if (pointer == nullptr) return cudaSuccess;
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) return note(cudaErrorStreamCaptureUnsupported);
  Allocation* const found = find_allocation(pointer, 1);
  if (found == nullptr || found->kind != Kind::device) return note(cudaErrorInvalidValue);
  begin_work(stream);
  free_memory(stream, found->uses, found->bytes);
  return note(submit(stream, [pointer] { return release(pointer, Kind::device); }));
}

cudaError_t cudaMallocHost(void** pointer, std::size_t bytes) {
  return cudaHostAlloc(pointer, bytes, cudaHostAllocDefault);
}
cudaError_t cudaHostAlloc(void** pointer, std::size_t bytes, unsigned int /*flags*/) {
  const auto held = lock();
  return note(allocate(pointer, bytes, Kind::pinned, current_device()));
}
cudaError_t cudaFreeHost(void* pointer) {
  const auto held = lock();
  if (pointer == nullptr) return cudaSuccess;
  // Work that is queued may use it; CUDA waits here too.
  for (int device = 0; device < runtime().device_count; ++device) {
    static_cast<void>(wait_for_device(device));
  }
  return note(release(pointer, Kind::pinned));
}
cudaError_t cudaHostRegister(void* pointer, std::size_t bytes, unsigned int /*flags*/) {
  const auto held = lock();
  if (pointer == nullptr || bytes == 0) return note(cudaErrorInvalidValue);
  if (find_allocation(pointer, 1) != nullptr) return note(cudaErrorHostMemoryAlreadyRegistered);
  runtime().allocations[static_cast<const char*>(pointer)] = {bytes, Kind::pinned, current_device(),
                                                              false};
  return cudaSuccess;
}
cudaError_t cudaHostUnregister(void* pointer) {
  const auto held = lock();
  auto& allocations = runtime().allocations;
  const auto found = allocations.find(static_cast<const char*>(pointer));
  if (found == allocations.end() || found->second.owned) return note(cudaErrorInvalidValue);
  for (int device = 0; device < runtime().device_count; ++device) {
    static_cast<void>(wait_for_device(device));
  }
  allocations.erase(found);
  return cudaSuccess;
}
cudaError_t cudaHostGetDevicePointer(void** device, void* host, unsigned int /*flags*/) {
  const auto held = lock();
  if (!in_kind(host, 1, Kind::pinned)) return note(cudaErrorInvalidValue);
  *device = host;
  return cudaSuccess;
}
cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, const void* pointer) {
  const auto held = lock();
  const Allocation* const found = find_allocation(pointer, 1);
  auto* const plain = const_cast<void*>(pointer);
  if (found == nullptr) {
    *attributes = {cudaMemoryTypeUnregistered, -1, nullptr, plain};
  } else if (found->kind == Kind::device) {
    *attributes = {cudaMemoryTypeDevice, found->device, plain, nullptr};
  } else {
    *attributes = {cudaMemoryTypeHost, found->device, plain, plain};
  }
  return cudaSuccess;
}

cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind) {
  return cudaMemcpy2D(to, bytes, from, bytes, bytes, 1, kind);
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream) {
  return cudaMemcpy2DAsync(to, bytes, from, bytes, bytes, 1, kind, stream);
}
cudaError_t cudaMemcpy2D(void* to, std::size_t to_pitch, const void* from, std::size_t from_pitch,
                         std::size_t width, std::size_t height, cudaMemcpyKind kind) {
  const auto held = lock();
  return note(copy_now({to, to_pitch, from, from_pitch, width, height}, kind));
}
cudaError_t cudaMemcpy2DAsync(void* to, std::size_t to_pitch, const void* from,
                              std::size_t from_pitch, std::size_t width, std::size_t height,
                              cudaMemcpyKind kind, cudaStream_t stream) {
  const auto held = lock();
  return note(copy_async({to, to_pitch, from, from_pitch, width, height}, kind, stream_of(stream)));
}
cudaError_t cudaMemcpyPeer(void* to, int to_device, const void* from, int from_device,
                           std::size_t bytes) {
  const auto held = lock();
  if (const cudaError_t error = check_may_wait()) return note(error);
  static_cast<void>(wait_for_device(to_device));
  static_cast<void>(wait_for_device(from_device));
  return cudaMemcpy(to, from, bytes, cudaMemcpyDeviceToDevice);
}
cudaError_t cudaMemcpyPeerAsync(void* to, int to_device, const void* from, int from_device,
                                std::size_t bytes, cudaStream_t stream) {
  const auto held = lock();
  const Allocation* const target = find_allocation(to, bytes);
  const Allocation* const source = find_allocation(from, bytes);
  if (bytes != 0 && (target == nullptr || source == nullptr || target->device != to_device ||
                     source->device != from_device)) {
    return note(cudaErrorInvalidValue);
  }
  return cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, stream);
}

cudaError_t cudaMemset(void* pointer, int value, std::size_t bytes) {
  const auto held = lock();
  if (const cudaError_t error = check_may_wait()) return note(error);
  if (const cudaError_t error = wait_for_device(current_device())) return note(error);
  if (const cudaError_t error = cudaMemsetAsync(pointer, value, bytes, nullptr)) return error;
  return note(wait_for_device(current_device()));
}
cudaError_t cudaMemsetAsync(void* pointer, int value, std::size_t bytes, cudaStream_t handle) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  if (bytes == 0) return cudaSuccess;
  if (find_allocation(pointer, bytes) == nullptr) return note(cudaErrorInvalidValue);
  const Work work = [=] {
    std::memset(pointer, value, bytes);
    return cudaSuccess;
  };
  return note(submit(stream, work, {pointer}));
}

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* pool, int device) {
  const auto held = lock();
  if (device < 0 || device >= runtime().device_count) return note(cudaErrorInvalidDevice);
  *pool = &runtime().devices[static_cast<std::size_t>(device)].pool;
  return cudaSuccess;
}
cudaError_t cudaDeviceGetMemPool(cudaMemPool_t* pool, int device) {
  return cudaDeviceGetDefaultMemPool(pool, device);
}
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const auto held = lock();
  pool->attributes[attribute] = *static_cast<std::uint64_t*>(value);
  return cudaSuccess;
}
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attribute, void* value) {
  const auto held = lock();
  *static_cast<std::uint64_t*>(value) = pool->attributes[attribute];
  return cudaSuccess;
}
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t /*pool*/, std::size_t /*bytes*/) {
  return cudaSuccess;
}
