// SPDX-License-Identifier: MIT
// Buffers, versions, copies, moves and frozen parameters.
#include <gtest/gtest.h>

#include "tests/support.h"
#include "wick/core/error.h"
#include "wick/core/random.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

using testing::expect_throw_with;

// Has a buffer of each sort, and keys that older states do not have.
class Counter final : public Module {
 public:
  Counter() {
    mean_ = register_buffer("mean", Tensor::zeros({2}));
    count_ = register_buffer("count", Tensor::zeros({}, DType::int64));
    cache_ = register_buffer("cache", Tensor::ones({2}), false);
  }
  Counter(const Counter& other, ModuleCopier& copier)
      : Module(other, copier),
        mean_(copier(other.mean_)),
        count_(copier(other.count_)),
        cache_(copier(other.cache_)) {}
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override {
    return std::make_unique<Counter>(*this, copier);
  }
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Counter"; }
  [[nodiscard]] Tensor forward(const Tensor& input) override { return input; }
  Tensor backward(const Tensor& grad_output, bool /*input_grad*/) override { return grad_output; }
  [[nodiscard]] std::int64_t state_version() const noexcept override { return 2; }
  [[nodiscard]] bool may_lack(std::string_view name,
                              std::optional<std::int64_t> version) const override {
    return name == "count" && (!version || *version < 2);
  }
  [[nodiscard]] const Tensor& mean() const { return *mean_; }
  [[nodiscard]] const Tensor& count() const { return *count_; }

 private:
  BufferPtr mean_;
  BufferPtr count_;
  BufferPtr cache_;
};

TEST(Buffers, AreSharedHandles) {
  Sequential model;
  auto& counter = model.add<Counter>("counter");
  const BufferPtr handle = model.named_buffers()[0].second;
  EXPECT_EQ(model.named_buffers()[0].first, "counter.mean");
  EXPECT_EQ(model.buffers().size(), 3U);
  model.to(DType::float64);
  EXPECT_EQ(counter.mean().dtype(), DType::float64);
  EXPECT_EQ(handle->dtype(), DType::float64);
  EXPECT_EQ(counter.count().dtype(), DType::int64) << "only floating-point ones are converted";
  StateDict state;
  state.set("counter.mean", Tensor::full({2}, 3.0));
  state.set("counter.count", Tensor::full({}, 7, DType::int64));
  model.load_state_dict(state);
  EXPECT_EQ(handle->at<double>({1}), 3.0);
  EXPECT_EQ(counter.count().item<std::int64_t>(), 7);
}

TEST(Buffers, ThoseThatAreNotPersistentAreNotSaved) {
  const Counter counter;
  std::vector<std::string> names;
  for (const auto& [name, tensor] : counter.state_dict()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"mean", "count"}));
}

TEST(StateVersions, AreThoseOfEachModule) {
  Sequential model;
  model.add<ReLU>("relu");
  model.add<Counter>("counter");
  const StateDict state = model.state_dict();
  EXPECT_EQ(state.metadata()->at("").at("version").as_int(), 1);
  EXPECT_EQ(state.metadata()->at("counter").at("version").as_int(), 2);
}

TEST(StateVersions, OlderStatesMayLackWhatIsNew) {
  Sequential model;
  auto& counter = model.add<Counter>("counter");
  const auto state_of = [](std::optional<int> version) {
    StateDict state;
    state.set("counter.mean", Tensor::ones({2}));
    if (version) {
      auto metadata = std::make_shared<Dict>(Dict::Type::ordered_dict);
      metadata->set("counter", Dict{{"version", *version}});
      state.set_metadata(std::move(metadata));
    }
    return state;
  };
  for (const auto version : std::vector<std::optional<int>>{std::nullopt, 1}) {
    counter.count().fill_(5);
    EXPECT_TRUE(model.load_state_dict(state_of(version)).missing_keys.empty());
    EXPECT_EQ(counter.count().item<std::int64_t>(), 5) << "keeps its value";
  }
  expect_throw_with<StateDictError>([&] { model.load_state_dict(state_of(2)); },
                                    "missing key \"counter.count\"");
}

