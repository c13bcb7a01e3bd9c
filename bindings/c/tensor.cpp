// SPDX-License-Identifier: MIT
#include "wick/c/tensor.h"

#include <memory>

#include "bindings/c/foreign_memory.h"
#include "bindings/c/objects.h"
#include "wick/core/backend.h"

namespace {

using namespace wick;
using namespace wick::c;

using Use1 = Pinned<TensorEntry>;

// Makes a tensor of another one.
template <typename Work>
wick_status derive(const char* function, wick_tensor* tensor, wick_tensor** result, Work&& work) {
  return call(function, [&] {
    const Result<TensorEntry> to(result);
    put(to, work(Use1(tensor, "tensor")->tensor));
  });
}

// Reads a property.
template <typename T, typename Work>
wick_status ask(const char* function, wick_tensor* tensor, T* result, const char* argument,
                Work&& work) {
  return call(function, [&] {
    require(result, argument);
    *result = work(Use1(tensor, "tensor")->tensor);
  });
}

wick_status dims_out(const char* function, wick_tensor* tensor, const int64_t** values,
                     const char* argument, size_t* count, const Dims& (Tensor::*get)() const) {
  return call(function, [&] {
    require(values, argument);
    const Use1 of(tensor, "tensor");
    const Dims& dims = (of->tensor.*get)();
    *values = dims.data();
    if (count != nullptr) *count = dims.size();
  });
}

// The caller's memory as a tensor of the CPU, in row-major order, while a call lasts.
template <typename Memory>
Tensor host_tensor(Memory* host, size_t bytes, const Tensor& like) {
  if (bytes != like.nbytes()) {
    throw ShapeError(
        concat(like, " has ", like.nbytes(), " bytes of elements, and 'bytes' is ", bytes));
  }
  if (bytes != 0) require(host, "host");
  require_usable(host, like.dtype(), kCpu);
  return Tensor::from_blob(host, like.shape(), like.dtype());
}

}  // namespace

wick_status wick_tensor_empty(const int64_t* shape, size_t dims, wick_dtype dtype,
                              const char* device, wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    put(to,
        Tensor::empty(dims_of(shape, dims, "shape"), dtype_of_number(dtype), device_of(device)));
  });
}

wick_status wick_tensor_full(const int64_t* shape, size_t dims, double value, wick_dtype dtype,
                             const char* device, wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    put(to, Tensor::full(dims_of(shape, dims, "shape"), value, dtype_of_number(dtype),
                         device_of(device)));
  });
}

wick_status wick_tensor_copy_of(const void* data, size_t bytes, const int64_t* shape, size_t dims,
                                wick_dtype dtype, wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    const Dims sizes = dims_of(shape, dims, "shape");
    // The count before the memory: what is asked for by mistake may be large.
    const Tensor described = Tensor::empty(sizes, dtype_of_number(dtype), kMeta);
    const Tensor source = host_tensor(data, bytes, described);
    put(to, source.clone());
  });
}

wick_status wick_tensor_shape(wick_tensor* tensor, const int64_t** shape, size_t* dims) {
  return dims_out(__func__, tensor, shape, "shape", dims, &Tensor::shape);
}

wick_status wick_tensor_strides(wick_tensor* tensor, const int64_t** strides, size_t* dims) {
  return dims_out(__func__, tensor, strides, "strides", dims, &Tensor::strides);
}

wick_status wick_tensor_dtype(wick_tensor* tensor, wick_dtype* dtype) {
  return ask(__func__, tensor, dtype, "dtype",
             [](const Tensor& t) { return static_cast<wick_dtype>(t.dtype()); });
}

wick_status wick_tensor_numel(wick_tensor* tensor, int64_t* count) {
  return ask(__func__, tensor, count, "count", [](const Tensor& t) { return t.numel(); });
}

wick_status wick_tensor_device(wick_tensor* tensor, wick_device_type* type, int* index) {
  return call(__func__, [&] {
    require(type, "type");
    const Device device = Use1(tensor, "tensor")->tensor.device();
    *type = static_cast<wick_device_type>(device.type);
    if (index != nullptr) *index = device.index;
  });
}

wick_status wick_tensor_is_contiguous(wick_tensor* tensor, int* contiguous) {
  return ask(__func__, tensor, contiguous, "contiguous",
             [](const Tensor& t) { return t.is_contiguous() ? 1 : 0; });
}

wick_status wick_tensor_requires_grad(wick_tensor* tensor, int* requires_grad) {
  return ask(__func__, tensor, requires_grad, "requires_grad",
             [](const Tensor& t) { return t.requires_grad() ? 1 : 0; });
}

