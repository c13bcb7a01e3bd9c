// SPDX-License-Identifier: MIT
// What tests can set and ask of the cuBLASLt of simulated devices.
#pragma once

#include <cstdint>
#include <optional>

#include <cublasLt.h>

namespace wick::testing {

/// The ways in which a library without an algorithm for an epilogue says so.
enum class Refusal { heuristic_status, no_algorithm, at_launch };

/// All epilogues that `from` has a bit of are refused, while it lives. What the backend has learned
/// about a product of some sizes, it keeps: tests need sizes of their own.
class RefusedEpilogues {
 public:
  RefusedEpilogues(std::uint32_t bits, Refusal how);
  RefusedEpilogues(const RefusedEpilogues&) = delete;
  RefusedEpilogues& operator=(const RefusedEpilogues&) = delete;
  ~RefusedEpilogues();
};

/// What the address of a matrix and the distance of its columns must be multiples of, in bytes,
/// where the library is to have an algorithm; 0: it has none for this dtype.
struct OperandRules {
  std::uint32_t float32 = 4;
  std::uint32_t float64 = 8;
  std::uint32_t bfloat16 = 2;
};

/// Products whose operands or result break the rules are refused, while it lives.
class RefusedOperands {
 public:
  RefusedOperands(const OperandRules& rules, Refusal how);
  RefusedOperands(const RefusedOperands&) = delete;
  RefusedOperands& operator=(const RefusedOperands&) = delete;
  ~RefusedOperands();
};

/// How many products with this epilogue, and on operands of this type, have been given to a stream.
[[nodiscard]] std::int64_t product_count(cublasLtEpilogue_t epilogue,
                                         std::optional<cudaDataType_t> type = std::nullopt);

}  // namespace wick::testing
