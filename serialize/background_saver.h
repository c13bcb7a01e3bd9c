// SPDX-License-Identifier: MIT
// Saves checkpoints of a training while the training goes on.
#pragma once

#include <exception>
#include <filesystem>
#include <thread>

#include "wick/core/compiler.h"
#include "wick/serialize/checkpoint.h"

namespace wick {

/// Takes a copy of the tensors where they are, by the device itself in the order of the caller's
/// work there (its stream), and lets a thread write it. One file is written at a time.
///
/// Thread safety: none; the tensors may be changed as soon as save() has returned.
class WICK_API BackgroundSaver {
 public:
  BackgroundSaver() = default;
  BackgroundSaver(const BackgroundSaver&) = delete;
  BackgroundSaver& operator=(const BackgroundSaver&) = delete;
  /// Waits for the file that is being written; whether that went well, only wait() says.
  ~BackgroundSaver();

  /// Begins to write what save(value, path, options) would, after the file before is done. Needs
  /// memory for a second copy of the tensors on their device until the file is written. Throws what
  /// wait() throws, what is wrong with the value, and OutOfMemoryError. Where the system gives no
  /// more threads, the file is written before it returns.
  void save(const Value& value, const std::filesystem::path& path, const SaveOptions& options = {});
  /// Returns when no file is being written. Throws the IoError or DeviceError that ended the last
  /// one; the file that was at its path before is then still there.
  void wait();

 private:
  std::thread writer_;
  std::exception_ptr failure_;  // the writer's, until wait() has thrown it
};

}  // namespace wick