wick_status wick_tensor_data(wick_tensor* tensor, void** data) {
  return ask(__func__, tensor, data, "data", [](const Tensor& t) { return t.raw(); });
}

wick_status wick_tensor_written(wick_tensor* tensor) {
  return call(__func__, [&] { Use1(tensor, "tensor")->tensor.storage()->bump_version(); });
}

wick_status wick_tensor_read(wick_tensor* tensor, void* host, size_t bytes) {
  return call(__func__, [&] {
    const Use1 from(tensor, "tensor");
    host_tensor(host, bytes, from->tensor).copy_(from->tensor);
  });
}

wick_status wick_tensor_write(wick_tensor* tensor, const void* host, size_t bytes) {
  return call(__func__, [&] {
    const Use1 to(tensor, "tensor");
    to->tensor.copy_(host_tensor(host, bytes, to->tensor));
  });
}

wick_status wick_tensor_item(wick_tensor* tensor, double* value) {
  return ask(__func__, tensor, value, "value", [](const Tensor& t) {
    if (t.numel() != 1) throw ShapeError(concat(t, " has not exactly one element"));
    return t.to(kCpu).to(DType::float64).item<double>();
  });
}

wick_status wick_tensor_copy(wick_tensor* tensor, wick_tensor* source) {
  return call(__func__, [&] {
    const Use1 from(source, "source");
    Use1(tensor, "tensor")->tensor.copy_(from->tensor);
  });
}

wick_status wick_tensor_fill(wick_tensor* tensor, double value) {
  return call(__func__, [&] { Use1(tensor, "tensor")->tensor.fill_(value); });
}

wick_status wick_tensor_uniform(wick_tensor* tensor, double low, double high,
                                wick_generator* generator) {
  return call(__func__, [&] {
    const Pinned<GeneratorEntry> of(generator, "generator");
    Use1(tensor, "tensor")->tensor.uniform_(low, high, *of->generator);
  });
}

wick_status wick_tensor_normal(wick_tensor* tensor, double mean, double deviation,
                               wick_generator* generator) {
  return call(__func__, [&] {
    const Pinned<GeneratorEntry> of(generator, "generator");
    Use1(tensor, "tensor")->tensor.normal_(mean, deviation, *of->generator);
  });
}

wick_status wick_tensor_equal(wick_tensor* a, wick_tensor* b, int* equal) {
  return call(__func__, [&] {
    require(equal, "equal");
    const Use1 first(a, "a");
    const Use1 second(b, "b");
    *equal = bitwise_equal(first->tensor, second->tensor) ? 1 : 0;
  });
}

wick_status wick_tensor_alias(wick_tensor* tensor, wick_tensor** result) {
  return derive(__func__, tensor, result, [](const Tensor& t) { return t; });
}

wick_status wick_tensor_reshape(wick_tensor* tensor, const int64_t* shape, size_t dims,
                                wick_tensor** result) {
  return derive(__func__, tensor, result,
                [&](const Tensor& t) { return t.reshape(dims_of(shape, dims, "shape")); });
}

wick_status wick_tensor_slice(wick_tensor* tensor, int64_t dim, int64_t start, int64_t stop,
                              int64_t step, wick_tensor** result) {
  return derive(__func__, tensor, result,
                [&](const Tensor& t) { return t.slice(dim, start, stop, step); });
}

wick_status wick_tensor_select(wick_tensor* tensor, int64_t dim, int64_t index,
                               wick_tensor** result) {
  return derive(__func__, tensor, result, [&](const Tensor& t) { return t.select(dim, index); });
}

wick_status wick_tensor_permute(wick_tensor* tensor, const int64_t* order, size_t dims,
                                wick_tensor** result) {
  return derive(__func__, tensor, result,
                [&](const Tensor& t) { return t.permute(dims_of(order, dims, "order")); });
}

wick_status wick_tensor_contiguous(wick_tensor* tensor, wick_tensor** result) {
  return derive(__func__, tensor, result, [](const Tensor& t) { return t.contiguous(); });
}

wick_status wick_tensor_to_dtype(wick_tensor* tensor, wick_dtype dtype, wick_tensor** result) {
  return derive(__func__, tensor, result,
                [&](const Tensor& t) { return t.to(dtype_of_number(dtype)); });
}

wick_status wick_tensor_to_device(wick_tensor* tensor, const char* device, wick_tensor** result) {
  return derive(__func__, tensor, result, [&](const Tensor& t) { return t.to(device_of(device)); });
}

wick_status wick_tensor_clone(wick_tensor* tensor, wick_tensor** result) {
  return derive(__func__, tensor, result, [](const Tensor& t) { return t.clone(); });
}
