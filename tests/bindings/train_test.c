/* SPDX-License-Identifier: MIT
 * Modules, losses, optimizers, training and plans, from C. The argument is a folder to write to.
 */
#include "tests/bindings/check.h"

static wick_module* layer(const char* name, const char* arguments, wick_generator* generator) {
  wick_module* module = NULL;
  OK(wick_module_create(name, arguments, NULL, generator, &module));
  return module;
}

static wick_module* network(wick_generator* generator) {
  wick_module* model = NULL;
  OK(wick_sequential_create(&model));
  OK(wick_sequential_append(model, "fc1",
                            layer("Linear", "in_features=2, out_features=16", generator)));
  OK(wick_sequential_append(model, "act", layer("Tanh", NULL, NULL)));
  OK(wick_sequential_append(model, "fc2",
                            layer("Linear", "in_features=16, out_features=1", generator)));
  return model;
}

/* exclusive or */
static void samples(wick_tensor** inputs, wick_tensor** targets) {
  const float x[8] = {0, 0, 0, 1, 1, 0, 1, 1}, y[4] = {0, 1, 1, 0};
  const int64_t in_shape[2] = {4, 2}, out_shape[2] = {4, 1};
  OK(wick_tensor_copy_of(x, sizeof x, in_shape, 2, WICK_FLOAT32, inputs));
  OK(wick_tensor_copy_of(y, sizeof y, out_shape, 2, WICK_FLOAT32, targets));
}

static double item(wick_tensor* tensor) {
  double value = -1.0;
  OK(wick_tensor_item(tensor, &value));
  return value;
}

