// SPDX-License-Identifier: MIT
// A header of the user's own, with a name that one of wick's has, too.
#pragma once

namespace consumer {

inline constexpr int kFailed = 1;

}  // namespace consumer
