// SPDX-License-Identifier: MIT
// Errors of networks name the layer, what it expected, what came, and the remedy.
#include <functional>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/nn/layer_cases.h"
#include "tests/support.h"
#include "wick/core/backend.h"
#include "wick/core/error.h"
#include "wick/core/recording.h"
#include "wick/nn/graph.h"
#include "wick/nn/inference_plan.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/residual.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

// Throws an E whose message begins with `text`, and that happened in `where`.
template <typename E>
void expect_error(const std::function<void()>& statement, const std::string& where,
                  const std::string& text) {
  const std::string begin = where.empty() ? text : where + ": " + text;
  try {
    statement();
    ADD_FAILURE() << "nothing was thrown; expected " << begin;
  } catch (const E& error) {
    EXPECT_EQ(std::string(error.what()).substr(0, begin.size()), begin) << error.what();
    EXPECT_EQ(error.where(), where);
    EXPECT_EQ(error.problem(), std::string_view(error.what()));
  } catch (const std::exception& error) {
    ADD_FAILURE() << "of another type: " << error.what();
  }
}

std::unique_ptr<Sequential> make_encoder(Generator& generator) {
  auto encoder = std::make_unique<Sequential>();
  encoder->add<Linear>("fc1", 784, 32, generator);
  encoder->add<ReLU>("relu");
  return encoder;
}

TEST(LayerErrors, HaveTheDottedNameBelowTheModuleThatWasCalled) {
  Generator generator(1);
  Sequential model;
  auto& encoder = static_cast<Sequential&>(model.append("encoder", make_encoder(generator)));
  model.add<Linear>("head", 32, 10, generator);
  const Tensor wrong = Tensor::zeros({2, 100});
  const std::string text = "Linear(784, 32): input has 100 features, expected 784";
  expect_error<ShapeError>([&] { (void)model.forward(wrong); }, "encoder.fc1", text);
  expect_error<ShapeError>([&] { (void)encoder.forward(wrong); }, "fc1", text);
  Module& fc1 = *encoder.children()[0].second;
  expect_error<ShapeError>([&] { (void)fc1.forward(wrong); }, "", text);
  const Tensor image = Tensor::zeros({2, 784}, DType::uint8);
  const std::string sentence =
      "Linear(784, 32): input is uint8, weights are float32; use x.to(DType::float32)";
  expect_error<DTypeError>([&] { (void)model.forward(image); }, "encoder.fc1", sentence);
  expect_error<DTypeError>([&] { (void)fc1.forward(image); }, "", sentence);
  // The network works on.
  (void)model.forward(Tensor::ones({2, 784}));
  expect_error<DTypeError>(
      [&] {
        model.backward(Tensor::ones({2, 10}, DType::float64));
      },
      "head",
      "Linear(32, 10): the last forward() gave float32, backward() got the "
      "gradient Tensor(float64 [2, 10] cpu)");
  expect_error<ShapeError>(
      [&] {
        model.backward(Tensor::ones({2, 9}));
      },
      "", "Sequential: the last forward() gave shape [2, 10]");
  EXPECT_TRUE(model.backward(Tensor::ones({2, 10})).defined());
  (void)model.forward(Tensor::ones({2, 784}));
  (void)fc1.forward(Tensor::ones({1, 784}));
  expect_error<ValueError>(
      [&] {
        model.backward(Tensor::ones({2, 10}));
      },
      "encoder.fc1", "Linear(784, 32): backward() after a forward() of this layer alone");
}

TEST(LayerErrors, OfTwinsAndOfOperationsBetweenLayers) {
  Generator generator(2);
  Graph graph;
  const auto x = graph.input();
  const auto y = graph.call<Linear>("fc", x, 4, 3, generator);
  graph.output(graph.again("fc", y));
  expect_error<ShapeError>(
      [&] {
        (void)graph.forward(Tensor::ones({2, 4}));
      },
      "fc", "Linear(4, 3): input has 3 features, expected 4");
  Sequential model;
  model.add<Residual>("block", "body", std::make_unique<Linear>(4, 3, generator));
  expect_error<ShapeError>([&] { (void)model.forward(Tensor::ones({2, 4})); }, "block", "add: ");
  Embedding embedding(5, 2, generator);
  const Tensor outside = Tensor::from<std::int64_t>({1, 5});
  expect_error<IndexError>([&] { (void)embedding.forward(outside); }, "",
                           "Embedding(5, 2): index_select: index 5 is out of range for 5 rows");
  Sequential words;
  words.append("words", embedding.share());
  expect_error<IndexError>([&] { (void)words.forward(outside); }, "words", "Embedding(5, 2): ");
  expect_error<DTypeError>([&] { (void)words.forward(Tensor::ones({2})); }, "words",
                           "Embedding(5, 2): input is float32, expected int64 indices; use "
                           "x.to(DType::int64)");
}

