// SPDX-License-Identifier: MIT
// The library as a whole, its dtypes, and its generators.
#include <string>

#include "bindings/c/objects.h"
#include "wick/c/base.h"
#include "wick/core/backend.h"
#include "wick/core/version.h"
#include "wick/kernels/cuda_stream.h"
#include "wick/kernels/devices.h"

namespace {

using namespace wick;
using namespace wick::c;

// The numbers of base.h are those of the enumerator; tests/bindings/tensor_test.c compares all of
// them by name.
static_assert(WICK_FLOAT32 == static_cast<int>(DType::float32));
static_assert(WICK_BOOL == static_cast<int>(DType::boolean));
static_assert(WICK_COMPLEX128 == static_cast<int>(DType::complex128));
static_assert(WICK_BCOMPLEX32 == static_cast<int>(DType::bcomplex32));
static_assert(WICK_BCOMPLEX32 + 1 == kDTypeCount);
static_assert(WICK_CUDA == static_cast<int>(DeviceType::cuda));
static_assert(WICK_META == static_cast<int>(DeviceType::meta));

}  // namespace

const char* wick_status_name(wick_status status) {
  switch (status) {
    case WICK_OK: return "WICK_OK";
    case WICK_ERROR_SHAPE: return "WICK_ERROR_SHAPE";
    case WICK_ERROR_DTYPE: return "WICK_ERROR_DTYPE";
    case WICK_ERROR_DEVICE: return "WICK_ERROR_DEVICE";
    case WICK_ERROR_OUT_OF_MEMORY: return "WICK_ERROR_OUT_OF_MEMORY";
    case WICK_ERROR_INDEX: return "WICK_ERROR_INDEX";
    case WICK_ERROR_VALUE: return "WICK_ERROR_VALUE";
    case WICK_ERROR_STATE_DICT: return "WICK_ERROR_STATE_DICT";
    case WICK_ERROR_FORMAT: return "WICK_ERROR_FORMAT";
    case WICK_ERROR_IO: return "WICK_ERROR_IO";
    case WICK_ERROR_HANDLE: return "WICK_ERROR_HANDLE";
    case WICK_ERROR_ARGUMENT: return "WICK_ERROR_ARGUMENT";
    case WICK_ERROR_BUSY: return "WICK_ERROR_BUSY";
    case WICK_ERROR_INTERNAL: return "WICK_ERROR_INTERNAL";
    default: return "a status of the caller's";
  }
}

wick_status wick_free(void* handle) {
  if (handle == nullptr) return WICK_OK;
  return call(__func__, [&] { Registry::instance().free(handle); });
}

size_t wick_live_handles() {
  return Registry::instance().live();
}

const char* wick_version() {
  return version().data();  // of a literal
}

int wick_abi_version() {
  return WICK_ABI_VERSION;
}

wick_status wick_set_num_threads(int count) {
  return call(__func__, [&] { set_num_threads(count); });
}

int wick_num_threads() {
  return num_threads();
}

int wick_cuda_device_count() {
  return cuda_device_count();
}

wick_status wick_synchronize(const char* device) {
  return call(__func__, [&] { backend_for(device_of(device)).synchronize(); });
}

wick_status wick_cuda_stream(int device_index, void** stream) {
  return call(__func__, [&] {
    *require(stream, "stream") = nullptr;
    *stream = current_cuda_stream({DeviceType::cuda, device_index});
  });
}

wick_status wick_dtype_name(wick_dtype dtype, const char** result) {
  return call(__func__, [&] {
    require(result, "name");
    *result = name(dtype_of_number(dtype)).data();  // of a literal
  });
}

wick_status wick_dtype_from_name(const char* text, wick_dtype* dtype) {
  return call(__func__, [&] {
    require(dtype, "dtype");
    const auto found = dtype_from_name(require(text, "name"));
    if (!found) throw ValueError(concat("there is no dtype \"", text, "\""));
    *dtype = static_cast<wick_dtype>(*found);
  });
}

wick_status wick_dtype_size(wick_dtype dtype, size_t* bytes) {
  return call(__func__, [&] { *require(bytes, "bytes") = size_of(dtype_of_number(dtype)); });
}

wick_status wick_generator_create(uint64_t seed, const char* device, wick_generator** result) {
  return call(__func__, [&] {
    const Result<GeneratorEntry> to(result);
    to = std::make_unique<GeneratorEntry>(std::make_shared<Generator>(device_of(device), seed));
  });
}

wick_status wick_manual_seed(uint64_t seed) {
  return call(__func__, [&] { manual_seed(seed); });
}

wick_status wick_generator_seed(wick_generator* generator, uint64_t seed) {
  return call(__func__, [&] {
    Pinned<GeneratorEntry>(generator, "generator")->generator->manual_seed(seed);
  });
}

wick_status wick_generator_get_state(wick_generator* generator, wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    put(to, Pinned<GeneratorEntry>(generator, "generator")->generator->get_state());
  });
}

wick_status wick_generator_set_state(wick_generator* generator, wick_tensor* state) {
  return call(__func__, [&] {
    const Pinned<GeneratorEntry> of(generator, "generator");
    of->generator->set_state(Pinned<TensorEntry>(state, "state")->tensor);
  });
}

wick_status wick_generator_randperm(wick_generator* generator, int64_t count,
                                    wick_tensor** result) {
  return call(__func__, [&] {
    const Result<TensorEntry> to(result);
    put(to, Pinned<GeneratorEntry>(generator, "generator")->generator->randperm(count));
  });
}
