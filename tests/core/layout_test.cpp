// SPDX-License-Identifier: MIT
// Shapes, strides and offsets of views, against PyTorch.
#include <optional>

#include <gtest/gtest.h>

#include "tests/core/fixture.h"
#include "wick/core/tensor.h"

namespace wick {
namespace {

std::optional<Tensor> apply(const std::string& operation, const Dims& arguments,
                            const Tensor& tensor) {
  try {
    if (operation == "view") return tensor.view(arguments);
    if (operation == "permute") return tensor.permute(arguments);
    if (operation == "transpose") return tensor.transpose(arguments[0], arguments[1]);
    if (operation == "unsqueeze") return tensor.unsqueeze(arguments[0]);
    if (operation == "select") return tensor.select(arguments[0], arguments[1]);
    if (operation == "slice") {
      return tensor.slice(arguments[0], arguments[1], arguments[2], arguments[3]);
    }
  } catch (const Error&) {
    return std::nullopt;
  }
  throw std::runtime_error("unknown operation " + operation);
}

TEST(Layouts, OfViewsAreAsInPyTorch) {
  const Tensor storage = Tensor::arange(4096, DType::float32);
  int checked = 0;
  for (const std::vector<std::string>& words : testing::read_fixture_lines("layouts.txt")) {
    const Tensor base = storage.as_strided(testing::parse_dims(words[2]),
                                           testing::parse_dims(words[3]), std::stoll(words[4]));
    const std::optional<Tensor> result = apply(words[0], testing::parse_dims(words[1]), base);
    const std::string title =
        concat(words[0], ' ', words[1], " of shape ", base.shape(), " strides ", base.strides());
    ++checked;
    if (words[5] == "error") {
      EXPECT_FALSE(result.has_value()) << title << " must be refused";
      continue;
    }
    ASSERT_TRUE(result.has_value()) << title << " must be possible";
    EXPECT_EQ(result->shape(), testing::parse_dims(words[5])) << title;
    EXPECT_EQ(result->strides(), testing::parse_dims(words[6])) << title;
    // Where nothing is left, PyTorch's offset may lie outside the storage; wick's never does.
    if (result->numel() > 0) {
      EXPECT_EQ(result->offset(), std::stoll(words[7])) << title;
    }
  }
  EXPECT_GT(checked, 900);
}

TEST(Layouts, ReshapeIsAViewExactlyWhereViewIsPossible) {
  const Tensor storage = Tensor::arange(4096, DType::float32);
  for (const std::vector<std::string>& words : testing::read_fixture_lines("layouts.txt")) {
    if (words[0] != "view") continue;
    const Tensor base = storage.as_strided(testing::parse_dims(words[2]),
                                           testing::parse_dims(words[3]), std::stoll(words[4]));
    const Dims shape = testing::parse_dims(words[1]);
    Tensor result;
    try {
      result = base.reshape(shape);
    } catch (const ShapeError&) {
      EXPECT_EQ(words[5], "error");
      continue;
    }
    EXPECT_EQ(result.to_vector<float>(), base.to_vector<float>())
        << base.shape() << " -> " << shape;
    EXPECT_EQ(result.storage() == storage.storage(), words[5] != "error");
  }
}

}  // namespace
}  // namespace wick
