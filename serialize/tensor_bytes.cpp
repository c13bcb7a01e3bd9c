// SPDX-License-Identifier: MIT
#include "serialize/tensor_bytes.h"

#include <algorithm>
#include <bit>
#include <string>

#include "wick/core/backend.h"
#include "wick/core/error.h"

namespace wick {
namespace {

static_assert(std::endian::native == std::endian::little, "elements are written as they lie");

constexpr std::size_t kPieceBytes = std::size_t{8} << 20;

// Of what is stored as a number: the parts of a complex one.
std::size_t number_bytes_of(DType dtype) {
  return is_complex(dtype) ? size_of(dtype) / 2 : size_of(dtype);
}

void reverse_numbers(std::span<char> bytes, std::size_t number_bytes) {
  for (std::size_t at = 0; at + number_bytes <= bytes.size(); at += number_bytes) {
    std::ranges::reverse(bytes.subspan(at, number_bytes));
  }
}

// Of a strided tensor only a part is made contiguous at a time: one that expand() made may have a
// billion elements over a storage of one. Recurses into fewer than 64 dimensions, of size 2 at
// least.
void write_in_parts(const Tensor& tensor, const ByteSink& sink) {
  const auto* const first =
      std::ranges::find_if(tensor.shape(), [](auto size) { return size > 1; });
  const std::int64_t dim = first - tensor.shape().begin();
  const std::int64_t size = *first;
  const auto row = tensor.nbytes() / static_cast<std::size_t>(size);
  const auto rows = static_cast<std::int64_t>(std::max<std::size_t>(1, kPieceBytes / row));
  for (std::int64_t start = 0; start < size; start += rows) {
    write_elements(tensor.slice(dim, start, std::min(size, start + rows)), sink);
  }
}

}  // namespace

void refuse_dtype(std::string_view format, DType dtype) {
  throw DTypeError(concat(format, " has no dtype for ", dtype), Remedy::other_dtype,
                   is_opaque(dtype) ? "save with wick::save"
                                    : "convert with Tensor::to, or save with wick::save");
}

void write_elements(const Tensor& tensor, const ByteSink& sink) {
  if (tensor.device() == kMeta) {
    throw DeviceError(concat("cannot write the elements of ", tensor, ": it has none"));
  }
  if (!tensor.is_contiguous() && tensor.nbytes() > kPieceBytes) {
    write_in_parts(tensor, sink);
    return;
  }
  const Tensor plain = tensor.contiguous();
  const std::size_t bytes = plain.nbytes();
  if (bytes == 0) return;
  const auto* const data = static_cast<const char*>(plain.raw());
  if (plain.device().type == DeviceType::cpu) {
    sink({data, bytes});
    return;
  }
  std::string piece;
  for (std::size_t done = 0; done < bytes; done += piece.size()) {
    piece.resize(std::min(kPieceBytes, bytes - done));
    plain.backend().copy_to_host(piece.data(), data + done, piece.size());
    sink(piece);
  }
}

void write_elements(const Tensor& described, const ByteSink& sink, const TensorReader& read) {
  if (!read) {
    write_elements(described, sink);
    return;
  }
  const Tensor tensor = read(described);
  if (tensor.dtype() != described.dtype() || tensor.shape() != described.shape()) {
    throw ValueError(concat("a tensor that was described as ", described.dtype(), ' ',
                            described.shape(), " was read as ", tensor.dtype(), ' ',
                            tensor.shape()));
  }
  write_elements(tensor, sink);
}

TensorFiller::TensorFiller(DType dtype, const Dims& shape, Device device, bool big_endian)
    : tensor_(Tensor::empty(shape, dtype, device)),
      number_bytes_(big_endian ? number_bytes_of(dtype) : 1) {}

void TensorFiller::append(std::string_view bytes) {
  if (bytes.size() > tensor_.nbytes() - filled_ || bytes.size() % number_bytes_ != 0) {
    throw ValueError(concat("TensorFiller: ", bytes.size(), " bytes do not fit behind ", filled_,
                            " of ", tensor_.nbytes()));
  }
  if (bytes.empty()) return;
  std::string turned;
  if (number_bytes_ > 1) {
    turned = bytes;
    reverse_numbers(turned, number_bytes_);
    bytes = turned;
  }
  tensor_.backend().copy_from_host(static_cast<char*>(tensor_.raw()) + filled_, bytes.data(),
                                   bytes.size());
  filled_ += bytes.size();
}

Tensor TensorFiller::finish() {
  if (filled_ != tensor_.nbytes()) {
    throw ValueError(
        concat("TensorFiller: only ", filled_, " of ", tensor_.nbytes(), " bytes are there"));
  }
  tensor_.backend().synchronize();
  return std::move(tensor_);
}

Tensor elements_in(const std::shared_ptr<Storage>& storage, std::size_t offset, DType dtype,
                   const Dims& shape, Device device, bool big_endian) {
  const std::size_t bytes = static_cast<std::size_t>(element_count(shape)) * size_of(dtype);
  char* const data = static_cast<char*>(storage->data()) + offset;
  if (big_endian) reverse_numbers({data, bytes}, number_bytes_of(dtype));
  const auto part = std::make_shared<Storage>(data, bytes, storage->backend(), storage);
  return Tensor(part, dtype, shape, contiguous_strides(shape), 0).to(device);
}

Tensor read_elements(const InputFile& file, std::uint64_t offset, DType dtype, const Dims& shape,
                     Device device, bool big_endian) {
  if (device.type == DeviceType::cpu && !big_endian) {
    Tensor tensor = Tensor::empty(shape, dtype, device);
    if (tensor.nbytes() > 0) {
      file.read_at(offset, {static_cast<char*>(tensor.raw()), tensor.nbytes()});
    }
    return tensor;
  }
  TensorFiller filler(dtype, shape, device, big_endian);
  std::size_t left = static_cast<std::size_t>(element_count(shape)) * size_of(dtype);
  std::string piece;
  for (; left > 0; left -= piece.size(), offset += piece.size()) {
    piece.resize(std::min(kPieceBytes, left));
    file.read_at(offset, piece);
    filler.append(piece);
  }
  return filler.finish();
}

}  // namespace wick
