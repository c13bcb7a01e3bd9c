/* SPDX-License-Identifier: MIT
 * A network of PyTorch's in a simulation in C: the wet-bulb temperature in each cell of a field, by
 * a checkpoint that torch.save({"model": model.state_dict()}, path) wrote. The network is
 * Sequential(Linear(2, 16), Tanh(), Linear(16, 16), Tanh(), Linear(16, 1)) over
 * (temperature / 40 degrees, humidity / 100 %), and gives temperature / 40 degrees.
 *
 *     field wet_bulb.pt
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <wick/c/wick.h>

enum { ROWS = 180, COLS = 360, CELLS = ROWS * COLS };

/* Whatever fails ends the program; a simulation would go on with its own formula. */
static void need(wick_status status) {
  if (status == WICK_OK) return;
  fprintf(stderr, "field: %s\n", wick_message());
  exit(1);
}

/* The network, prepared for 1024 cells at a time. */
static wick_plan* open_plan(const char* path) {
  wick_value *file = NULL, *state = NULL;
  wick_module* model = NULL;
  wick_plan* plan = NULL;
  need(wick_load(path, "cpu", 0, &file));
  need(wick_value_get(file, "model", &state));
  need(wick_sequential_from_state_dict(state, "Tanh", &model));
  need(wick_plan_create(model, NULL, 0, 1024, &plan));
  /* The plan has weights of its own. */
  need(wick_free(model));
  need(wick_free(state));
  need(wick_free(file));
  return plan;
}

/* What the network has learned: Stull, https://doi.org/10.1175/JAMC-D-11-0143.1 */
static double stull(double t, double h) {
  return t * atan(0.151977 * sqrt(h + 8.313659)) + atan(t + h) - atan(h - 1.676331) +
         0.00391838 * pow(h, 1.5) * atan(0.023101 * h) - 4.686035;
}

int main(int count, char** arguments) {
  static float in[CELLS][2], out[CELLS];
  wick_plan* plan;
  double worst = 0.0;
  int i;
  if (count != 2) {
    fprintf(stderr, "usage: field wet_bulb.pt\n");
    return 2;
  }
  plan = open_plan(arguments[1]);
  for (i = 0; i < CELLS; ++i) { /* warm in the middle, dry in the east */
    in[i][0] = (float)((2.0 + 36.0 * sin(3.14159265 * (i / COLS + 0.5) / ROWS)) / 40.0);
    in[i][1] = (float)((95.0 - 70.0 * (i % COLS) / COLS) / 100.0);
  }
  need(wick_plan_run_memory(plan, in, out, CELLS));
  for (i = 0; i < CELLS; ++i) {
    const double error = fabs(40.0 * out[i] - stull(40.0 * in[i][0], 100.0 * in[i][1]));
    if (error > worst) worst = error;
  }
  need(wick_free(plan));
  printf("%d cells, at most %.2f degrees from the formula\n", CELLS, worst);
  return worst < 0.5 ? 0 : 1;
}