static void modules(void) {
  const int64_t shape[2] = {3, 2};
  wick_generator* generator = NULL;
  wick_module *model = NULL, *copy = NULL, *residual = NULL, *child = NULL;
  wick_value *state = NULL, *options = NULL;
  wick_tensor *x = NULL, *y = NULL, *z = NULL, *grad = NULL;
  const char* text = NULL;
  size_t count = 0, i;
  int flag = -1;
  double norm = 0.0;
  wick_dtype dtype = -1;

  for (count = 0; wick_module_name(count) != NULL; ++count) {
    CHECK(count == 0 || strcmp(wick_module_name(count - 1), wick_module_name(count)) < 0);
  }
  CHECK(count > 20);
  OK(wick_generator_create(3, NULL, &generator));
  model = network(generator);
  OK(wick_module_description(model, &text));
  CHECK(strcmp(text, "Sequential") == 0);
  OK(wick_module_parameter_count(model, &count));
  CHECK(count == 4);
  OK(wick_module_parameter_name(model, 2, &text));
  CHECK(strcmp(text, "fc2.weight") == 0);
  FAILS(wick_module_parameter_name(model, 4, &text), WICK_ERROR_INDEX, "4");

  OK(wick_tensor_full(shape, 2, 0.5, WICK_FLOAT32, NULL, &x));
  OK(wick_module_forward(model, x, &y));
  OK(wick_module_clone(model, &copy));
  OK(wick_module_predict(copy, x, &z));
  OK(wick_tensor_equal(y, z, &flag));
  CHECK(flag == 1);
  OK(wick_free(z));
  FAILS(wick_module_backward(copy, y, NULL), WICK_ERROR_VALUE, "wick_module_backward: ");
  FAILS(wick_module_grad(model, "fc1.bias", &grad), WICK_ERROR_VALUE, "no gradient");
  OK(wick_module_backward(model, y, &grad));
  OK(wick_tensor_numel(grad, (int64_t*)&i));
  CHECK(i == 6);
  OK(wick_free(grad));
  OK(wick_module_grad(model, "fc1.bias", &grad));
  OK(wick_free(grad));
  OK(wick_module_clip_grad_norm(model, 1e-3, &norm));
  CHECK(norm > 1e-3);
  OK(wick_module_clip_grad_norm(model, 1.0, &norm));
  CHECK(norm < 1.1e-3 && norm > 0.9e-3);
  OK(wick_module_zero_grad(model));
  FAILS(wick_module_grad(model, "fc1.bias", &grad), WICK_ERROR_VALUE, "no gradient");
  FAILS(wick_module_parameter(model, "fc9.bias", &grad), WICK_ERROR_VALUE, "fc1.weight, fc1.bias");
  OK(wick_free(y));

  /* A state shares the parameters' memory, and goes into another module by value. */
  OK(wick_module_parameter(model, "fc2.bias", &y));
  OK(wick_tensor_fill(y, 4.0));
  OK(wick_module_state_dict(model, &state));
  OK(wick_module_load_state_dict(copy, state, 1));
  OK(wick_module_parameter(copy, "fc2.bias", &z));
  CHECK(item(z) == 4.0);
  OK(wick_free(y));
  OK(wick_free(z));
  child = layer("Linear", "in_features=2, out_features=2, bias=False", generator);
  FAILS(wick_module_load_state_dict(child, state, 1), WICK_ERROR_STATE_DICT, "fc1.weight");
  OK(wick_module_load_state_dict(child, state, 0));
  OK(wick_free(state));

  OK(wick_module_is_training(model, &flag));
  CHECK(flag == 1);
  OK(wick_module_train(model, 0));
  OK(wick_module_is_training(model, &flag));
  CHECK(flag == 0);
  OK(wick_module_requires_grad(model, "fc1.", 0));
  FAILS(wick_module_requires_grad(model, "fc3.", 0), WICK_ERROR_VALUE, "fc3.");
  OK(wick_module_forward(model, x, &y));
  OK(wick_module_backward(model, y, NULL));
  FAILS(wick_module_grad(model, "fc1.weight", &grad), WICK_ERROR_VALUE, "no gradient");
  OK(wick_module_grad(model, "fc2.weight", &grad));
  OK(wick_free(grad));
  OK(wick_free(y));
  OK(wick_module_requires_grad(model, NULL, 1));
  OK(wick_module_autocast(model, WICK_BFLOAT16));
  FAILS(wick_module_autocast(model, WICK_FLOAT16), WICK_ERROR_DTYPE, NULL);
  OK(wick_module_to_dtype(model, WICK_FLOAT64));
  OK(wick_module_parameter(model, "fc1.bias", &y));
  OK(wick_tensor_dtype(y, &dtype));
  CHECK(dtype == WICK_FLOAT64);
  OK(wick_free(y));
  FAILS(wick_module_predict(model, x, &y), WICK_ERROR_DTYPE, "fc1");
  OK(wick_module_to_device(model, "cpu"));
  FAILS(wick_module_to_device(model, "cuda:99"), WICK_ERROR_DEVICE, "99");

  /* A module goes into another one with its handle. */
  OK(wick_residual_create("body", child, &residual));
  FAILS(wick_module_train(child, 0), WICK_ERROR_HANDLE, "freed");
  OK(wick_module_predict(residual, x, &y));
  OK(wick_free(y));
  FAILS(wick_sequential_append(residual, "x", copy), WICK_ERROR_VALUE, "no Sequential");
  FAILS(wick_sequential_append(model, "fc1", copy), WICK_ERROR_VALUE, "taken");
  FAILS(wick_sequential_append(model, "a.b", copy), WICK_ERROR_VALUE, "dot");
  FAILS(wick_sequential_append(model, "", copy), WICK_ERROR_VALUE, "empty");
  FAILS(wick_sequential_append(model, "self", model), WICK_ERROR_VALUE, "itself");
  OK(wick_module_description(copy, &text)); /* what failed has left it whole */
  OK(wick_free(residual));
  FAILS(wick_residual_create("a.b", copy, &residual), WICK_ERROR_VALUE, "dot");

  /* Options as a text, a dict, or both. */
  FAILS(wick_module_create("Linea", NULL, NULL, NULL, &child), WICK_ERROR_VALUE, "Linear");
  FAILS(wick_module_create("Linear", "in_features=2", NULL, NULL, &child), WICK_ERROR_VALUE,
        "out_features");
  FAILS(
      wick_module_create("Linear", "in_features=2, out_features=3, bais=True", NULL, NULL, &child),
      WICK_ERROR_VALUE, "bais");
  FAILS(wick_module_create("Linear", "in_features=2; out_features=3", NULL, NULL, &child),
        WICK_ERROR_VALUE, "position 13");
  FAILS(wick_module_create("Linear", "in_features=2, in_features=2", NULL, NULL, &child),
        WICK_ERROR_VALUE, "there already");
  OK(wick_value_parse("{'out_features': 3}", &options));
  OK(wick_module_create("Linear", "in_features=2", options, NULL, &child));
  FAILS(wick_module_create("Linear", "out_features=2", options, NULL, &residual), WICK_ERROR_VALUE,
        "once");
  OK(wick_module_description(child, &text));
  CHECK(strcmp(text, "Linear(2, 3)") == 0);
  OK(wick_free(options));
  OK(wick_free(child));
  OK(wick_value_list(&options));
  FAILS(wick_module_create("Tanh", NULL, options, NULL, &child), WICK_ERROR_VALUE, "list");
  OK(wick_free(options));
  OK(wick_free(x));
  OK(wick_free(copy));
  OK(wick_free(model));
  OK(wick_free(generator));
}

