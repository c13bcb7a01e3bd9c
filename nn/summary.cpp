// SPDX-License-Identifier: MIT
#include "wick/nn/summary.h"

#include <algorithm>
#include <array>
#include <ostream>

#include "wick/core/error.h"
#include "wick/core/text.h"
#include "wick/nn/no_grad.h"
#include "wick/nn/step_runner.h"
#include "wick/nn/steps.h"

namespace wick::nn {
namespace {

constexpr double kMillion = 1e6;

std::int64_t elements(const std::vector<ParameterPtr>& parameters) {
  std::int64_t count = 0;
  for (const ParameterPtr& parameter : parameters) count += parameter->value.numel();
  return count;
}

// Of x weightᵀ: each weight is multiplied once, and added, for each row.
double operations_of(const Step& step, const Tensor& output) {
  if (step.kind != StepKind::linear || step.weight->value.size(0) == 0) return 0.0;
  const double rows =
      static_cast<double>(output.numel()) / static_cast<double>(step.weight->value.size(0));
  return 2.0 * rows * static_cast<double>(step.weight->value.numel());
}

}  // namespace

Summary summary(const Module& model, std::span<const Tensor> inputs) {
  const std::unique_ptr<Module> copy = model.clone();
  copy->eval();
  const NoGradGuard guard;
  StepList list(StepList::Purpose::training);
  copy->describe(list);
  if (list.inputs().size() != inputs.size()) {
    throw ValueError(
        concat("summary: the model has ", list.inputs().size(), " inputs, got ", inputs.size()));
  }
  // Every value is an output, so that no two steps are done as one.
  const std::size_t outputs = list.outputs().size();
  for (const Step& step : list.steps()) list.output(step.output);
  Summary result;
  if (!list.outputs().empty()) {
    StepRunner runner(std::move(list));
    runner.forward(inputs);
    const std::vector<Step>& steps = runner.list().steps();
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const Step& step = steps[i];
      const Tensor& output = runner.output(outputs + i);
      SummaryRow row{step.path, std::string(to_string(step.kind)), output.shape()};
      if (step.module != nullptr) {
        row.type = step.module->type_name();
        row.parameters = elements(step.module->parameters());
      }
      row.mflop = operations_of(step, output) / kMillion;
      result.mflop += row.mflop;
      result.rows.push_back(std::move(row));
    }
  }
  for (const ParameterPtr& parameter : model.parameters()) {
    result.parameters += parameter->value.numel();
    if (parameter->requires_grad) result.trainable += parameter->value.numel();
    result.bytes += static_cast<std::int64_t>(parameter->value.nbytes());
  }
  return result;
}

Summary summary(const Module& model, const Dims& input_shape, DType dtype) {
  const std::vector<ParameterPtr> parameters = model.parameters();
  const Device device = parameters.empty() ? kCpu : parameters.front()->value.device();
  const Tensor input = Tensor::zeros(input_shape, dtype, device);
  return summary(model, {&input, 1});
}

namespace {

std::string with_commas(std::int64_t value) {
  std::string digits = concat(value);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, ",");
  }
  return digits;
}

constexpr std::size_t kColumns = 5;
using Line = std::array<std::string, kColumns>;

// Names to the left, numbers to the right.
std::string table_of(const std::vector<Line>& lines) {
  std::array<std::size_t, kColumns> widths{};
  for (const Line& line : lines) {
    for (std::size_t c = 0; c < kColumns; ++c) widths[c] = std::max(widths[c], line[c].size());
  }
  std::string text;
  for (const Line& line : lines) {
    for (std::size_t c = 0; c < kColumns; ++c) {
      const std::string gap(widths[c] - line[c].size(), ' ');
      text += concat(c == 0 ? "" : "  ", c < 3 ? line[c] + gap : gap + line[c]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace

std::string to_string(const Summary& summary) {
  constexpr int kDecimals = 3;
  std::vector<Line> lines{{"Layer", "Type", "Output shape", "Parameters", "MFLOP"}};
  for (const SummaryRow& row : summary.rows) {
    lines.push_back({row.name, row.type, concat(row.output_shape), with_commas(row.parameters),
                     fixed_point(row.mflop, kDecimals)});
  }
  lines.push_back(
      {"Total", "", "", with_commas(summary.parameters), fixed_point(summary.mflop, kDecimals)});
  return concat(table_of(lines), with_commas(summary.trainable), " of ",
                with_commas(summary.parameters), " parameters are trainable; ",
                fixed_point(static_cast<double>(summary.bytes) / kMillion, 2), " MB\n");
}

std::ostream& operator<<(std::ostream& out, const Summary& summary) {
  return out << to_string(summary);
}

}  // namespace wick::nn
