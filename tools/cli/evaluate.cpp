// SPDX-License-Identifier: MIT
// Accuracy and mean loss, batch by batch.
#include "tools/cli/evaluate.h"

#include <algorithm>

#include "wick/core/ops.h"
#include "wick/core/text.h"
#include "wick/nn/losses/cross_entropy_loss.h"

namespace wick::tools {
namespace {

constexpr std::int64_t kBatch = 500;

float scalar_of(const Tensor& tensor) {
  return tensor.to(kCpu).item<float>();
}

}  // namespace

Score evaluate(nn::Sequential& model, nn::Compose& transforms, const Tensor& images,
               const Tensor& labels, const Tensor& indices) {
  const bool was_training = model.is_training();
  model.eval();
  const nn::NoGradGuard no_grad;
  const Dims& shape = images.shape();
  const std::int64_t features =
      element_count(transforms.output_shape({shape[1], shape[2], shape[3]}));
  const std::int64_t count = indices.numel();
  const std::int64_t rows = std::min(kBatch, count);
  const Tensor inputs = Tensor::empty({rows, features}, DType::float32, images.device());
  const Tensor targets = Tensor::empty({rows}, DType::int64, images.device());
  nn::CrossEntropyLoss criterion({.reduction = nn::Reduction::sum});
  Score score;
  score.count = count;
  for (std::int64_t i = 0; i < count; i += kBatch) {
    const std::int64_t size = std::min(kBatch, count - i);
    const Tensor picked = indices.slice(0, i, i + size);
    const Tensor x = inputs.slice(0, 0, size);
    const Tensor y = targets.slice(0, 0, size);
    transforms.apply_gathered(images, picked, x);
    ops::index_select(labels, picked, y);
    const Tensor logits = model.forward(x);
    score.loss += scalar_of(criterion.forward(logits, y));
    score.hits += ops::count_hits(logits, y);
  }
  if (count > 0) score.loss /= static_cast<double>(count);
  model.train(was_training);
  return score;
}

Score evaluate(nn::Sequential& model, nn::Compose& transforms, const Tensor& images,
               const Tensor& labels) {
  const Tensor all = Tensor::arange(labels.numel()).to(labels.device());
  return evaluate(model, transforms, images, labels, all);
}

std::string accuracy_text(const Score& score) {
  const double share =
      score.count > 0 ? 100.0 * static_cast<double>(score.hits) / static_cast<double>(score.count)
                      : 0.0;
  return concat(fixed_point(share, 2), " % (", score.hits, " of ", score.count, ')');
}

}  // namespace wick::tools
