// SPDX-License-Identifier: MIT
// A folder with MNIST's four files, or with files made like them (Fashion-MNIST, KMNIST, ...).
#pragma once

#include <filesystem>

#include "tools/data/dataset.h"

namespace wick::tools {

/// True where the folder has at least one of the four files under a name load_mnist() knows.
[[nodiscard]] bool has_mnist_files(const std::filesystem::path& folder);

/// Reads train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte, each plain or with ".gz". Throws IoError for a missing file and
/// FormatError where one is damaged, image and label counts differ, a label is not in 0 to 9, or
/// the images of the two parts differ in size; the message names the file.
[[nodiscard]] DataSplit load_mnist(const std::filesystem::path& folder);

/// Reads one part from two files, with the same checks.
[[nodiscard]] Dataset load_mnist_part(const std::filesystem::path& images,
                                      const std::filesystem::path& labels);

/// Writes the four files, gzip-compressed, into a folder that exists.
void write_mnist(const DataSplit& split, const std::filesystem::path& folder);

}  // namespace wick::tools
