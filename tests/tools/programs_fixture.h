// SPDX-License-Identifier: MIT
// A folder with a small data set, and calls of the programs on it.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "tests/tools/process.h"
#include "tools/data/mnist.h"
#include "tools/data/synthetic.h"
#include "wick/core/value.h"
#include "wick/serialize/checkpoint.h"

namespace wick::testing {

using Arguments = std::vector<std::string>;

class Programs : public ::testing::Test {
 protected:
  // 1,999 images, so that the last batch is a partial one.
  static constexpr std::int64_t kTrainCount = 1999;

  void SetUp() override { write_data("data", 1); }

  void write_data(const std::string& name, std::uint64_t seed) const {
    std::filesystem::create_directories(dir_ / name);
    tools::write_mnist(tools::synthetic_split({kTrainCount, 300, seed}), dir_ / name);
  }
  [[nodiscard]] std::string at(const std::string& name) const { return (dir_ / name).string(); }

  /// "--data <data> --checkpoint-dir <folder>" and more.
  [[nodiscard]] Arguments training(const std::string& folder, const Arguments& more = {}) const {
    Arguments all = {"--data", at("data"), "--checkpoint-dir", at(folder)};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  [[nodiscard]] ProcessResult train(const Arguments& arguments) const {
    return run("train", arguments, dir_.path());
  }
  [[nodiscard]] ProcessResult predict(const Arguments& arguments) const {
    return run("predict", arguments, dir_.path());
  }

  /// Everything in the checkpoint of one run is, bit for bit, in the other's.
  void expect_same_run(const std::string& a, const std::string& b) const {
    const Value left = load(at(a));
    const Value right = load(at(b));
    for (const auto& [key, value] : left.as_dict()) {
      EXPECT_TRUE(right.contains(key) && right.at(key) == value)
          << a << " and " << b << " differ in '" << key.as_string() << "'";
    }
    EXPECT_EQ(left.as_dict().size(), right.as_dict().size());
  }

  static std::string last_line(const std::string& text) {
    const std::size_t end = text.find_last_not_of('\n') + 1;
    const std::size_t begin = text.rfind('\n', end == 0 ? 0 : end - 1);
    return text.substr(begin == std::string::npos ? 0 : begin + 1,
                       end - (begin == std::string::npos ? 0 : begin + 1));
  }

  /// One line on stderr that holds `text`, and that status.
  static void expect_refused(const ProcessResult& result, int status, const std::string& text) {
    EXPECT_EQ(result.status, status) << result.err;
    EXPECT_NE(result.err.find(text), std::string::npos)
        << "stderr is: " << result.err << "without: " << text;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  }

  TempDir dir_;
};

}  // namespace wick::testing
