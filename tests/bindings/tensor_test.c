/* SPDX-License-Identifier: MIT
 * Tensors, dtypes, generators and the library as a whole, from C.
 */
#include <stdlib.h>

#include "tests/bindings/check.h"

static int released = 0;

static void release(void* context) {
  free(context);
  ++released;
}

static void library(void) {
  const char* name = NULL;
  size_t bytes = 0;
  wick_dtype dtype = -1;
  CHECK(strcmp(wick_version(), "0.") > 0);
  CHECK(wick_abi_version() == WICK_ABI_VERSION);
  CHECK(wick_cuda_device_count() >= 0);
  OK(wick_set_num_threads(2));
  CHECK(wick_num_threads() >= 1);
  OK(wick_set_num_threads(1));
  FAILS(wick_set_num_threads(0), WICK_ERROR_VALUE, "wick_set_num_threads: ");
  OK(wick_synchronize("cpu"));
  FAILS(wick_synchronize("tpu"), WICK_ERROR_DEVICE, "tpu");
  {
    void* stream = &bytes;
    if (wick_cuda_device_count() == 0) {
      FAILS(wick_cuda_stream(0, &stream), WICK_ERROR_DEVICE, "wick_cuda_stream: ");
      CHECK(stream == NULL);
    }
  }
  OK(wick_dtype_name(WICK_BFLOAT16, &name));
  CHECK(strcmp(name, "bfloat16") == 0);
  OK(wick_dtype_from_name("complex128", &dtype));
  CHECK(dtype == WICK_COMPLEX128);
  FAILS(wick_dtype_from_name("float31", &dtype), WICK_ERROR_VALUE, "float31");
  OK(wick_dtype_size(WICK_FLOAT64, &bytes));
  CHECK(bytes == 8);
  FAILS(wick_dtype_name(99, &name), WICK_ERROR_DTYPE, "99");
  /* Messages stay until the next failure, and callbacks set their own. */
  wick_set_message("mine");
  OK(wick_dtype_size(WICK_INT8, &bytes));
  CHECK(strcmp(wick_message(), "mine") == 0);
  wick_set_message(NULL);
  CHECK(strcmp(wick_message(), "") == 0);
  CHECK(strcmp(wick_status_name(WICK_ERROR_BUSY), "WICK_ERROR_BUSY") == 0);
  CHECK(strcmp(wick_status_name(-5), "a status of the caller's") == 0);
}

/* The numbers of the enumerators are those that programs were compiled with. */
static void numbers(void) {
  static const char* const kNames[] = {"float32",
                                       "float64",
                                       "float16",
                                       "bfloat16",
                                       "float8_e4m3fn",
                                       "float8_e5m2",
                                       "float8_e4m3fnuz",
                                       "float8_e5m2fnuz",
                                       "float8_e8m0fnu",
                                       "uint8",
                                       "int8",
                                       "int16",
                                       "int32",
                                       "int64",
                                       "uint16",
                                       "uint32",
                                       "uint64",
                                       "bool",
                                       "complex32",
                                       "complex64",
                                       "complex128",
                                       "int1",
                                       "int2",
                                       "int3",
                                       "int4",
                                       "int5",
                                       "int6",
                                       "int7",
                                       "uint1",
                                       "uint2",
                                       "uint3",
                                       "uint4",
                                       "uint5",
                                       "uint6",
                                       "uint7",
                                       "bits1x8",
                                       "bits2x4",
                                       "bits4x2",
                                       "bits8",
                                       "bits16",
                                       "float4_e2m1fn_x2",
                                       "bcomplex32"};
  wick_dtype i;
  for (i = 0; i < (wick_dtype)(sizeof kNames / sizeof kNames[0]); ++i) {
    const char* name = "";
    OK(wick_dtype_name(i, &name));
    if (strcmp(name, kNames[i]) != 0) printf("%d is %s, not %s\n", (int)i, name, kNames[i]);
    CHECK(strcmp(name, kNames[i]) == 0);
  }
  CHECK(WICK_BCOMPLEX32 == 41 && WICK_INT64 == 13 && WICK_BOOL == 17);
}

