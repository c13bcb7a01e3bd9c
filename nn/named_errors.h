// SPDX-License-Identifier: MIT
// What an operation finds wrong in the numbers, said of the layer or loss that called it.
#pragma once

#include <utility>

#include "wick/core/error.h"

namespace wick::nn {

/// Calls work(); its IndexError or ValueError gets what `who` returns in front.
template <typename Who, typename Work>
void with_name_of(const Who& who, Work&& work) {
  try {
    std::forward<Work>(work)();
  } catch (const IndexError& error) {
    throw IndexError(concat(who(), ": ", error.what()));
  } catch (const ValueError& error) {
    throw ValueError(concat(who(), ": ", error.what()));
  }
}

}  // namespace wick::nn
