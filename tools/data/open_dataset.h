// SPDX-License-Identifier: MIT
// What the option --data of the programs takes.
#pragma once

#include <string>

#include "tools/data/dataset.h"

namespace wick::tools {

/// `spec` is a folder with MNIST's four files, a folder with train/<class>/*.png (or *.jpg) and
/// test/<class>/*.png, or the word "synthetic". Throws IoError where it is none of them, and what
/// load_mnist() and load_image_folder() throw.
[[nodiscard]] DataSplit open_dataset(const std::string& spec);

}  // namespace wick::tools
