/* SPDX-License-Identifier: MIT
 * Random calls with random handles: live ones, freed ones, of any kind, and what is none. Whatever
 * they are, each call returns a status, sets a message where it fails, leaves no handle where it
 * fails, and the program lives. The arguments are the number of calls and the seed; without, the
 * seed is the time. The seed is printed.
 */
#include <stdlib.h>
#include <time.h>

#include "tests/bindings/check.h"

enum { HANDLES = 64, CALLS = 42 };

static void* handles[HANDLES]; /* of any kind; freed ones stay here */
static uint64_t state;

static unsigned draw(unsigned below) {
  state = state * 6364136223846793005U + 1442695040888963407U;
  return (unsigned)(state >> 33) % below;
}

static void* any(void) {
  switch (draw(40)) {
    case 0: return NULL;
    case 1: return &state;
    case 2: return (void*)(uintptr_t)(state | (uint64_t)0xA2 << 56);
    default: return handles[draw(HANDLES)];
  }
}

/* A container that contains itself is freed where it is taken apart. */
static wick_status free_whole(void* handle) {
  (void)wick_value_take_apart(handle);
  return wick_free(handle);
}

static int64_t number(void) {
  static const int64_t kOdd[] = {0, 1, -1, 2, 3, 5, INT64_MAX, INT64_MIN, 1000};
  return kOdd[draw(sizeof kOdd / sizeof kOdd[0])];
}

static wick_status evaluate(void* context, double* loss) {
  (void)context;
  *loss = 1.0;
  switch (draw(4)) {
    case 0: return wick_optimizer_zero_grad(any());
    case 1: return free_whole(any());
    default: return draw(3) == 0 ? -9 : WICK_OK;
  }
}

static wick_status progress(void* context, int64_t epoch, int64_t step, int64_t steps,
                            double loss) {
  (void)context;
  (void)epoch;
  (void)step;
  (void)steps;
  (void)loss;
  return draw(3) == 0 ? free_whole(any()) : WICK_OK;
}

static int passed; /* whether the call was given a place for a handle */

static void* out(void** result) {
  passed = 1;
  return result;
}

