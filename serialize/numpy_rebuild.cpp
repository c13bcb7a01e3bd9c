// SPDX-License-Identifier: MIT
#include "serialize/numpy_rebuild.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "serialize/npy_header.h"
#include "serialize/tensor_bytes.h"
#include "wick/core/error.h"

namespace wick {
namespace {

using Kind = Value::Kind;

constexpr std::array<std::string_view, 4> kArrayClasses = {
    "numpy.ndarray", "numpy.memmap", "numpy.matrix", "numpy.matrixlib.defmatrix.matrix"};

struct ElementType {
  DType dtype;
  bool big_endian;
};

// `name` in module numpy.core or numpy._core, where NumPy 2 keeps it.
bool is_core(std::string_view type, std::string_view name) {
  for (const std::string_view module : {"numpy.core.", "numpy._core."}) {
    if (type.starts_with(module) && type.substr(module.size()) == name) return true;
  }
  return false;
}

// numpy.dtype("f4", False, True) with the state (3, "<", None, None, None, -1, -1, 0): the third is
// an array type within, then come the names of fields, both None for plain dtypes.
std::optional<ElementType> element_type(const Value& value) {
  if (value.kind() != Kind::placeholder) return std::nullopt;
  const Placeholder& type = value.as_placeholder();
  if (type.type != "numpy.dtype" || !type.is_object || type.arguments.empty() ||
      type.arguments[0].kind() != Kind::string) {
    return std::nullopt;
  }
  const auto dtype = dtype_of_numpy_code(type.arguments[0].as_string());
  if (!dtype) return std::nullopt;
  if (type.state.is_none()) return ElementType{*dtype, false};
  if (type.state.kind() != Kind::tuple) return std::nullopt;
  const std::vector<Value>& state = type.state.as_tuple();
  if (state.size() < 5 || state[1].kind() != Kind::string || !state[2].is_none() ||
      !state[3].is_none() || !state[4].is_none()) {
    return std::nullopt;
  }
  return ElementType{*dtype, state[1].as_string() == ">"};
}

// Python 2 has one type for bytes and text: what happens to be UTF-8 was read as text.
std::optional<std::string_view> bytes_in(const Value& value) {
  switch (value.kind()) {
    case Kind::bytes: return value.as_bytes().data;
    case Kind::byte_array: return value.as_byte_array();
    case Kind::string: return value.as_string();
    default: return std::nullopt;
  }
}

std::optional<Dims> shape_in(const Value& value) {
  if (value.kind() != Kind::tuple) return std::nullopt;
  Dims shape;
  for (const Value& size : value.as_tuple()) {
    if (size.kind() != Kind::integer || size.as_int() < 0) return std::nullopt;
    shape.push_back(size.as_int());
  }
  return shape;
}

std::optional<Tensor> make_tensor(const std::optional<ElementType>& type, std::optional<Dims> shape,
                                  bool fortran, std::optional<std::string_view> bytes) {
  if (!type || !shape || !bytes) return std::nullopt;
  if (fortran) std::reverse(shape->begin(), shape->end());
  try {
    const auto count = static_cast<std::uint64_t>(element_count(*shape));
    const std::size_t size = size_of(type->dtype);
    if (bytes->size() % size != 0 || bytes->size() / size != count) return std::nullopt;
    TensorFiller filler(type->dtype, *shape, kCpu, type->big_endian);
    filler.append(*bytes);
    Tensor stored = filler.finish();
    if (!fortran || stored.dim() < 2) return stored;
    // In Fortran's order the elements are those of the array with its dimensions reversed.
    Dims order;
    for (std::int64_t dim = stored.dim(); dim-- > 0;) order.push_back(dim);
    return stored.permute(order);
  } catch (const ShapeError&) {
    return std::nullopt;  // sizes that overflow
  }
}

Value number_in(const Tensor& scalar) {
  const DType dtype = scalar.dtype();
  if (dtype == DType::boolean) return *scalar.to(DType::uint8).data<std::uint8_t>() != 0;
  if (is_complex(dtype)) {
    return *scalar.to(DType::complex128).data<std::complex<double>>();
  }
  if (is_floating_point(dtype)) return *scalar.to(DType::float64).data<double>();
  if (dtype != DType::uint64) return *scalar.to(DType::int64).data<std::int64_t>();
  std::string bytes(static_cast<const char*>(scalar.raw()), sizeof(std::uint64_t));
  return BigInteger::from_bytes(bytes + '\0');  // above 2^63 it is no negative number
}

// scalar(dtype, bytes)
std::optional<Value> make_number(std::span<const Value> arguments) {
  if (arguments.size() != 2) return std::nullopt;
  const auto tensor =
      make_tensor(element_type(arguments[0]), Dims{}, false, bytes_in(arguments[1]));
  if (!tensor) return std::nullopt;
  return number_in(*tensor);
}

// _frombuffer(buffer, dtype, shape, order)
std::optional<Value> make_from_buffer(std::span<const Value> arguments) {
  if (arguments.size() != 4 || arguments[3].kind() != Kind::string) return std::nullopt;
  const std::string& order = arguments[3].as_string();
  if (order != "C" && order != "F") return std::nullopt;
  auto tensor = make_tensor(element_type(arguments[1]), shape_in(arguments[2]), order == "F",
                            bytes_in(arguments[0]));
  if (!tensor) return std::nullopt;
  return *std::move(tensor);
}

}  // namespace

bool is_numpy_reconstruct(std::string_view type) {
  return is_core(type, "multiarray._reconstruct");
}

bool is_numpy_array_class(std::string_view type) {
  return std::ranges::find(kArrayClasses, type) != kArrayClasses.end();
}

std::optional<Value> call_numpy(std::string_view function, std::span<const Value> arguments) {
  if (is_core(function, "multiarray.scalar")) return make_number(arguments);
  if (is_core(function, "numeric._frombuffer")) return make_from_buffer(arguments);
  return std::nullopt;
}

std::optional<Tensor> numpy_array(const Value& state) {
  if (state.kind() != Kind::tuple) return std::nullopt;
  std::span<const Value> items = state.as_tuple();
  if (items.size() == 5) items = items.subspan(1);  // before it stands the version
  if (items.size() != 4) return std::nullopt;
  const bool fortran = items[2].kind() == Kind::boolean   ? items[2].as_bool()
                       : items[2].kind() == Kind::integer ? items[2].as_int() != 0
                                                          : false;
  return make_tensor(element_type(items[1]), shape_in(items[0]), fortran, bytes_in(items[3]));
}

}  // namespace wick
