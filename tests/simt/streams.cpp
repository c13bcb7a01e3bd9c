// SPDX-License-Identifier: MIT
// Streams are queues of work; events are marks in them. Work runs no earlier than somebody waits.
#include <chrono>

#include "tests/simt/runtime.h"

namespace wick::simt {
namespace {

double now() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

cudaError_t run_one(CUstream_st* stream) {
  const Work work = std::move(stream->queue.front());
  stream->queue.pop_front();
  return work();
}

void keep_first(cudaError_t& first, cudaError_t next) {
  if (first == cudaSuccess) first = next;
}

}  // namespace

CUstream_st* stream_of(cudaStream_t handle) {
  Runtime& state = runtime();
  if (handle == nullptr || handle == cudaStreamLegacy || handle == cudaStreamPerThread) {
    return &state.devices[static_cast<std::size_t>(current_device())].legacy;
  }
  return state.streams.contains(handle) ? handle : nullptr;
}

cudaError_t submit(CUstream_st* stream, Work work, const Addresses& addresses) {
  if (stream->capture != nullptr) {
    if (stream->capture->invalid) return cudaErrorStreamCaptureInvalidated;
    stream->capture->nodes.push_back({std::move(work), addresses});
    return cudaSuccess;
  }
  begin_work(stream);
  use_memory(stream, addresses);
  stream->queue.push_back(std::move(work));
  return runtime().eager ? drain(stream) : cudaSuccess;
}

// Whatever has gone wrong, the rest of the queue runs, so that memory is freed and events happen.
cudaError_t drain(CUstream_st* stream) {
  cudaError_t result = cudaSuccess;
  while (!stream->queue.empty()) keep_first(result, run_one(stream));
  return result;
}

cudaError_t drain_until(const Marker& marker) {
  cudaError_t result = cudaSuccess;
  while (!marker.done && !marker.stream->queue.empty()) keep_first(result, run_one(marker.stream));
  return result;
}

cudaError_t drain_device(int device) {
  Runtime& state = runtime();
  cudaError_t result = drain(&state.devices[static_cast<std::size_t>(device)].legacy);
  for (CUstream_st* const stream : state.streams) {
    if (stream->device == device) keep_first(result, drain(stream));
  }
  return result;
}

cudaError_t wait_for_device(int device) {
  Runtime& state = runtime();
  const cudaError_t result = drain_device(device);
  host_waited(state.devices[static_cast<std::size_t>(device)].legacy.clock);
  for (CUstream_st* const stream : state.streams) {
    if (stream->device == device) host_waited(stream->clock);
  }
  return result;
}

cudaError_t check_may_wait() {
  for (CUgraph_st* const capture : runtime().captures) {
    const bool forbids = capture->mode == cudaStreamCaptureModeGlobal ||
                         (capture->mode == cudaStreamCaptureModeThreadLocal &&
                          capture->thread == std::this_thread::get_id());
    if (!forbids) continue;
    capture->invalid = true;
    return cudaErrorStreamCaptureUnsupported;
  }
  return runtime().failure.empty() ? cudaSuccess : cudaErrorLaunchFailure;
}

}  // namespace wick::simt

