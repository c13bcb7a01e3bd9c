// SPDX-License-Identifier: MIT
// Collapses a chain of image transforms into one scale and shift per channel, and applies it.
#include "wick/nn/transforms.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "wick/core/backend.h"
#include "wick/core/backend/matrix.h"
#include "wick/core/backend/rows.h"
#include "wick/core/error.h"

namespace wick::nn {
namespace {

// ITU-R BT.601 luma, with torchvision's digits.
constexpr std::array kLuma = {0.2989, 0.587, 0.114};

template <typename... Functions>
struct Overload : Functions... {
  using Functions::operator()...;
};
template <typename... Functions>
Overload(Functions...) -> Overload<Functions...>;

void check(const Normalize& normalize) {
  const auto finite = [](double x) { return std::isfinite(x); };
  if (normalize.mean.empty() || normalize.mean.size() != normalize.std.size()) {
    throw ValueError(concat("Normalize: needs as many deviations as means, at least one; got ",
                            normalize.mean.size(), " means and ", normalize.std.size(),
                            " deviations"));
  }
  for (std::size_t c = 0; c < normalize.std.size(); ++c) {
    if (finite(normalize.mean[c]) && finite(normalize.std[c]) && normalize.std[c] > 0) continue;
    throw ValueError(concat("Normalize: channel ", c, " has mean ", normalize.mean[c],
                            " and deviation ", normalize.std[c],
                            "; they must be finite, the deviation positive"));
  }
}

/// The one of a Normalize's values that is meant for channel c.
double of_channel(const std::vector<double>& values, std::size_t c) {
  return values.size() == 1 ? values[0] : values[c];
}

std::vector<float> to_floats(const std::vector<double>& values) {
  std::vector<float> result(values.size());
  std::transform(values.begin(), values.end(), result.begin(),
                 [](double x) { return static_cast<float>(x); });
  return result;
}

void require_images(const Tensor& images) {
  if (images.dim() != 4) {
    throw ShapeError(concat("Compose: images must have shape (N, C, H, W), got ", images.shape()));
  }
  const DType dtype = images.dtype();
  if (dtype != DType::uint8 && dtype != DType::float32 && dtype != DType::float64) {
    throw DTypeError(concat("Compose: images must be uint8, float32 or float64, got ", dtype));
  }
}

}  // namespace

std::string_view type_name(const Transform& transform) noexcept {
  static constexpr std::array<std::string_view, 4> kNames = {"ToFloat", "Grayscale", "Normalize",
                                                             "Ravel"};
  return kNames[transform.index()];
}

Compose::Compose(std::initializer_list<Step> steps) {
  for (const auto& [name, transform] : steps) add(name, transform);
}

void Compose::add(std::string name, Transform transform) {
  if (name.empty()) throw ValueError("Compose: a transform needs a name");
  for (const auto& [taken, other] : steps_) {
    if (taken == name)
      throw ValueError(concat("Compose: there is a transform '", name, "' already"));
    if (std::holds_alternative<Ravel>(other)) {
      throw ValueError(concat("Compose: '", name, "' cannot follow Ravel ('", taken,
                              "'), which leaves no channels"));
    }
  }
  if (const auto* const to_float = std::get_if<ToFloat>(&transform)) {
    if (!std::isfinite(to_float->scale)) {
      throw ValueError(concat("ToFloat: scale is ", to_float->scale, "; it must be finite"));
    }
  }
  if (const auto* const normalize = std::get_if<Normalize>(&transform)) check(*normalize);
  steps_.emplace_back(std::move(name), std::move(transform));
  plan_ = {};
}

Compose::Plan Compose::make_plan(std::int64_t channels) const {
  Plan plan;
  plan.channels = channels;
  const auto count = static_cast<std::size_t>(channels);
  plan.scale.assign(count, 1.0);
  plan.shift.assign(count, 0.0);
  std::int64_t now = channels;  // how many channels there are at this step
  for (const auto& [name, transform] : steps_) {
    std::visit(
        Overload{[&](const ToFloat& step) {
                   for (double& x : plan.scale) x *= step.scale;
                   for (double& x : plan.shift) x *= step.scale;
                 },
                 [&, &step_name = name](const Grayscale&) {
                   if (now == 1) return;
                   if (now != 3) {
                     throw ShapeError(concat("Grayscale ('", step_name,
                                             "'): takes one or three channels, got ", now));
                   }
                   for (std::size_t c = 0; c < 3; ++c) {
                     plan.scale[c] *= kLuma[c];
                     plan.shift[c] *= kLuma[c];
                   }
                   plan.sum_channels = true;
                   now = 1;
                 },
                 [&, &step_name = name](const Normalize& step) {
                   if (step.mean.size() != 1 && std::cmp_not_equal(step.mean.size(), now)) {
                     throw ShapeError(concat("Normalize ('", step_name, "'): has ",
                                             step.mean.size(), " channels, the images have ", now));
                   }
                   for (std::size_t c = 0; c < count; ++c) {
                     const double std = of_channel(step.std, plan.sum_channels ? 0 : c);
                     const double mean = of_channel(step.mean, plan.sum_channels ? 0 : c);
                     plan.scale[c] /= std;
                     // Of a sum of channels, the mean is taken away once.
                     const bool takes_mean = !plan.sum_channels || c == 0;
                     plan.shift[c] = (plan.shift[c] - (takes_mean ? mean : 0.0)) / std;
                   }
                 },
                 [&](const Ravel&) { plan.ravel = true; }},
        transform);
  }
  plan.scale_float = to_floats(plan.scale);
  plan.shift_float = to_floats(plan.shift);
  return plan;
}

const Compose::Plan& Compose::plan_for(std::int64_t channels) {
  if (plan_.channels != channels || channels == 0) plan_ = make_plan(channels);
  return plan_;
}

Dims Compose::output_shape(const Dims& image_shape) const {
  if (image_shape.size() != 3) {
    throw ShapeError(concat("Compose: an image must have shape (C, H, W), got ", image_shape));
  }
  const Plan plan = make_plan(image_shape[0]);
  Dims shape = image_shape;
  if (plan.sum_channels) shape[0] = 1;
  return plan.ravel ? Dims{element_count(shape)} : shape;
}

std::pair<float, float> Compose::scale_and_shift() const {
  const Plan plan = make_plan(1);
  return {plan.scale_float[0], plan.shift_float[0]};
}

Tensor Compose::apply(const Tensor& images, DType dtype) {
  require_images(images);
  const Dims& shape = images.shape();
  Dims out_shape = output_shape({shape[1], shape[2], shape[3]});
  out_shape.insert(0, shape[0]);
  if (dtype != DType::float32 && dtype != DType::float64) {
    throw DTypeError(concat("Compose: prepares float32 or float64, not ", dtype));
  }
  Tensor out = Tensor::empty(out_shape, dtype, images.device());
  run(images.contiguous(), nullptr, shape[0], out);
  return out;
}

void Compose::apply_gathered(const Tensor& images, const Tensor& indices, const Tensor& out) {
  require_images(images);
  if (indices.dtype() != DType::int64 || indices.dim() != 1) {
    throw DTypeError(concat("Compose: indices must be int64 of one dimension, got ", indices));
  }
  if (out.dtype() != DType::float32 && out.dtype() != DType::float64) {
    throw DTypeError(concat("Compose: prepares float32 or float64, not ", out.dtype()));
  }
  if (!images.is_contiguous() || !indices.is_contiguous() || !out.is_contiguous()) {
    throw ShapeError("Compose: images, indices and out must be contiguous");
  }
  if (images.device() != out.device() || indices.device() != out.device()) {
    throw DeviceError(concat("Compose: images, indices and out must be on one device, got ",
                             images.device(), ", ", indices.device(), " and ", out.device()));
  }
  const Dims& shape = images.shape();
  const Plan& plan = plan_for(shape[1]);
  const std::int64_t features = (plan.sum_channels ? 1 : shape[1]) * shape[2] * shape[3];
  if (out.dim() < 1 || out.size(0) != indices.numel() ||
      out.numel() != indices.numel() * features) {
    throw ShapeError(concat("Compose: ", indices.numel(), " samples of ", features,
                            " numbers do not fill an output of shape ", out.shape()));
  }
  run(images, static_cast<const std::int64_t*>(indices.raw()), indices.numel(), out);
}

void Compose::run(const Tensor& images, const std::int64_t* indices, std::int64_t count,
                  const Tensor& out) {
  const Dims& shape = images.shape();
  const Plan& plan = plan_for(shape[1]);
  const bool single = out.dtype() == DType::float32;
  GatherAffineArgs args;
  args.source_dtype = images.dtype();
  args.source = images.raw();
  args.source_rows = shape[0];
  args.channels = shape[1];
  args.pixels = shape[2] * shape[3];
  args.indices = indices;
  args.count = count;
  args.scale = single ? static_cast<const void*>(plan.scale_float.data()) : plan.scale.data();
  args.shift = single ? static_cast<const void*>(plan.shift_float.data()) : plan.shift.data();
  args.dtype = out.dtype();
  args.out = out.raw();
  out.storage()->bump_version();
  Backend& backend = out.backend();
  if (!plan.sum_channels) return backend.gather_affine(args);

  const std::int64_t sample = args.channels * args.pixels;
  if (!scratch_.defined() || scratch_.numel() < count * sample || scratch_.dtype() != out.dtype() ||
      scratch_.device() != out.device()) {
    scratch_ = Tensor::empty({count, sample}, out.dtype(), out.device());
  }
  args.out = scratch_.raw();
  backend.gather_affine(args);
  const auto size = static_cast<std::int64_t>(size_of(out.dtype()));
  for (std::int64_t i = 0; i < count; ++i) {
    const ConstMatrixRef channels{static_cast<const char*>(scratch_.raw()) + i * sample * size,
                                  args.channels, args.pixels, args.pixels};
    backend.column_sums(out.dtype(), channels,
                        static_cast<char*>(out.raw()) + i * args.pixels * size, false);
  }
}

}  // namespace wick::nn