static wick_status call(void** result) {
  static const char* const kModules[] = {"Linear",  "ReLU",      "Dropout",
                                         "Softmax", "LayerNorm", "Nil"};
  static const char* const kOptions[] = {
      "in_features=2, out_features=2", NULL, "p=0.5", "dim=-1", "normalized_shape=2", "=", "{"};
  int64_t shape[3], integer = 0;
  const int64_t* dims = NULL;
  const char* text = NULL;
  const void* identity = NULL;
  size_t count = 0;
  double real = 0.0, more = 0.0;
  int flag = 0;
  int32_t small = 0;
  unsigned i;
  char buffer[64] = {0};
  for (i = 0; i < 3; ++i) shape[i] = draw(8) == 0 ? number() : (int64_t)draw(4);
  /* Nothing large: sanitizers end a program that asks for too much memory. */
  for (i = 0; i < 3; ++i) {
    if (shape[i] > 1000) shape[i] = draw(2) == 0 ? -7 : 7;
  }
  switch (draw(CALLS)) {
    case 0:
      return wick_tensor_full(shape, draw(4), 0.5, (wick_dtype)draw(22), NULL,
                              (wick_tensor**)out(result));
    case 1: {
      const int64_t matrix[2] = {2, 2};
      return wick_tensor_full(matrix, 2, 0.25, WICK_FLOAT32, NULL, (wick_tensor**)out(result));
    }
    case 2: return wick_tensor_reshape(any(), shape, draw(4), (wick_tensor**)out(result));
    case 3:
      return wick_tensor_slice(any(), number(), number(), number(), number(),
                               (wick_tensor**)out(result));
    case 4: return wick_tensor_select(any(), number(), number(), (wick_tensor**)out(result));
    case 5: return wick_tensor_permute(any(), shape, draw(4), (wick_tensor**)out(result));
    case 6:
      return wick_tensor_to_dtype(any(), (wick_dtype)draw(45) - 1, (wick_tensor**)out(result));
    case 7: return wick_tensor_clone(any(), (wick_tensor**)out(result));
    case 8: return wick_tensor_copy(any(), any());
    case 9: return wick_tensor_fill(any(), (double)draw(3));
    case 10: return wick_tensor_item(any(), &real);
    case 11: return wick_tensor_read(any(), buffer, 4 * draw(8));
    case 12: return wick_tensor_write(any(), buffer, 4 * draw(8));
    case 13: return wick_tensor_equal(any(), any(), &flag);
    case 14: return wick_tensor_shape(any(), &dims, &count);
    case 15: return wick_generator_create(draw(9), NULL, (wick_generator**)out(result));
    case 16: return wick_tensor_normal(any(), 0.0, 1.0, any());
    case 17: return wick_value_dict((wick_value**)out(result));
    case 18: return wick_value_list((wick_value**)out(result));
    case 19: return wick_value_tensor(any(), (wick_value**)out(result));
    case 20: return wick_value_append(any(), any());
    case 21: return wick_value_set(any(), draw(2) == 0 ? "weight" : "a", any());
    case 22: return wick_value_set_by(any(), any(), any());
    case 23: return wick_value_get(any(), "a", (wick_value**)out(result));
    case 24: return wick_value_item(any(), draw(3), (wick_value**)out(result));
    case 25: return wick_value_equal(any(), any(), &flag);
    case 26: return wick_value_as_tensor(any(), (wick_tensor**)out(result));
    case 27: return wick_value_kind_name(any(), &text);
    case 28:
      return draw(9) == 0 ? wick_value_take_apart(any()) : wick_value_identity(any(), &identity);
    case 29:
      return wick_module_create(kModules[draw(6)], kOptions[draw(7)], draw(4) == 0 ? any() : NULL,
                                draw(3) == 0 ? any() : NULL, (wick_module**)out(result));
    case 30: return wick_sequential_create((wick_module**)out(result));
    case 31: return wick_sequential_append(any(), draw(2) == 0 ? "a" : "b", any());
    case 32: return wick_module_forward(any(), any(), (wick_tensor**)out(result));
    case 33:
      return wick_module_backward(any(), any(), draw(2) == 0 ? NULL : (wick_tensor**)out(result));
    case 34: return wick_module_state_dict(any(), (wick_value**)out(result));
    case 35: return wick_module_load_state_dict(any(), any(), (int)draw(2));
    case 36:
      return wick_loss_create(draw(2) == 0 ? "MSELoss" : "CrossEntropyLoss", NULL, NULL,
                              (wick_loss**)out(result));
    case 37: return wick_loss_forward(any(), any(), any(), (wick_tensor**)out(result));
    case 38:
      return wick_optimizer_create(draw(2) == 0 ? "Adam" : "LBFGS", any(), NULL, NULL,
                                   (wick_optimizer**)out(result));
    case 39: return wick_optimizer_step_with(any(), evaluate, NULL, &more);
    case 40:
      return wick_train(any(), any(), any(), any(), any(), 1 + draw(2), draw(3),
                        draw(2) == 0 ? any() : NULL, progress, NULL, &more);
    default:
      switch (draw(6)) {
        case 0: return wick_plan_create(any(), NULL, 0, number(), (wick_plan**)out(result));
        case 1: return wick_plan_run(any(), any(), any());
        case 2: return wick_module_clone(any(), (wick_module**)out(result));
        case 3: return wick_value_as_integer(any(), &integer);
        case 4: return wick_tensor_dtype(any(), &small);
        default: return free_whole(any());
      }
  }
}

int main(int count, char** arguments) {
  const long calls = count > 1 ? atol(arguments[1]) : 200000;
  const uint64_t seed = count > 2 ? strtoull(arguments[2], NULL, 10) : (uint64_t)time(NULL);
  long i, succeeded = 0;
  printf("seed %llu\n", (unsigned long long)seed);
  fflush(stdout);
  state = seed;
  for (i = 0; i < calls; ++i) {
    void* result = &state; /* no handle: a call that fails makes it NULL */
    wick_status status;
    wick_set_message("");
    passed = 0;
    status = call(&result);
    if (!passed) result = NULL;
    if (status == WICK_OK) {
      ++succeeded;
    } else if (result != NULL || *wick_message() == '\0') {
      CHECK(result == NULL);
      CHECK(*wick_message() != '\0');
      printf("call %ld of the seed: %s\n", i, wick_status_name(status));
    }
    if (result != NULL) {
      void** const place = &handles[draw(HANDLES)];
      (void)free_whole(*place);
      *place = result;
    }
  }
  for (i = 0; i < HANDLES; ++i) (void)free_whole(handles[i]);
  printf("%ld of %ld calls succeeded\n", succeeded, calls);
  CHECK(succeeded > calls / 20);
  return finish();
}
