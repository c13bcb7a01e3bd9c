// SPDX-License-Identifier: MIT
// The values or gradients of several parameters as one vector.
#pragma once

#include <cstdint>
#include <vector>

#include "wick/core/parameter.h"

namespace wick::optim {

/// Vectors over parameters of one dtype on one device, one parameter after the other without room
/// in between. A vector that nobody holds any more is given out again, so that nothing is allocated
/// once there are enough. Thread safety: none.
class ParameterVectors {
 public:
  /// Of these parameters, as they are now.
  void settle(const std::vector<ParameterPtr>& params);
  /// A copy of `vector` where it is not of the parameters' dtype and device.
  void convert(Tensor& vector) const;

  /// Uninitialised.
  [[nodiscard]] Tensor fresh();
  /// factor * gradients; zeros where a parameter has none.
  [[nodiscard]] Tensor gradients(double factor);
  [[nodiscard]] Tensor values();
  void set_values(const Tensor& from) const;
  /// values += factor * direction.
  void add_to_values(double factor, const Tensor& direction) const;

  // Numbers, for which the host waits.
  [[nodiscard]] double dot(const Tensor& a, const Tensor& b);
  [[nodiscard]] double abs_max(const Tensor& a);
  [[nodiscard]] double abs_sum(const Tensor& a);

 private:
  [[nodiscard]] Tensor part(const Tensor& vector, std::size_t param) const;
  [[nodiscard]] double number() const;

  std::vector<ParameterPtr> params_;
  std::vector<std::int64_t> offsets_;  // one more than parameters, the last the size
  std::vector<Tensor> pool_;
  Tensor number_;
};

}  // namespace wick::optim