std::unique_ptr<Sequential> make_model(std::uint64_t seed) {
  Generator generator(seed);
  auto model = std::make_unique<Sequential>();
  model->add<Linear>("fc1", 4, 5, generator);
  model->add<ReLU>("relu");
  auto& tail = model->add<Sequential>("tail");
  tail.add<Linear>("fc2", 5, 3, generator);
  model->add<Counter>("counter");
  return model;
}

TEST(Copies, AreDeepAndInTheSameMode) {
  const auto model = make_model(1);
  model->eval();
  model->parameters()[0]->requires_grad = false;
  const Tensor x = Tensor::ones({2, 4});
  const Tensor y = model->forward(x).clone();
  model->backward(Tensor::ones({2, 3}));
  const auto copy = clone(*model);
  EXPECT_FALSE(copy->is_training());
  EXPECT_FALSE(copy->children()[2].second->children()[0].second->is_training());
  EXPECT_FALSE(copy->parameters()[0]->requires_grad);
  EXPECT_TRUE(copy->parameters()[2]->has_grad);
  EXPECT_TRUE(bitwise_equal(copy->parameters()[2]->grad, model->parameters()[2]->grad));
  EXPECT_THROW(copy->backward(Tensor::ones({2, 3})), ValueError) << "nothing is saved in it";
  for (const auto& parameter : model->parameters()) parameter->value.zero_();
  model->buffers()[0]->fill_(9);
  EXPECT_TRUE(bitwise_equal(copy->forward(x), y));
  EXPECT_EQ(copy->buffers()[0]->at<float>({0}), 0.0F);
  EXPECT_EQ(copy->named_parameters()[2].first, "tail.fc2.weight");
}

TEST(Copies, ShareHasTheSameParametersAndSavesByItself) {
  Generator generator(2);
  Linear layer(3, 2, generator);
  const auto twin = layer.share();
  EXPECT_EQ(twin->parameters(), layer.parameters());
  (void)layer.forward(Tensor::ones({1, 3}));
  (void)twin->forward(Tensor::full({1, 3}, 2.0));
  layer.backward(Tensor::ones({1, 2}));
  twin->backward(Tensor::ones({1, 2}));
  EXPECT_EQ(layer.weight()->grad.at<float>({0, 0}), 3.0F);
}

TEST(Copies, AClassThatDoesNotSayHowIsRefused) {
  class Odd final : public Module {
   public:
    [[nodiscard]] std::string_view type_name() const noexcept override { return "Odd"; }
    [[nodiscard]] Tensor forward(const Tensor& input) override { return input; }
    Tensor backward(const Tensor& grad, bool /*input_grad*/) override { return grad; }
  };
  const Odd odd;
  expect_throw_with<ValueError>([&] { (void)odd.clone(); }, "Odd: clone() and share()");
}

TEST(Moves, KeepEverything) {
  auto model = make_model(3);
  const Tensor x = Tensor::ones({2, 4});
  const Tensor y = model->forward(x).clone();
  Sequential moved = std::move(*model);
  model.reset();
  EXPECT_EQ(moved.parameters().size(), 4U);
  EXPECT_TRUE(moved.backward(Tensor::ones({2, 3})).defined()) << "also what was saved";
  EXPECT_TRUE(bitwise_equal(moved.forward(x), y));
  Generator generator(1);
  std::vector<Linear> layers;
  for (int i = 0; i < 3; ++i) layers.emplace_back(4, 4, generator);
  EXPECT_EQ(layers[0].forward(x).shape(), (Dims{2, 4}));
}

TEST(Module, NamedModulesAndApplyReachAll) {
  const auto model = make_model(4);
  std::vector<std::string> names;
  for (const auto& [name, module] : model->named_modules()) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"", "fc1", "relu", "tail", "tail.fc2", "counter"}));
  std::vector<std::string> types;
  model->apply([&](Module& module) { types.emplace_back(module.type_name()); });
  EXPECT_EQ(types, (std::vector<std::string>{"Linear", "ReLU", "Linear", "Sequential", "Counter",
                                             "Sequential"}));
}

