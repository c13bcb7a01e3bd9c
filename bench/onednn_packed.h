// SPDX-License-Identifier: MIT
// oneDNN's products with a matrix that was packed beforehand, to measure beside wick's inference
// plans; in builds that find oneDNN's headers (libdnnl-dev).
#pragma once

#include <memory>

#include "bench/peers.h"

namespace wick::bench {

/// A product whose B lies as the library likes it.
class PackedProduct {
 public:
  PackedProduct() = default;
  PackedProduct(const PackedProduct&) = delete;
  PackedProduct& operator=(const PackedProduct&) = delete;
  virtual ~PackedProduct() = default;
  virtual void multiply() = 0;
};

/// Packs the product's B. The memory of A and C must outlive the result.
[[nodiscard]] std::unique_ptr<PackedProduct> pack_onednn(const Product& product);

}  // namespace wick::bench
