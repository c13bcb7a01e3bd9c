// SPDX-License-Identifier: MIT
// Prints what printing_parity.py asks for, and draws from the default generator.
#include "tests/interop/program.h"
#include "wick/core/print.h"
#include "wick/core/random.h"
#include "wick/nn/layers/dropout.h"
#include "wick/nn/layers/embedding.h"
#include "wick/nn/make_module.h"
#include "wick/nn/sequential.h"

namespace {

using namespace wick;  // NOLINT(google-build-using-namespace)

// [tensor, ...] to [str, ...]. 'options' are torch.set_printoptions' arguments.
Value print_tensors(const Value& request) {
  PrintOptions options;
  if (request.contains("options")) {
    const Value& given = request["options"];
    options.precision = static_cast<int>(given["precision"].as_int());
    options.threshold = given["threshold"].as_int();
    options.edgeitems = given["edgeitems"].as_int();
    options.linewidth = given["linewidth"].as_int();
    if (!given["sci_mode"].is_none()) options.sci_mode = given["sci_mode"].as_bool();
  }
  std::vector<std::string> texts;
  for (const Value& item : request["tensors"].as_list()) {
    texts.push_back(to_string(item.as_tensor(), options));
  }
  return texts;
}

// (type, options), or ('Sequential', [(name, module), ...]).
std::unique_ptr<nn::Module> make(const Value& description) {
  const std::string& type = description[0].as_string();
  if (type != "Sequential") return nn::make_module(type, description[1].as_dict());
  auto result = std::make_unique<nn::Sequential>();
  for (const Value& child : description[1].as_list()) {
    result->append(child[0].as_string(), make(child[1]));
  }
  return result;
}

Value print_modules(const Value& request) {
  std::vector<std::string> texts;
  for (const Value& each : request.as_list()) texts.push_back(nn::to_string(*make(each)));
  return texts;
}

// What new layers and tensors have after manual_seed().
Value draw(const Value& request) {
  manual_seed(static_cast<std::uint64_t>(request["seed"].as_int()));
  const nn::Linear linear(request["in"].as_int(), request["out"].as_int());
  const nn::Embedding embedding(7, 5);
  nn::Sequential model{nn::Linear(3, 4), nn::Dropout(0.25), nn::Linear(4, 2)};
  const Tensor x = Tensor::randn({6, 3});
  const Tensor y = model.forward(x);
  const auto made = nn::make_module("Linear", {{"in_features", 4}, {"out_features", 3}});
  return Dict{{"linear", linear.state_dict()},
              {"embedding", embedding.state_dict()},
              {"model", model.state_dict()},
              {"x", x},
              {"y", y},
              {"made", made->state_dict()},
              {"rand", Tensor::rand({21})},
              {"state", default_generator()->get_state()}};
}

Value names(const Value& /*request*/) {
  List list;
  for (const std::string_view name : nn::module_names()) list.items.emplace_back(name);
  return list;
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(
      count, arguments,
      {{"tensors", print_tensors}, {"modules", print_modules}, {"draw", draw}, {"names", names}});
}
