// SPDX-License-Identifier: MIT
// The exceptions that wick throws. Every message names the operation, the offending values and,
// where there is one, the remedy. The library never aborts, exits or prints.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "wick/core/compiler.h"
#include "wick/core/text.h"

namespace wick {

/// What helps against an error, where more than one interface can say so: a C++ caller passes an
/// argument for which a program has an option.
enum class Remedy : std::uint8_t {
  none,           // or one that is the same everywhere, and stands in the message
  map_location,   // load to another device
  placeholders,   // load what is admitted, with placeholders for the rest
  admitted_part,  // save a part without placeholders
  other_dtype,    // convert to a dtype that the target has, or write another format
  other_reader,   // another function reads this format
  pick_by_tree,   // choose a tensor in the tree, since its name is not its alone
};

/// Base of everything that wick throws by itself (the standard library may still throw
/// std::bad_alloc).
class WICK_API Error : public std::runtime_error {
 public:
  explicit Error(const std::string& message)
      : std::runtime_error(message), problem_bytes_(message.size()) {}
  explicit Error(const char* message) : Error(std::string(message)) {}
  /// what() is `problem; words`, the words being those of the C++ interface.
  Error(const std::string& problem, Remedy remedy, const std::string& words)
      : std::runtime_error(problem + "; " + words),
        problem_bytes_(problem.size()),
        remedy_(remedy) {}

  /// The message, behind the name of the place where it happened, where there is one.
  [[nodiscard]] const char* what() const noexcept override {
    return place_ == nullptr ? std::runtime_error::what() : place_->message.c_str();
  }
  /// The dotted name of the layer where it happened, below the module whose forward() or backward()
  /// was called, such as "encoder.fc1"; empty where there is none.
  [[nodiscard]] std::string_view where() const noexcept {
    return place_ == nullptr ? std::string_view() : std::string_view(place_->name);
  }
  /// Call it while the error passes outwards: it puts `part` in front of where(). An empty name
  /// changes nothing.
  void add_where(std::string_view part);

  /// The message without the remedy.
  [[nodiscard]] std::string_view problem() const noexcept { return {what(), problem_bytes_}; }
  /// The kind of remedy, for programs that word it themselves.
  [[nodiscard]] Remedy remedy() const noexcept { return remedy_; }
  /// The remedy in the words of the C++ interface; empty where there is none.
  [[nodiscard]] std::string words() const {
    return remedy_ == Remedy::none ? std::string() : std::string(what() + problem_bytes_ + 2);
  }

 private:
  struct Place {
    std::string name;
    std::string message;
  };

  std::size_t problem_bytes_;
  Remedy remedy_ = Remedy::none;
  std::shared_ptr<const Place> place_;  // shared, so that copies of exceptions do not throw
};

/// Shapes or strides that do not fit together, or overflow.
class WICK_API ShapeError : public Error {
 public:
  using Error::Error;
};

/// A dtype that an operation does not take, or dtypes that differ where they must not.
class WICK_API DTypeError : public Error {
 public:
  using Error::Error;
};

/// A device that is not there, an unknown device name, or operands on different devices.
class WICK_API DeviceError : public Error {
 public:
  using Error::Error;
};

/// The CUDA runtime or one of its libraries refused a call.
class WICK_API CudaError : public DeviceError {
 public:
  /// `status` is the number that the call returned, `file` and `line` where wick made it.
  CudaError(const std::string& message, std::string operation, int status, std::string file,
            unsigned line)
      : DeviceError(message),
        operation_(std::move(operation)),
        file_(std::move(file)),
        status_(status),
        line_(line) {}
  [[nodiscard]] const std::string& operation() const noexcept { return operation_; }
  [[nodiscard]] const std::string& file() const noexcept { return file_; }
  [[nodiscard]] unsigned line() const noexcept { return line_; }
  [[nodiscard]] int status() const noexcept { return status_; }

 private:
  std::string operation_;
  std::string file_;
  int status_;
  unsigned line_;
};

/// A device has no memory left for an allocation. Nothing else has changed: the program can free
/// memory, or do with less, and go on.
class WICK_API OutOfMemoryError : public DeviceError {
 public:
  OutOfMemoryError(const std::string& message, std::size_t requested, std::size_t free,
                   std::size_t total)
      : DeviceError(message), requested_(requested), free_(free), total_(total) {}
  [[nodiscard]] std::size_t requested() const noexcept { return requested_; }  // bytes
  [[nodiscard]] std::size_t free() const noexcept { return free_; }            // bytes
  [[nodiscard]] std::size_t total() const noexcept { return total_; }          // bytes

 private:
  std::size_t requested_;
  std::size_t free_;
  std::size_t total_;
};

/// An index, label or dimension outside its range.
class WICK_API IndexError : public Error {
 public:
  using Error::Error;
};

/// An argument or option outside its domain.
class WICK_API ValueError : public Error {
 public:
  using Error::Error;
};

/// A state dictionary that does not fit the object it is loaded into.
class WICK_API StateDictError : public Error {
 public:
  using Error::Error;
};

/// A file whose content breaks its format. Names the file, the record and the offset.
class WICK_API FormatError : public Error {
 public:
  using Error::Error;
};

/// The operating system refused: open, read, write, sync, rename. Names the path and the reason.
class WICK_API IoError : public Error {
 public:
  using Error::Error;
};

/// An error of another type, or with more around its problem, that keeps the remedy of `cause`.
template <typename E>
[[nodiscard]] E with_remedy_of(const Error& cause, const std::string& problem) {
  return cause.remedy() == Remedy::none ? E(problem) : E(problem, cause.remedy(), cause.words());
}

}  // namespace wick
