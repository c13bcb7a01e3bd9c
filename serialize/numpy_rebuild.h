// SPDX-License-Identifier: MIT
// What the pickles of NumPy's arrays and scalars hold, where a tensor or a number can hold it too.
#pragma once

#include <optional>
#include <span>
#include <string_view>

#include "wick/core/placeholder.h"

namespace wick {

/// True for the global that numpy.ndarray's pickles call (_reconstruct), before and since NumPy 2.
[[nodiscard]] bool is_numpy_reconstruct(std::string_view type);
/// True for the classes whose objects are arrays of elements, and no more than that.
[[nodiscard]] bool is_numpy_array_class(std::string_view type);

/// The value of a call of NumPy's functions that has one here: a number for
/// numpy.core.multiarray.scalar, a tensor for numpy.core.numeric._frombuffer (protocol 5). Empty
/// for other functions, for dtypes that no tensor has, and where the arguments do not fit together.
[[nodiscard]] std::optional<Value> call_numpy(std::string_view function,
                                              std::span<const Value> arguments);

/// The tensor of an array's state: (1, shape, dtype, fortran_order, bytes). Empty as above.
[[nodiscard]] std::optional<Tensor> numpy_array(const Value& state);

}  // namespace wick
