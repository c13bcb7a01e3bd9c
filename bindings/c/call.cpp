// SPDX-License-Identifier: MIT
#include "bindings/c/call.h"

#include <exception>
#include <new>
#include <span>

namespace wick::c {
namespace {

std::string& message() noexcept {
  thread_local std::string text;
  return text;
}

wick_status fail(wick_status status, const char* function, std::string_view what) noexcept {
  try {
    message() = concat(function, ": ", what);
  } catch (...) {  // no memory for a message
    message().clear();
  }
  return status;
}

// A remedy in the words of this interface; empty for those of the C++ one.
std::string_view words_of(Remedy remedy) noexcept {
  switch (remedy) {
    case Remedy::map_location: return "give wick_load() a device that there is, such as \"cpu\"";
    case Remedy::placeholders: return "load it with WICK_LOAD_PLACEHOLDERS";
    case Remedy::admitted_part: return "save a part of it that has no placeholders";
    case Remedy::other_dtype:
      return "convert it by wick_tensor_to_dtype(), or save it as WICK_FORMAT_TORCH";
    case Remedy::other_reader: return "wick_load() reads it";
    default: return {};
  }
}

wick_status fail(wick_status status, const char* function, const Error& error) noexcept {
  const std::string_view words = words_of(error.remedy());
  if (words.empty()) return fail(status, function, error.what());
  try {
    return fail(status, function, concat(error.problem(), "; ", words));
  } catch (...) {
    return fail(status, function, error.what());
  }
}

}  // namespace

wick_status report(const char* function) noexcept {
  try {
    throw;
  } catch (const CallbackStopped& stopped) {
    return stopped.status;
  } catch (const HandleError& error) {
    return fail(WICK_ERROR_HANDLE, function, error);
  } catch (const ArgumentError& error) {
    return fail(WICK_ERROR_ARGUMENT, function, error);
  } catch (const BusyError& error) {
    return fail(WICK_ERROR_BUSY, function, error);
  } catch (const ShapeError& error) {
    return fail(WICK_ERROR_SHAPE, function, error);
  } catch (const DTypeError& error) {
    return fail(WICK_ERROR_DTYPE, function, error);
  } catch (const OutOfMemoryError& error) {
    return fail(WICK_ERROR_OUT_OF_MEMORY, function, error);
  } catch (const DeviceError& error) {
    return fail(WICK_ERROR_DEVICE, function, error);
  } catch (const IndexError& error) {
    return fail(WICK_ERROR_INDEX, function, error);
  } catch (const ValueError& error) {
    return fail(WICK_ERROR_VALUE, function, error);
  } catch (const StateDictError& error) {
    return fail(WICK_ERROR_STATE_DICT, function, error);
  } catch (const FormatError& error) {
    return fail(WICK_ERROR_FORMAT, function, error);
  } catch (const IoError& error) {
    return fail(WICK_ERROR_IO, function, error);
  } catch (const std::bad_alloc&) {
    return fail(WICK_ERROR_OUT_OF_MEMORY, function, "there is no memory left");
  } catch (const std::exception& error) {
    return fail(WICK_ERROR_INTERNAL, function, error.what());
  } catch (...) {
    return fail(WICK_ERROR_INTERNAL, function, "an exception of an unknown type");
  }
}

Dims dims_of(const std::int64_t* values, std::size_t count, std::string_view argument) {
  constexpr std::size_t kMost = 64;  // PyTorch's
  if (count > kMost) {
    throw ShapeError(
        concat("'", argument, "' has ", count, " sizes, and at most ", kMost, " are possible"));
  }
  if (count == 0) return {};
  return Dims(std::span(require(values, argument), count));
}

DType dtype_of_number(wick_dtype dtype) {
  if (dtype < 0 || dtype >= kDTypeCount) {
    throw DTypeError(concat("there is no dtype with the number ", dtype));
  }
  return static_cast<DType>(dtype);
}

Device device_of(const char* name) {
  return name == nullptr ? kCpu : Device::parse(name);
}

}  // namespace wick::c

const char* wick_message() {
  return wick::c::message().c_str();
}

void wick_set_message(const char* text) {
  try {
    wick::c::message() = text == nullptr ? "" : text;
  } catch (...) {  // no memory for a message
    wick::c::message().clear();
  }
}
