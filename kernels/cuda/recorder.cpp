// SPDX-License-Identifier: MIT
#include "kernels/cuda/recorder.h"

#include <algorithm>
#include <utility>

#include "wick/core/backend/update.h"
#include "wick/core/error.h"

namespace wick::cuda {

void require_replay(const Context& context, std::int64_t count) {
  if (count < 0) throw ValueError(concat("Recording::replay: count ", count, " is negative"));
  if (context.observer() != nullptr) {
    throw ValueError("Recording::replay: cannot be called inside a step that is recorded");
  }
}

void refuse_in_update(const char* operation) {
  throw ValueError(concat(operation,
                          ": the update of a recorded step may run optimizers only; "
                          "this operation belongs into its computation"));
}

/// While it lives, this thread's operations are the recorder's.
class Recorder::Scope {
 public:
  Scope(Recorder& recorder, Mode mode, StreamState& stream)
      : context_(recorder.context_), before_(context_.exchange_current(stream)) {
    recorder.mode_ = mode;
    context_.set_observer(&recorder);
  }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;
  ~Scope() {
    context_.set_observer(nullptr);
    context_.exchange_current(before_);
  }

 private:
  Context& context_;
  StreamState& before_;
};

Recorder::Recorder(Context& context, RecordedStep step)
    : context_(context), step_(std::move(step)) {}

Recorder::~Recorder() {
  // Members free themselves on the device that is the current one.
  try {
    const DeviceGuard guard(context_.device());
    static_cast<void>(cudaStreamSynchronize(context_.current().stream()));
    exec_.reset();
    table_.reset();
    counter_.reset();
    noted_.reset();
    stream_table_.reset();
    noted_streams_.reset();
    uploaded_.reset();
    if (capture_.state != nullptr) context_.take_back(std::move(capture_));
  } catch (...) {  // NOLINT(bugprone-empty-catch): the device is lost, and with it what was on it
  }
}

void Recorder::replay(std::int64_t count) {
  require_replay(context_, count);
  const DeviceGuard guard(context_.device());
  if (count > 0 && uploaded_ == nullptr) {
    warm_up();
    --count;
  }
  while (count > 0) {
    const std::int64_t now = std::min(count, kTableSteps);
    replay_some(now);
    count -= now;
  }
}

void Recorder::run_update() {
  update_ = 0;
  step_.update();
  if (mode_ != Mode::warming_up && update_ != updates_) {
    throw ValueError(concat("Recording: a step made ", update_,
                            " optimizer updates, the one before made ", updates_));
  }
}

void Recorder::warm_up() {
  const Scope scope(*this, Mode::warming_up, context_.current());
  step_.compute();
  run_update();
  updates_ = update_;
  prepare();
}

void Recorder::prepare() {
  capture_ = context_.lend_capture_stream();
  const auto entries = static_cast<std::size_t>(std::max<std::int64_t>(updates_, 1) * kTableSteps);
  table_ = make_device_memory<StepScalars>(entries);
  counter_ = make_device_memory<std::int64_t>(1);
  noted_ = make_pinned<StepScalars>(entries);
  if (!streams_.empty()) {
    stream_table_ = make_device_memory<PhiloxState>(streams_.size() * kTableSteps);
    noted_streams_ = make_pinned<PhiloxState>(streams_.size() * kTableSteps);
  }
  uploaded_ = make_event();
}

void Recorder::capture() {
  const Scope scope(*this, Mode::capturing, *capture_.state);
  context_.hold_frees();
  for (Stream& stream : streams_) stream.is_begun = false;
  Graph graph;
  try {
    // Relaxed: what this thread loads at its first use has nothing to do with the capture.
    check(cudaStreamBeginCapture(capture_.stream.get(), cudaStreamCaptureModeRelaxed),
          "begin a recording");
    cudaGraph_t raw = nullptr;
    try {
      step_.compute();
      run_update();
      check(launch_advance(counter_.get(), capture_.state->launch()), "count a recorded step");
    } catch (...) {
      // Whatever it returns, the stream does not capture any more.
      if (cudaStreamEndCapture(capture_.stream.get(), &raw) == cudaSuccess) graph.reset(raw);
      static_cast<void>(cudaGetLastError());
      throw;
    }
    check(cudaStreamEndCapture(capture_.stream.get(), &raw), "end a recording");
    graph.reset(raw);
    cudaGraphExec_t exec = nullptr;
    check(cudaGraphInstantiate(&exec, graph.get(), 0), "prepare a recording");
    exec_.reset(exec);
  } catch (...) {
    context_.release_frees();
    throw;
  }
  context_.release_frees();
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    Stream& stream = streams_[i];
    const std::uint64_t begin = noted_streams_.get()[i * kTableSteps].offset;
    stream.advance = stream.is_begun ? *stream.host.offset - begin : 0;
  }
}