static void elements(void) {
  const int64_t shape[2] = {2, 3};
  const float values[6] = {0.0F, 1.0F, 2.0F, 3.0F, 4.0F, 5.0F};
  const int64_t order[2] = {1, 0};
  const int64_t flat[1] = {-1};
  float back[6] = {0};
  const int64_t* sizes = NULL;
  const int64_t* strides = NULL;
  size_t dims = 0;
  wick_tensor *a = NULL, *b = NULL, *c = NULL;
  wick_dtype dtype = -1;
  wick_device_type device = -1;
  int64_t count = 0;
  int flag = -1, device_index = -1;
  double item = 0.0;
  void* data = NULL;

  OK(wick_tensor_copy_of(values, sizeof values, shape, 2, WICK_FLOAT32, &a));
  OK(wick_tensor_shape(a, &sizes, &dims));
  CHECK(dims == 2 && sizes[0] == 2 && sizes[1] == 3);
  OK(wick_tensor_strides(a, &strides, NULL));
  CHECK(strides[0] == 3 && strides[1] == 1);
  OK(wick_tensor_dtype(a, &dtype));
  CHECK(dtype == WICK_FLOAT32);
  OK(wick_tensor_numel(a, &count));
  CHECK(count == 6);
  OK(wick_tensor_device(a, &device, &device_index));
  CHECK(device == WICK_CPU && device_index == 0);
  OK(wick_tensor_requires_grad(a, &flag));
  CHECK(flag == 0);
  OK(wick_tensor_data(a, &data));
  CHECK(memcmp(data, values, sizeof values) == 0 && data != (const void*)values);

  /* A view shows what is written to the tensor, and is read in its own order. */
  OK(wick_tensor_permute(a, order, 2, &b));
  OK(wick_tensor_is_contiguous(b, &flag));
  CHECK(flag == 0);
  ((float*)data)[1] = 10.0F;
  OK(wick_tensor_written(a));
  OK(wick_tensor_read(b, back, sizeof back));
  CHECK(back[0] == 0.0F && back[1] == 3.0F && back[2] == 10.0F && back[5] == 5.0F);
  OK(wick_tensor_contiguous(b, &c));
  OK(wick_tensor_is_contiguous(c, &flag));
  CHECK(flag == 1);
  OK(wick_tensor_equal(b, c, &flag));
  CHECK(flag == 1);
  OK(wick_free(c));

  /* Writing goes by the layout. */
  OK(wick_tensor_write(b, values, sizeof values));
  OK(wick_tensor_read(a, back, sizeof back));
  CHECK(back[0] == 0.0F && back[1] == 2.0F && back[3] == 1.0F);
  FAILS(wick_tensor_write(b, values, 20), WICK_ERROR_SHAPE, "20");
  FAILS(wick_tensor_read(b, back, 28), WICK_ERROR_SHAPE, "24");
  OK(wick_free(b));

  OK(wick_tensor_select(a, 0, 1, &b));
  OK(wick_tensor_slice(b, 0, 2, 3, 1, &c));
  OK(wick_tensor_item(c, &item));
  CHECK(item == 5.0);
  FAILS(wick_tensor_item(b, &item), WICK_ERROR_SHAPE, "[3]");
  OK(wick_free(b));
  OK(wick_free(c));
  FAILS(wick_tensor_select(a, 2, 0, &b), WICK_ERROR_INDEX, NULL);
  CHECK(b == NULL);

  OK(wick_tensor_reshape(a, flat, 1, &b));
  OK(wick_tensor_fill(b, 7.5));
  OK(wick_tensor_to_dtype(a, WICK_INT64, &c));
  {
    int64_t whole[6] = {0};
    OK(wick_tensor_read(c, whole, sizeof whole));
    CHECK(whole[0] == 7 && whole[5] == 7);
  }
  OK(wick_free(c));
  OK(wick_tensor_clone(a, &c));
  OK(wick_tensor_fill(a, 0.0));
  OK(wick_tensor_equal(a, c, &flag));
  CHECK(flag == 0);
  OK(wick_tensor_copy(a, c));
  OK(wick_tensor_equal(a, c, &flag));
  CHECK(flag == 1);
  OK(wick_free(c));
  OK(wick_tensor_alias(a, &c));
  OK(wick_free(a));
  OK(wick_tensor_numel(c, &count));
  CHECK(count == 6);
  OK(wick_free(b));
  OK(wick_tensor_to_device(c, "cpu", &b));
  OK(wick_tensor_equal(b, c, &flag));
  CHECK(flag == 1);
  OK(wick_free(b));
  OK(wick_tensor_empty(shape, 2, WICK_FLOAT32, "meta", &b));
  OK(wick_tensor_device(b, &device, NULL));
  CHECK(device == WICK_META);
  FAILS(wick_tensor_to_device(c, "cuda:77", &a), WICK_ERROR_DEVICE, "77");
  CHECK(a == NULL);
  OK(wick_free(b));
  OK(wick_free(c));

  OK(wick_tensor_full(NULL, 0, 2.5, WICK_FLOAT64, NULL, &a));
  OK(wick_tensor_item(a, &item));
  CHECK(item == 2.5);
  OK(wick_free(a));
  OK(wick_tensor_empty(shape, 2, WICK_INT4, "cpu", &a));
  FAILS(wick_tensor_fill(a, 1.0), WICK_ERROR_DTYPE, "int4");
  OK(wick_free(a));
  {
    const int64_t negative[1] = {-3};
    const int64_t huge[3] = {INT64_MAX, INT64_MAX, 2};
    FAILS(wick_tensor_empty(negative, 1, WICK_FLOAT32, NULL, &a), WICK_ERROR_SHAPE, "-3");
    FAILS(wick_tensor_empty(huge, 3, WICK_FLOAT32, NULL, &a), WICK_ERROR_SHAPE, NULL);
    FAILS(wick_tensor_empty(shape, 65, WICK_FLOAT32, NULL, &a), WICK_ERROR_SHAPE, "65");
    FAILS(wick_tensor_copy_of(values, 20, shape, 2, WICK_FLOAT32, &a), WICK_ERROR_SHAPE, "20");
    CHECK(a == NULL);
  }
}

