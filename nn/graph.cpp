// SPDX-License-Identifier: MIT
#include "wick/nn/graph.h"

#include <algorithm>

#include "wick/core/error.h"

namespace wick::nn {

// The operations name children and twins by their numbers, so that copies have them, too.
Graph::Graph(const Graph& other, ModuleCopier& copier)
    : Composite(other, copier),
      inputs_(other.inputs_),
      outputs_(other.outputs_),
      operations_(other.operations_),
      node_count_(other.node_count_) {}

void Graph::require(Node node) const {
  if (node.id < 0 || node.id >= node_count_) {
    throw ValueError("Graph: a node that is not of this graph");
  }
}

Graph::Node Graph::input() {
  const Node node{node_count_++};
  inputs_.push_back(node);
  structure_changed();
  return node;
}

void Graph::output(Node node) {
  require(node);
  outputs_.push_back(node);
  structure_changed();
}

Graph::Node Graph::add_operation(Append append) {
  const Node node{node_count_++};
  operations_.push_back({node, std::move(append)});
  structure_changed();
  return node;
}

Graph::Node Graph::append(std::string name, std::unique_ptr<Module> module, Node x) {
  require(x);
  register_child(std::move(name), std::move(module));
  return add_operation([index = children().size() - 1, x](const Graph& graph, Writing& writing) {
    const auto& [child_name, child] = graph.children()[index];
    return writing.steps.module(child_name, *child, writing[x]);
  });
}

Graph::Node Graph::again(const std::string& name, Node x) {
  require(x);
  const auto found = std::ranges::find(children(), name, &NamedChild::first);
  if (found == children().end()) {
    throw ValueError(concat("Graph: there is no module \"", name, "\" to apply again"));
  }
  register_twin(found->second->share());
  return add_operation([index = twins().size() - 1, name, x](const Graph& graph, Writing& writing) {
    return writing.steps.module(name, *graph.twins()[index], writing[x]);
  });
}

Graph::Node Graph::add(Node a, Node b) {
  require(a);
  require(b);
  return add_operation(
      [a, b](const Graph&, Writing& writing) { return writing.steps.add(writing[a], writing[b]); });
}

Graph::Node Graph::multiply(Node a, Node b) {
  require(a);
  require(b);
  return add_operation([a, b](const Graph&, Writing& writing) {
    return writing.steps.multiply(writing[a], writing[b]);
  });
}

Graph::Node Graph::concatenate(std::span<const Node> nodes, std::int64_t dim) {
  if (nodes.empty()) throw ValueError("Graph: concatenate takes at least one value");
  for (const Node node : nodes) require(node);
  std::vector<Node> parts(nodes.begin(), nodes.end());
  return add_operation([parts = std::move(parts), dim](const Graph&, Writing& writing) {
    std::vector<ValueId> values;
    for (const Node node : parts) values.push_back(writing[node]);
    return writing.steps.concatenate(values, dim);
  });
}

Graph::Node Graph::reshape(Node x, const Dims& shape) {
  require(x);
  return add_operation([x, shape](const Graph&, Writing& writing) {
    return writing.steps.reshape(writing[x], shape);
  });
}

Graph::Node Graph::narrow(Node x, std::int64_t dim, std::int64_t start, std::int64_t length) {
  require(x);
  return add_operation([=](const Graph&, Writing& writing) {
    return writing.steps.narrow(writing[x], dim, start, length);
  });
}

Graph::Node Graph::select(Node x, std::int64_t dim, std::int64_t index) {
  require(x);
  return add_operation(
      [=](const Graph&, Writing& writing) { return writing.steps.select(writing[x], dim, index); });
}

Graph::Writing Graph::begin(StepList& steps) const {
  return {steps, std::vector<ValueId>(static_cast<std::size_t>(node_count_), -1)};
}

void Graph::append_operations(Writing& writing) const {
  for (const Operation& operation : operations_) {
    writing[operation.output] = operation.append(*this, writing);
  }
}

void Graph::require_single(const char* operation) const {
  if (inputs_.size() != 1 || outputs_.size() != 1) {
    throw ValueError(concat("Graph: ", operation, " is for one input and one output, this one has ",
                            inputs_.size(), " and ", outputs_.size(),
                            "; use forward_all() and backward_all()"));
  }
}

ValueId Graph::append_steps(StepList& steps, ValueId x) const {
  require_single("append_steps()");
  Writing writing = begin(steps);
  writing[inputs_.front()] = x;
  append_operations(writing);
  return writing[outputs_.front()];
}

void Graph::describe(StepList& steps) const {
  Writing writing = begin(steps);
  for (const Node node : inputs_) writing[node] = steps.input();
  append_operations(writing);
  for (const Node node : outputs_) steps.output(writing[node]);
}

Tensor Graph::forward(const Tensor& input) {
  require_single("forward()");
  return Composite::forward(input);
}

Tensor Graph::backward(const Tensor& grad_output, bool input_grad) {
  require_single("backward()");
  return Composite::backward(grad_output, input_grad);
}

std::span<const Tensor> Graph::forward_all(std::span<const Tensor> inputs) {
  results_.resize(outputs_.size());
  run_forward(inputs, results_);
  return results_;
}

std::span<const Tensor> Graph::backward_all(std::span<const Tensor> grads, bool input_grad) {
  run_backward(grads, input_grad);
  input_grads_.resize(inputs_.size());
  for (std::size_t i = 0; i < input_grads_.size(); ++i) {
    input_grads_[i] = input_grad ? this->input_grad(i) : Tensor();
  }
  return input_grads_;
}

std::unique_ptr<Module> Graph::copy(ModuleCopier& copier) const {
  return std::make_unique<Graph>(*this, copier);
}

}  // namespace wick::nn
