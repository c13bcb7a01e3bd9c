// SPDX-License-Identifier: MIT
// Image transforms: their arithmetic, their state, and that both ways of applying them agree.
#include "wick/nn/transforms.h"

#include <cmath>

#include <gmock/gmock.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"

namespace wick::nn {
namespace {

using ::testing::HasSubstr;
using wick::testing::expect_throw_with;

/// (N, C, H, W) bytes that differ in every place.
Tensor bytes(const Dims& shape) {
  std::vector<std::uint8_t> values(static_cast<std::size_t>(element_count(shape)));
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = static_cast<std::uint8_t>(i * 37 + i / 256);
  }
  return Tensor::from(values, shape);
}

TEST(Compose, WithoutStepsOnlyConverts) {
  Compose none;
  const Tensor out = none.apply(Tensor::from<std::uint8_t>({0, 7, 255, 128}, {1, 1, 2, 2}));
  EXPECT_EQ(out.shape(), (Dims{1, 1, 2, 2}));
  EXPECT_EQ(out.to_vector<float>(), (std::vector<float>{0, 7, 255, 128}));
}

TEST(Compose, ScalesAndNormalisesEachChannel) {
  Compose prepare{{"to_float", ToFloat{}},
                  {"normalize", Normalize{{0.5, 0.25, 0.1}, {0.5, 2.0, 0.1}}},
                  {"ravel", Ravel{}}};
  const Tensor images = bytes({4, 3, 2, 5});
  const std::vector<std::uint8_t> in = images.to_vector<std::uint8_t>();
  const Tensor single = prepare.apply(images);
  const Tensor both = prepare.apply(images, DType::float64);
  ASSERT_EQ(single.shape(), (Dims{4, 30}));
  const double mean[] = {0.5, 0.25, 0.1};
  const double std[] = {0.5, 2.0, 0.1};
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::size_t c = i / 10 % 3;
    const double wanted = (in[i] / 255.0 - mean[c]) / std[c];
    EXPECT_NEAR(both.to_vector<double>()[i], wanted, 1e-12);
    EXPECT_NEAR(single.to_vector<float>()[i], wanted, 1e-5);
  }
}

TEST(Compose, OneMeanServesAllChannels) {
  Compose prepare{{"normalize", Normalize{{10}, {2}}}};
  const Tensor out = prepare.apply(Tensor::from<std::uint8_t>({10, 20, 30}, {1, 3, 1, 1}));
  EXPECT_EQ(out.to_vector<float>(), (std::vector<float>{0, 5, 10}));
}

TEST(Compose, MakesColourGreyAndLeavesGreyAlone) {
  Compose prepare{{"to_float", ToFloat{}},
                  {"normalize", Normalize{{0.1, 0.2, 0.3}, {0.5, 0.6, 0.7}}},
                  {"grayscale", Grayscale{}},
                  {"second", Normalize{{0.4}, {0.25}}}};
  const Tensor images = bytes({2, 3, 2, 2});
  const Tensor out = prepare.apply(images, DType::float64);
  ASSERT_EQ(out.shape(), (Dims{2, 1, 2, 2}));
  for (std::int64_t n = 0; n < 2; ++n) {
    for (std::int64_t y = 0; y < 2; ++y) {
      const auto channel = [&](std::int64_t c, double mean, double std) {
        return (images.at<std::uint8_t>({n, c, y, 1}) / 255.0 - mean) / std;
      };
      const double grey = 0.2989 * channel(0, 0.1, 0.5) + 0.587 * channel(1, 0.2, 0.6) +
                          0.114 * channel(2, 0.3, 0.7);
      EXPECT_NEAR(out.at<double>({n, 0, y, 1}), (grey - 0.4) / 0.25, 1e-12);
    }
  }
  Compose grey{{"grayscale", Grayscale{}}};
  EXPECT_EQ(grey.apply(Tensor::from<std::uint8_t>({9}, {1, 1, 1, 1})).item<float>(), 9.F);
}

