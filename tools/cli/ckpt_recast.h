// SPDX-License-Identifier: MIT
// Converts tensors to another dtype and keeps account of what that loses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "wick/core/tensor.h"

namespace wick::tools {

/// What conversions of floating-point tensors did to their values, rounding aside.
class Losses {
 public:
  struct Loss {
    std::string name;
    std::int64_t count = 0;     // of all values
    std::int64_t to_zero = 0;   // were not 0, and are
    std::int64_t to_other = 0;  // were finite, and are infinite or NaN
  };

  /// Compares a tensor with what it was converted to.
  void add(const std::string& name, const Tensor& before, const Tensor& after);
  /// The tensors that lost something.
  [[nodiscard]] const std::vector<Loss>& all() const noexcept { return all_; }
  /// A line for each of the first tensors, and one for the others; none where nothing was lost.
  [[nodiscard]] std::vector<std::string> notes(DType dtype) const;

 private:
  std::vector<Loss> all_;
};

/// True where `dtype` asks for a conversion of tensors of `from`: floating-point ones of another.
[[nodiscard]] bool is_recast(DType from, std::optional<DType> dtype);

/// The tensor, converted where it is floating-point; on the device meta a new description.
[[nodiscard]] Tensor recast(const std::string& name, const Tensor& tensor,
                            std::optional<DType> dtype, Losses& losses);

}  // namespace wick::tools
