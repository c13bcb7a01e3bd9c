// SPDX-License-Identifier: MIT
// Labelled images, as every data reader gives them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "wick/core/tensor.h"

namespace wick::tools {

struct Dataset {
  Tensor images;  // uint8 (N, C, H, W), C is 1 or 3
  Tensor labels;  // int64 (N), in [0, class_names.size())
  std::vector<std::string> class_names;

  [[nodiscard]] std::int64_t size() const { return labels.numel(); }
};

/// Both parts have the same classes and the same image size, and neither is empty.
struct DataSplit {
  Dataset train;
  Dataset test;
};

}  // namespace wick::tools