TEST(Compose, GatheringGivesTheBitsOfApplying) {
  for (const bool colour : {false, true}) {
    Compose prepare{{"to_float", ToFloat{}},
                    {"grayscale", Grayscale{}},
                    {"normalize", Normalize{{0.13}, {0.31}}},
                    {"ravel", Ravel{}}};
    const Tensor images = bytes({50, colour ? 3 : 1, 7, 9});
    const Tensor all = prepare.apply(images);
    const Tensor indices = Tensor::from<std::int64_t>({49, 0, 3, 3, 17});
    const Tensor out = Tensor::empty({5, 63});
    prepare.apply_gathered(images, indices, out);
    for (std::int64_t i = 0; i < 5; ++i) {
      EXPECT_TRUE(bitwise_equal(out[i], all[indices.at<std::int64_t>({i})])) << colour << ' ' << i;
    }
    // And one image by itself, as prediction does it.
    EXPECT_TRUE(bitwise_equal(prepare.apply(images.slice(0, 17, 18))[0], out[4]));
  }
}

TEST(Compose, TakesFloatImages) {
  Compose prepare{{"normalize", Normalize{{1}, {2}}}};
  const Tensor doubles = Tensor::from<double>({1, 3, 5, 7}, {1, 1, 2, 2});
  EXPECT_EQ(prepare.apply(doubles.to(DType::float32)).to_vector<float>(),
            (std::vector<float>{0, 1, 2, 3}));
  EXPECT_EQ(prepare.apply(doubles, DType::float64).to_vector<double>(),
            (std::vector<double>{0, 1, 2, 3}));
}

TEST(Compose, ItsDescriptionRebuildsIt) {
  Compose original{{"to_float", ToFloat{1.0 / 127.0}},
                   {"grayscale", Grayscale{}},
                   {"normalize", Normalize{{0.1307}, {0.3081}}},
                   {"ravel", Ravel{}}};
  const Value state = original.to_value();
  EXPECT_EQ(state.as_dict().type(), Dict::Type::ordered_dict);
  EXPECT_EQ(state.at("normalize").at("type").as_string(), "Normalize");
  EXPECT_EQ(state.at("normalize").at("std").as_tensor().at<double>({0}), 0.3081);

  Compose copy = Compose::from_value(state);
  EXPECT_EQ(copy.to_value(), state);
  const Tensor images = bytes({3, 3, 4, 4});
  EXPECT_TRUE(bitwise_equal(copy.apply(images), original.apply(images)));
}

// torchvision 0.29: v2.Compose([ToImage(), Grayscale(), ToDtype(float32, scale=True),
// Normalize(...), Lambda(ravel)]).state_dict() is OrderedDict() with _metadata OrderedDict({'':
// {'version': 1}}).
TEST(Compose, ItsStateIsThatOfTorchvisionsTransforms) {
  const Compose compose{{"to_float", ToFloat{}}, {"normalize", Normalize{{0.1}, {0.3}}}};
  const Value state = compose.state_dict();
  EXPECT_EQ(state.as_dict().type(), Dict::Type::ordered_dict);
  EXPECT_TRUE(state.as_dict().empty());
  ASSERT_NE(state.as_dict().attributes(), nullptr);
  const Value& metadata = state.as_dict().attributes()->at("_metadata");
  EXPECT_EQ(metadata.as_dict().type(), Dict::Type::ordered_dict);
  EXPECT_EQ(metadata.as_dict().size(), 1U);
  EXPECT_EQ(metadata.at(""), Value(Dict{{"version", 1}}));

  EXPECT_NO_THROW(compose.load_state_dict(state));
  EXPECT_NO_THROW(compose.load_state_dict(Dict{}));
  expect_throw_with<StateDictError>([&] { compose.load_state_dict(compose.to_value()); },
                                    "unexpected keys: \"to_float\", \"normalize\"");
  expect_throw_with<StateDictError>([&] { compose.load_state_dict(Value(3)); }, "got a int");
}

TEST(Compose, TakesNumbersAndFloat32InADescription) {
  const Value state =
      Dict{{"n", Dict{{"type", "Normalize"}, {"mean", Tensor::from<float>({0.5F})}, {"std", 2}}}};
  EXPECT_EQ(
      Compose::from_value(state).apply(Tensor::from<std::uint8_t>({1}, {1, 1, 1, 1})).item<float>(),
      0.25F);
}