/* Without a generator, layers draw one after the other from that of the seed. */
static void seeds(void) {
  static const char* const kOptions = "in_features=4, out_features=4";
  wick_module* layers[3] = {NULL, NULL, NULL};
  wick_tensor* weights[3] = {NULL, NULL, NULL};
  int i, same = -1;
  for (i = 0; i < 3; ++i) {
    if (i != 1) OK(wick_manual_seed(7));
    layers[i] = layer("Linear", kOptions, NULL);
    OK(wick_module_parameter(layers[i], "weight", &weights[i]));
  }
  OK(wick_tensor_equal(weights[0], weights[1], &same));
  CHECK(same == 0);
  OK(wick_tensor_equal(weights[0], weights[2], &same));
  CHECK(same == 1);
  for (i = 0; i < 3; ++i) {
    OK(wick_free(layers[i]));
    OK(wick_free(weights[i]));
  }
}

/* A Dropout outlives the handle of the generator that it draws from. */
static void dropout(void) {
  const int64_t shape[1] = {1000};
  wick_generator* generator = NULL;
  wick_module *drop = NULL, *model = NULL;
  wick_tensor *x = NULL, *y = NULL;
  float values[1000];
  int i, zeros = 0;
  OK(wick_generator_create(1, NULL, &generator));
  drop = layer("Dropout", "p=0.5", generator);
  OK(wick_free(generator));
  OK(wick_sequential_create(&model));
  OK(wick_sequential_append(model, "drop", drop));
  OK(wick_module_clone(model, &drop));
  OK(wick_free(model));
  OK(wick_tensor_full(shape, 1, 1.0, WICK_FLOAT32, NULL, &x));
  OK(wick_module_forward(drop, x, &y));
  OK(wick_tensor_read(y, values, sizeof values));
  for (i = 0; i < 1000; ++i) zeros += values[i] == 0.0F;
  CHECK(zeros > 400 && zeros < 600);
  OK(wick_free(x));
  OK(wick_free(y));
  OK(wick_free(drop));
}

