#include <iostream>

#include <wick/wick.h>

int main(int, char** arguments) {
  const auto checkpoint = wick::load(arguments[1]);  // torch.save({"model": ..., ...}, path)
  const auto state = wick::StateDict::from_value(checkpoint.at("model"));
  const auto model = wick::nn::Sequential::from_state_dict(state, "ReLU");
  const auto logits = model->forward(wick::Tensor::zeros({1, 784}));
  std::cout << "class " << wick::ops::argmax(logits, 1).item<std::int64_t>() << '\n';
}
