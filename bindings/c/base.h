/* SPDX-License-Identifier: MIT
 * What all of the C interface shares: statuses, messages, handles, dtypes, devices. See wick.h.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What a shared wick exports. */
#define WICK_C_API __attribute__((visibility("default")))

/* Grows by one when something that was here is changed or taken away. */
#define WICK_ABI_VERSION 1

#ifdef __cplusplus
extern "C" {
#endif

/* -- Statuses ------------------------------------------------------------------------------- */

/* One of the numbers below, or a negative one that a callback has returned. */
typedef int32_t wick_status;
enum {
  WICK_OK = 0,
  WICK_ERROR_SHAPE = 1,         /* shapes or strides that do not fit */
  WICK_ERROR_DTYPE = 2,         /* a dtype that the operation does not take */
  WICK_ERROR_DEVICE = 3,        /* no such device, or operands on different ones */
  WICK_ERROR_OUT_OF_MEMORY = 4, /* of a device or of the host */
  WICK_ERROR_INDEX = 5,         /* an index, label or dimension outside its range */
  WICK_ERROR_VALUE = 6,         /* an argument or option outside its domain */
  WICK_ERROR_STATE_DICT = 7,    /* a state that does not fit what it is loaded into */
  WICK_ERROR_FORMAT = 8,        /* a file that is damaged, or holds what is not admitted */
  WICK_ERROR_IO = 9,            /* the system refused to open, read, write or rename */
  WICK_ERROR_HANDLE = 10,       /* NULL, freed, of another kind, or no handle at all */
  WICK_ERROR_ARGUMENT = 11,     /* NULL for a pointer that must not be */
  WICK_ERROR_BUSY = 12,         /* another thread, or an outer call, is using the object */
  WICK_ERROR_INTERNAL = 13      /* an exception of another library's, such as a C++ callback's */
};

/* What went wrong in this thread's last call that failed; "" before any. It names the function, the
 * offending values, and what to do. Valid until this thread's next failure. Never NULL. */
WICK_C_API const char* wick_message(void);
/* For callbacks: the message of the status that they are about to return. NULL counts as "". */
WICK_C_API void wick_set_message(const char* message);
/* "WICK_ERROR_SHAPE"; "a status of the caller's" for other numbers. Valid for ever. */
WICK_C_API const char* wick_status_name(wick_status status);

/* -- Handles -------------------------------------------------------------------------------- */

typedef struct wick_tensor wick_tensor;
typedef struct wick_value wick_value;
typedef struct wick_module wick_module;
typedef struct wick_loss wick_loss;
typedef struct wick_optimizer wick_optimizer;
typedef struct wick_generator wick_generator;
typedef struct wick_plan wick_plan;

/* Frees a handle of any kind; NULL is nothing to do. What others still use lives on: a tensor's
 * memory, a parameter that an optimizer has, an object that a call in another thread is inside of.
 * A second time returns WICK_ERROR_HANDLE. */
WICK_C_API wick_status wick_free(void* handle);
/* The handles that have not been freed: for tests that look for leaks. */
WICK_C_API size_t wick_live_handles(void);

/* -- The library ---------------------------------------------------------------------------- */

/* "0.1.0". */
WICK_C_API const char* wick_version(void);
/* WICK_ABI_VERSION of the library; a program compares it with that of its headers. */
WICK_C_API int wick_abi_version(void);
/* The threads that operations on the CPU use, 1 at the start. Results do not depend on it. Not to
 * be changed while operations run. */
WICK_C_API wick_status wick_set_num_threads(int count);
WICK_C_API int wick_num_threads(void);
/* The CUDA devices that this build can drive here. */
WICK_C_API int wick_cuda_device_count(void);
/* Waits until what this thread has given to the device ("cpu", "cuda:0") is done. */
WICK_C_API wick_status wick_synchronize(const char* device);
/* The cudaStream_t in which this thread's work on the device runs. */
WICK_C_API wick_status wick_cuda_stream(int device_index, void** stream);

/* -- Dtypes and devices --------------------------------------------------------------------- */

/* PyTorch's dtypes. Those from WICK_INT1 on are opaque: carried, not computed with. */
typedef int32_t wick_dtype;
enum {
  WICK_FLOAT32 = 0,
  WICK_FLOAT64 = 1,
  WICK_FLOAT16 = 2,
  WICK_BFLOAT16 = 3,
  WICK_FLOAT8_E4M3FN = 4,
  WICK_FLOAT8_E5M2 = 5,
  WICK_FLOAT8_E4M3FNUZ = 6,
  WICK_FLOAT8_E5M2FNUZ = 7,
  WICK_FLOAT8_E8M0FNU = 8,
  WICK_UINT8 = 9,
  WICK_INT8 = 10,
  WICK_INT16 = 11,
  WICK_INT32 = 12,
  WICK_INT64 = 13,
  WICK_UINT16 = 14,
  WICK_UINT32 = 15,
  WICK_UINT64 = 16,
  WICK_BOOL = 17, /* one byte, 0 or 1 */
  WICK_COMPLEX32 = 18,
  WICK_COMPLEX64 = 19,
  WICK_COMPLEX128 = 20,
  WICK_INT1 = 21,
  WICK_INT2 = 22,
  WICK_INT3 = 23,
  WICK_INT4 = 24,
  WICK_INT5 = 25,
  WICK_INT6 = 26,
  WICK_INT7 = 27,
  WICK_UINT1 = 28,
  WICK_UINT2 = 29,
  WICK_UINT3 = 30,
  WICK_UINT4 = 31,
  WICK_UINT5 = 32,
  WICK_UINT6 = 33,
  WICK_UINT7 = 34,
  WICK_BITS1X8 = 35,
  WICK_BITS2X4 = 36,
  WICK_BITS4X2 = 37,
  WICK_BITS8 = 38,
  WICK_BITS16 = 39,
  WICK_FLOAT4_E2M1FN_X2 = 40,
  WICK_BCOMPLEX32 = 41
};
/* "float32", as PyTorch prints it behind "torch."; valid for ever. */
WICK_C_API wick_status wick_dtype_name(wick_dtype dtype, const char** name);
/* The inverse. WICK_ERROR_VALUE for another text. */
WICK_C_API wick_status wick_dtype_from_name(const char* name, wick_dtype* dtype);
/* Bytes of an element. */
WICK_C_API wick_status wick_dtype_size(wick_dtype dtype, size_t* bytes);

/* Where a tensor is. Functions that take a device take its name: "cpu", "cuda", "cuda:1", "meta".
 */
typedef int32_t wick_device_type;
enum { WICK_CPU = 0, WICK_CUDA = 1, WICK_META = 2 };

/* -- Generators ----------------------------------------------------------------------------- */

/* torch.Generator(device).manual_seed(seed): the same numbers. `device` NULL is "cpu". */
WICK_C_API wick_status wick_generator_create(uint64_t seed, const char* device,
                                             wick_generator** result);
/* torch.manual_seed: of what draws where no generator is given, the weights of new layers. Without
 * it, they are other ones in each run. */
WICK_C_API wick_status wick_manual_seed(uint64_t seed);
WICK_C_API wick_status wick_generator_seed(wick_generator* generator, uint64_t seed);
/* The bytes of torch's generator.get_state(), as a uint8 tensor, and the inverse. */
WICK_C_API wick_status wick_generator_get_state(wick_generator* generator, wick_tensor** result);
WICK_C_API wick_status wick_generator_set_state(wick_generator* generator, wick_tensor* state);
/* torch.randperm: an int64 tensor. */
WICK_C_API wick_status wick_generator_randperm(wick_generator* generator, int64_t count,
                                               wick_tensor** result);

#ifdef __cplusplus
}
#endif
