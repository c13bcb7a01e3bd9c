/* SPDX-License-Identifier: MIT
 * Many threads: with objects of their own, with shared ones, and with handles that others free.
 */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <stdlib.h>

#include "tests/bindings/check.h"

enum { THREADS = 8, ROUNDS = 400 };

static wick_plan* plan = NULL;
static wick_tensor* shared = NULL;
static wick_module* module = NULL;
static wick_tensor* contested[64];
static pthread_barrier_t barrier;
static int wrong[THREADS];

/* Tensors and values of one's own, and a message that no other thread touches. */
static void* own(void* argument) {
  const int me = (int)(size_t)argument;
  const int64_t shape[1] = {16};
  char mine[32];
  int i;
  snprintf(mine, sizeof mine, "thread %d", me);
  for (i = 0; i < ROUNDS; ++i) {
    wick_tensor *a = NULL, *b = NULL;
    wick_value* v = NULL;
    double value = 0.0;
    int64_t count = 0;
    wick_set_message(mine);
    if (wick_tensor_full(shape, 1, me + i, WICK_FLOAT32, NULL, &a) != WICK_OK ||
        wick_tensor_select(a, 0, 3, &b) != WICK_OK || wick_tensor_item(b, &value) != WICK_OK ||
        value != me + i || wick_value_tensor(a, &v) != WICK_OK || wick_free(a) != WICK_OK ||
        wick_free(b) != WICK_OK || wick_free(v) != WICK_OK) {
      ++wrong[me];
    }
    if (strcmp(wick_message(), mine) != 0) ++wrong[me];
    if (wick_tensor_numel(a, &count) != WICK_ERROR_HANDLE) ++wrong[me];
  }
  return NULL;
}

/* One plan and one input for all; one module, in which one thread at a time is. */
static void* together(void* argument) {
  const int me = (int)(size_t)argument;
  const int64_t shape[2] = {4, 2};
  wick_tensor* output = NULL;
  float values[8], first[8];
  int i;
  if (wick_tensor_empty(shape, 2, WICK_FLOAT32, NULL, &output) != WICK_OK) ++wrong[me];
  pthread_barrier_wait(&barrier);
  for (i = 0; i < ROUNDS; ++i) {
    wick_tensor* y = NULL;
    wick_status status;
    if (wick_plan_run(plan, shared, output) != WICK_OK ||
        wick_tensor_read(output, values, sizeof values) != WICK_OK) {
      ++wrong[me];
    }
    if (i == 0) memcpy(first, values, sizeof first);
    if (memcmp(first, values, sizeof first) != 0) ++wrong[me];
    status = wick_module_predict(module, shared, &y);
    if (status == WICK_ERROR_BUSY) {
      if (y != NULL || strstr(wick_message(), "in use") == NULL) ++wrong[me];
    } else if (status != WICK_OK || wick_free(y) != WICK_OK) {
      ++wrong[me];
    }
  }
  if (wick_free(output) != WICK_OK) ++wrong[me];
  return NULL;
}

/* All free the same handles: each is freed once; whoever uses one meanwhile gets it or is told. */
static void* frees(void* argument) {
  const int me = (int)(size_t)argument;
  size_t freed = 0, i;
  pthread_barrier_wait(&barrier);
  for (i = 0; i < 64; ++i) {
    int64_t count = 0;
    double value = 0.0;
    const wick_status status = wick_tensor_numel(contested[i], &count);
    if (status == WICK_OK ? count != 1 : status != WICK_ERROR_HANDLE) ++wrong[me];
    if (wick_tensor_item(contested[i], &value) == WICK_OK && value != 5.0) ++wrong[me];
    if (wick_free(contested[i]) == WICK_OK) ++freed;
  }
  return (void*)freed;
}

static size_t run(void* (*work)(void*)) {
  pthread_t threads[THREADS];
  size_t i, sum = 0;
  for (i = 0; i < THREADS; ++i) {
    CHECK(pthread_create(&threads[i], NULL, work, (void*)i) == 0);
  }
  for (i = 0; i < THREADS; ++i) {
    void* result = NULL;
    CHECK(pthread_join(threads[i], &result) == 0);
    sum += (size_t)result;
    CHECK(wrong[i] == 0);
  }
  return sum;
}

int main(void) {
  const int64_t shape[2] = {4, 2};
  size_t round, i;
  pthread_barrier_init(&barrier, NULL, THREADS);
  run(own);
  OK(wick_module_create("Linear", "in_features=2, out_features=2", NULL, NULL, &module));
  OK(wick_tensor_full(shape, 2, 0.5, WICK_FLOAT32, NULL, &shared));
  OK(wick_plan_create(module, NULL, 0, 4, &plan));
  run(together);
  OK(wick_free(plan));
  OK(wick_free(module));
  OK(wick_free(shared));
  for (round = 0; round < 50; ++round) {
    for (i = 0; i < 64; ++i) {
      OK(wick_tensor_full(NULL, 0, 5.0, WICK_FLOAT64, NULL, &contested[i]));
    }
    CHECK(run(frees) == 64);
  }
  return finish();
}
