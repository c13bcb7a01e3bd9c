// SPDX-License-Identifier: MIT
// A network of any shape.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/nn/composite.h"

namespace wick::nn {

/// A module of named modules and of the operations between them, with several inputs and outputs. A
/// value may be used any number of times; the gradients of its uses add up. A module may appear
/// again with the same parameters. The state dictionary has the modules' names, as that of the
/// PyTorch class that registers them in this order.
///
///   nn::Graph model;                                  // an actor-critic with two heads
///   const auto x = model.input();
///   auto h = model.call<nn::Linear>("body", x, 8, 64, generator);
///   h = model.call<nn::ReLU>("relu", h);
///   model.output(model.call<nn::Linear>("actor", h, 64, 4, generator));
///   model.output(model.call<nn::Linear>("critic", h, 64, 1, generator));
///   const auto y = model.forward_all({{observations}});  // y[0], y[1]
///
/// A Graph with one input and one output also stands in a Sequential or in another Graph. Shapes
/// are those of the tensors at hand, the batch included; where they do not fit, forward() throws
/// ShapeError. Thread safety: none.
class WICK_API Graph final : public Composite {
 public:
  /// A value of this graph. It is of no use in another one (ValueError where that can be seen).
  struct Node {
    ValueId id = -1;
  };

  Graph() = default;
  Graph(const Graph& other, ModuleCopier& copier);

  [[nodiscard]] std::string_view type_name() const noexcept override { return "Graph"; }
  [[nodiscard]] std::unique_ptr<Module> copy(ModuleCopier& copier) const override;

  // -- Building: each throws ValueError for a node that is not of this graph ----------------------

  Node input();
  void output(Node node);

  /// Makes a module and applies it. The name is that of a child: new, not empty, without dots.
  template <std::derived_from<Module> M, typename... Args>
  Node call(std::string name, Node x, Args&&... args) {
    return append(std::move(name), std::make_unique<M>(std::forward<Args>(args)...), x);
  }
  Node append(std::string name, std::unique_ptr<Module> module, Node x);
  /// Applies a child another time, with the same parameters. Throws ValueError where there is none
  /// of that name.
  Node again(const std::string& name, Node x);

  /// torch.add and torch.mul of two values of one shape.
  Node add(Node a, Node b);
  Node multiply(Node a, Node b);
  /// torch.cat.
  Node concatenate(std::span<const Node> nodes, std::int64_t dim);
  Node concatenate(std::initializer_list<Node> nodes, std::int64_t dim) {
    return concatenate(std::span<const Node>(nodes.begin(), nodes.size()), dim);
  }
  /// torch.reshape; one size may be -1, such as that of the batch.
  Node reshape(Node x, const Dims& shape);
  /// torch.narrow: `length` positions of a dimension.
  Node narrow(Node x, std::int64_t dim, std::int64_t start, std::int64_t length);
  /// torch.select: one position of a dimension, which goes away.
  Node select(Node x, std::int64_t dim, std::int64_t index);

  [[nodiscard]] std::size_t input_count() const noexcept { return inputs_.size(); }
  [[nodiscard]] std::size_t output_count() const noexcept { return outputs_.size(); }

  // -- Running ------------------------------------------------------------------------------------

  // Those of Module are for one input and one output; else ValueError.
  [[nodiscard]] Tensor forward(const Tensor& input) override;
  Tensor backward(const Tensor& grad_output, bool input_grad = true) override;

  /// One tensor for each input(), in order; one result for each output(). They are valid until the
  /// next call.
  [[nodiscard]] std::span<const Tensor> forward_all(std::span<const Tensor> inputs);
  /// One gradient for each output(); an undefined one stands for zeros. Returns those by the
  /// inputs, undefined where `input_grad` is false or no output depends on the input.
  std::span<const Tensor> backward_all(std::span<const Tensor> grads, bool input_grad = true);

  [[nodiscard]] ValueId append_steps(StepList& steps, ValueId x) const override;

  void describe(StepList& steps) const override;

 private:
  // A list that is being written, and its values of the nodes.
  struct Writing {
    StepList& steps;
    std::vector<ValueId> values;
    [[nodiscard]] ValueId& operator[](Node node) {
      return values[static_cast<std::size_t>(node.id)];
    }
  };
  // What a node that is no input appends to a list. It gets the graph, which may be a copy of the
  // one that it was made for.
  using Append = std::function<ValueId(const Graph&, Writing&)>;
  struct Operation {
    Node output;
    Append append;
  };
  Node add_operation(Append append);
  void require(Node node) const;
  void require_single(const char* operation) const;
  [[nodiscard]] Writing begin(StepList& steps) const;
  void append_operations(Writing& writing) const;

  std::vector<Node> inputs_;
  std::vector<Node> outputs_;
  std::vector<Operation> operations_;
  ValueId node_count_ = 0;
  std::vector<Tensor> results_;
  std::vector<Tensor> input_grads_;
};

}  // namespace wick::nn
