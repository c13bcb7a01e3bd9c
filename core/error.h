// SPDX-License-Identifier: MIT
// The exceptions that wick throws. Every message names the operation, the offending values and,
// where there is one, the remedy. The library never aborts, exits or prints.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace wick {

/// Base of everything that wick throws by itself (the standard library may still throw
/// std::bad_alloc).
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Shapes or strides that do not fit together, or overflow.
class ShapeError : public Error {
 public:
  using Error::Error;
};

/// A dtype that an operation does not take, or dtypes that differ where they must not.
class DTypeError : public Error {
 public:
  using Error::Error;
};

/// A device that is not there, an unknown device name, or operands on different devices.
class DeviceError : public Error {
 public:
  using Error::Error;
};

/// An index, label or dimension outside its range.
class IndexError : public Error {
 public:
  using Error::Error;
};

/// An argument or option outside its domain.
class ValueError : public Error {
 public:
  using Error::Error;
};

/// A state dictionary that does not fit the object it is loaded into.
class StateDictError : public Error {
 public:
  using Error::Error;
};

/// A file whose content breaks its format. Names the file, the record and the offset.
class FormatError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused: open, read, write, sync, rename. Names the path and the reason.
class IoError : public Error {
 public:
  using Error::Error;
};

/// Concatenates its arguments with operator<<; the way messages are built.
template <typename... Args>
[[nodiscard]] std::string concat(const Args&... args) {
  std::ostringstream out;
  (out << ... << args);
  return std::move(out).str();
}

}  // namespace wick