static void losses(void) {
  const float x[3] = {0.0F, 2.0F, 1.0F}, t[3] = {1.0F, 0.0F, 1.0F};
  const int64_t shape[1] = {3};
  const int64_t flat[1] = {1};
  wick_tensor *input = NULL, *target = NULL, *value = NULL, *grad = NULL, *weight = NULL;
  wick_loss* loss = NULL;
  wick_value *options = NULL, *v = NULL;
  float back[3];
  size_t count;
  for (count = 0; wick_loss_name(count) != NULL; ++count) {
    CHECK(count == 0 || strcmp(wick_loss_name(count - 1), wick_loss_name(count)) < 0);
    OK(wick_loss_create(wick_loss_name(count), "reduction='sum'", NULL, &loss));
    OK(wick_free(loss));
  }
  CHECK(count == 11);
  OK(wick_tensor_copy_of(x, sizeof x, shape, 1, WICK_FLOAT32, &input));
  OK(wick_tensor_copy_of(t, sizeof t, shape, 1, WICK_FLOAT32, &target));
  OK(wick_loss_create("MSELoss", "reduction='sum'", NULL, &loss));
  FAILS(wick_loss_backward(loss, NULL, &grad), WICK_ERROR_VALUE, NULL);
  OK(wick_loss_forward(loss, input, target, &value));
  CHECK(item(value) == 5.0);
  OK(wick_loss_backward(loss, NULL, &grad));
  OK(wick_tensor_read(grad, back, sizeof back));
  CHECK(back[0] == -2.0F && back[1] == 4.0F && back[2] == 0.0F);
  OK(wick_free(grad));
  FAILS(wick_loss_forward_with_variance(loss, input, target, target, &grad), WICK_ERROR_VALUE,
        "GaussianNLLLoss");
  OK(wick_free(value));
  OK(wick_free(loss));
  OK(wick_loss_create("MSELoss", "reduction='none'", NULL, &loss));
  OK(wick_loss_forward(loss, input, target, &value));
  OK(wick_loss_backward(loss, value, &grad));
  OK(wick_tensor_read(grad, back, sizeof back));
  CHECK(back[0] == -2.0F && back[1] == 16.0F);
  OK(wick_free(grad));
  OK(wick_free(value));
  OK(wick_free(loss));
  OK(wick_loss_create("HuberLoss", "delta=0.5", NULL, &loss));
  OK(wick_loss_forward(loss, input, target, &value));
  CHECK(item(value) > 0.416 && item(value) < 0.417); /* (0.5 * 0.75 + 0.5 * 1.75) / 3 */
  OK(wick_free(value));
  OK(wick_free(loss));
  /* Options with tensors come as a dict. */
  OK(wick_tensor_full(flat, 1, 2.0, WICK_FLOAT32, NULL, &weight));
  FAILS(wick_loss_create("BCEWithLogitsLoss", "weight=2", NULL, &loss), WICK_ERROR_VALUE, "weight");
  OK(wick_value_dict(&options));
  OK(wick_value_tensor(weight, &v));
  OK(wick_value_set(options, "pos_weight", v));
  OK(wick_loss_create("BCEWithLogitsLoss", "reduction='mean'", options, &loss));
  OK(wick_free(loss));
  FAILS(wick_loss_create("L1Loss", NULL, options, &loss), WICK_ERROR_VALUE, "pos_weight");
  FAILS(wick_loss_create("L1Loss", "reduction='max'", NULL, &loss), WICK_ERROR_VALUE, "'max'");
  FAILS(wick_loss_create("L2Loss", NULL, NULL, &loss), WICK_ERROR_VALUE, "L1Loss");
  OK(wick_loss_create("GaussianNLLLoss", "full=True, eps=1e-3", NULL, &loss));
  OK(wick_loss_forward_with_variance(loss, input, target, target, &value));
  OK(wick_free(value));
  OK(wick_free(loss));
  OK(wick_free(v));
  OK(wick_free(options));
  OK(wick_free(weight));
  OK(wick_free(input));
  OK(wick_free(target));
}

struct Descent {
  wick_module* model;
  wick_loss* loss;
  wick_optimizer* optimizer;
  wick_tensor *x, *y;
  int calls, fail_at;
  int alone; /* not in a call of the optimizer */
};

static wick_status evaluate(void* context, double* value) {
  struct Descent* const d = context;
  wick_tensor *output = NULL, *loss = NULL, *grad = NULL;
  double lr = 0.0;
  if (++d->calls == d->fail_at) {
    wick_set_message("enough");
    return -7;
  }
  OK(wick_optimizer_zero_grad(d->optimizer)); /* the one call on it that a closure may make */
  if (d->alone) {
    OK(wick_optimizer_lr(d->optimizer, &lr));
  } else {
    FAILS(wick_optimizer_lr(d->optimizer, &lr), WICK_ERROR_BUSY, "in use");
  }
  OK(wick_module_forward(d->model, d->x, &output));
  OK(wick_loss_forward(d->loss, output, d->y, &loss));
  OK(wick_loss_backward(d->loss, NULL, &grad));
  OK(wick_module_backward(d->model, grad, NULL));
  OK(wick_tensor_item(loss, value));
  OK(wick_free(output));
  OK(wick_free(loss));
  OK(wick_free(grad));
  return WICK_OK;
}