static void foreign_memory(void) {
  const int64_t shape[2] = {2, 2};
  const int64_t strides[2] = {1, 2};
  const int64_t negative[2] = {-2, 1};
  const int64_t none[1] = {0};
  wick_tensor *a = NULL, *view = NULL;
  double back[4] = {0};
  double* const memory = malloc(4 * sizeof *memory);
  char bytes[16] = {0};
  int i;
  for (i = 0; i < 4; ++i) memory[i] = i;

  /* What fails leaves the memory the caller's. */
  FAILS(
      wick_tensor_from_memory(memory, shape, negative, 2, WICK_FLOAT64, NULL, release, memory, &a),
      WICK_ERROR_SHAPE, NULL);
  FAILS(wick_tensor_from_memory(NULL, shape, NULL, 2, WICK_FLOAT64, NULL, release, memory, &a),
        WICK_ERROR_VALUE, "null");
  FAILS(wick_tensor_from_memory(memory, shape, NULL, 2, 77, NULL, release, memory, &a),
        WICK_ERROR_DTYPE, "77");
  FAILS(wick_tensor_from_memory(memory, shape, NULL, 2, WICK_FLOAT64, "meta", release, memory, &a),
        WICK_ERROR_DEVICE, "meta");
  FAILS(wick_tensor_from_memory((char*)memory + 1, none, NULL, 1, WICK_FLOAT64, NULL, release,
                                memory, &a),
        WICK_ERROR_VALUE, "aligned");
  CHECK(released == 0 && a == NULL);

  /* Its own order, written through, and kept by a view of it. */
  OK(wick_tensor_from_memory(memory, shape, strides, 2, WICK_FLOAT64, NULL, release, memory, &a));
  OK(wick_tensor_read(a, back, sizeof back));
  CHECK(back[0] == 0.0 && back[1] == 2.0 && back[2] == 1.0 && back[3] == 3.0);
  OK(wick_tensor_select(a, 0, 1, &view));
  OK(wick_free(a));
  CHECK(released == 0);
  OK(wick_tensor_fill(view, 9.0));
  CHECK(memory[1] == 9.0 && memory[3] == 9.0 && memory[0] == 0.0);
  OK(wick_free(view));
  CHECK(released == 1);

  OK(wick_tensor_from_memory(bytes, none, NULL, 1, WICK_INT8, "cpu", NULL, NULL, &a));
  OK(wick_tensor_read(a, NULL, 0));
  OK(wick_free(a));
}

