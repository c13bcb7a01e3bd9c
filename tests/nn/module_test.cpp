// SPDX-License-Identifier: MIT
// Names, state dictionaries, modes and errors of modules.
#include <cmath>

#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/parameter_arena.h"
#include "wick/core/random.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using ::wick::testing::expect_throw_with;

std::unique_ptr<Sequential> make_model(std::uint64_t seed, std::int64_t hidden = 4) {
  Generator generator(seed);
  auto model = std::make_unique<Sequential>();
  model->add<Linear>("fc1", 6, hidden, generator);
  model->add<ReLU>("relu");
  auto& tail = model->add<Sequential>("tail");
  tail.add<Linear>("0", hidden, 3, generator);
  return model;
}

TEST(Module, StateDictHasDottedNamesInOrderAndMetadata) {
  const auto model = make_model(1);
  const StateDict state = model->state_dict();
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  EXPECT_EQ(names,
            (std::vector<std::string>{"fc1.weight", "fc1.bias", "tail.0.weight", "tail.0.bias"}));
  // As in PyTorch: OrderedDict([('', {'version': 1}), ('fc1', {'version': 1}), ...]).
  std::vector<std::string> modules;
  for (const auto& [name, info] : *state.metadata()) {
    modules.push_back(name.as_string());
    EXPECT_EQ(info.at("version").as_int(), 1);
  }
  EXPECT_EQ(modules, (std::vector<std::string>{"", "fc1", "relu", "tail", "tail.0"}));
}

TEST(Module, StateDictSharesStorageWithTheModel) {
  const auto model = make_model(1);
  model->state_dict().at("fc1.bias").fill_(7.0);
  EXPECT_EQ(model->named_parameters()[1].second->value.at<float>({2}), 7.0F);
}

TEST(Module, LoadsADictAsItComesFromAFile) {
  const auto from = make_model(1);
  const auto to = make_model(2);
  const Value checkpoint = Dict{{"model", from->state_dict()}, {"epoch", 3}};
  const LoadReport report = to->load_state_dict(checkpoint["model"]);
  EXPECT_TRUE(report.missing_keys.empty());
  for (const auto& [name, tensor] : to->state_dict()) {
    EXPECT_TRUE(bitwise_equal(tensor, from->state_dict().at(name)));
  }
  expect_throw_with<StateDictError>([&] { to->load_state_dict(checkpoint); }, "must be");
  expect_throw_with<StateDictError>([&] { to->load_state_dict(Value(3)); }, "must be a dict");
  const Dict part{{"fc1.bias", Tensor::ones({4})}};
  EXPECT_EQ(to->load_state_dict(part, false).missing_keys.size(), 3U);
  EXPECT_EQ(to->state_dict()["fc1.bias"].at<float>({3}), 1.0F);
}

TEST(Module, LoadStateDictCopiesAndConverts) {
  const auto from = make_model(1);
  const auto to = make_model(2);
  StateDict state;
  for (const auto& [name, tensor] : from->state_dict()) state.set(name, tensor.to(DType::float64));
  const LoadReport report = to->load_state_dict(state);
  EXPECT_TRUE(report.missing_keys.empty());
  for (const auto& [name, tensor] : to->state_dict()) {
    EXPECT_TRUE(bitwise_equal(tensor, from->state_dict().at(name)));
    EXPECT_NE(tensor.storage(), from->state_dict().at(name).storage());
  }
}

TEST(Module, LoadStateDictListsEveryProblemAndChangesNothing) {
  const auto model = make_model(1);
  std::vector<Tensor> before;
  for (const auto& [name, tensor] : model->state_dict()) before.push_back(tensor.clone());
  StateDict state;
  state.set("fc1.weight", Tensor::zeros({4, 6}));
  state.set("fc1.bias", Tensor::zeros({5}));
  state.set("extra", Tensor::zeros({1}));
  for (const char* const text :
       {"missing key \"tail.0.weight\"", "missing key \"tail.0.bias\"", "unexpected key \"extra\"",
        "\"fc1.bias\": the checkpoint has [5], the model [4]"}) {
    expect_throw_with<StateDictError>([&] { model->load_state_dict(state); }, text);
  }
  // A wrong shape is an error even where other keys need not match.
  EXPECT_THROW(model->load_state_dict(state, false), StateDictError);
  std::size_t i = 0;
  for (const auto& [name, tensor] : model->state_dict()) {
    EXPECT_TRUE(bitwise_equal(tensor, before[i++]));
  }
}

