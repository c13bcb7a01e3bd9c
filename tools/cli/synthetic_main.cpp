// SPDX-License-Identifier: MIT
// The program `synthetic`: writes drawn digits as MNIST's four files, or as PNG images.
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <string>

#include <CLI/CLI.hpp>

#include "tools/cli/program.h"
#include "tools/data/mnist.h"
#include "tools/data/png_file.h"
#include "tools/data/synthetic.h"
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

}  // namespace
}  // namespace wick::tools

int main(int argc, char** argv) {
  using namespace wick::tools;
  std::string folder;
  SyntheticOptions options;
  std::int64_t png = 0;
  CLI::App app(kAbout, "synthetic");
  app.get_formatter()->column_width(24);
  app.option_defaults()->always_capture_default();
  app.add_option("FOLDER", folder, "made where it is missing")
      ->always_capture_default(false)
      ->default_str("")
      ->type_name("")
      ->required();
  const CLI::Validator count =
      CLI::Range(std::int64_t{1}, std::int64_t{10'000'000}).description("");
  app.add_option("--train", options.train_count, "training digits")->type_name("N")->check(count);
  app.add_option("--test", options.test_count, "test digits")->type_name("N")->check(count);
  app.add_option("--seed", options.seed, "of the drawing")->type_name("N");
  app.add_option("--png", png, "write the first N test digits as PNG images instead")
      ->always_capture_default(false)
      ->default_str("")
      ->type_name("N")
      ->check(count);
  try {
    refuse_empty_arguments(argc, argv);
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return show_help("synthetic", app.help());
  } catch (const CLI::ParseError& error) {
    return usage_error("synthetic", error.what());
  } catch (const wick::Error& error) {
    return usage_error("synthetic", error.what());
  }
  return run_program("synthetic", [&] {
    make_folder(folder);
    if (png > 0) {
      Dataset test = synthetic_split({1, std::max(options.test_count, png), options.seed}).test;
      test.images = test.images.slice(0, 0, png);
      test.labels = test.labels.slice(0, 0, png);
      write_images(test, folder);
    } else {
      write_mnist(synthetic_split(options), folder);
    }
    return 0;
  });
}
