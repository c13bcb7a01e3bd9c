// SPDX-License-Identifier: MIT
// What every function of the C interface does around its work: exceptions become statuses, and
// objects become handles.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "bindings/c/registry.h"
#include "wick/c/base.h"
#include "wick/core/device.h"
#include "wick/core/dims.h"
#include "wick/core/dtype.h"

namespace wick::c {

/// NULL for a pointer that must not be.
class ArgumentError : public Error {
 public:
  using Error::Error;
};

/// A callback has returned another status than WICK_OK; its message is this thread's already.
struct CallbackStopped {
  wick_status status;
};

/// The status of the exception that is being handled; it sets this thread's message.
[[nodiscard]] wick_status report(const char* function) noexcept;

/// Runs the work of a function of the C interface.
template <typename Work>
[[nodiscard]] wick_status call(const char* function, Work&& work) noexcept {
  try {
    std::forward<Work>(work)();
    return WICK_OK;
  } catch (...) {
    return report(function);
  }
}

/// Calls back: `run` returns the callback's status. Throws CallbackStopped, with this thread's
/// message set.
template <typename Run>
void call_back(std::string_view what, Run&& run) {
  wick_set_message("");
  const wick_status status = std::forward<Run>(run)();
  if (status == WICK_OK) return;
  if (*wick_message() == '\0') {
    wick_set_message(concat("the ", what, " has returned ", status).c_str());
  }
  throw CallbackStopped{status};
}

/// Throws ArgumentError.
template <typename T>
T* require(T* pointer, std::string_view argument) {
  if (pointer == nullptr) throw ArgumentError(concat("the pointer '", argument, "' is NULL"));
  return pointer;
}

/// Where a function leaves a new handle: NULL until then.
template <typename T>
class Result {
 public:
  using Handle = typename T::Handle;
  explicit Result(Handle** result, std::string_view argument = "result")
      : result_(require(result, argument)) {
    *result_ = nullptr;
  }
  void operator=(std::unique_ptr<T> object) const {
    *result_ = static_cast<Handle*>(Registry::instance().insert(T::kKind, std::move(object)));
  }

 private:
  Handle** result_;
};

/// Sizes or strides that a caller gives; throws ArgumentError, and ShapeError for more than 64.
[[nodiscard]] Dims dims_of(const std::int64_t* values, std::size_t count,
                           std::string_view argument);
/// Throws DTypeError for a number that is none.
[[nodiscard]] DType dtype_of_number(wick_dtype dtype);
/// NULL is the CPU. Throws DeviceError.
[[nodiscard]] Device device_of(const char* name);

}  // namespace wick::c
