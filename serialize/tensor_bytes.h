// SPDX-License-Identifier: MIT
// The elements of tensors as plain bytes: in row-major order, little-endian, without gaps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "serialize/input_file.h"
#include "wick/core/device.h"
#include "wick/core/storage.h"
#include "wick/core/tensor.h"
#include "wick/serialize/byte_sink.h"

namespace wick {

/// Throws DTypeError: `format` has no dtype for this one.
[[noreturn]] void refuse_dtype(std::string_view format, DType dtype);

/// Gives all elements to `sink`. A contiguous tensor on the CPU is given as it lies in memory; of
/// one on another device no more than 8 MiB is on the host at a time.
/// On the device meta, where tensors have no elements, throws DeviceError.
void write_elements(const Tensor& tensor, const ByteSink& sink);
/// Those of what `read` gives for the tensor. Throws ValueError where its dtype or shape is
/// another.
void write_elements(const Tensor& described, const ByteSink& sink, const TensorReader& read);

/// Fills a new tensor of that shape, front to back.
class TensorFiller {
 public:
  /// `big_endian`: the bytes of each number come the other way round.
  TensorFiller(DType dtype, const Dims& shape, Device device, bool big_endian = false);

  /// The next bytes. Pieces must be whole numbers where they are big-endian. Throws ValueError for
  /// more than there is room for.
  void append(std::string_view bytes);
  /// The tensor. Throws ValueError where bytes are missing.
  [[nodiscard]] Tensor finish();

 private:
  Tensor tensor_;
  std::size_t filled_ = 0;        // bytes
  std::size_t number_bytes_ = 1;  // of what is turned round; 1: nothing is
};

/// A contiguous tensor over the bytes at `offset` of a storage on the CPU, which lives as long as
/// it does: no second copy is made. The bytes of big-endian numbers are swapped in place. On
/// another device it is a copy. The caller has checked that the bytes lie inside of the storage.
[[nodiscard]] Tensor elements_in(const std::shared_ptr<Storage>& storage, std::size_t offset,
                                 DType dtype, const Dims& shape, Device device,
                                 bool big_endian = false);

/// A contiguous tensor of the bytes at `offset` of a file. The caller has checked that they lie
/// inside of it.
[[nodiscard]] Tensor read_elements(const InputFile& file, std::uint64_t offset, DType dtype,
                                   const Dims& shape, Device device, bool big_endian = false);

}  // namespace wick