TEST(Compose, RefusesADescriptionThatIsNone) {
  expect_throw_with<StateDictError>([] { (void)Compose::from_value(Value(3)); }, "int");
  expect_throw_with<StateDictError>(
      [] {
        (void)Compose::from_value(Dict{{"crop", Dict{{"type", "CenterCrop"}}}});
      },
      "'crop': its type is 'CenterCrop'");
  expect_throw_with<StateDictError>(
      [] {
        (void)Compose::from_value(Dict{{"a", Dict{{"type", "ToFloat"}}}});
      },
      "'a'");
  for (const char* const part : {"mean", "std"}) {
    Dict normalize{{"type", "Normalize"}, {"mean", 0.5}, {"std", 0.5}};
    normalize.set(part, Tensor::ones({1}, DType::complex64));
    expect_throw_with<StateDictError>(
        [&] {
          (void)Compose::from_value(Dict{{"n", normalize}});
        },
        "'n': means and deviations must be real numbers, not complex64");
  }
  expect_throw_with<StateDictError>([] { (void)Compose::from_value(Dict{{"a", 1}}); }, "'a'");
  expect_throw_with<StateDictError>([] { (void)Compose::from_value(Dict{{1, 1}}); }, "no str");
}

TEST(Compose, RefusesNonsense) {
  Compose compose{{"a", ToFloat{}}, {"ravel", Ravel{}}};
  expect_throw_with<ValueError>([&] { compose.add("b", ToFloat{}); }, "cannot follow Ravel");
  Compose other{{"a", ToFloat{}}};
  expect_throw_with<ValueError>([&] { other.add("a", Grayscale{}); }, "'a' already");
  expect_throw_with<ValueError>([&] { other.add("", Grayscale{}); }, "needs a name");
  expect_throw_with<ValueError>([&] { other.add("n", Normalize{{1, 2}, {1}}); }, "2 means and 1");
  expect_throw_with<ValueError>([&] { other.add("n", Normalize{{1}, {0}}); }, "deviation 0");
  expect_throw_with<ValueError>([&] { other.add("n", Normalize{{NAN}, {1}}); }, "finite");
  EXPECT_EQ(other.steps().size(), 1U);
}

TEST(Compose, RefusesWhatDoesNotFit) {
  Compose prepare{{"normalize", Normalize{{1, 2, 3}, {1, 1, 1}}}};
  expect_throw_with<ShapeError>(
      [&] {
        (void)prepare.apply(bytes({1, 1, 2, 2}));
      },
      "has 3 channels, the images have 1");
  expect_throw_with<ShapeError>([&] { (void)prepare.apply(bytes({3, 2, 2})); }, "(N, C, H, W)");
  expect_throw_with<DTypeError>(
      [&] {
        (void)prepare.apply(Tensor::zeros({1, 3, 2, 2}, DType::int64));
      },
      "int64");
  Compose grey{{"grayscale", Grayscale{}}};
  expect_throw_with<ShapeError>([&] { (void)grey.apply(bytes({1, 2, 2, 2})); }, "got 2");

  Compose plain{{"ravel", Ravel{}}};
  const Tensor images = bytes({4, 1, 2, 2});
  const Tensor two = Tensor::from<std::int64_t>({0, 1});
  expect_throw_with<ShapeError>(
      [&] {
        plain.apply_gathered(images, two, Tensor::empty({2, 5}));
      },
      "2 samples of 4");
  const Tensor outside = Tensor::from<std::int64_t>({0, 4});
  expect_throw_with<IndexError>(
      [&] {
        plain.apply_gathered(images, outside, Tensor::empty({2, 4}));
      },
      "4");
  expect_throw_with<DTypeError>(
      [&] {
        plain.apply_gathered(images, two.to(DType::int32), Tensor::empty({2, 4}));
      },
      "int64");
}

TEST(Compose, OutputShapeFollowsTheSteps) {
  EXPECT_EQ((Compose{{"r", Ravel{}}}).output_shape({3, 4, 5}), (Dims{60}));
  EXPECT_EQ((Compose{{"g", Grayscale{}}}).output_shape({3, 4, 5}), (Dims{1, 4, 5}));
  EXPECT_EQ((Compose{{"g", Grayscale{}}, {"r", Ravel{}}}).output_shape({3, 4, 5}), (Dims{20}));
}

}  // namespace
}  // namespace wick::nn
