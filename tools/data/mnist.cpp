// SPDX-License-Identifier: MIT
// Reads and writes the four files of MNIST and checks them against each other.
#include "tools/data/mnist.h"

#include <array>
#include <optional>
#include <string>

#include "tools/data/idx.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kClasses = 10;
// No network of the programs takes more inputs.
constexpr std::int64_t kLargestImage = std::int64_t{1} << 24;
constexpr std::array kTrainFiles = {"train-images-idx3-ubyte", "train-labels-idx1-ubyte"};
constexpr std::array kTestFiles = {"t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"};

std::optional<fs::path> find_file(const fs::path& folder, const std::string& name) {
  for (const char* const ending : {"", ".gz"}) {
    const fs::path path = folder / (name + ending);
    if (fs::exists(path)) return path;
  }
  return std::nullopt;
}

fs::path require_file(const fs::path& folder, const std::string& name) {
  if (const std::optional<fs::path> path = find_file(folder, name)) return *path;
  throw IoError(concat("'", folder.string(), "' has no file ", name, " or ", name, ".gz"));
}

Dataset load_part(const fs::path& folder, const std::array<const char*, 2>& names) {
  const fs::path images = require_file(folder, names[0]);
  return load_mnist_part(images, require_file(folder, names[1]));
}

/// Before anything is inflated: a small file may hold an array of gigabytes.
void require_matching_shapes(const Dims& images, const std::string& images_name, const Dims& labels,
                             const std::string& labels_name) {
  if (images.size() != 3) {
    throw FormatError(concat(images_name, ": holds an array of shape ", images,
                             "; images need magic number 0x00000803, three dimensions"));
  }
  if (labels.size() != 1) {
    throw FormatError(concat(labels_name, ": holds an array of shape ", labels,
                             "; labels need magic number 0x00000801, one dimension"));
  }
  if (images[0] != labels[0]) {
    throw FormatError(concat(images_name, " has ", images[0], " images, but ", labels_name, " has ",
                             labels[0], " labels"));
  }
  if (element_count(images) == 0) throw FormatError(images_name + ": holds no images");
  if (images[1] * images[2] > kLargestImage) {
    throw FormatError(concat(images_name, ": its images are ", images[2], " x ", images[1],
                             " pixels; images for training may have ", kLargestImage,
                             " values at most"));
  }
}

/// Widens the labels of a file and checks their range.
Tensor class_indices(const Tensor& labels, const std::string& name) {
  Tensor result = labels.to(DType::int64);
  const std::int64_t* const values = result.data<std::int64_t>();
  for (std::int64_t i = 0; i < result.numel(); ++i) {
    if (values[i] >= kClasses) {
      throw FormatError(concat(name, ": label ", values[i], " at position ", i,
                               " is out of range: the classes are 0 to ", kClasses - 1));
    }
  }
  return result;
}

void write_part(const Dataset& part, const fs::path& folder,
                const std::array<const char*, 2>& names) {
  const Dims& shape = part.images.shape();
  if (shape.size() != 4 || shape[1] != 1) {
    throw ShapeError(concat("write_mnist: needs grey images (N, 1, H, W), got ", shape));
  }
  write_idx(part.images.view({shape[0], shape[2], shape[3]}),
            folder / (std::string(names[0]) + ".gz"));
  write_idx(part.labels.to(DType::uint8), folder / (std::string(names[1]) + ".gz"));
}

}  // namespace

bool has_mnist_files(const fs::path& folder) {
  for (const auto& names : {kTrainFiles, kTestFiles}) {
    for (const char* const name : names) {
      if (find_file(folder, name)) return true;
    }
  }
  return false;
}

Dataset load_mnist_part(const fs::path& images_path, const fs::path& labels_path) {
  const std::string images_name = images_path.string();
  const std::string labels_name = labels_path.string();
  const IdxFile images_file(images_path);
  const IdxFile labels_file(labels_path);
  require_matching_shapes(images_file.shape(), images_name, labels_file.shape(), labels_name);
  const Tensor images = images_file.read();
  const Tensor labels = labels_file.read();

  Dataset part;
  part.images = images.view({images.size(0), 1, images.size(1), images.size(2)});
  part.labels = class_indices(labels, labels_name);
  for (std::int64_t i = 0; i < kClasses; ++i) part.class_names.push_back(std::to_string(i));
  return part;
}

DataSplit load_mnist(const fs::path& folder) {
  DataSplit split{load_part(folder, kTrainFiles), load_part(folder, kTestFiles)};
  const Dims& train = split.train.images.shape();
  const Dims& test = split.test.images.shape();
  if (train[2] != test[2] || train[3] != test[3]) {
    throw FormatError(concat("'", folder.string(), "': training images are ", train[2], " x ",
                             train[3], " pixels, test images ", test[2], " x ", test[3]));
  }
  return split;
}

void write_mnist(const DataSplit& split, const fs::path& folder) {
  write_part(split.train, folder, kTrainFiles);
  write_part(split.test, folder, kTestFiles);
}

}  // namespace wick::tools
