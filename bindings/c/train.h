/* SPDX-License-Identifier: MIT
 * Training: losses and optimizers by PyTorch's names, and whole steps. Options as in module.h.
 */
#pragma once

#include "wick/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* -- Losses --------------------------------------------------------------------------------- */

/* "MSELoss", "CrossEntropyLoss" ...: wick_loss_name(). */
WICK_C_API wick_status wick_loss_create(const char* name, const char* arguments,
                                        wick_value* options, wick_loss** result);
/* The names, sorted; NULL from `index` = their number on. Valid for ever. */
WICK_C_API const char* wick_loss_name(size_t index);
/* The loss, a tensor of one element (of all losses, with reduction='none'), which the next call
 * overwrites. */
WICK_C_API wick_status wick_loss_forward(wick_loss* loss, wick_tensor* input, wick_tensor* target,
                                         wick_tensor** result);
/* The same of GaussianNLLLoss, which takes a variance. */
WICK_C_API wick_status wick_loss_forward_with_variance(wick_loss* loss, wick_tensor* input,
                                                       wick_tensor* target, wick_tensor* variance,
                                                       wick_tensor** result);
/* The gradient of the last loss by its input, for wick_module_backward(); the next forward pass
 * overwrites it. With reduction='none', `grad_output` is the gradient by each loss; else NULL. */
WICK_C_API wick_status wick_loss_backward(wick_loss* loss, wick_tensor* grad_output,
                                          wick_tensor** result);

/* -- Optimizers ----------------------------------------------------------------------------- */

/* "Adam", "SGD" ...: wick_optimizer_name(). It updates all parameters of the module, which it keeps
 * alive. */
WICK_C_API wick_status wick_optimizer_create(const char* name, wick_module* module,
                                             const char* arguments, wick_value* options,
                                             wick_optimizer** result);
/* The names, sorted; NULL from `index` = their number on. Valid for ever. */
WICK_C_API const char* wick_optimizer_name(size_t index);
/* May also be called by a closure, in the call that runs it. */
WICK_C_API wick_status wick_optimizer_zero_grad(wick_optimizer* optimizer);
WICK_C_API wick_status wick_optimizer_step(wick_optimizer* optimizer);
/* Sets the gradients anew (zero_grad, forward and backward passes) and writes the loss. */
typedef wick_status (*wick_closure)(void* context, double* loss);
/* Of LBFGS, which asks for the loss as often as it likes. `loss`, that of the first time, may be
 * NULL. Where the closure fails, the parameters are those after the last whole iteration. Another
 * optimizer calls the closure once, and steps. */
WICK_C_API wick_status wick_optimizer_step_with(wick_optimizer* optimizer, wick_closure closure,
                                                void* context, double* loss);
WICK_C_API wick_status wick_optimizer_lr(wick_optimizer* optimizer, double* lr);
WICK_C_API wick_status wick_optimizer_set_lr(wick_optimizer* optimizer, double lr);
/* PyTorch's state_dict() and load_state_dict(): {'state': ..., 'param_groups': [...]}. */
WICK_C_API wick_status wick_optimizer_state_dict(wick_optimizer* optimizer, wick_value** result);
WICK_C_API wick_status wick_optimizer_load_state_dict(wick_optimizer* optimizer, wick_value* state);

/* -- Steps ---------------------------------------------------------------------------------- */

/* One step: the forward pass, the loss, zero_grad, the backward pass, the optimizer's step. `value`
 * gets the loss before the step; with NULL, nobody waits for it on a GPU. */
WICK_C_API wick_status wick_train_step(wick_module* module, wick_loss* loss,
                                       wick_optimizer* optimizer, wick_tensor* input,
                                       wick_tensor* target, double* value);

/* What wick_train() tells after each step. `epoch` and `step` count from 0; `loss` is that of this
 * step. */
typedef wick_status (*wick_progress)(void* context, int64_t epoch, int64_t step,
                                     int64_t steps_per_epoch, double loss);
/* Epochs of steps over the first dimension of `inputs` and `targets`, `batch_size` samples each,
 * fewer in the last of an epoch. With a generator, in the order of randperm, anew each epoch;
 * without (NULL), as they lie. `progress` may be NULL; while it runs, no object is in use, so that
 * it may save the model, change the learning rate or evaluate; what it returns ends the training,
 * unless it is WICK_OK. `mean_loss`, of the last epoch's samples, may be NULL. The mode of the
 * module stays as it is. */
WICK_C_API wick_status wick_train(wick_module* module, wick_loss* loss, wick_optimizer* optimizer,
                                  wick_tensor* inputs, wick_tensor* targets, int64_t batch_size,
                                  int64_t epochs, wick_generator* generator, wick_progress progress,
                                  void* context, double* mean_loss);

#ifdef __cplusplus
}
#endif
