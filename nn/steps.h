// SPDX-License-Identifier: MIT
// What a network does, as a list: the one description that fusion, the inference plan and whatever
// else looks into a network read.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "wick/core/backend/elementwise.h"
#include "wick/core/compiler.h"
#include "wick/core/parameter.h"
#include "wick/nn/image_step.h"
#include "wick/nn/norm_step.h"

namespace wick::nn {

class Module;

/// The number of a value of a StepList: an input, or what a step computes.
using ValueId = std::int32_t;

enum class StepKind : std::uint8_t {
  opaque,         // what a module's forward() does; nothing more is known of it
  linear,         // x weightᵀ + bias
  norm,           // a normalisation
  unary,          // a function of each element
  add,            // a + b, of one shape
  multiply,       // a * b, of one shape
  concatenate,    // along `dim`
  reshape,        // to `shape`, of which one size may be -1
  narrow,         // `length` positions of `dim` from `start` on
  select,         // one position of `dim`, which goes away
  flatten,        // dimensions `dim` to `last` as one
  unflatten,      // `dim` as the sizes of `shape`, of which one may be -1
  softmax,        // along `dim`
  log_softmax,    // likewise
  conv,           // a convolution, or a transposed one
  pool,           // the windows of an image
  resample,       // an image padded or resized
  pixel_shuffle,  // channels to pixels, by a factor of `length`
};
/// "linear".
[[nodiscard]] WICK_API std::string_view to_string(StepKind kind) noexcept;

/// One step: a kind, the values that it uses, the value that it makes, and what the kind needs.
struct Step {
  StepKind kind = StepKind::opaque;
  /// Whose forward() and backward() do it; null for what a network does between its modules.
  const Module* module = nullptr;
  std::string path;  // the dotted name of the module, or of the network around it
  std::vector<ValueId> inputs;
  ValueId output = 0;
  // Of linear, conv and norm; the bias may be null, of norm the weight too.
  ParameterPtr weight;
  ParameterPtr bias;
  NormStep norm;
  // Of the kinds that are called so.
  ConvStep conv;
  PoolStep pool;
  ResampleStep resample;
  // Of unary.
  UnaryOp op = UnaryOp::relu;
  UnaryParameters parameters{};
  // Of reshape and unflatten.
  Dims shape;
  // Of concatenate, narrow, select, flatten, unflatten and softmax; these may count from the end.
  std::int64_t dim = 0;
  std::int64_t last = -1;
  std::int64_t start = 0;
  std::int64_t length = 1;
};

/// Made by Module::append_steps(). Steps are in an order in which they can be done.
class WICK_API StepList {
 public:
  enum class Purpose {
    /// All that is known of every module.
    description,
    /// What forward() and backward() of modules do: one that describes itself by several steps and
    /// is no Composite stays whole, as an opaque step.
    training
  };
  explicit StepList(Purpose purpose) : purpose_(purpose) {}

  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  [[nodiscard]] const std::vector<ValueId>& inputs() const noexcept { return inputs_; }
  [[nodiscard]] const std::vector<ValueId>& outputs() const noexcept { return outputs_; }
  /// Values are numbered from 0.
  [[nodiscard]] ValueId value_count() const noexcept { return value_count_; }

  ValueId input();
  void output(ValueId value) { outputs_.push_back(value); }

  /// The steps of a child under its name, or of the whole network under none.
  ValueId module(std::string_view name, const Module& module, ValueId x);

  // A step of the module that is being described.
  ValueId opaque(ValueId x);
  ValueId linear(ValueId x, ParameterPtr weight, ParameterPtr bias);
  ValueId norm(ValueId x, ParameterPtr weight, ParameterPtr bias, NormStep norm);
  ValueId unary(ValueId x, UnaryOp op, const UnaryParameters& parameters = {});
  ValueId flatten(ValueId x, std::int64_t first, std::int64_t last);
  ValueId unflatten(ValueId x, std::int64_t dim, const Dims& sizes);
  ValueId softmax(ValueId x, std::int64_t dim, bool log);
  ValueId conv(ValueId x, ParameterPtr weight, ParameterPtr bias, const ConvStep& conv);
  ValueId pool(ValueId x, const PoolStep& pool);
  ValueId resample(ValueId x, const ResampleStep& resample);
  ValueId pixel_shuffle(ValueId x, std::int64_t factor);
  // A step between modules.
  ValueId add(ValueId a, ValueId b);
  ValueId multiply(ValueId a, ValueId b);
  ValueId concatenate(std::span<const ValueId> values, std::int64_t dim);
  ValueId reshape(ValueId x, const Dims& shape);
  ValueId narrow(ValueId x, std::int64_t dim, std::int64_t start, std::int64_t length);
  ValueId select(ValueId x, std::int64_t dim, std::int64_t index);

  WICK_HIDDEN static constexpr std::size_t kNone = ~std::size_t{0};
  /// Of each value, the index of the one step that uses it; kNone where several do, or none, or
  /// where it is an output of the list, too.
  [[nodiscard]] std::vector<std::size_t> only_users() const;

 private:
  ValueId append(Step step);
  ValueId of_module(StepKind kind, ValueId x, ParameterPtr weight = {}, ParameterPtr bias = {});
  ValueId between(StepKind kind, std::vector<ValueId> inputs);

  Purpose purpose_;
  std::vector<Step> steps_;
  std::vector<ValueId> inputs_;
  std::vector<ValueId> outputs_;
  ValueId value_count_ = 0;
  const Module* module_ = nullptr;  // that is being described
  std::string path_;
};

}  // namespace wick::nn
