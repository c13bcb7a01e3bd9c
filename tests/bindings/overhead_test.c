/* SPDX-License-Identifier: MIT
 * What the interface adds to a call: the processor time of one that does nothing else but check its
 * handle and read a number. The median of several runs must be below 100 ns; the argument is
 * another bound.
 */
#define _POSIX_C_SOURCE 199309L
#include <stdlib.h>
#include <time.h>

#include "tests/bindings/check.h"

enum { RUNS = 21, CALLS = 100000 };

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static int by_size(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

int main(int count, char** arguments) {
  const double most = count > 1 ? atof(arguments[1]) : 100.0;
  double shared[RUNS], alone[RUNS];
  wick_tensor* tensor = NULL;
  wick_module* module = NULL;
  int run, i, training = 0;
  int64_t numel = 0;
  OK(wick_tensor_full(NULL, 0, 1.0, WICK_FLOAT32, NULL, &tensor));
  OK(wick_module_create("ReLU", NULL, NULL, NULL, &module));
  for (run = 0; run < RUNS; ++run) {
    double start = now();
    for (i = 0; i < CALLS; ++i) {
      if (wick_tensor_numel(tensor, &numel) != WICK_OK) return 1;
    }
    shared[run] = (now() - start) / CALLS;
    start = now();
    for (i = 0; i < CALLS; ++i) {
      if (wick_module_is_training(module, &training) != WICK_OK) return 1;
    }
    alone[run] = (now() - start) / CALLS;
  }
  qsort(shared, RUNS, sizeof shared[0], by_size);
  qsort(alone, RUNS, sizeof alone[0], by_size);
  printf("a call: %.1f ns with a tensor, %.1f ns with a module; at most %.0f ns are allowed\n",
         shared[RUNS / 2], alone[RUNS / 2], most);
  CHECK(shared[RUNS / 2] < most && alone[RUNS / 2] < most);
  OK(wick_free(tensor));
  OK(wick_free(module));
  return finish();
}
