// SPDX-License-Identifier: MIT
// A tree of images whose folders are the classes.
#pragma once

#include <filesystem>

#include "tools/data/dataset.h"

namespace wick::tools {

/// True where the folder has a subfolder train/ or test/.
[[nodiscard]] bool has_image_folders(const std::filesystem::path& folder);

/// Reads train/<class>/*.png, *.jpg or *.jpeg, and test/<class>/ likewise. Classes are numbered in
/// the order of their sorted names and images follow in the order of their sorted file names, as
/// torchvision.datasets.ImageFolder has them; hidden files and folders are left out. Where some
/// images are in colour, grey ones get three equal channels. Throws IoError or FormatError that
/// names the offender: an unreadable image, one of another size than the first (which is compared
/// before it is decoded) or of more than 2^24 values, a class without images, or classes that
/// differ between train and test.
[[nodiscard]] DataSplit load_image_folder(const std::filesystem::path& folder);

}  // namespace wick::tools