/* As a program with DLPack's own header sees the structure. */
struct Lent {
  void* data;
  int32_t device_type, device_index, dims;
  uint8_t code, bits;
  uint16_t lanes;
  int64_t* shape;
  int64_t* strides;
  uint64_t byte_offset;
};
struct DLManagedTensor {
  struct Lent tensor;
  void* context;
  void (*deleter)(struct DLManagedTensor*);
};
struct DLManagedTensorVersioned {
  uint32_t major, minor;
  void* context;
  void (*deleter)(struct DLManagedTensorVersioned*);
  uint64_t flags;
  struct Lent tensor;
};

static int deleted = 0;
static void delete_lent(struct DLManagedTensorVersioned* self) {
  CHECK(self->context == &deleted);
  ++deleted;
}

static void dlpack(void) {
  const int64_t shape[2] = {2, 3};
  wick_tensor *a = NULL, *b = NULL;
  struct DLManagedTensor* lent = NULL;
  struct DLManagedTensorVersioned* versioned = NULL;
  int equal = 0;
  OK(wick_tensor_full(shape, 2, 1.5, WICK_FLOAT32, NULL, &a));
  OK(wick_tensor_to_dlpack(a, &lent));
  CHECK(lent->tensor.device_type == 1 && lent->tensor.dims == 2 && lent->tensor.shape[1] == 3 &&
        lent->tensor.strides[0] == 3 && lent->tensor.code == 2 && lent->tensor.bits == 32 &&
        lent->tensor.lanes == 1);
  /* The memory outlives the handle, and comes back as the same elements. */
  OK(wick_free(a));
  CHECK(((float*)lent->tensor.data)[5] == 1.5F);
  OK(wick_tensor_from_dlpack(lent, &a));
  OK(wick_tensor_to_dlpack_versioned(a, &versioned));
  CHECK(versioned->major == 1 && versioned->flags == 0);
  OK(wick_tensor_from_dlpack_versioned(versioned, &b));
  OK(wick_tensor_equal(a, b, &equal));
  CHECK(equal == 1);
  OK(wick_tensor_fill(b, 2.0));
  OK(wick_tensor_equal(a, b, &equal));
  CHECK(equal == 1);
  OK(wick_free(a));
  OK(wick_free(b));
  OK(wick_tensor_empty(shape, 2, WICK_UINT4, NULL, &a));
  FAILS(wick_tensor_to_dlpack(a, &lent), WICK_ERROR_DTYPE, "uint4");
  CHECK(lent == NULL);
  OK(wick_free(a));
  OK(wick_tensor_empty(shape, 2, WICK_FLOAT32, "meta", &a));
  FAILS(wick_tensor_to_dlpack_versioned(a, &versioned), WICK_ERROR_DEVICE, "meta");
  OK(wick_free(a));

  {
    double memory[6] = {0, 1, 2, 3, 4, 5};
    int64_t sizes[2] = {2, 2}, strides[2] = {3, 1};
    struct DLManagedTensorVersioned given = {
        1, 0, &deleted, delete_lent, 0, {memory, 1, 0, 2, 2, 64, 1, sizes, strides, 8}};
    double back[4] = {0};
    OK(wick_tensor_from_dlpack_versioned(&given, &a));
    OK(wick_tensor_read(a, back, sizeof back));
    CHECK(back[0] == 1 && back[1] == 2 && back[2] == 4 && back[3] == 5);
    CHECK(deleted == 0);
    OK(wick_free(a));
    CHECK(deleted == 1);
    given.flags = 1;
    FAILS(wick_tensor_from_dlpack_versioned(&given, &a), WICK_ERROR_VALUE, "read-only");
    given.flags = 0;
    given.major = 2;
    FAILS(wick_tensor_from_dlpack_versioned(&given, &a), WICK_ERROR_VALUE, "2.0");
    given.major = 1;
    given.tensor.lanes = 4;
    FAILS(wick_tensor_from_dlpack_versioned(&given, &a), WICK_ERROR_DTYPE, "4 lanes");
    given.tensor.lanes = 1;
    given.tensor.device_type = 8; /* Metal */
    FAILS(wick_tensor_from_dlpack_versioned(&given, &a), WICK_ERROR_DEVICE, "type 8");
    given.tensor.device_type = 1;
    strides[0] = -3;
    FAILS(wick_tensor_from_dlpack_versioned(&given, &a), WICK_ERROR_VALUE, "-3");
    strides[0] = 3;
    given.tensor.byte_offset = 4;
    FAILS(wick_tensor_from_dlpack_versioned(&given, &a), WICK_ERROR_VALUE, "aligned");
    given.tensor.dims = -1;
    FAILS(wick_tensor_from_dlpack_versioned(&given, &a), WICK_ERROR_SHAPE, "-1");
    CHECK(deleted == 1 && a == NULL);
  }
}