static void optimizers(void) {
  struct Descent d = {NULL, NULL, NULL, NULL, NULL, 0, 0, 0};
  wick_value *state = NULL, *again = NULL;
  wick_generator* generator = NULL;
  wick_tensor* output = NULL;
  double lr = 0.0, first = 0.0, loss = 0.0;
  size_t count;
  int equal = 0;
  OK(wick_generator_create(3, NULL, &generator));
  d.model = network(generator);
  samples(&d.x, &d.y);
  OK(wick_loss_create("MSELoss", NULL, NULL, &d.loss));
  for (count = 0; wick_optimizer_name(count) != NULL; ++count) {
    const char* const name = wick_optimizer_name(count);
    CHECK(count == 0 || strcmp(wick_optimizer_name(count - 1), name) < 0);
    if (strcmp(name, "Muon") == 0) { /* for matrices alone */
      FAILS(wick_optimizer_create(name, d.model, NULL, NULL, &d.optimizer), WICK_ERROR_VALUE, NULL);
      continue;
    }
    OK(wick_optimizer_create(name, d.model, "lr=0.0625", NULL, &d.optimizer));
    OK(wick_optimizer_lr(d.optimizer, &lr));
    CHECK(lr == 0.0625);
    OK(wick_optimizer_step_with(d.optimizer, evaluate, &d, &first));
    OK(wick_optimizer_step_with(d.optimizer, evaluate, &d, NULL));
    OK(wick_optimizer_state_dict(d.optimizer, &state));
    OK(wick_optimizer_load_state_dict(d.optimizer, state));
    OK(wick_optimizer_state_dict(d.optimizer, &again));
    OK(wick_value_equal(state, again, &equal));
    CHECK(equal == 1);
    OK(wick_free(state));
    OK(wick_free(again));
    OK(wick_free(d.optimizer));
  }
  CHECK(count == 10);
  OK(wick_optimizer_create("LBFGS", d.model, "line_search_fn='strong_wolfe', max_iter=50", NULL,
                           &d.optimizer));
  FAILS(wick_optimizer_step(d.optimizer), WICK_ERROR_VALUE, "closure");
  FAILS(wick_train_step(d.model, d.loss, d.optimizer, d.x, d.y, NULL), WICK_ERROR_VALUE, "closure");
  d.calls = 0;
  OK(wick_optimizer_step_with(d.optimizer, evaluate, &d, &first));
  CHECK(d.calls > 3);
  d.calls = 0;
  d.fail_at = 1;
  FAILS(wick_optimizer_step_with(d.optimizer, evaluate, &d, &loss), -7, "enough");
  d.fail_at = 0;
  d.calls = 0;
  d.alone = 1;
  OK(evaluate(&d, &loss));
  OK(wick_free(d.optimizer));
  FAILS(wick_optimizer_create("Adam", d.model, "lr=-1", NULL, &d.optimizer), WICK_ERROR_VALUE,
        "learning rate");
  FAILS(wick_optimizer_create("Adam", d.model, "betas=(0.9,)", NULL, &d.optimizer),
        WICK_ERROR_VALUE, "betas");
  FAILS(wick_optimizer_create("Adam", d.model, "momentum=0.9", NULL, &d.optimizer),
        WICK_ERROR_VALUE, "momentum");
  FAILS(wick_optimizer_create("Eve", d.model, NULL, NULL, &d.optimizer), WICK_ERROR_VALUE, "AdamW");
  /* The parameters outlive the module's handle. */
  OK(wick_optimizer_create("SGD", d.model, "momentum=0.9, nesterov=True", NULL, &d.optimizer));
  OK(wick_module_predict(d.model, d.x, &output));
  OK(wick_free(d.model));
  OK(wick_optimizer_zero_grad(d.optimizer));
  OK(wick_optimizer_step(d.optimizer));
  OK(wick_optimizer_set_lr(d.optimizer, 0.5));
  FAILS(wick_optimizer_set_lr(d.optimizer, -0.5), WICK_ERROR_VALUE, "-0.5");
  OK(wick_optimizer_lr(d.optimizer, &lr));
  CHECK(lr == 0.5);
  FAILS(wick_optimizer_load_state_dict(d.optimizer, NULL), WICK_ERROR_HANDLE, "state");
  OK(wick_free(output));
  OK(wick_free(d.optimizer));
  OK(wick_free(d.loss));
  OK(wick_free(d.x));
  OK(wick_free(d.y));
  OK(wick_free(generator));
}

