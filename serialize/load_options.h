// SPDX-License-Identifier: MIT
// How a file is read, whatever its format.
#pragma once

#include "serialize/foreign_objects.h"

namespace wick {

struct LoadOptions {
  /// Where the file holds what is not admitted (objects of other classes, functions), load the rest
  /// and let placeholders (core/placeholder.h) stand for that, with all that the file says of it.
  /// Still no code is run. Arrays and scalars of NumPy with plain dtypes become tensors, on the CPU
  /// wherever others go, and numbers. A value with placeholders in it cannot be saved.
  bool placeholders = false;
  /// Where not null, told what was made of NumPy's objects.
  ForeignObjects* found = nullptr;
};

}  // namespace wick