TEST(NoGrad, AForwardSavesNothing) {
  const auto model = make_model(5);
  Tensor x = Tensor::ones({2, 4});
  (void)model->forward(x);
  {
    const NoGradGuard guard;
    EXPECT_FALSE(is_grad_enabled());
    const Tensor y = model->forward(x);
    EXPECT_EQ(y.shape(), (Dims{2, 3})) << "the output stays";
    const std::weak_ptr<Storage> input = x.storage();
    x = Tensor();
    EXPECT_TRUE(input.expired());
  }
  EXPECT_TRUE(is_grad_enabled());
  expect_throw_with<ValueError>([&] { model->backward(Tensor::ones({2, 3})); }, "NoGradGuard");
  (void)model->forward(Tensor::ones({2, 4}));
  EXPECT_NO_THROW(model->backward(Tensor::ones({2, 3})));
}

TEST(Frozen, ATrunkGetsNoGradientAndTheHeadTheSame) {
  for (const bool autocast : {false, true}) {
    const auto free = make_model(6);
    const auto frozen = make_model(6);
    if (autocast) {
      free->autocast(DType::bfloat16);
      frozen->autocast(DType::bfloat16);
    }
    frozen->children()[0].second->requires_grad_(false);
    Generator generator(1);
    const Tensor x = Tensor::normal({6, 4}, 0, 1, generator);
    const Tensor grad = Tensor::normal({6, 3}, 0, 1, generator);
    EXPECT_TRUE(bitwise_equal(frozen->forward(x), free->forward(x)));
    free->backward(grad, false);
    frozen->backward(grad, false);
    for (std::size_t i = 0; i < 4; ++i) {
      EXPECT_EQ(frozen->parameters()[i]->has_grad, i >= 2);
      if (i >= 2) {
        EXPECT_TRUE(bitwise_equal(frozen->parameters()[i]->grad, free->parameters()[i]->grad));
      }
    }
    // The gradient by the input goes through frozen layers.
    const Tensor a = free->forward(x);
    const Tensor b = frozen->forward(x);
    EXPECT_TRUE(bitwise_equal(frozen->backward(grad), free->backward(grad)));
  }
}

TEST(Frozen, EachParameterOfALayerByItself) {
  for (const bool autocast : {false, true}) {
    for (const std::size_t which : {0U, 1U}) {
      Generator first(7);
      Generator second(7);
      Linear free(5, 3, first);
      Linear frozen(5, 3, second);
      if (autocast) {
        free.autocast(DType::bfloat16);
        frozen.autocast(DType::bfloat16);
      }
      frozen.parameters()[which]->requires_grad = false;
      const Tensor x = Tensor::normal({4, 5}, 0, 1, first);
      const Tensor grad = Tensor::normal({4, 3}, 0, 1, first);
      for (int i = 0; i < 2; ++i) {  // the second adds
        (void)free.forward(x);
        (void)frozen.forward(x);
        EXPECT_TRUE(bitwise_equal(free.backward(grad), frozen.backward(grad)));
      }
      EXPECT_FALSE(frozen.parameters()[which]->has_grad);
      const auto a = frozen.parameters()[1 - which]->grad.to_vector<float>();
      const auto b = free.parameters()[1 - which]->grad.to_vector<float>();
      for (std::size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-5) << i;
    }
  }
}

TEST(Frozen, TheFlagIsKeptInStatesThatKeepIt) {
  const auto model = make_model(8);
  model->children()[0].second->requires_grad_(false);
  EXPECT_FALSE(model->state_dict().at("tail.fc2.weight").requires_grad()) << "as in PyTorch";
  const StateDict state = model->state_dict(true);
  EXPECT_FALSE(state.at("fc1.weight").requires_grad());
  EXPECT_TRUE(state.at("tail.fc2.weight").requires_grad());
  EXPECT_FALSE(state.at("counter.mean").requires_grad());
  const auto other = make_model(9);
  other->load_state_dict(state);
  EXPECT_TRUE(other->parameters()[0]->requires_grad) << "as in PyTorch, loading leaves the flag";
  other->load_requires_grad(state);
  EXPECT_FALSE(other->parameters()[0]->requires_grad);
  EXPECT_TRUE(other->parameters()[2]->requires_grad);
}

TEST(GradOutput, IsOnlyRead) {
  const auto model = make_model(10);
  const Tensor x = Tensor::ones({2, 4});
  (void)model->forward(x);
  const Tensor grad = Tensor::full({2, 3}, 0.5);
  const Tensor before = grad.clone();
  model->backward(grad);
  EXPECT_TRUE(bitwise_equal(grad, before));
}

}  // namespace
}  // namespace wick::nn
