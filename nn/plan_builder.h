// SPDX-License-Identifier: MIT
// Makes an inference plan of a description.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "wick/nn/inference_plan.h"
#include "wick/nn/steps.h"

namespace wick::nn {

/// Used once: PlanBuilder(model, shapes, max_batch).build().
class PlanBuilder {
 public:
  /// Without `sample_shapes`, the only input has the features of the first linear step.
  PlanBuilder(const Module& model, std::span<const Dims> sample_shapes, std::int64_t max_batch);

  [[nodiscard]] InferencePlan build();

 private:
  using Value = InferencePlan::Value;

  void find_kind();
  void add_inputs(std::span<const Dims> sample_shapes);
  void add_step(std::size_t i);
  void add_linear(std::size_t i);
  void add_norm(const Step& step);
  void add_unary(const Step& step);
  void add_binary(const Step& step);
  void add_concatenate(const Step& step);
  void add_reshape(const Step& step);
  void add_part(const Step& step);
  void add_view(const Step& step);
  void add_softmax(const Step& step);
  void add_conv(std::size_t i);
  void add_pool(const Step& step);
  void add_resample(const Step& step);
  void add_pixel_shuffle(const Step& step);
  void add_shared(const Step& step, Dims shape);
  [[nodiscard]] std::size_t dimension(const Step& step, const Dims& shape) const;
  [[nodiscard]] std::size_t add_value(Dims shape);
  void finish(const Step& step, InferencePlan::Step planned, Dims shape);
  // What a message calls a step, whose path stands in front of it.
  [[nodiscard]] static std::string who(const Step& step);
  void require_same_kind(const Step& step, const Tensor& tensor) const;
  void place_outputs();
  void place_in_workspace();
  [[nodiscard]] std::size_t bytes_of(const Value& value) const;
  void pack_weights();
  [[nodiscard]] const Dims& shape(ValueId id) const;

  // A weight and a bias that go into the plan's block.
  struct Packed {
    std::size_t step;
    Tensor weight;
    Tensor bias;  // or undefined
    // Where they begin in the block, in bytes.
    std::size_t offset = 0;
    std::size_t bias_offset = InferencePlan::kNone;
  };
  void fold_norm(const Step& norm, std::int64_t features, Packed& packed) const;

  // A vector that is copied to the block as it is.
  struct Vector {
    std::size_t offset;
    Tensor values;
  };
  [[nodiscard]] std::size_t add_vector(const Step& step, const Tensor* values);

  StepList list_;
  std::vector<std::size_t> only_users_;
  std::vector<std::size_t> values_;  // of the plan, by those of the list
  std::vector<std::size_t>
      memory_;              // of the plan's values: that of another one where they share it
  std::vector<bool> done_;  // steps that another one does along
  std::vector<Packed> packed_;
  std::vector<Vector> vectors_;
  Tensor first_;  // the first parameter; undefined where there is none
  InferencePlan plan_;
  std::size_t weight_bytes_ = 0;
};

}  // namespace wick::nn
