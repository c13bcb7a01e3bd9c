// SPDX-License-Identifier: MIT
// Containers that contain themselves.
#pragma once

#include "wick/core/value.h"

namespace wick::c {

/// Throws ValueError for a value that contains itself, which cannot be compared or hashed.
void require_no_circle(const Value& value);

}  // namespace wick::c