struct Progress {
  wick_module* model;
  int64_t calls, stop_at;
  double last;
};

static wick_status progress(void* context, int64_t epoch, int64_t step, int64_t steps,
                            double loss) {
  struct Progress* const p = context;
  wick_value* state = NULL;
  CHECK(epoch * steps + step == p->calls && steps == 2);
  OK(wick_module_state_dict(p->model, &state)); /* the module is not in use meanwhile */
  OK(wick_free(state));
  p->last = loss;
  return ++p->calls == p->stop_at ? -3 : WICK_OK;
}

static void training(const char* folder) {
  wick_module *model = NULL, *again = NULL;
  wick_loss* loss = NULL;
  wick_optimizer* optimizer = NULL;
  wick_generator* generator = NULL;
  wick_tensor *x = NULL, *y = NULL, *output = NULL, *planned = NULL;
  wick_value *state = NULL, *file = NULL, *v = NULL;
  wick_plan* plan = NULL;
  struct Progress p = {NULL, 0, 0, 0.0};
  const int64_t out_shape[2] = {4, 1};
  const int64_t* shape = NULL;
  size_t dims = 0;
  int64_t batch = 0;
  double value = 0.0, mean = 0.0;
  float a[4], b[4];
  char path[4096];
  int i;
  wick_dtype dtype = -1;

  OK(wick_generator_create(5, NULL, &generator));
  model = network(generator);
  samples(&x, &y);
  OK(wick_loss_create("MSELoss", NULL, NULL, &loss));
  OK(wick_optimizer_create("Adam", model, "lr=0.05", NULL, &optimizer));
  for (i = 0; i < 100; ++i) OK(wick_train_step(model, loss, optimizer, x, y, &value));
  OK(wick_train_step(model, loss, optimizer, x, y, NULL));
  p.model = model;
  OK(wick_train(model, loss, optimizer, x, y, 3, 150, generator, progress, &p, &mean));
  CHECK(p.calls == 300 && mean < 0.01);
  if (mean >= 0.01) printf("the loss is %g\n", mean);
  p.calls = 0;
  p.stop_at = 3;
  FAILS(wick_train(model, loss, optimizer, x, y, 2, 50, NULL, progress, &p, NULL), -3,
        "the progress callback has returned -3");
  CHECK(p.calls == 3);
  OK(wick_train(model, loss, optimizer, x, y, 100, 1, NULL, NULL, NULL, NULL));
  FAILS(wick_train(model, loss, optimizer, x, y, 0, 1, NULL, NULL, NULL, NULL), WICK_ERROR_VALUE,
        "batch_size");
  FAILS(wick_train(model, loss, optimizer, x, y, 1, -1, NULL, NULL, NULL, NULL), WICK_ERROR_VALUE,
        "epochs");
  {
    wick_tensor* half = NULL;
    OK(wick_tensor_slice(x, 0, 0, 2, 1, &half));
    FAILS(wick_train(model, loss, optimizer, half, y, 1, 1, NULL, NULL, NULL, NULL),
          WICK_ERROR_SHAPE, "[2, 2]");
    FAILS(wick_train_step(model, loss, optimizer, y, x, NULL), WICK_ERROR_SHAPE, "fc1");
    OK(wick_free(half));
  }

  /* A plan computes what the module does, and is not reached by its changes. */
  OK(wick_module_predict(model, x, &output));
  OK(wick_tensor_read(output, a, sizeof a));
  OK(wick_plan_create(model, NULL, 0, 3, &plan));
  OK(wick_plan_input_shape(plan, &shape, &dims));
  CHECK(dims == 1 && shape[0] == 2);
  OK(wick_plan_output_shape(plan, &shape, NULL));
  CHECK(shape[0] == 1);
  OK(wick_plan_dtype(plan, &dtype));
  OK(wick_plan_max_batch(plan, &batch));
  CHECK(dtype == WICK_FLOAT32 && batch == 3);
  {
    const float rows[8] = {0, 0, 0, 1, 1, 0, 1, 1};
    float both[8];
    OK(wick_plan_run_memory(plan, rows, b, 4)); /* in batches of 3 */
    for (i = 0; i < 4; ++i) CHECK(a[i] - b[i] < 1e-5F && b[i] - a[i] < 1e-5F);
    memcpy(both, rows, sizeof rows);
    FAILS(wick_plan_run_memory(plan, both, both + 4, 4), WICK_ERROR_VALUE, "share memory");
    FAILS(wick_plan_run_memory(plan, rows, b, -1), WICK_ERROR_VALUE, "-1");
    FAILS(wick_plan_run_memory(plan, rows, NULL, 4), WICK_ERROR_ARGUMENT, "output");
    FAILS(wick_plan_run_memory(plan, (const char*)rows + 1, b, 1), WICK_ERROR_VALUE, "aligned");
    FAILS(wick_plan_run_memory(plan, rows, b, INT64_MAX), WICK_ERROR_SHAPE, NULL);
    OK(wick_plan_run_memory(plan, NULL, NULL, 0));
  }
  OK(wick_tensor_empty(out_shape, 2, WICK_FLOAT32, NULL, &planned));
  FAILS(wick_plan_run(plan, x, planned), WICK_ERROR_SHAPE, "wick_plan_run: ");
  OK(wick_free(plan));
  {
    const int64_t sample[1] = {2};
    OK(wick_plan_create(model, sample, 1, 4, &plan));
    FAILS(wick_plan_create(model, sample, 1, 0, (wick_plan**)&v), WICK_ERROR_VALUE, NULL);
  }
  OK(wick_plan_run(plan, x, planned));
  OK(wick_tensor_read(planned, b, sizeof b));
  for (i = 0; i < 4; ++i) CHECK(a[i] - b[i] < 1e-5F && b[i] - a[i] < 1e-5F);
  FAILS(wick_plan_run(plan, planned, x), WICK_ERROR_SHAPE, NULL);

  /* {'model', 'opt'} through a file, to a network that is made of it. */
  OK(wick_value_dict(&file));
  OK(wick_module_state_dict(model, &state));
  OK(wick_value_set(file, "model", state));
  OK(wick_optimizer_state_dict(optimizer, &v));
  OK(wick_value_set(file, "opt", v));
  snprintf(path, sizeof path, "%s/run.pt", folder);
  OK(wick_save(file, path, WICK_FORMAT_TORCH));
  OK(wick_free(v));
  OK(wick_free(state));
  OK(wick_free(file));
  OK(wick_load(path, "cpu", 0, &file));
  OK(wick_value_get(file, "model", &state));
  FAILS(wick_sequential_from_state_dict(state, "Tan", &again), WICK_ERROR_VALUE, "Tanh");
  OK(wick_sequential_from_state_dict(state, "Tanh", &again));
  OK(wick_value_get(file, "opt", &v));
  OK(wick_optimizer_load_state_dict(optimizer, v));
  FAILS(wick_sequential_from_state_dict(v, "Tanh", &model), WICK_ERROR_STATE_DICT, NULL);
  CHECK(model == NULL);
  model = p.model;
  OK(wick_free(output));
  OK(wick_module_predict(again, x, &output));
  OK(wick_tensor_read(output, b, sizeof b));
  CHECK(memcmp(a, b, sizeof a) == 0);
  OK(wick_free(v));
  OK(wick_free(state));
  OK(wick_free(file));
  OK(wick_free(again));
  OK(wick_free(planned));
  OK(wick_free(output));
  OK(wick_free(plan));
  OK(wick_free(optimizer));
  OK(wick_free(loss));
  OK(wick_free(model));
  OK(wick_free(generator));
  OK(wick_free(x));
  OK(wick_free(y));
}

int main(int count, char** arguments) {
  modules();
  seeds();
  dropout();
  losses();
  optimizers();
  training(count > 1 ? arguments[1] : ".");
  return finish();
}
