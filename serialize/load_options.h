// SPDX-License-Identifier: MIT
// How a file is read, whatever its format.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/error.h"
#include "wick/serialize/foreign_objects.h"

namespace wick {

/// The data of a record do not have the recorded CRC-32. The message ends with what was found;
/// whoever offers to read on adds how.
class WICK_API ChecksumError : public FormatError {
 public:
  using FormatError::FormatError;
};

struct LoadOptions {
  /// Where the file holds what is not admitted (objects of other classes, functions), load the rest
  /// and let placeholders (core/placeholder.h) stand for that, with all that the file says of it.
  /// Still no code is run. Arrays and scalars of NumPy with plain dtypes become tensors, on the CPU
  /// wherever others go, and numbers. A value with placeholders in it cannot be saved.
  bool placeholders = false;
  /// Where not null, told what was made of NumPy's objects.
  ForeignObjects* found = nullptr;
  /// Records of a ZIP archive (of torch.save or NumPy) must agree with their CRC-32. With false
  /// they are read as they are, as torch.load does: for a file into which something was written in
  /// place, such as through torch.load(mmap=True) with MAP_SHARED, which leaves the old CRC-32.
  bool verify = true;
};

}  // namespace wick
