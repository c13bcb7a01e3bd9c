// SPDX-License-Identifier: MIT
// Numbers and categories: rents, from a flat's size, its city and its kind, with an embedding for
// each column of categories. The network goes to a file that PyTorch reads, and comes back: it then
// predicts the same.
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <filesystem>

#include <wick/core/random.h>
#include <wick/core/state_dict.h>
#include <wick/nn/graph.h>
#include <wick/nn/layers/activation.h>
#include <wick/nn/layers/embedding.h>
#include <wick/nn/layers/linear.h>
#include <wick/nn/losses/pointwise_loss.h>
#include <wick/optim/adam.h>
#include <wick/serialize/checkpoint.h>

namespace nn = wick::nn;
using wick::Tensor;

constexpr std::int64_t kCities = 12, kKinds = 4, kRows = 2000, kBatch = 50;

struct Table {
  Tensor sizes;   // (rows, 1): in units of 100 square metres
  Tensor cities;  // (rows) int64
  Tensor kinds;   // (rows) int64
  Tensor rents;   // (rows, 1)
};

// Each city has a price of its own, and each kind of flat a factor.
Table make_table(wick::Generator& generator) {
  Table table{
      Tensor::uniform({kRows, 1}, 0.2, 1.5, generator), Tensor::empty({kRows}, wick::DType::int64),
      Tensor::empty({kRows}, wick::DType::int64), Tensor::normal({kRows, 1}, 0.0, 0.02, generator)};
  for (std::int64_t i = 0; i < kRows; ++i) {
    const std::int64_t city = generator.random() % kCities;
    const std::int64_t kind = generator.random() % kKinds;
    table.cities.data<std::int64_t>()[i] = city;
    table.kinds.data<std::int64_t>()[i] = kind;
    const double price = 1.0 + std::sin(5.0 * static_cast<double>(city));
    const double factor = 0.7 + 0.2 * static_cast<double>(kind);
    table.rents.data<float>()[i] += static_cast<float>(
        0.2 + price * factor * static_cast<double>(table.sizes.data<float>()[i]));
  }
  return table;
}

nn::Graph make_network(wick::Generator& generator) {
  nn::Graph graph;
  const auto size = graph.input();
  const auto city = graph.input();
  const auto kind = graph.input();
  const auto city_row = graph.call<nn::Embedding>("city", city, kCities, 4, generator);
  const auto kind_row = graph.call<nn::Embedding>("kind", kind, kKinds, 2, generator);
  const auto all = graph.concatenate({size, city_row, kind_row}, 1);
  auto h = graph.call<nn::Linear>("fc1", all, 7, 32, generator);
  h = graph.call<nn::Linear>("fc2", graph.call<nn::SiLU>("silu1", h), 32, 32, generator);
  graph.output(graph.call<nn::Linear>("rent", graph.call<nn::SiLU>("silu2", h), 32, 1, generator));
  return graph;
}

// The rents of rows [first, last); the tensor is the model's until it predicts again.
Tensor predict(nn::Graph& model, const Table& table, std::int64_t first, std::int64_t last) {
  const Tensor inputs[] = {table.sizes.slice(0, first, last), table.cities.slice(0, first, last),
                           table.kinds.slice(0, first, last)};
  return model.forward_all(inputs)[0];
}

int main() {
  wick::Generator generator(0);
  const Table train = make_table(generator), test = make_table(generator);
  nn::Graph model = make_network(generator);
  wick::optim::Adam optimizer(model.parameters(), {.lr = 3e-3});
  nn::MSELoss loss;

  float error = 0.0F;
  for (int epoch = 1; epoch <= 40; ++epoch) {
    for (std::int64_t first = 0; first < kRows; first += kBatch) {
      loss.forward(predict(model, train, first, first + kBatch),
                   train.rents.slice(0, first, first + kBatch));
      const Tensor grad = loss.backward();
      optimizer.zero_grad();
      model.backward_all({&grad, 1}, false);
      optimizer.step();
    }
    error = std::sqrt(loss.forward(predict(model, test, 0, kRows), test.rents).item<float>());
    if (epoch % 10 == 0)
      std::printf("epoch %2d: rents are off by %.3f\n", epoch, static_cast<double>(error));
  }
  const auto path = std::filesystem::temp_directory_path() / "wick_categories.pt";
  // There: model.load_state_dict(torch.load(path)).
  wick::save(model.state_dict().to_value(), path);
  nn::Graph again = make_network(generator);
  again.load_state_dict(wick::StateDict::from_value(wick::load(path)));
  std::filesystem::remove(path);
  const bool same = predict(again, test, 0, kRows).to_vector<float>() ==
                    predict(model, test, 0, kRows).to_vector<float>();
  return same && error < 0.1F ? 0 : 1;  // the noise is 0.02
}
