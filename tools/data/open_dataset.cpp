// SPDX-License-Identifier: MIT
// Tells the kinds of data apart.
#include "tools/data/open_dataset.h"

#include <filesystem>

#include "tools/data/mnist.h"
#include "tools/data/png_folder.h"
#include "tools/data/synthetic.h"
#include "wick/core/error.h"

namespace wick::tools {

DataSplit open_dataset(const std::string& spec) {
  if (spec == "synthetic") return synthetic_split();
  std::error_code error;
  if (!std::filesystem::is_directory(spec, error)) {
    throw IoError(concat("data '", spec, "': ", error ? error.message() : "it is no folder",
                         " (expected a folder of IDX files or PNG images, or the word"
                         " synthetic)"));
  }
  if (has_mnist_files(spec)) return load_mnist(spec);
  if (has_png_folders(spec)) return load_png_folder(spec);
  throw IoError(concat("data '", spec,
                       "': the folder has neither MNIST's files (train-images-idx3-ubyte.gz, ...)"
                       " nor train/<class>/*.png"));
}

}  // namespace wick::tools
