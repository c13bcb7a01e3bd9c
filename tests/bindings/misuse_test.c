/* SPDX-License-Identifier: MIT
 * Handles that are NULL, freed, forged or of another kind, and pointers that are NULL: each is a
 * status with a message, never more.
 */
#include <stdlib.h>

#include "tests/bindings/check.h"

static void handles(void) {
  const int64_t shape[1] = {4};
  int64_t count = 0;
  wick_tensor *tensor = NULL, *other = NULL;
  wick_module* module = NULL;
  wick_value* value = NULL;
  uint64_t seed = 20240131;
  int i;
  OK(wick_tensor_full(shape, 1, 1.0, WICK_FLOAT32, NULL, &tensor));
  OK(wick_module_create("ReLU", NULL, NULL, NULL, &module));
  FAILS(wick_tensor_numel(NULL, &count), WICK_ERROR_HANDLE, "'tensor' is NULL");
  FAILS(wick_tensor_numel((wick_tensor*)module, &count), WICK_ERROR_HANDLE,
        "is of a module, not of a tensor");
  FAILS(wick_module_train((wick_module*)tensor, 1), WICK_ERROR_HANDLE,
        "is of a tensor, not of a module");
  FAILS(wick_tensor_numel((wick_tensor*)&count, &count), WICK_ERROR_HANDLE, "no handle");
  FAILS(wick_free(&count), WICK_ERROR_HANDLE, "no handle");
  FAILS(wick_module_forward(module, NULL, &other), WICK_ERROR_HANDLE, "'input' is NULL");
  CHECK(other == NULL);
  other = tensor;
  FAILS(wick_tensor_clone((wick_tensor*)module, &other), WICK_ERROR_HANDLE, "module");
  CHECK(other == NULL);
  OK(wick_free(NULL));
  OK(wick_free(tensor));
  FAILS(wick_free(tensor), WICK_ERROR_HANDLE, "freed before");
  FAILS(wick_tensor_numel(tensor, &count), WICK_ERROR_HANDLE, "that was freed");
  /* Its slot is used again, by another kind and by the same one; the old handle stays void. */
  OK(wick_value_none(&value));
  FAILS(wick_tensor_numel(tensor, &count), WICK_ERROR_HANDLE, "that was freed");
  OK(wick_free(value));
  for (i = 0; i < 3000; ++i) {
    OK(wick_tensor_empty(shape, 1, WICK_FLOAT32, NULL, &other));
    CHECK(other != tensor);
    FAILS(wick_tensor_numel(tensor, &count), WICK_ERROR_HANDLE, "that was freed");
    OK(wick_free(other));
  }
  FAILS(wick_free(tensor), WICK_ERROR_HANDLE, "freed before");
  /* Bits of all kinds, and a valid handle with any one bit changed. */
  for (i = 0; i < 200000; ++i) {
    seed = seed * 6364136223846793005U + 1442695040888963407U;
    CHECK(wick_tensor_numel((wick_tensor*)(uintptr_t)seed, &count) == WICK_ERROR_HANDLE);
    CHECK(wick_tensor_numel((wick_tensor*)(uintptr_t)(seed >> 8 | (uint64_t)0xA1 << 56), &count) ==
          WICK_ERROR_HANDLE);
  }
  for (i = 0; i < 64; ++i) {
    const uintptr_t bits = (uintptr_t)module ^ (uintptr_t)1 << i;
    CHECK(wick_module_train((wick_module*)bits, 1) == WICK_ERROR_HANDLE);
    CHECK(wick_free((void*)bits) == WICK_ERROR_HANDLE);
  }
  OK(wick_module_train(module, 1));
  OK(wick_free(module));
}

