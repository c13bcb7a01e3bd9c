// SPDX-License-Identifier: MIT
// A recurrent layer that runs one step at a time and keeps its state: for audio and control loops.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "wick/core/backend/recurrent.h"
#include "wick/core/compiler.h"
#include "wick/core/tensor.h"
#include "wick/nn/layers/recurrent.h"

namespace wick::nn {

/// An RNN, LSTM or GRU prepared for one sequence of which the steps come one after the other. The
/// weights are copied in the order in which the processor reads them, so that later changes of the
/// layer do not reach it. What a step gives is that of the layer in evaluation mode, within
/// rounding.
///
///   nn::RecurrentStream stream(lstm);
///   stream.prepare();                                    // in the thread that has the deadline
///   for (;;) stream.step(std::span(sample), std::span(output));
///
/// A copy has the state of the original at that time, goes on by itself and shares the weights,
/// which nobody changes: one stream for each sequence, and for each thread.
///
/// Real time: after prepare() and with one thread (set_num_threads()), step() and reset() allocate
/// and free nothing, take no lock, make no system call and have no page fault: see
/// docs/real_time.md. Errors are outside of it. Thread safety: none for one stream; streams that
/// share weights may run in several threads.
class WICK_API RecurrentStream {
 public:
  /// Begins with a state of zeros. Throws ValueError for a bidirectional layer, whose results
  /// depend on steps to come, and DeviceError for one that is not on the CPU.
  explicit RecurrentStream(const RNNBase& layer);
  RecurrentStream(const RecurrentStream& other);
  RecurrentStream& operator=(const RecurrentStream& other);
  RecurrentStream(RecurrentStream&&) = default;
  RecurrentStream& operator=(RecurrentStream&&) = default;
  ~RecurrentStream() = default;

  [[nodiscard]] std::int64_t input_size() const noexcept { return weights_->input_size; }
  [[nodiscard]] std::int64_t output_size() const noexcept { return weights_->hidden; }
  [[nodiscard]] std::int64_t num_layers() const noexcept {
    return static_cast<std::int64_t>(weights_->layers.size());
  }
  [[nodiscard]] DType dtype() const noexcept { return weights_->dtype; }

  /// `output` = the last layer's h after a step with `input`; they may be the same memory. Throws
  /// ShapeError for sizes other than input_size() and output_size(), and DTypeError for another
  /// dtype; then nothing has changed.
  void step(std::span<const float> input, std::span<float> output) {
    step_bytes(std::as_bytes(input), std::as_writable_bytes(output), DType::float32);
  }
  void step(std::span<const double> input, std::span<double> output) {
    step_bytes(std::as_bytes(input), std::as_writable_bytes(output), DType::float64);
  }

  /// A state of zeros.
  void reset();
  /// Does beforehand what would make the first step late; the state stays as it is. Call it in the
  /// thread that will call step(). It allocates.
  void prepare();
  /// Copies of the state, (num_layers, hidden_size) each, as the layer takes them for an unbatched
  /// input; c of the LSTM only.
  [[nodiscard]] RecurrentState state() const;
  /// Goes on from `state`; undefined tensors stand for zeros. Throws ShapeError, DTypeError or
  /// DeviceError where it does not fit; then nothing has changed.
  void set_state(const RecurrentState& state);

 private:
  struct Layer {
    std::int64_t depth = 0;  // inputs of the product: those of the layer, then h
    std::shared_ptr<Storage> packed;
    Tensor bias;              // or undefined
    std::size_t operand = 0;  // where in the memory it begins, in bytes: input and h
    std::size_t cell = 0;     // likewise: c
  };
  struct Weights {
    std::string who;
    CellOp op = CellOp::rnn_tanh;
    DType dtype = DType::float32;
    std::int64_t input_size = 0;
    std::int64_t hidden = 0;
    std::vector<Layer> layers;
    std::size_t gates = 0;  // where they begin
    std::size_t bytes = 0;  // of a stream's memory
  };

  void step_bytes(std::span<const std::byte> input, std::span<std::byte> output, DType dtype);
  void run(const std::byte* input, std::byte* output);
  [[nodiscard]] std::byte* memory() const noexcept {
    return static_cast<std::byte*>(memory_->data());
  }
  [[nodiscard]] std::byte* state_of(const Layer& layer) const noexcept;

  std::shared_ptr<const Weights> weights_;
  std::shared_ptr<Storage> memory_;  // of each layer operand and c, then the gates
};

}  // namespace wick::nn