void Recorder::replay_some(std::int64_t count) {
  constexpr const char* kName = "replay a recording";
  check(cudaEventSynchronize(uploaded_.get()), kName);
  slot_ = 0;
  if (exec_ == nullptr) {
    capture();
    slot_ = 1;
  }
  {
    const Scope scope(*this, Mode::noting, *capture_.state);
    for (; slot_ < count; ++slot_) {
      note_streams();
      run_update();
    }
  }
  StreamState& current = context_.current();
  const cudaStream_t stream = current.stream();
  const auto used = static_cast<std::size_t>(count) * sizeof(StepScalars);
  for (std::int64_t i = 0; i < updates_; ++i) {
    check(cudaMemcpyAsync(table_.get() + i * kTableSteps, noted_.get() + i * kTableSteps, used,
                          cudaMemcpyHostToDevice, stream),
          kName);
  }
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    check(cudaMemcpyAsync(stream_table_.get() + i * kTableSteps,
                          noted_streams_.get() + i * kTableSteps,
                          static_cast<std::size_t>(count) * sizeof(PhiloxState),
                          cudaMemcpyHostToDevice, stream),
          kName);
  }
  check(cudaEventRecord(uploaded_.get(), stream), kName);
  check(cudaMemsetAsync(counter_.get(), 0, sizeof(std::int64_t), stream), kName);
  for (std::int64_t i = 0; i < count; ++i) check(cudaGraphLaunch(exec_.get(), stream), kName);
  check(launch_move_error(capture_.state->launch().error, current.launch().error, current.launch()),
        kName);
}

bool Recorder::note(const UpdateArgs& args, StepSchedule& schedule) {
  const std::int64_t call = update_++;
  if (mode_ == Mode::warming_up) return true;
  if (call >= updates_) return false;  // run_update() reports it
  noted_.get()[call * kTableSteps + slot_] = step_scalars(args);
  schedule = {table_.get() + call * kTableSteps, counter_.get()};
  return mode_ == Mode::capturing;
}

void Recorder::note_streams() {
  for (std::size_t i = 0; i < streams_.size(); ++i) {
    const GeneratorStream& host = streams_[i].host;
    noted_streams_.get()[i * kTableSteps + static_cast<std::size_t>(slot_)] = {*host.seed,
                                                                               *host.offset};
    *host.offset += streams_[i].advance;
  }
}

void Recorder::note_draw(const char* operation, const GeneratorStream& stream, PhiloxState& state,
                         PhiloxSchedule& schedule) {
  if (mode_ == Mode::noting) refuse_in_update(operation);
  const auto found = std::ranges::find(streams_, stream.offset,
                                       [](const Stream& known) { return known.host.offset; });
  if (mode_ == Mode::warming_up) {
    if (found == streams_.end()) streams_.push_back({.host = stream});
    return;
  }
  if (found == streams_.end()) {
    throw ValueError(concat(operation,
                            ": a recorded step draws from the same generators in each repetition, "
                            "and the first one did not draw from this one"));
  }
  const std::ptrdiff_t first = (found - streams_.begin()) * kTableSteps;
  PhiloxState& begin = noted_streams_.get()[first];
  if (!found->is_begun) {
    found->is_begun = true;
    begin = state;
  }
  if (state.seed != begin.seed || state.offset < begin.offset) {
    throw ValueError(concat(operation,
                            ": a recorded step cannot seed a generator or set its state; "
                            "do it between two calls of replay()"));
  }
  state.offset -= begin.offset;
  schedule = {stream_table_.get() + first, counter_.get()};
}

void Recorder::require_repeatable(const char* operation) const {
  if (mode_ != Mode::noting) return;
  refuse_in_update(operation);
}

void Recorder::refuse(const char* what) const {
  if (mode_ == Mode::warming_up) return;
  throw ValueError(concat("a recorded step cannot ", what,
                          ": make all tensors before, and read results after its repetitions"));
}

}  // namespace wick::cuda