/* NULL for each pointer in turn, where it must not be. */
static void pointers(void) {
  const int64_t shape[1] = {1};
  wick_tensor* t = NULL;
  wick_value *v = NULL, *d = NULL;
  wick_module* m = NULL;
  wick_loss* l = NULL;
  wick_optimizer* o = NULL;
  wick_generator* g = NULL;
  wick_plan* p = NULL;
  double x = 0.0;
  OK(wick_tensor_full(shape, 1, 1.0, WICK_FLOAT32, NULL, &t));
  OK(wick_value_integer(1, &v));
  OK(wick_value_dict(&d));
  OK(wick_module_create("Linear", "in_features=1, out_features=1", NULL, NULL, &m));
  OK(wick_loss_create("MSELoss", NULL, NULL, &l));
  OK(wick_optimizer_create("SGD", m, NULL, NULL, &o));
  OK(wick_generator_create(0, NULL, &g));
  OK(wick_plan_create(m, NULL, 0, 1, &p));
#define NEEDS(call, name) FAILS(call, WICK_ERROR_ARGUMENT, "the pointer '" name "' is NULL")
  NEEDS(wick_cuda_stream(0, NULL), "stream");
  NEEDS(wick_dtype_name(0, NULL), "name");
  NEEDS(wick_dtype_from_name(NULL, (wick_dtype*)&x), "name");
  NEEDS(wick_dtype_from_name("bool", NULL), "dtype");
  NEEDS(wick_dtype_size(0, NULL), "bytes");
  NEEDS(wick_generator_create(0, NULL, NULL), "result");
  NEEDS(wick_generator_get_state(g, NULL), "result");
  NEEDS(wick_generator_randperm(g, 1, NULL), "result");
  NEEDS(wick_tensor_empty(shape, 1, 0, NULL, NULL), "result");
  NEEDS(wick_tensor_empty(NULL, 1, 0, NULL, (wick_tensor**)&x), "shape");
  NEEDS(wick_tensor_copy_of(NULL, 4, shape, 1, 0, (wick_tensor**)&x), "host");
  NEEDS(wick_tensor_from_memory(&x, NULL, NULL, 1, 0, NULL, NULL, NULL, (wick_tensor**)&x),
        "shape");
  NEEDS(wick_tensor_from_dlpack(NULL, (wick_tensor**)&x), "managed");
  NEEDS(wick_tensor_from_dlpack_versioned(NULL, (wick_tensor**)&x), "managed");
  NEEDS(wick_tensor_to_dlpack(t, NULL), "result");
  NEEDS(wick_tensor_to_dlpack_versioned(t, NULL), "result");
  NEEDS(wick_tensor_shape(t, NULL, NULL), "shape");
  NEEDS(wick_tensor_strides(t, NULL, NULL), "strides");
  NEEDS(wick_tensor_dtype(t, NULL), "dtype");
  NEEDS(wick_tensor_numel(t, NULL), "count");
  NEEDS(wick_tensor_device(t, NULL, NULL), "type");
  NEEDS(wick_tensor_is_contiguous(t, NULL), "contiguous");
  NEEDS(wick_tensor_requires_grad(t, NULL), "requires_grad");
  NEEDS(wick_tensor_data(t, NULL), "data");
  NEEDS(wick_tensor_read(t, NULL, 4), "host");
  NEEDS(wick_tensor_write(t, NULL, 4), "host");
  NEEDS(wick_tensor_item(t, NULL), "value");
  NEEDS(wick_tensor_equal(t, t, NULL), "equal");
  NEEDS(wick_tensor_alias(t, NULL), "result");
  NEEDS(wick_value_string(NULL, SIZE_MAX, (wick_value**)&x), "text");
  NEEDS(wick_value_bytes(NULL, 3, (wick_value**)&x), "data");
  NEEDS(wick_value_big_integer(NULL, (wick_value**)&x), "decimal");
  NEEDS(wick_value_device(NULL, (wick_value**)&x), "name");
  NEEDS(wick_value_parse(NULL, (wick_value**)&x), "text");
  NEEDS(wick_value_parse("1", NULL), "result");
  NEEDS(wick_value_kind(v, NULL), "kind");
  NEEDS(wick_value_kind_name(v, NULL), "name");
  NEEDS(wick_value_as_integer(v, NULL), "result");
  NEEDS(wick_value_as_complex(v, &x, NULL), "imaginary");
  NEEDS(wick_value_as_string(v, NULL, NULL), "text");
  NEEDS(wick_value_as_text(v, NULL), "text");
  NEEDS(wick_value_as_tensor(v, NULL), "result");
  NEEDS(wick_value_length(d, NULL), "length");
  NEEDS(wick_value_get(d, NULL, (wick_value**)&x), "key");
  NEEDS(wick_value_contains(d, NULL, (int*)&x), "key");
  NEEDS(wick_value_contains(d, "a", NULL), "result");
  NEEDS(wick_value_identity(d, NULL), "identity");
  NEEDS(wick_value_equal(d, d, NULL), "equal");
  NEEDS(wick_value_set(d, NULL, v), "key");
  NEEDS(wick_load(NULL, NULL, 0, (wick_value**)&x), "path");
  NEEDS(wick_save(v, NULL, 0), "path");
  NEEDS(wick_module_create(NULL, NULL, NULL, NULL, (wick_module**)&x), "name");
  NEEDS(wick_module_create("ReLU", NULL, NULL, NULL, NULL), "result");
  NEEDS(wick_sequential_create(NULL), "result");
  NEEDS(wick_sequential_from_state_dict(d, NULL, (wick_module**)&x), "activation");
  NEEDS(wick_residual_create(NULL, m, (wick_module**)&x), "name");
  NEEDS(wick_module_description(m, NULL), "text");
  NEEDS(wick_module_forward(m, t, NULL), "output");
  NEEDS(wick_module_predict(m, t, NULL), "output");
  NEEDS(wick_module_is_training(m, NULL), "training");
  NEEDS(wick_module_parameter_count(m, NULL), "count");
  NEEDS(wick_module_parameter_name(m, 0, NULL), "name");
  NEEDS(wick_module_parameter(m, NULL, (wick_tensor**)&x), "name");
  NEEDS(wick_loss_create(NULL, NULL, NULL, (wick_loss**)&x), "name");
  NEEDS(wick_loss_forward(l, t, t, NULL), "result");
  NEEDS(wick_loss_backward(l, NULL, NULL), "result");
  NEEDS(wick_optimizer_create(NULL, m, NULL, NULL, (wick_optimizer**)&x), "name");
  NEEDS(wick_optimizer_step_with(o, NULL, NULL, NULL), "closure");
  NEEDS(wick_optimizer_lr(o, NULL), "lr");
  NEEDS(wick_optimizer_state_dict(o, NULL), "result");
  NEEDS(wick_plan_create(m, NULL, 0, 1, NULL), "result");
  NEEDS(wick_plan_input_shape(p, NULL, NULL), "shape");
  NEEDS(wick_plan_dtype(p, NULL), "dtype");
  NEEDS(wick_plan_max_batch(p, NULL), "max_batch");
  NEEDS(wick_plan_run_memory(p, NULL, &x, 1), "input");
#undef NEEDS
  OK(wick_free(t));
  OK(wick_free(v));
  OK(wick_free(d));
  OK(wick_free(m));
  OK(wick_free(l));
  OK(wick_free(o));
  OK(wick_free(g));
  OK(wick_free(p));
}

int main(void) {
  handles();
  pointers();
  return finish();
}
