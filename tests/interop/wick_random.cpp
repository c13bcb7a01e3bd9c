// SPDX-License-Identifier: MIT
// Draws what random_parity.py asks for.
#include "tests/interop/program.h"
#include "wick/core/random.h"

namespace {

using wick::Dict;
using wick::DType;
using wick::List;
using wick::Tensor;
using wick::Value;

// {'state': ..., 'calls': [(name, dtype, count, a, b), ...]} to {'numbers': [...], 'state': ...}.
// The stream starts from 'state', or else from 'seed'; 'device' says whose it is, if not the CPU's.
Value draw(const Value& request) {
  const wick::Device device = request.contains("device")
                                  ? wick::Device::parse(request.at("device").as_string())
                                  : wick::kCpu;
  wick::Generator generator(device);
  if (request.contains("state")) {
    generator.set_state(request.at("state").as_tensor());
  } else {
    generator.manual_seed(static_cast<std::uint64_t>(request.at("seed").as_int()));
  }
  List numbers;
  for (const Value& call : request.at("calls").as_sequence()) {
    const std::string& name = call.at_index(0).as_string();
    const DType dtype = call.at_index(1).as_dtype();
    const std::int64_t count = call.at_index(2).as_int();
    const double a = call.at_index(3).as_double();
    const double b = call.at_index(4).as_double();
    if (name == "uniform") {
      numbers.items.emplace_back(
          Tensor::uniform({count}, a, b, generator, dtype, device).to(wick::kCpu));
    } else if (name == "normal") {
      numbers.items.emplace_back(
          Tensor::normal({count}, a, b, generator, dtype, device).to(wick::kCpu));
    } else {
      numbers.items.emplace_back(generator.randperm(count));
    }
  }
  return Dict{{"numbers", numbers}, {"state", generator.get_state()}};
}

}  // namespace

int main(int count, char** arguments) {
  return wick::testing::run_program(count, arguments, {{"draw", draw}});
}
