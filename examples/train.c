/* SPDX-License-Identifier: MIT
 * Trains a network in C on samples of a function, and saves a checkpoint that PyTorch goes on with:
 *
 *     run = torch.load("train.pt", weights_only=True)
 *     model.load_state_dict(run["model"]); optimizer.load_state_dict(run["opt"])
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <wick/c/wick.h>

enum { SAMPLES = 1024, EPOCHS = 200 };

static void need(wick_status status) {
  if (status == WICK_OK) return;
  fprintf(stderr, "train: %s\n", wick_message());
  exit(1);
}

static void append(wick_module* model, const char* name, const char* layer, const char* arguments,
                   wick_generator* generator) {
  wick_module* module = NULL;
  need(wick_module_create(layer, arguments, NULL, generator, &module));
  need(wick_sequential_append(model, name, module)); /* which takes it */
}

/* Called after each step. At the end of every 50th epoch it says how it goes, and lowers the
 * learning rate. */
static wick_status progress(void* context, int64_t epoch, int64_t step, int64_t steps,
                            double loss) {
  if (step + 1 < steps || (epoch + 1) % 50 != 0) return WICK_OK;
  printf("epoch %3d: loss %.6f\n", (int)epoch + 1, loss);
  return wick_optimizer_set_lr(context, 0.01 * (1.0 - (double)epoch / EPOCHS));
}

static void save(wick_module* model, wick_optimizer* optimizer, const char* path) {
  wick_value *run = NULL, *state = NULL, *opt = NULL;
  need(wick_value_dict(&run));
  need(wick_module_state_dict(model, &state));
  need(wick_value_set(run, "model", state));
  need(wick_optimizer_state_dict(optimizer, &opt));
  need(wick_value_set(run, "opt", opt));
  need(wick_save(run, path, WICK_FORMAT_TORCH));
  need(wick_free(run));
  need(wick_free(state));
  need(wick_free(opt));
}

int main(int count, char** arguments) {
  static float x[SAMPLES][2], y[SAMPLES];
  const int64_t x_shape[] = {SAMPLES, 2}, y_shape[] = {SAMPLES, 1};
  wick_generator* generator = NULL;
  wick_module* model = NULL;
  wick_loss* loss = NULL;
  wick_optimizer* optimizer = NULL;
  wick_tensor *inputs = NULL, *targets = NULL;
  double last = 0.0;
  int i;
  need(wick_generator_create(1, NULL, &generator));
  need(wick_sequential_create(&model));
  append(model, "fc1", "Linear", "in_features=2, out_features=32", generator);
  append(model, "act", "SiLU", NULL, NULL);
  append(model, "fc2", "Linear", "in_features=32, out_features=1", generator);
  need(wick_loss_create("HuberLoss", "delta=0.5", NULL, &loss));
  need(wick_optimizer_create("AdamW", model, "lr=0.01, weight_decay=1e-4", NULL, &optimizer));

  /* Over the program's own memory; numbers in [-1, 1) from PyTorch's stream of random numbers. */
  need(wick_tensor_from_memory(x, x_shape, NULL, 2, WICK_FLOAT32, NULL, NULL, NULL, &inputs));
  need(wick_tensor_from_memory(y, y_shape, NULL, 2, WICK_FLOAT32, NULL, NULL, NULL, &targets));
  need(wick_tensor_uniform(inputs, -1.0, 1.0, generator));
  for (i = 0; i < SAMPLES; ++i) y[i] = sinf(3.0F * x[i][0]) * x[i][1];
  need(wick_train(model, loss, optimizer, inputs, targets, 64, EPOCHS, generator, progress,
                  optimizer, &last));
  save(model, optimizer, count > 1 ? arguments[1] : "train.pt");

  need(wick_free(inputs));
  need(wick_free(targets));
  need(wick_free(optimizer));
  need(wick_free(loss));
  need(wick_free(model));
  need(wick_free(generator));
  printf("mean loss %.6f\n", last);
  return last < 2e-3 ? 0 : 1;
}
