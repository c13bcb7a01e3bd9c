/* SPDX-License-Identifier: MIT
 * Tensors: a dtype, a shape and strides over memory that several may share. See wick.h.
 */
#pragma once

#include "wick/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -- Creation ------------------------------------------------------------------------------- */

/* `shape` has `dims` sizes and may be NULL for none: a tensor of one element. `device` NULL is
 * "cpu". The elements of an empty tensor are whatever is there. */
WICK_C_API wick_status wick_tensor_empty(const int64_t* shape, size_t dims, wick_dtype dtype,
                                         const char* device, wick_tensor** result);
WICK_C_API wick_status wick_tensor_full(const int64_t* shape, size_t dims, double value,
                                        wick_dtype dtype, const char* device, wick_tensor** result);
/* A tensor on the CPU with a copy of elements that lie in row-major order. `bytes` must be those of
 * the shape: WICK_ERROR_SHAPE where they are not. */
WICK_C_API wick_status wick_tensor_copy_of(const void* data, size_t bytes, const int64_t* shape,
                                           size_t dims, wick_dtype dtype, wick_tensor** result);

/* Called once, when the last that uses foreign memory is gone: a handle, a view of it, a module
 * that has saved it for its backward pass. That may happen in any thread, and in several at once
 * for several memories. For memory of a CUDA device, wick waits for that thread's work there. It
 * has nowhere to report an error to: what a C++ function throws is dropped. */
typedef void (*wick_release)(void* context);

/* A tensor over the caller's own memory, on the CPU or, with `device` "cuda:0", on that device.
 * `strides`, in elements, may be NULL: row-major. They are not negative, and the memory holds all
 * that they reach. wick writes to the memory where the tensor is written to.
 *
 * `release` is called with `context` when the memory is needed no more; it may be NULL for memory
 * that outlives every use. A call that fails does not call it, and leaves the memory the caller's.
 *
 * WICK_ERROR_VALUE for an address that is not aligned to the dtype's elements. */
WICK_C_API wick_status wick_tensor_from_memory(void* data, const int64_t* shape,
                                               const int64_t* strides, size_t dims,
                                               wick_dtype dtype, const char* device,
                                               wick_release release, void* context,
                                               wick_tensor** result);

/* -- DLPack (https://dmlc.github.io/dlpack), both ways, without a copy ------------------------- */

struct DLManagedTensor;
struct DLManagedTensorVersioned;

/* Takes over what another library gives; its deleter is called as wick_release is. A call that
 * fails leaves it the caller's. Memory of the host that CUDA has pinned is on the CPU here.
 *
 * WICK_ERROR_VALUE where the memory is read-only (this interface has no read-only tensors: copy
 * it), for a version of DLPack other than 1.x and a negative stride; WICK_ERROR_DTYPE for a dtype
 * with lanes or one that wick lacks; WICK_ERROR_DEVICE for a device that wick does not drive. */
WICK_C_API wick_status wick_tensor_from_dlpack(struct DLManagedTensor* managed,
                                               wick_tensor** result);
WICK_C_API wick_status wick_tensor_from_dlpack_versioned(struct DLManagedTensorVersioned* managed,
                                                         wick_tensor** result);
/* The memory lives until the receiver calls `(*result)->deleter(*result)`. WICK_ERROR_DTYPE for the
 * dtypes that DLPack 1.1 lacks: complex32 and the opaque ones. */
WICK_C_API wick_status wick_tensor_to_dlpack(wick_tensor* tensor, struct DLManagedTensor** result);
WICK_C_API wick_status wick_tensor_to_dlpack_versioned(wick_tensor* tensor,
                                                       struct DLManagedTensorVersioned** result);

/* -- What it is ----------------------------------------------------------------------------- */

/* `*shape` has `*dims` sizes; so have the strides, which are in elements. `dims` may be NULL. */
WICK_C_API wick_status wick_tensor_shape(wick_tensor* tensor, const int64_t** shape, size_t* dims);
WICK_C_API wick_status wick_tensor_strides(wick_tensor* tensor, const int64_t** strides,
                                           size_t* dims);