// Runs its children by itself: with their names, or without.
class ByHand final : public Module {
 public:
  ByHand(Generator& generator, bool with_names)
      : first_(register_child("first", make_encoder(generator))),
        second_(register_child("second", std::make_unique<Linear>(32, 2, generator))),
        with_names_(with_names) {}
  [[nodiscard]] std::string_view type_name() const noexcept override { return "ByHand"; }
  [[nodiscard]] Tensor forward(const Tensor& input) override {
    if (with_names_) return forward_child(second_, forward_child(first_, input));
    return second_.forward(first_.forward(input));
  }
  Tensor backward(const Tensor& grad, bool input_grad) override {
    if (with_names_) {
      return backward_child(first_, backward_child(second_, grad), input_grad);
    }
    return first_.backward(second_.backward(grad), input_grad);
  }

 private:
  Sequential& first_;
  Linear& second_;
  bool with_names_;
};

TEST(LayerErrors, OfModulesThatRunTheirChildrenByHand) {
  Generator generator(3);
  const Tensor wrong = Tensor::zeros({2, 7});
  const std::string text = "Linear(784, 32): input has 7 features";
  ByHand named(generator, true);
  expect_error<ShapeError>([&] { (void)named.forward(wrong); }, "first.fc1", text);
  Sequential model;
  model.add<ByHand>("named", generator, true);
  expect_error<ShapeError>([&] { (void)model.forward(wrong); }, "named.first.fc1", text);
  (void)model.forward(Tensor::ones({2, 784}));
  expect_error<DTypeError>(
      [&] {
        model.backward(Tensor::ones({2, 2}, DType::float64));
      },
      "named.second", "Linear(32, 2): the last forward() gave float32");
  Sequential other;
  other.add<ByHand>("nameless", generator, false);
  expect_error<ShapeError>([&] { (void)other.forward(wrong); }, "nameless.fc1", text);
}

TEST(LayerErrors, OfPlans) {
  Generator generator(4);
  Sequential model;
  model.append("encoder", make_encoder(generator));
  auto& tail = model.add<Sequential>("tail");
  tail.add<Linear>("fc2", 33, 5, generator);
  expect_error<ShapeError>([&] { (void)compile(model, 4); }, "tail.fc2",
                           "Linear(33, 5): samples have shape [32], expected 33 features");
  expect_error<ValueError>(
      [&] {
        Sequential custom;
        custom.add<Linear>("fc", 784, 784, generator);
        custom.add<ByHand>("own", generator, true);
        (void)compile(custom, 4);
      },
      "own", "ByHand: does not describe itself");

  // A dtype that a layer does not compute in shows when the plan runs.
  Sequential half;
  half.add<Linear>("fc", 3, 3, generator);
  half.add<Sequential>("tail").add<Tanh>("tanh");
  half.to(DType::bfloat16);
  const InferencePlan plan = compile(half, 2);
  auto workspace = plan.make_workspace();
  const Tensor y = Tensor::zeros({2, 3}, DType::bfloat16);
  expect_error<DTypeError>(
      [&] {
        plan.run(Tensor::zeros({2, 3}, DType::bfloat16), y, workspace);
      },
      "tail.tanh", "tanh: computes in float32 and float64, got bfloat16");
  expect_error<DTypeError>(
      [&] {
        plan.run(Tensor::zeros({2, 3}, DType::uint8), y, workspace);
      },
      "", "InferencePlan: input is uint8, weights are bfloat16; use to(DType::bfloat16)");
}

TEST(LayerErrors, OfRecordings) {
  Generator generator(5);
  Sequential model;
  model.append("encoder", make_encoder(generator));
  const Tensor wrong = Tensor::zeros({2, 100});
  const auto recording =
      backend_for(kCpu).record({.compute = [&] { (void)model.forward(wrong); }, .update = [] {}});
  expect_error<ShapeError>([&] { recording->replay(2); }, "encoder.fc1", "Linear(784, 32): ");
}

TEST(LayerErrors, KeepTheirRemedyAndAreCopied) {
  DTypeError error("no float16", Remedy::other_dtype, "use float32");
  error.add_where("");
  EXPECT_EQ(error.where(), "");
  EXPECT_STREQ(error.what(), "no float16; use float32");
  error.add_where("fc1");
  error.add_where("encoder");
  const Error copy = error;
  for (const Error* const each : std::initializer_list<const Error*>{&error, &copy}) {
    EXPECT_STREQ(each->what(), "encoder.fc1: no float16; use float32");
    EXPECT_EQ(each->problem(), "encoder.fc1: no float16");
    EXPECT_EQ(each->words(), "use float32");
    EXPECT_EQ(each->remedy(), Remedy::other_dtype);
    EXPECT_EQ(each->where(), "encoder.fc1");
  }
  static_assert(std::is_nothrow_copy_constructible_v<Error>);
}

// -- The table of layers --------------------------------------------------------------------------

