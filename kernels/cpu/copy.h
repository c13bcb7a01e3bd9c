// SPDX-License-Identifier: MIT
#pragma once

#include "wick/core/backend.h"
#include "wick/core/backend/memory.h"

namespace wick::cpu {

/// See Backend::copy_strided.
void copy_strided(const StridedRef& to, const StridedRef& from);

}  // namespace wick::cpu
