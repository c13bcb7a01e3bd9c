// SPDX-License-Identifier: MIT
// Reads train/<class>/*.png or *.jpg and test/<class>/ likewise.
#include "tools/data/image_folder.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tools/data/image_file.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

namespace fs = std::filesystem;

// Pixels times channels: no network of the programs takes more.
constexpr std::int64_t kLargestImage = std::int64_t{1} << 24;

struct Sample {
  Tensor image;  // (C, H, W)
  std::int64_t label = 0;
};

template <typename Predicate>
std::vector<std::string> sorted_names(const fs::path& folder, Predicate&& wanted) {
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error) throw IoError(concat("cannot read '", folder.string(), "': ", error.message()));
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : entries) {
    const std::string name = entry.path().filename().string();
    if (name.front() != '.' && wanted(entry)) names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::vector<std::string> class_names(const fs::path& part) {
  std::vector<std::string> names =
      sorted_names(part, [](const fs::directory_entry& entry) { return entry.is_directory(); });
  if (names.empty()) {
    throw FormatError(
        concat("'", part.string(), "' has no class folders (", part.string(), "/<class>/*.png)"));
  }
  return names;
}

std::string size_text(const Dims& shape) {
  return concat(shape[2], " x ", shape[1]);
}

/// The first image of the data set, whose size all others must have.
struct First {
  std::string path;  // empty: none has been read
  Dims shape;        // (C, H, W)
};

Tensor read_sample(const fs::path& path, First& first) {
  return read_image(path, [&](const Dims& shape) {
    if (first.path.empty()) {
      if (element_count(shape) > kLargestImage) {
        throw FormatError(concat(path.string(), ": is ", size_text(shape),
                                 " pixels; images for training may have ", kLargestImage,
                                 " values at most"));
      }
      first = {path.string(), shape};
    } else if (shape[1] != first.shape[1] || shape[2] != first.shape[2]) {
      throw FormatError(concat(path.string(), ": is ", size_text(shape), " pixels, but ",
                               first.path, " is ", size_text(first.shape),
                               "; all images must have one size"));
    }
  });
}

std::vector<Sample> read_part(const fs::path& part, const std::vector<std::string>& classes,
                              First& first) {
  std::vector<Sample> samples;
  for (std::size_t label = 0; label < classes.size(); ++label) {
    const fs::path folder = part / classes[label];
    const std::vector<std::string> files = sorted_names(
        folder, [](const fs::directory_entry& entry) { return is_image_name(entry.path()); });
    if (files.empty()) {
      throw FormatError(concat("'", folder.string(), "' has no images (*.png, *.jpg or *.jpeg)"));
    }
    for (const std::string& file : files) {
      const fs::path path = folder / file;
      samples.push_back({read_sample(path, first), static_cast<std::int64_t>(label)});
    }
  }
  return samples;
}

Dataset stack(const std::vector<Sample>& samples, const std::vector<std::string>& classes,
              std::int64_t channels) {
  const auto count = static_cast<std::int64_t>(samples.size());
  const Dims& shape = samples.front().image.shape();
  Dataset part;
  part.class_names = classes;
  part.images = Tensor::empty({count, channels, shape[1], shape[2]}, DType::uint8);
  part.labels = Tensor::empty({count}, DType::int64);
  for (std::int64_t i = 0; i < count; ++i) {
    const Sample& sample = samples[static_cast<std::size_t>(i)];
    const Tensor to = part.images[i];
    const std::int64_t have = sample.image.size(0);
    for (std::int64_t c = 0; c < channels; ++c) to[c].copy_(sample.image[std::min(c, have - 1)]);
    part.labels.data<std::int64_t>()[i] = sample.label;
  }
  return part;
}

}  // namespace

bool has_image_folders(const fs::path& folder) {
  return fs::is_directory(folder / "train") || fs::is_directory(folder / "test");
}

DataSplit load_image_folder(const fs::path& folder) {
  const std::vector<std::string> classes = class_names(folder / "train");
  const std::vector<std::string> test_classes = class_names(folder / "test");
  for (const std::string& name : classes) {
    if (std::find(test_classes.begin(), test_classes.end(), name) == test_classes.end()) {
      throw FormatError(concat("class '", name, "' is in '", (folder / "train").string(),
                               "' but not in '", (folder / "test").string(), "'"));
    }
  }
  for (const std::string& name : test_classes) {
    if (std::find(classes.begin(), classes.end(), name) == classes.end()) {
      throw FormatError(concat("class '", name, "' is in '", (folder / "test").string(),
                               "' but not in '", (folder / "train").string(), "'"));
    }
  }
  First first;
  const std::vector<Sample> train = read_part(folder / "train", classes, first);
  const std::vector<Sample> test = read_part(folder / "test", classes, first);
  std::int64_t channels = 1;
  for (const auto* const part : {&train, &test}) {
    for (const Sample& sample : *part) channels = std::max(channels, sample.image.size(0));
  }
  return {stack(train, classes, channels), stack(test, classes, channels)};
}

}  // namespace wick::tools