WICK_C_API wick_status wick_tensor_dtype(wick_tensor* tensor, wick_dtype* dtype);
WICK_C_API wick_status wick_tensor_numel(wick_tensor* tensor, int64_t* count);
WICK_C_API wick_status wick_tensor_device(wick_tensor* tensor, wick_device_type* type, int* index);
WICK_C_API wick_status wick_tensor_is_contiguous(wick_tensor* tensor, int* contiguous);
/* PyTorch's flag, which files keep. */
WICK_C_API wick_status wick_tensor_requires_grad(wick_tensor* tensor, int* requires_grad);
/* The address of the first element, in the device's memory. Whoever writes there calls
 * wick_tensor_written() before wick uses the tensor again. */
WICK_C_API wick_status wick_tensor_data(wick_tensor* tensor, void** data);
/* Tells wick that the memory was written to behind its back, so that what it has derived from
 * weights, or saved for a backward pass, is not used with them any more. */
WICK_C_API wick_status wick_tensor_written(wick_tensor* tensor);

/* -- Elements ------------------------------------------------------------------------------- */

/* All elements in row-major order, from or to the host, whatever the layout and the device. `bytes`
 * must be those of the elements: WICK_ERROR_SHAPE where they are not. */
WICK_C_API wick_status wick_tensor_read(wick_tensor* tensor, void* host, size_t bytes);
WICK_C_API wick_status wick_tensor_write(wick_tensor* tensor, const void* host, size_t bytes);
/* The only element as a double; WICK_ERROR_SHAPE where there are more or none. */
WICK_C_API wick_status wick_tensor_item(wick_tensor* tensor, double* value);
/* Copies all elements of `source`, of the same shape and any dtype and device. */
WICK_C_API wick_status wick_tensor_copy(wick_tensor* tensor, wick_tensor* source);
WICK_C_API wick_status wick_tensor_fill(wick_tensor* tensor, double value);
/* tensor.uniform_(low, high, generator=...) and normal_(mean, deviation, generator=...). */
WICK_C_API wick_status wick_tensor_uniform(wick_tensor* tensor, double low, double high,
                                           wick_generator* generator);
WICK_C_API wick_status wick_tensor_normal(wick_tensor* tensor, double mean, double deviation,
                                          wick_generator* generator);
/* Whether dtype, shape and all bits are the same. */
WICK_C_API wick_status wick_tensor_equal(wick_tensor* a, wick_tensor* b, int* equal);

/* -- Views, which share the memory ------------------------------------------------------------ */

/* A second handle of the same tensor. */
WICK_C_API wick_status wick_tensor_alias(wick_tensor* tensor, wick_tensor** result);
/* A view where the strides allow it, else a copy; one size may be -1. */
WICK_C_API wick_status wick_tensor_reshape(wick_tensor* tensor, const int64_t* shape, size_t dims,
                                           wick_tensor** result);
/* Elements [start, stop) of a dimension, each step-th, as in Python; INT64_MAX is the end. */
WICK_C_API wick_status wick_tensor_slice(wick_tensor* tensor, int64_t dim, int64_t start,
                                         int64_t stop, int64_t step, wick_tensor** result);
/* One position of a dimension, which goes away. */
WICK_C_API wick_status wick_tensor_select(wick_tensor* tensor, int64_t dim, int64_t index,
                                          wick_tensor** result);
/* The dimensions in another order. */
WICK_C_API wick_status wick_tensor_permute(wick_tensor* tensor, const int64_t* order, size_t dims,
                                           wick_tensor** result);

/* -- Copies: the first three give the tensor itself where it is so already -------------------- */

WICK_C_API wick_status wick_tensor_contiguous(wick_tensor* tensor, wick_tensor** result);
WICK_C_API wick_status wick_tensor_to_dtype(wick_tensor* tensor, wick_dtype dtype,
                                            wick_tensor** result);
WICK_C_API wick_status wick_tensor_to_device(wick_tensor* tensor, const char* device,
                                             wick_tensor** result);
WICK_C_API wick_status wick_tensor_clone(wick_tensor* tensor, wick_tensor** result);

#ifdef __cplusplus
}
#endif
