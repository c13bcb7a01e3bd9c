// SPDX-License-Identifier: MIT
#include <filesystem>
#include <string_view>

#include "bindings/c/objects.h"
#include "wick/c/value.h"
#include "wick/core/state_dict.h"
#include "wick/serialize/any_file.h"
#include "wick/serialize/checkpoint.h"
#include "wick/serialize/npy.h"
#include "wick/serialize/safetensors.h"

using namespace wick;
using namespace wick::c;

wick_status wick_load(const char* path, const char* device, unsigned flags, wick_value** result) {
  return call(__func__, [&] {
    const Result<ValueEntry> to(result);
    require(path, "path");
    constexpr unsigned kAll = WICK_LOAD_PLACEHOLDERS | WICK_LOAD_NO_VERIFY;
    if ((flags & ~kAll) != 0) throw ValueError(concat("there are no flags ", flags & ~kAll));
    LoadOptions options;
    options.placeholders = (flags & WICK_LOAD_PLACEHOLDERS) != 0;
    options.verify = (flags & WICK_LOAD_NO_VERIFY) == 0;
    const MapLocation location = device == nullptr ? MapLocation() : MapLocation(device);
    put(to, load_any(path, location, options));
  });
}

wick_status wick_save(wick_value* value, const char* path, wick_format format) {
  return call(__func__, [&] {
    const Pinned<ValueEntry> of(value, "value");
    const std::filesystem::path to = require(path, "path");
    switch (format) {
      case WICK_FORMAT_TORCH: return save(of->value, to);
      case WICK_FORMAT_SAFETENSORS: return save_safetensors(StateDict::from_value(of->value), to);
      case WICK_FORMAT_NPY: return save_npy(of->value.as_tensor(), to);
      case WICK_FORMAT_NPZ: return save_npz(StateDict::from_value(of->value), to);
      default: throw ValueError(concat("there is no format ", format));
    }
  });
}
