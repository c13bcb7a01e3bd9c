// SPDX-License-Identifier: MIT
// A network prepared for inference alone.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "core/tensor.h"
#include "nn/sequential.h"

namespace wick::nn {

/// What compile() makes of a Sequential: its weights copied into one block of memory in the order
/// in which the device reads them, and the steps as a flat list. Later changes of the module do not
/// reach it.
///
///   const nn::InferencePlan plan = nn::compile(model, 64);
///   nn::InferencePlan::Workspace workspace = plan.make_workspace();  // one for each thread
///   plan.run(input, output, workspace);
///
/// Thread safety: run() changes nothing in the plan, so several threads may call it at the same
/// time, each with a workspace of its own.
///
/// On the CPU it allocates nothing and waits for no lock, in every dtype and with any number of
/// threads. With more than one (set_num_threads()), a large product is shared among them: the
/// caller waits until the parts that other threads have taken are done. While they work for one
/// caller, the others do their products alone. On a CUDA device it allocates where a number of rows
/// is new, for the description of its products, and threads take turns in handing work to the
/// device.
class InferencePlan {
 public:
  /// Memory for the values between the layers. Movable; fits the plan that made it and its copies.
  class Workspace {
   private:
    friend class InferencePlan;
    explicit Workspace(std::shared_ptr<Storage> memory) : memory_(std::move(memory)) {}
    std::shared_ptr<Storage> memory_;
  };

  [[nodiscard]] std::int64_t in_features() const noexcept { return in_features_; }
  [[nodiscard]] std::int64_t out_features() const noexcept { return out_features_; }
  [[nodiscard]] std::int64_t max_batch() const noexcept { return max_batch_; }
  [[nodiscard]] DType dtype() const noexcept { return dtype_; }
  [[nodiscard]] Device device() const { return weights_->device(); }

  [[nodiscard]] Workspace make_workspace() const;

  /// output (N, out_features) = the network's output for input (N, in_features), N at most
  /// max_batch(); rows may be apart, columns are contiguous. Each element is the module's own
  /// within rounding: the order of the additions may differ. Throws ShapeError, DTypeError or
  /// DeviceError for tensors that do not fit and ValueError for a workspace of another plan and for
  /// an output that shares memory with the input.
  void run(const Tensor& input, const Tensor& output, Workspace& workspace) const;

 private:
  friend InferencePlan compile(const Sequential& model, std::int64_t max_batch);

  static constexpr std::size_t kNone = ~std::size_t{0};
  // A linear layer and the ReLU behind it; or a ReLU alone, whose packed weight is kNone.
  struct Step {
    std::int64_t inputs;
    std::int64_t outputs;
    std::size_t packed;  // where the packed weight begins, in bytes
    std::size_t bias;    // likewise, or kNone
    bool relu;
  };

  InferencePlan() = default;
  [[nodiscard]] MatrixRef checked(const char* what, const Tensor& tensor, std::int64_t cols) const;

  std::vector<Step> steps_;
  std::shared_ptr<Storage> weights_;
  DType dtype_ = DType::float32;
  std::int64_t in_features_ = 0;
  std::int64_t out_features_ = 0;
  std::int64_t max_batch_ = 0;
  std::size_t half_workspace_ = 0;  // bytes of the widest value between two layers
};

/// Prepares `model`, made of Linear, ReLU and further Sequential, for batches of up to `max_batch`
/// rows; in the dtype of its parameters, whatever Module::autocast() says. Throws ValueError for
/// other modules, for a model without a Linear, for a batch below 1, and for parameters of several
/// dtypes or devices; ShapeError where a layer does not fit the one before.
[[nodiscard]] InferencePlan compile(const Sequential& model, std::int64_t max_batch);

}  // namespace wick::nn
