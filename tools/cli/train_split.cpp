// SPDX-License-Identifier: MIT
// Which training images are trained on, and which are held out.
#include "tools/cli/train_split.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace wick::tools {

TrainSplit split_training(std::int64_t count, double share, std::uint64_t seed) {
  const auto wanted = static_cast<std::int64_t>(std::llround(static_cast<double>(count) * share));
  const std::int64_t held_out =
      std::clamp<std::int64_t>(wanted, 0, std::max<std::int64_t>(count - 1, 0));
  if (held_out == 0) return {Tensor::arange(count), Tensor::arange(0)};
  Generator generator(seed);
  std::vector<std::int64_t> order = generator.randperm(count).to_vector<std::int64_t>();
  const auto middle = order.end() - held_out;
  std::sort(order.begin(), middle);
  std::sort(middle, order.end());
  const Tensor all = Tensor::from(order, Dims{count});
  return {all.slice(0, 0, count - held_out), all.slice(0, count - held_out)};
}

}  // namespace wick::tools
