// SPDX-License-Identifier: MIT
// Tells the kinds of data apart.
#include "tools/data/open_dataset.h"

#include <filesystem>

#include "tools/data/image_folder.h"
#include "tools/data/mnist.h"
#include "tools/data/synthetic.h"
#include "wick/core/error.h"

namespace wick::tools {

DataSplit open_dataset(const std::string& spec) {
  if (spec == "synthetic") return synthetic_split();
  std::error_code error;
  if (!std::filesystem::is_directory(spec, error)) {
    throw IoError(concat("data '", spec, "': ", error ? error.message() : "it is no folder",
                         "; give a folder of IDX files or images, or the word synthetic"));
  }
  if (has_mnist_files(spec)) return load_mnist(spec);
  if (has_image_folders(spec)) return load_image_folder(spec);
  throw IoError(concat("data '", spec,
                       "': the folder has neither MNIST's files (train-images-idx3-ubyte.gz, ...)"
                       " nor images (train/<class>/*.png or *.jpg)"));
}

}  // namespace wick::tools
