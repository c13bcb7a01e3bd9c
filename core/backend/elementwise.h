// SPDX-License-Identifier: MIT
// The element-wise family of a device's operations: what each function is called, and what is
// given to the backend for it. The formulas are in kernels/formulas.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iterator>

#include "wick/core/dtype.h"

namespace wick {

/// Functions of one argument, with up to two parameters a and b; PyTorch's of the same names.
enum class UnaryOp : std::uint8_t {
  relu,
  tanh,
  sigmoid,
  gelu,
  gelu_tanh,  // gelu with approximate="tanh"
  silu,
  leaky_relu,  // a: negative_slope
  elu,         // a: alpha
  selu,
  celu,  // a: alpha
  mish,
  log_sigmoid,
  hardtanh,  // a: min_val, b: max_val
  hardsigmoid,
  hardswish,
  softplus,  // a: beta, b: threshold
  softsign,
};

/// What the gradient of a function is computed from, besides the gradient by its output.
enum class SavedValue : std::uint8_t { input, output };

/// What is known of a function beside its formula.
struct UnaryOpInfo {
  UnaryOp op;
  const char* name;           // of the function, in messages
  const char* backward_name;  // of its gradient
  SavedValue saved;
};

/// One row for each function, in the order of the enumerators.
inline constexpr UnaryOpInfo kUnaryOps[] = {
    {UnaryOp::relu, "relu", "relu_backward", SavedValue::output},
    {UnaryOp::tanh, "tanh", "tanh_backward", SavedValue::output},
    {UnaryOp::sigmoid, "sigmoid", "sigmoid_backward", SavedValue::output},
    {UnaryOp::gelu, "gelu", "gelu_backward", SavedValue::input},
    {UnaryOp::gelu_tanh, "gelu (tanh)", "gelu_backward (tanh)", SavedValue::input},
    {UnaryOp::silu, "silu", "silu_backward", SavedValue::input},
    {UnaryOp::leaky_relu, "leaky_relu", "leaky_relu_backward", SavedValue::input},
    {UnaryOp::elu, "elu", "elu_backward", SavedValue::input},
    {UnaryOp::selu, "selu", "selu_backward", SavedValue::input},
    {UnaryOp::celu, "celu", "celu_backward", SavedValue::input},
    {UnaryOp::mish, "mish", "mish_backward", SavedValue::input},
    {UnaryOp::log_sigmoid, "log_sigmoid", "log_sigmoid_backward", SavedValue::input},
    {UnaryOp::hardtanh, "hardtanh", "hardtanh_backward", SavedValue::input},
    {UnaryOp::hardsigmoid, "hardsigmoid", "hardsigmoid_backward", SavedValue::input},
    {UnaryOp::hardswish, "hardswish", "hardswish_backward", SavedValue::input},
    {UnaryOp::softplus, "softplus", "softplus_backward", SavedValue::input},
    {UnaryOp::softsign, "softsign", "softsign_backward", SavedValue::input},
};
inline constexpr std::size_t kUnaryOpCount = std::size(kUnaryOps);

[[nodiscard]] constexpr const UnaryOpInfo& info_of(UnaryOp op) {
  return kUnaryOps[static_cast<std::size_t>(op)];
}

static_assert(
    [] {
      for (std::size_t i = 0; i < kUnaryOpCount; ++i) {
        if (kUnaryOps[i].op != static_cast<UnaryOp>(i)) return false;
      }
      return true;
    }(),
    "the rows of kUnaryOps are in the order of the enumerators");

/// What the enumerators of UnaryOp say of their parameters; those that a function lacks are not
/// read.
struct UnaryParameters {
  double a = 0.0;
  double b = 0.0;
};

/// y = op(x). In place if y == x.
struct UnaryArgs {
  UnaryOp op = UnaryOp::relu;
  DType dtype = DType::float32;
  std::int64_t count = 0;
  const void* x = nullptr;  // (count)
  void* y = nullptr;        // (count)
  UnaryParameters parameters{};
};

/// grad_input = grad_output times the derivative of op, where `saved` is op's input or its output:
/// info_of(op).saved. In place if grad_input is one of the others.
struct UnaryBackwardArgs {
  UnaryOp op = UnaryOp::relu;
  DType dtype = DType::float32;
  std::int64_t count = 0;
  const void* grad_output = nullptr;  // (count)
  const void* saved = nullptr;        // (count)
  void* grad_input = nullptr;         // (count)
  UnaryParameters parameters{};
};

}  // namespace wick