using namespace wick::simt;

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  return cudaStreamCreateWithFlags(stream, cudaStreamDefault);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned int /*flags*/) {
  const auto held = lock();
  auto made = std::make_unique<CUstream_st>();
  made->device = current_device();
  if (made->device >= runtime().device_count) return note(cudaErrorNoDevice);
  made->number = ++runtime().streams_made;
  runtime().streams.insert(made.get());
  *stream = made.release();
  return cudaSuccess;
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned int flags,
                                         int /*priority*/) {
  return cudaStreamCreateWithFlags(stream, flags);
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -5;
  return cudaSuccess;
}
cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  const auto held = lock();
  if (runtime().streams.erase(stream) == 0) return note(cudaErrorInvalidResourceHandle);
  const std::unique_ptr<CUstream_st> owned(stream);
  return note(drain(stream));
}
cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  if (stream->capture != nullptr) {
    stream->capture->invalid = true;
    return note(cudaErrorStreamCaptureUnsupported);
  }
  if (!runtime().failure.empty()) return note(cudaErrorLaunchFailure);
  host_waited(stream->clock);
  return note(drain(stream));
}
cudaError_t cudaStreamQuery(cudaStream_t handle) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  if (stream->queue.empty()) {
    host_waited(stream->clock);
    return cudaSuccess;
  }
  // Time goes by while the host asks.
  if (const cudaError_t error = run_one(stream)) return note(error);
  return note(cudaErrorNotReady);
}
cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned int /*flags*/) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr || event == nullptr) return note(cudaErrorInvalidResourceHandle);
  const std::shared_ptr<Marker> marker = event->marker;
  if (!marker) return cudaSuccess;
  if (marker->capture != nullptr) {
    // The stream joins the capture; nodes are kept in an order that fits all dependencies.
    stream->capture = marker->capture;
    return cudaSuccess;
  }
  if (stream->capture != nullptr) {
    stream->capture->invalid = true;
    return note(cudaErrorStreamCaptureUnsupported);
  }
  stream->clock.join(marker->clock);
  return note(submit(stream, [marker] { return drain_until(*marker); }));
}
cudaError_t cudaStreamGetDevice(cudaStream_t handle, int* device) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  *device = stream->device;
  return cudaSuccess;
}
cudaError_t cudaLaunchHostFunc(cudaStream_t handle, cudaHostFn_t function, void* data) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr) return note(cudaErrorInvalidResourceHandle);
  return note(submit(stream, [function, data] {
    function(data);
    return cudaSuccess;
  }));
}

cudaError_t cudaEventCreate(cudaEvent_t* event) {
  return cudaEventCreateWithFlags(event, cudaEventDefault);
}
cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned int flags) {
  auto made = std::make_unique<CUevent_st>();
  made->timing = (flags & cudaEventDisableTiming) == 0;
  *event = made.release();
  return cudaSuccess;
}
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  const auto held = lock();
  const std::unique_ptr<CUevent_st> owned(event);
  return cudaSuccess;
}
cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  const auto held = lock();
  CUstream_st* const stream = stream_of(handle);
  if (stream == nullptr || event == nullptr) return note(cudaErrorInvalidResourceHandle);
  auto marker = std::make_shared<Marker>();
  marker->stream = stream;
  marker->capture = stream->capture;
  event->marker = marker;
  if (marker->capture != nullptr) return cudaSuccess;
  const cudaError_t error = submit(stream, [marker] {
    marker->done = true;
    marker->seconds = now();
    return cudaSuccess;
  });
  marker->clock = stream->clock;
  return note(error);
}
cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  const auto held = lock();
  if (!event->marker) return cudaSuccess;
  if (event->marker->capture != nullptr) return note(cudaErrorStreamCaptureUnsupported);
  if (!runtime().failure.empty()) return note(cudaErrorLaunchFailure);
  host_waited(event->marker->clock);
  return event->marker->done ? cudaSuccess : note(drain_until(*event->marker));
}
cudaError_t cudaEventQuery(cudaEvent_t event) {
  const auto held = lock();
  if (!event->marker) return cudaSuccess;
  if (event->marker->done) {
    host_waited(event->marker->clock);
    return cudaSuccess;
  }
  if (const cudaError_t error = run_one(event->marker->stream)) return note(error);
  return note(event->marker->done ? cudaSuccess : cudaErrorNotReady);
}
cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  const auto held = lock();
  if (!start->timing || !end->timing || !start->marker || !end->marker) {
    return note(cudaErrorInvalidResourceHandle);
  }
  if (!start->marker->done || !end->marker->done) return note(cudaErrorNotReady);
  *milliseconds = static_cast<float>(1e3 * (end->marker->seconds - start->marker->seconds));
  return cudaSuccess;
}
