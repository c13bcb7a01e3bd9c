// SPDX-License-Identifier: MIT
// The memory family: layouts, and points in a device's work.
#pragma once

#include "wick/core/compiler.h"
#include "wick/core/dims.h"
#include "wick/core/dtype.h"

namespace wick {

/// A tensor's layout over memory of this device, without ownership.
struct StridedRef {
  void* data = nullptr;
  DType dtype = DType::float32;
  Dims shape;
  Dims strides;  // in elements; 0 repeats an element
};

/// A point in the work that a thread has given to a device: see Backend::record_event().
class WICK_API DeviceEvent {
 public:
  DeviceEvent() = default;
  DeviceEvent(const DeviceEvent&) = delete;
  DeviceEvent& operator=(const DeviceEvent&) = delete;
  virtual ~DeviceEvent() = default;
};

}  // namespace wick