TEST(Module, LoadStateDictRefusesOpaqueDtypesBeforeItChangesAnything) {
  const auto model = make_model(1);
  StateDict state;
  state.set("fc1.weight", Tensor::zeros(model->state_dict().at("fc1.weight").shape()));
  state.set("fc1.bias", Tensor::zeros({4}, DType::bits8));
  expect_throw_with<StateDictError>(
      [&] { model->load_state_dict(state, false); },
      "dtype of \"fc1.bias\": the checkpoint has bits8, which is not converted to the model's "
      "float32");
  const Tensor weight = model->state_dict().at("fc1.weight");
  EXPECT_FALSE(bitwise_equal(weight, Tensor::zeros(weight.shape())));
}

TEST(Module, LoadStateDictRefusesComplexNumbersForRealOnes) {
  const auto model = make_model(1);
  const Tensor bias = model->state_dict().at("fc1.bias").clone();
  for (const DType dtype : {DType::complex32, DType::complex64, DType::complex128}) {
    StateDict state;
    state.set("fc1.bias", Tensor::zeros({4}, dtype));
    expect_throw_with<StateDictError>(
        [&] { model->load_state_dict(state, false); },
        concat("dtype of \"fc1.bias\": the checkpoint has ", dtype,
               ", whose imaginary parts the model's float32 would lose"));
  }
  EXPECT_TRUE(bitwise_equal(model->state_dict().at("fc1.bias"), bias));
}

TEST(Module, LoadStateDictNotStrictReportsKeys) {
  const auto model = make_model(1);
  StateDict state;
  state.set("fc1.bias", Tensor::full({4}, 3.0));
  state.set("extra", Tensor::zeros({1}));
  const LoadReport report = model->load_state_dict(state, false);
  EXPECT_EQ(report.missing_keys,
            (std::vector<std::string>{"fc1.weight", "tail.0.weight", "tail.0.bias"}));
  EXPECT_EQ(report.unexpected_keys, std::vector<std::string>{"extra"});
  EXPECT_EQ(model->state_dict().at("fc1.bias").at<float>({3}), 3.0F);
}

// PyTorch 2.15 says of its own transposed weight to clone() it. Where two weights change places, it
// has both the same in the end.
TEST(Module, LoadStateDictRefusesWhatItOverwritesWhileReading) {
  Generator generator(1);
  Sequential model;
  model.add<Linear>("a", 3, 3, generator);
  model.add<Linear>("b", 3, 3, generator);
  const StateDict own = model.state_dict();
  const Tensor a = own.at("a.weight").clone();
  const Tensor b = own.at("b.weight").clone();
  const auto refused = [&](const StateDict& state, const char* text) {
    expect_throw_with<StateDictError>([&] { model.load_state_dict(state); }, text);
    EXPECT_TRUE(bitwise_equal(own.at("a.weight"), a)) << "nothing was changed";
    EXPECT_TRUE(bitwise_equal(own.at("b.weight"), b));
  };
  StateDict turned = model.state_dict();
  turned.set("b.bias", Tensor::zeros({3}));
  turned.set("a.weight", own.at("a.weight").transpose(0, 1));
  refused(turned, "\"a.weight\" shares memory with the module's own \"a.weight\"");
  StateDict swapped = model.state_dict();
  swapped.set("a.weight", own.at("b.weight"));
  swapped.set("b.weight", own.at("a.weight"));
  refused(swapped, "\"b.weight\" shares memory with the module's own \"a.weight\"");

  model.load_state_dict(own);
  EXPECT_TRUE(bitwise_equal(own.at("a.weight"), a));
  swapped.set("b.weight", own.at("a.weight").clone());
  model.load_state_dict(swapped);  // b is read before it changes
  EXPECT_TRUE(bitwise_equal(own.at("a.weight"), b));
  EXPECT_TRUE(bitwise_equal(own.at("b.weight"), a));
  turned.set("a.weight", own.at("a.weight").transpose(0, 1).clone());
  model.load_state_dict(turned);
  EXPECT_TRUE(bitwise_equal(own.at("a.weight"), b.transpose(0, 1).contiguous()));
}

