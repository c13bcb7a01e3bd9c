// SPDX-License-Identifier: MIT
// The program `synthetic`: writes drawn digits as MNIST's four files, or as PNG images.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <iostream>
#include <string>

#include "tools/cli/command_line.h"
#include "tools/cli/option_conflicts.h"
#include "tools/cli/program.h"
#include "tools/data/mnist.h"
#include "tools/data/png_file.h"
#include "tools/data/synthetic.h"
#include "tools/printable.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr const char* kAbout =
    "Draws handwritten digits, 28 x 28 pixels, and writes them into a folder as MNIST's\n"
    "four IDX files, or with --png as images for tools/predict. The same seed gives the\n"
    "same digits; those of the test part are the ones that --data synthetic tests with.\n";

void make_folder(const std::filesystem::path& folder) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error) throw IoError(concat("cannot make '", folder.string(), "': ", error.message()));
}

/// <folder>/<number>_is_<digit>.png for each image.
void write_images(const Dataset& digits, const std::filesystem::path& folder) {
  for (std::int64_t i = 0; i < digits.size(); ++i) {
    const auto label = digits.labels.at<std::int64_t>({i});
    write_png(digits.images[i], folder / concat(i, "_is_", label, ".png"));
  }
}

struct SyntheticProgram {
  std::string folder;
  SyntheticOptions digits;
  std::int64_t seed = 0;
  std::int64_t png = 0;
  bool force = false;
};

void add_options(CommandLine& line, SyntheticProgram& options) {
  constexpr std::int64_t kMost = 10'000'000;
  line.show_defaults();
  line.add("FOLDER", &options.folder, "", "to write into, made where it is missing")
      .hide_default()
      .required();
  line.add("--train", &options.digits.train_count, "N", "training digits").whole(1, kMost);
  line.add("--test", &options.digits.test_count, "N", "test digits").whole(1, kMost);
  line.add("--seed", &options.seed, "N", "of the drawing").whole(0);
  line.add("--png", &options.png, "N", "write the first N test digits as PNG images instead")
      .hide_default()
      .whole(1, kMost);
  line.flag("--force", options.force, "replace the data set that is in the folder");
}

/// Real digits are not lost to drawn ones.
void require_no_data(const SyntheticProgram& options) {
  if (options.force || options.png > 0 || !has_mnist_files(options.folder)) return;
  throw ValueError(concat("FOLDER '", options.folder,
                          "' has a data set in it; give another folder, or --force to replace it"));
}

int draw(const SyntheticProgram& options) {
  const std::int64_t png = options.png;
  require_no_data(options);
  make_folder(options.folder);
  if (png > 0) {
    Dataset test =
        synthetic_split({1, std::max(options.digits.test_count, png), options.digits.seed}).test;
    test.images = test.images.slice(0, 0, png);
    test.labels = test.labels.slice(0, 0, png);
    write_images(test, options.folder);
    std::cout << plain_name(options.folder) << ": " << png << " images\n";
  } else {
    write_mnist(synthetic_split(options.digits), options.folder);
    std::cout << plain_name(options.folder) << ": " << options.digits.train_count
              << " training digits, " << options.digits.test_count << " for the test\n";
  }
  return 0;
}

int synthetic_main(int argc, char** argv) {
  SyntheticProgram options;
  try {
    CommandLine line("synthetic", kAbout, "", 24);
    add_options(line, options);
    if (const auto text = line.parse(argc, argv)) return show_text("synthetic", *text);
    options.digits.seed = static_cast<std::uint64_t>(options.seed);
    refuse_useless(line.given(), synthetic_conflicts(options.png, options.digits.test_count));
  } catch (const Error& error) {
    return usage_error("synthetic", error.what());
  }
  return run_program("synthetic", [&] { return draw(options); });
}

}  // namespace
}  // namespace wick::tools

int main(int argc, char** argv) {
  using namespace wick::tools;
  return run_main("synthetic", synthetic_main, argc, argv);
}