class ErrorsOfLayers : public ::testing::TestWithParam<testing::LayerCase> {
 protected:
  ErrorsOfLayers() {
    auto layer = GetParam().make({generator_, DType::float32});
    layer_ = layer.get();
    auto& outer = model_.add<Sequential>("outer");
    // A step of its own also where an Identity is none.
    outer.append("layer", std::move(layer));
    name_ = layer_->description();
  }
  [[nodiscard]] Tensor input(DType dtype = DType::float32) {
    return testing::layer_input(testing::input_shape(GetParam(), {6, 4}), generator_,
                                DType::float32)
        .to(dtype);
  }
  [[nodiscard]] bool has_weights() const {
    return !layer_->parameters().empty() || !layer_->buffers().empty();
  }
  // In a network and by itself.
  template <typename E>
  void expect_refused(const Tensor& x, const std::string& text) {
    expect_error<E>([&] { (void)model_.forward(x); }, "outer.layer", name_ + ": " + text);
    expect_error<E>([&] { (void)layer_->forward(x); }, "", name_ + ": " + text);
  }

  Generator generator_{std::random_device()()};
  Sequential model_;
  Module* layer_ = nullptr;
  std::string name_;
};
INSTANTIATE_TEST_SUITE_P(All, ErrorsOfLayers, ::testing::ValuesIn(testing::kLayerCases));

TEST_P(ErrorsOfLayers, NameTheDTypeThatCameAndTheOneToUse) {
  if (GetParam().view) GTEST_SKIP() << "takes every dtype";
  for (const DType dtype : {DType::uint8, DType::int64, DType::float64, DType::boolean,
                            DType::bfloat16, DType::float16}) {
    if (!has_weights() && dtype == DType::float64) continue;
    expect_refused<DTypeError>(input(dtype), concat("input is ", dtype,
                                                    has_weights() ? ", weights are float32"
                                                                  : ", expected float32 or float64",
                                                    "; use x.to(DType::float32)"));
  }
}

TEST_P(ErrorsOfLayers, NameAnInputThatIsUndefinedOrElsewhere) {
  if (name_ == "Identity" || name_ == "Dropout") {
    expect_error<ValueError>([&] { (void)layer_->forward(Tensor()); }, "",
                             name_ + ": input is an undefined tensor");
    return;
  }
  expect_refused<ValueError>(Tensor(), "input is an undefined tensor");
  if (has_weights()) {
    expect_refused<DeviceError>(
        Tensor::empty(input().shape(), DType::float32, kMeta),
        "input is on meta, weights are on cpu; move one of them with to(Device)");
  }
}

TEST_P(ErrorsOfLayers, NameTheShapeThatCameAndWhatWasExpected) {
  if (dynamic_cast<const Normalization*>(layer_) == nullptr) GTEST_SKIP() << "takes other shapes";
  Dims shape = input().shape();
  shape[shape.size() - GetParam().trailing.size()] += 1;
  for (const Dims& wrong : {shape, Dims{2}, Dims{}}) {
    expect_refused<ShapeError>(Tensor::zeros(wrong),
                               concat("input has shape ", wrong, ", expected "));
  }
}

TEST_P(ErrorsOfLayers, NameAGradientThatIsOfAnotherKind) {
  if (GetParam().view) GTEST_SKIP() << "takes every dtype";
  const Dims shape = layer_->forward(input()).shape();
  expect_error<DTypeError>(
      [&] { layer_->backward(Tensor::ones(shape, DType::float64)); }, "",
      name_ + ": the last forward() gave float32, backward() got the gradient Tensor(float64");
  expect_error<DeviceError>(
      [&] { layer_->backward(Tensor::empty(shape, DType::float32, kMeta)); }, "",
      name_ + ": the last forward() was on cpu, backward() got the gradient Tensor(float32");
  expect_error<ShapeError>([&] { layer_->backward(Tensor()); }, "",
                           name_ + ": the last forward() gave shape ");
  EXPECT_TRUE(layer_->backward(Tensor::ones(shape)).defined()) << "nothing was used up";
}

TEST(LayerErrors, NameADimensionOrALayoutThatDoesNotFit) {
  Generator generator(6);
  Sequential model;
  model.add<Softmax>("softmax", -2);
  expect_error<IndexError>([&] { (void)model.forward(Tensor::ones({3})); }, "softmax",
                           "Softmax: dimension -2 is out of range for a tensor of 1 dimension(s)");
  Flatten flatten;
  expect_error<IndexError>([&] { (void)flatten.forward(Tensor::ones({3})); }, "",
                           "Flatten: dimension 1 is out of range for a tensor of 1 dimension(s)");
  const Tensor turned = Tensor::ones({4, 3}).transpose(0, 1);
  ReLU relu;
  expect_error<ShapeError>([&] { (void)relu.forward(turned); }, "",
                           "ReLU: input Tensor(float32 [3, 4] cpu) with strides [1, 3] is not "
                           "contiguous; use x.contiguous()");
  Linear linear(4, 2, generator);
  expect_error<ShapeError>([&] { (void)linear.forward(turned); }, "",
                           "Linear(4, 2): the columns of the input");
  expect_error<ShapeError>([&] { (void)linear.forward(Tensor::ones({})); }, "",
                           "Linear(4, 2): input has no dimensions");
}

}  // namespace
}  // namespace wick::nn
