// SPDX-License-Identifier: MIT
// What a newcomer does wrong, and what must be in the message: the thing, the values, the remedy,
// in the words of C++. The programs' and the C interface's mistakes are with their tests.
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <wick/wick.h>

namespace wick {
namespace {

namespace fs = std::filesystem;

// 784-32-10, as in the lesson.
struct Net {
  Generator generator{0};
  nn::Sequential model;
  nn::CrossEntropyLoss loss;
  Tensor x = Tensor::zeros({2, 784});
  Tensor y = Tensor::from<std::int64_t>({3, 7}, {2});

  Net() {
    model.add<nn::Linear>("layer1", 784, 32, generator);
    model.add<nn::ReLU>("relu");
    model.add<nn::Linear>("layer2", 32, 10, generator);
  }
};

std::string file_with(std::string_view content, const std::string& name) {
  const fs::path path = fs::path(::testing::TempDir()) / name;
  std::ofstream(path, std::ios::binary) << content;
  return path.string();
}

struct Mistake {
  const char* name;
  std::function<void()> make;
  std::vector<std::string> words;  // of the message
};

void PrintTo(const Mistake& mistake, std::ostream* out) {
  *out << mistake.name;
}

template <typename... Args>
void use(const Args&... /*results*/) {}

std::vector<Mistake> mistakes() {
  return {
      // Shapes.
      {"a row of the wrong length",
       [] {
         use(Net().model.forward(Tensor::zeros({2, 783})));
       },
       {"layer1", "783", "784"}},
      {"an image that is not flattened",
       [] {
         use(Net().model.forward(Tensor::zeros({2, 28, 28})));
       },
       {"layer1", "28", "784"}},
      {"elements that are too few",
       [] {
         use(Tensor::from<float>({1, 2, 3}, {2, 2}));
       },
       {"3 values", "[2, 2]"}},
      {"a shape of another size",
       [] {
         use(Tensor::zeros({6}).reshape({4, 2}));
       },
       {"6", "[4, 2]"}},
      {"matrices that do not fit",
       [] {
         use(ops::matmul(Tensor::zeros({2, 3}), Tensor::zeros({4, 5})));
       },
       {"matmul", "[2, 3]", "[4, 5]"}},
      {"shapes that do not broadcast",
       [] {
         use(ops::add(Tensor::zeros({2, 3}), Tensor::zeros({2, 4})));
       },
       {"add", "[2, 3]", "[2, 4]"}},
      {"pieces that do not join",
       [] {
         use(ops::cat({Tensor::zeros({2, 3}), Tensor::zeros({2, 4})}, 0));
       },
       {"cat", "[2, 3]", "[2, 4]"}},
      {"a number of many",
       [] {
         use(Tensor::zeros({2, 2}).item<float>());
       },
       {"item", "[2, 2]"}},
      {"groups that do not divide", [] { nn::GroupNorm(3, 8); }, {"GroupNorm", "3", "8"}},
      {"a mean of one value",
       [] {
         use(nn::BatchNorm1d(4).forward(Tensor::zeros({1, 4})));
       },
       {"BatchNorm1d", "[1, 4]", "eval"}},
      // Dtypes.
      {"bytes into a float32 net",
       [] {
         use(Net().model.forward(Tensor::zeros({2, 784}, DType::uint8)));
       },
       {"layer1", "uint8", "float32", "x.to(DType::float32)"}},
      {"labels of float32",
       [] {
         Net net;
         use(net.loss.forward(net.model.forward(net.x), Tensor::zeros({2})));
       },
       {"target", "float32", "int64"}},
      {"a number of another dtype",
       [] { use(Tensor::zeros({1}).item<double>()); },
       {"item", "float32", "float64", "to("}},
      {"embedding of floats",
       [] {
         Generator generator(0);
         use(nn::Embedding(5, 3, generator).forward(Tensor::zeros({2})));
       },
       {"Embedding", "float32", "int64"}},
      {"complex numbers in safetensors",
       [] {
         StateDict state;
         state.set("z", Tensor::zeros({1}, DType::complex128));
         save_safetensors(state, fs::path(::testing::TempDir()) / "z.safetensors");
       },
       {"\"z\"", "complex128", "safetensors", "wick::save"}},
      // Ranges.
      {"a label beyond the classes",
       [] {
         Net net;
         use(net.loss.forward(net.model.forward(net.x), Tensor::from<std::int64_t>({3, 10}, {2})));
       },
       {"10", "[0, 10)"}},
      {"an index beyond the embedding",
       [] {
         Generator generator(0);
         use(nn::Embedding(5, 3, generator).forward(Tensor::from<std::int64_t>({5}, {1})));
       },
       {"Embedding", "5"}},
      {"a dimension too many",
       [] {
         use(ops::sum(Tensor::zeros({2, 3}), 2));
       },
       {"sum", "2"}},
      {"more than all dropped",
       [] {
         Generator generator(0);
         nn::Dropout(generator, 1.5);
       },
       {"Dropout", "1.5", "between 0 and 1"}},
      {"a negative learning rate",
       [] {
         Net net;
         optim::Adam(net.model.parameters(), {.lr = -1});
       },
       {"Adam", "learning rate", "-1"}},
      {"nothing to optimise", [] { optim::Adam({}, {}); }, {"Adam", "empty parameter list"}},
      // Devices.
      {"an unknown device", [] { use(Device::parse("gpu")); }, {"gpu", "cpu", "cuda"}},
      {"a GPU that is not there",
       [] { use(Tensor::zeros({1}).to(Device::parse("cuda:99"))); },
       {"cuda:99"}},
      // Names.
      {"a key that is not there",
       [] {
         use(Value(Dict{{"model", 1}, {"opt", 2}}).at("modle"));
       },
       {"modle", "model", "opt"}},
      {"a kind that it is not", [] { use(Value("text").as_int()); }, {"str", "int"}},
      {"two layers of one name",
       [] {
         Net net;
         net.model.add<nn::ReLU>("relu");
       },
       {"relu", "taken"}},
      {"a name with a dot",
       [] {
         Net net;
         net.model.add<nn::ReLU>("a.b");
       },
       {"a.b"}},
      {"weights of another network",
       [] {
         Net net;
         nn::Sequential other;
         other.add<nn::Linear>("fc", 784, 32, net.generator);
         net.model.load_state_dict(other.state_dict());
       },
       {"layer1.weight", "fc.weight"}},
      {"weights of another size",
       [] {
         Net net;
         StateDict state = net.model.state_dict();
         state.set("layer1.weight", Tensor::zeros({16, 784}));
         net.model.load_state_dict(state);
       },
       {"layer1.weight", "[16, 784]", "[32, 784]"}},
      {"another optimizer's state",
       [] {
         Net net;
         optim::SGD sgd(net.model.parameters(), {.lr = 0.1});
         optim::Adam adam(net.model.parameters(), {});
         adam.load_state_dict(sgd.state_dict());
       },
       {"Adam", "betas"}},
      {"a layer that nobody knows",
       [] {
         Generator generator(0);
         use(nn::make_module("Linaer", Dict{}, generator));
       },
       {"Linaer", "Linear"}},
      // The order of calls.
      {"backward without forward",
       [] {
         Net().model.backward(Tensor::zeros({2, 10}));
       },
       {"backward()", "forward()"}},
      {"backward twice",
       [] {
         Net net;
         use(net.loss.forward(net.model.forward(net.x), net.y));
         const Tensor gradient = net.loss.backward();
         net.model.backward(gradient);
         net.model.backward(gradient);
       },
       {"backward()", "forward()"}},
      {"a changed mode before backward",
       [] {
         Net net;
         use(net.loss.forward(net.model.forward(net.x), net.y));
         net.model.eval();
         net.model.backward(net.loss.backward());
       },
       {"backward()", "forward()"}},
      {"a gradient of another batch",
       [] {
         Net net;
         use(net.model.forward(net.x));
         net.model.backward(Tensor::zeros({3, 10}));
       },
       {"backward()", "[3, 10]", "[2, 10]"}},
      {"a batch that is too large for the plan",
       [] {
         Net net;
         const auto plan = nn::compile(net.model, std::vector<Dims>{{784}}, 4);
         auto workspace = plan.make_workspace();
         plan.run(Tensor::zeros({5, 784}), Tensor::zeros({5, 10}), workspace);
       },
       {"5", "4"}},
      // Files.
      {"a file that is not there", [] { use(load("nowhere/model.pt")); }, {"nowhere/model.pt"}},
      {"a folder", [] { use(load(::testing::TempDir())); }, {"folder"}},
      {"an empty file", [] { use(load(file_with("", "empty.pt"))); }, {"empty.pt", "empty"}},
      {"a text", [] { use(load(file_with("hello, world\n", "a.txt"))); }, {"a.txt", "checkpoint"}},
      {"a compressed file",
       [] { use(load(file_with("\x1f\x8b\x08 and more", "a.pt.gz"))); },
       {"a.pt.gz", "gzip", "decompress"}},
      {"a checkpoint for another reader",
       [] {
         const fs::path path = fs::path(::testing::TempDir()) / "other.pt";
         save(Value(Dict{{"a", 1}}), path);
         use(load_safetensors(path));
       },
       {"other.pt", "safetensors", "load()"}},
      {"a folder that is not there",
       [] { save(Value(1), fs::path(::testing::TempDir()) / "no" / "folder" / "a.pt"); },
       {"a.pt", "No such file or directory"}},
  };
}

class Mistakes : public ::testing::TestWithParam<Mistake> {};

TEST_P(Mistakes, AreNamedWithTheirValuesAndARemedy) {
  try {
    GetParam().make();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    const std::string message = error.what();
    RecordProperty("message", message);
    if (std::getenv("WICK_SHOW_MISTAKES") != nullptr) {
      std::cout << GetParam().name << ":\n    " << message << '\n';
    }
    for (const std::string& word : GetParam().words) {
      EXPECT_NE(message.find(word), std::string::npos) << word << " is not in: " << message;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpp, Mistakes, ::testing::ValuesIn(mistakes()));

}  // namespace
}  // namespace wick
