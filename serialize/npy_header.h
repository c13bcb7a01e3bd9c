// SPDX-License-Identifier: MIT
// The header of NumPy's .npy format: a magic, a version, and a Python dict in text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "wick/core/dims.h"
#include "wick/core/dtype.h"
#include "wick/serialize/npy.h"

namespace wick {

/// Bytes that a header may have, its magic included.
inline constexpr std::uint64_t kMaxNpyHeader = std::uint64_t{1} << 20;

/// True where `start` is the beginning of an .npy file.
[[nodiscard]] bool is_npy(std::string_view start) noexcept;

/// How many bytes the header has, its magic included, by its first 12 bytes; 0 where they are no
/// such. What it says is not checked.
[[nodiscard]] std::uint64_t npy_header_bytes(std::string_view start) noexcept;

/// Parses the header at the beginning of `start`, which must hold it whole: give the first
/// npy_header_bytes(), at most kMaxNpyHeader, or all there are. Takes versions 1.0, 2.0 and 3.0.
/// Throws FormatError for what is none, and DTypeError for arrays that no tensor can hold: Python
/// objects, structures, texts, dates, long doubles. `where` begins its messages.
[[nodiscard]] NpyHeader parse_npy_header(std::string_view start, const std::string& where);

/// NumPy's code of a dtype, without a byte order: "f4". Empty for what no tensor can hold.
[[nodiscard]] std::optional<DType> dtype_of_numpy_code(std::string_view code) noexcept;

/// numpy.save's header of version 1.0 for a C-contiguous array. Throws DTypeError for a dtype that
/// NumPy does not have: bfloat16, float8, complex32.
[[nodiscard]] std::string make_npy_header(DType dtype, const Dims& shape);

}  // namespace wick
