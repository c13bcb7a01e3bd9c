// SPDX-License-Identifier: MIT
#include "tools/cli/ckpt_recast.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "tools/cli/ckpt_text.h"
#include "wick/core/error.h"

namespace wick::tools {
namespace {

constexpr std::size_t kNamed = 10;
constexpr std::int64_t kPiece = std::int64_t{1} << 18;  // elements that are compared at a time

std::string describe(const Losses::Loss& loss) {
  std::string text;
  if (loss.to_zero > 0) text = format_count(static_cast<std::uint64_t>(loss.to_zero)) + " became 0";
  if (loss.to_other > 0) {
    text += (text.empty() ? "" : ", ") + format_count(static_cast<std::uint64_t>(loss.to_other)) +
            " became infinite or NaN";
  }
  return text;
}

}  // namespace

void Losses::add(const std::string& name, const Tensor& before, const Tensor& after) {
  Loss loss{.name = name, .count = before.numel()};
  const Tensor from = before.contiguous().view({-1});
  const Tensor to = after.contiguous().view({-1});
  for (std::int64_t start = 0; start < loss.count; start += kPiece) {
    const std::int64_t stop = std::min(start + kPiece, loss.count);
    const Tensor left = from.slice(0, start, stop).to(DType::float64);
    const Tensor right = to.slice(0, start, stop).to(DType::float64);
    const auto* const x = left.data<double>();
    const auto* const y = right.data<double>();
    for (std::int64_t i = 0; i < stop - start; ++i) {
      loss.to_zero += x[i] != 0 && y[i] == 0 ? 1 : 0;
      loss.to_other += std::isfinite(x[i]) && !std::isfinite(y[i]) ? 1 : 0;
    }
  }
  if (loss.to_zero + loss.to_other > 0) all_.push_back(std::move(loss));
}

std::vector<std::string> Losses::notes(DType dtype) const {
  std::vector<std::string> lines;
  Loss others;
  for (std::size_t i = 0; i < all_.size(); ++i) {
    const Loss& loss = all_[i];
    if (i < kNamed) {
      lines.push_back(concat(
          "in ", dtype, ", of the ", format_count(static_cast<std::uint64_t>(loss.count), "value"),
          " of ", loss.name.empty() ? "the tensor" : quote(loss.name, 120), ' ', describe(loss)));
      continue;
    }
    others.to_zero += loss.to_zero;
    others.to_other += loss.to_other;
  }
  if (all_.size() > kNamed) {
    lines.push_back(concat("in ", dtype, ", of the values of ",
                           format_count(all_.size() - kNamed, "other tensor"), ' ',
                           describe(others)));
  }
  return lines;
}

bool is_recast(DType from, std::optional<DType> dtype) {
  return dtype && is_floating_point(from) && from != *dtype;
}

Tensor recast(const std::string& name, const Tensor& tensor, std::optional<DType> dtype,
              Losses& losses) {
  if (!is_recast(tensor.dtype(), dtype)) return tensor;
  if (tensor.device() == kMeta) return Tensor::empty(tensor.shape(), *dtype, kMeta);
  Tensor converted = tensor.to(*dtype);
  losses.add(name, tensor, converted);
  return converted;
}

}  // namespace wick::tools