static void generators(void) {
  const int64_t shape[1] = {4};
  wick_generator *g = NULL, *h = NULL;
  wick_tensor *state = NULL, *a = NULL, *b = NULL;
  int equal = 0;
  float first[4];
  OK(wick_generator_create(0, NULL, &g));
  OK(wick_generator_create(1, "cpu", &h));
  OK(wick_tensor_empty(shape, 1, WICK_FLOAT32, NULL, &a));
  OK(wick_tensor_empty(shape, 1, WICK_FLOAT32, NULL, &b));
  OK(wick_tensor_uniform(a, 0.0, 1.0, g));
  OK(wick_tensor_read(a, first, sizeof first));
  /* torch.rand(4, generator=torch.Generator().manual_seed(0)) */
  CHECK(first[0] == 0.49625658988952637F && first[1] == 0.7682217955589294F &&
        first[2] == 0.08847743272781372F && first[3] == 0.13203048706054688F);
  OK(wick_generator_get_state(g, &state));
  OK(wick_tensor_normal(a, 0.0, 1.0, g));
  OK(wick_generator_set_state(h, state));
  OK(wick_tensor_normal(b, 0.0, 1.0, h));
  OK(wick_tensor_equal(a, b, &equal));
  CHECK(equal == 1);
  FAILS(wick_generator_set_state(h, a), WICK_ERROR_VALUE, NULL);
  OK(wick_free(state));
  OK(wick_generator_seed(g, 0));
  OK(wick_tensor_uniform(b, 0.0, 1.0, g));
  {
    float again[4];
    OK(wick_tensor_read(b, again, sizeof again));
    CHECK(memcmp(first, again, sizeof first) == 0);
  }
  OK(wick_free(a));
  OK(wick_generator_randperm(g, 5, &a));
  {
    int64_t order[5], sum = 0;
    int i;
    OK(wick_tensor_read(a, order, sizeof order));
    for (i = 0; i < 5; ++i) sum += (int64_t)1 << order[i];
    CHECK(sum == 31);
  }
  FAILS(wick_tensor_uniform(b, 2.0, 1.0, g), WICK_ERROR_VALUE, NULL);
  OK(wick_free(a));
  OK(wick_free(b));
  OK(wick_free(g));
  OK(wick_free(h));
}

int main(void) {
  library();
  numbers();
  elements();
  foreign_memory();
  dlpack();
  generators();
  return finish();
}
