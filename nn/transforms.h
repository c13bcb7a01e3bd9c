// SPDX-License-Identifier: MIT
// How images become the inputs of a network, kept with the network so that it is always fed in the
// same way.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "wick/core/compiler.h"
#include "wick/core/tensor.h"
#include "wick/core/value.h"

namespace wick::nn {

/// x * scale, as torchvision's ToTensor does it for bytes.
struct ToFloat {
  double scale = 1.0 / 255.0;
};

/// 0.2989 red + 0.587 green + 0.114 blue, one channel, without rounding to whole numbers
/// (torchvision.transforms.functional.rgb_to_grayscale of floats). Grey images stay as they are.
struct Grayscale {};

/// (x - mean[c]) / std[c] in channel c, or with one mean and one deviation for all channels
/// (torchvision.transforms.Normalize).
struct Normalize {
  std::vector<double> mean;
  std::vector<double> std;
};

/// Flattens all dimensions but the batch's: (N, C, H, W) to (N, C * H * W).
struct Ravel {};

using Transform = std::variant<ToFloat, Grayscale, Normalize, Ravel>;

/// "ToFloat", "Grayscale", "Normalize" or "Ravel".
[[nodiscard]] WICK_API std::string_view type_name(const Transform& transform) noexcept;

/// Named transforms, one after the other. All but Ravel are linear in each pixel, so a Compose
/// collapses them into one scale and one shift per channel, computed in double, and runs them as
/// one pass (Backend::gather_affine), with a sum over the channels behind it for Grayscale of
/// colour images. Both ways of applying it give the same bits.
///
/// Thread safety: none; copies are independent.
class WICK_API Compose {
 public:
  using Step = std::pair<std::string, Transform>;

  Compose() = default;
  Compose(std::initializer_list<Step> steps);

  /// Throws ValueError for an empty or repeated name, a transform behind Ravel, means and
  /// deviations that differ in count, are not finite, or a deviation that is not positive.
  void add(std::string name, Transform transform);
  [[nodiscard]] const std::vector<Step>& steps() const noexcept { return steps_; }
  [[nodiscard]] bool empty() const noexcept { return steps_.empty(); }

  /// What state_dict() of torchvision's v2.Compose of the same transforms is: an OrderedDict
  /// without entries, since they have neither parameters nor buffers, with `_metadata`. It loads
  /// strictly there. What the transforms are is in to_value().
  [[nodiscard]] Value state_dict() const;
  /// Takes what state_dict() gives, as torchvision's strict load_state_dict() does: nothing
  /// changes, and StateDictError names the entries where there are any.
  void load_state_dict(const Value& state) const;

  /// A description that PyTorch loads with weights_only=True and that from_value() takes, an
  /// OrderedDict:
  ///   {'to_float': {'type': 'ToFloat', 'scale': 0.00392...},
  ///    'normalize': {'type': 'Normalize', 'mean': tensor, 'std': tensor}, ...}
  /// with float64 tensors of one element per channel.
  [[nodiscard]] Value to_value() const;
  /// Throws StateDictError that names the transform where the value is nothing of the kind.
  [[nodiscard]] static Compose from_value(const Value& value);

  /// The shape of one prepared sample for images of shape (C, H, W): (C', H, W), or (C' * H * W)
  /// with Ravel. Throws ShapeError where the transforms do not take C channels.
  [[nodiscard]] Dims output_shape(const Dims& image_shape) const;

  /// The one scale and shift, x * scale + shift, that all steps come to for images of one channel.
  [[nodiscard]] std::pair<float, float> scale_and_shift() const;

  /// Prepares images (N, C, H, W) of uint8, float32 or float64 into a new tensor of `dtype`
  /// (float32 or float64) on their device. Throws ShapeError or DTypeError.
  [[nodiscard]] Tensor apply(const Tensor& images, DType dtype = DType::float32);

  /// Prepares images[indices[0]], images[indices[1]], ... into `out`, a contiguous float32 or
  /// float64 tensor of indices.numel() prepared samples; `images` and the int64 `indices` are
  /// contiguous and on the same device. Allocates nothing after the first call with a size.
  /// Throws IndexError for an index outside the images, ShapeError, DTypeError or DeviceError.
  void apply_gathered(const Tensor& images, const Tensor& indices, const Tensor& out);

 private:
  /// All steps collapsed, for images of one number of channels.
  struct Plan {
    std::int64_t channels = 0;
    bool sum_channels = false;  // Grayscale of colour
    bool ravel = false;
    std::vector<double> scale;  // (channels)
    std::vector<double> shift;  // (channels)
    std::vector<float> scale_float;
    std::vector<float> shift_float;
  };
  [[nodiscard]] Plan make_plan(std::int64_t channels) const;
  const Plan& plan_for(std::int64_t channels);
  void run(const Tensor& images, const std::int64_t* indices, std::int64_t count,
           const Tensor& out);

  std::vector<Step> steps_;
  Plan plan_;       // of the last images
  Tensor scratch_;  // scaled channels before their sum
};

}  // namespace wick::nn
