// SPDX-License-Identifier: MIT
#include "wick/core/version.h"

#define WICK_TEXT_OF(x) #x
#define WICK_TEXT(x) WICK_TEXT_OF(x)

namespace wick {

std::string_view version() noexcept {
  return WICK_TEXT(WICK_VERSION_MAJOR) "." WICK_TEXT(WICK_VERSION_MINOR) "." WICK_TEXT(
      WICK_VERSION_PATCH);
}

}  // namespace wick