TEST(Module, LoadStateDictOfAFlattenedModelIntoItself) {
  Generator generator(1);
  Sequential model;
  model.add<Linear>("a", 3, 3, generator);
  model.add<Linear>("b", 3, 3, generator);
  static_cast<void>(ParameterArena(model.parameters()));  // one storage for all
  const StateDict own = model.state_dict();
  const Tensor before = own.at("b.weight").clone();
  model.load_state_dict(own);
  EXPECT_TRUE(bitwise_equal(own.at("b.weight"), before));
  StateDict shifted = own;
  shifted.set("b.weight", own.at("a.weight").as_strided({3, 3}, {3, 1}, 4));
  model.load_state_dict(shifted);  // of what stays as it is
  shifted.set("a.weight", Tensor::ones({3, 3}));
  expect_throw_with<StateDictError>([&] { model.load_state_dict(shifted); }, "clone() it first");
}

TEST(Module, TrainAndEvalReachAllChildren) {
  const auto model = make_model(1);
  EXPECT_TRUE(model->is_training());
  model->eval();
  EXPECT_FALSE(model->children()[2].second->children()[0].second->is_training());
  model->train();
  EXPECT_TRUE(model->children()[2].second->children()[0].second->is_training());
}

TEST(Module, ToConvertsParametersAndKeepsValues) {
  const auto model = make_model(1);
  const Tensor before = model->state_dict().at("fc1.weight").clone();
  model->to(DType::float64);
  const Tensor after = model->state_dict().at("fc1.weight");
  EXPECT_EQ(after.dtype(), DType::float64);
  EXPECT_TRUE(bitwise_equal(after.to(DType::float32), before));
  EXPECT_THROW(model->to(DType::int32), DTypeError);
}

TEST(Module, NamesMustBeNewAndPlain) {
  Sequential model;
  model.add<ReLU>("a");
  EXPECT_THROW(model.add<ReLU>("a"), ValueError);
  EXPECT_THROW(model.add<ReLU>("a.b"), ValueError);
  EXPECT_THROW(model.add<ReLU>(""), ValueError);
  EXPECT_EQ(model.size(), 1U);
}

TEST(Linear, NamesWhatDoesNotFit) {
  Generator generator(1);
  Linear layer(6, 4, generator);
  expect_throw_with<ShapeError>(
      [&] {
        (void)layer.forward(Tensor::zeros({2, 5}));
      },
      "Linear(6, 4): input has 5 features, expected 6");
  expect_throw_with<DTypeError>(
      [&] {
        (void)layer.forward(Tensor::zeros({2, 6}, DType::float64));
      },
      "float32");
  EXPECT_THROW(Linear(-1, 4, generator), ValueError);
}

TEST(Linear, BackwardNeedsForward) {
  Generator generator(1);
  Linear layer(6, 4, generator);
  EXPECT_THROW(layer.backward(Tensor::zeros({2, 4})), ValueError);
  (void)layer.forward(Tensor::zeros({2, 6}));
  expect_throw_with<ShapeError>([&] { layer.backward(Tensor::zeros({3, 4})); }, "[2, 4]");
  ReLU relu;
  EXPECT_THROW(relu.backward(Tensor::zeros({2, 4})), ValueError);
}

}  // namespace
}  // namespace wick::nn
