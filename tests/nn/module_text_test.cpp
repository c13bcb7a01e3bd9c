// SPDX-License-Identifier: MIT
// Modules as text. The texts are PyTorch 2.15's; tests/interop/printing_parity.py compares every
// kind of layer.
#include <sstream>

#include <gtest/gtest.h>

#include "wick/nn/averaged_model.h"
#include "wick/nn/graph.h"
#include "wick/nn/layers/batch_norm.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/make_module.h"
#include "wick/nn/residual.h"
#include "wick/nn/sequential.h"

namespace wick::nn {
namespace {

TEST(ModuleText, ALayerIsALine) {
  EXPECT_EQ(to_string(Linear(784, 32)), "Linear(in_features=784, out_features=32, bias=True)");
  EXPECT_EQ(to_string(Linear(2, 3, {.bias = false})),
            "Linear(in_features=2, out_features=3, bias=False)");
  EXPECT_EQ(to_string(ReLU()), "ReLU()");
  EXPECT_EQ(to_string(LeakyReLU()), "LeakyReLU(negative_slope=0.01)");
  EXPECT_EQ(to_string(BatchNorm1d(3)),
            "BatchNorm1d(3, eps=1e-05, momentum=0.1, affine=True, bias=True, "
            "track_running_stats=True)");
  EXPECT_EQ(to_string(RMSNorm(4)), "RMSNorm((4,), eps=None, elementwise_affine=True)");
  EXPECT_EQ(to_string(*clone(RMSNorm(4, {.eps = 1e-6}))),
            "RMSNorm((4,), eps=1e-06, elementwise_affine=True)");
  EXPECT_EQ(to_string(*clone(RMSNorm(4))), "RMSNorm((4,), eps=None, elementwise_affine=True)");
  EXPECT_EQ(to_string(*make_module("Unflatten", {{"dim", 1}, {"unflattened_size", List{{2, 3}}}})),
            "Unflatten(dim=1, unflattened_size=(2, 3))");
  EXPECT_EQ(to_string(*make_module("GELU")), "GELU(approximate='none')");
}

TEST(ModuleText, ChildrenAreIndented) {
  Sequential model{Linear(3, 4), ReLU()};
  auto& tail = model.add<Sequential>("tail");
  tail.add<Dropout>(0.25);
  model.add<Sequential>("none");
  const std::string text =
      "Sequential(\n"
      "  (0): Linear(in_features=3, out_features=4, bias=True)\n"
      "  (1): ReLU()\n"
      "  (tail): Sequential(\n"
      "    (0): Dropout(p=0.25, inplace=False)\n"
      "  )\n"
      "  (none): Sequential()\n"
      ")";
  EXPECT_EQ(to_string(model), text);
  std::ostringstream out;
  out << model;
  EXPECT_EQ(out.str(), text);
}

TEST(ModuleText, NetworksOfEveryKind) {
  Graph graph;
  graph.output(graph.call<Linear>("fc", graph.input(), 2, 3));
  EXPECT_EQ(to_string(graph),
            "Graph(\n  (fc): Linear(in_features=2, out_features=3, bias=True)\n)");
  EXPECT_EQ(to_string(Residual("body", std::make_unique<ReLU>())),
            "Residual(\n  (body): ReLU()\n)");
  EXPECT_EQ(to_string(AveragedModel(ReLU())), "AveragedModel(\n  (module): ReLU()\n)");
}

// What PyTorch does with several lines of extra_repr().
class Verbose final : public Module {
 public:
  explicit Verbose(bool child) {
    if (child) register_child("fc", std::make_unique<ReLU>());
  }
  [[nodiscard]] std::string_view type_name() const noexcept override { return "Verbose"; }
  [[nodiscard]] std::string extra_repr() const override { return "one\ntwo"; }
  [[nodiscard]] Tensor forward(const Tensor& input) override { return input; }
  Tensor backward(const Tensor& grad, bool /*input_grad*/) override { return grad; }
};

TEST(ModuleText, ExtraLinesStandBeforeTheChildren) {
  EXPECT_EQ(to_string(Verbose(false)), "Verbose(\n  one\n  two\n)");
  EXPECT_EQ(to_string(Verbose(true)), "Verbose(\n  one\n  two\n  (fc): ReLU()\n)");
}

TEST(ModuleText, MessagesKeepToTheDescription) {
  EXPECT_EQ(concat(Linear(7, 3)), "Linear(7, 3)");
}

}  // namespace
}  // namespace wick::nn
