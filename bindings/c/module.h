/* SPDX-License-Identifier: MIT
 * Modules: layers by PyTorch's names, and networks of them. See wick.h.
 *
 * Options, here and for losses and optimizers, are PyTorch's arguments under PyTorch's names. They
 * come as a text of keyword arguments, "in_features=3, out_features=8, bias=False", or as a dict,
 * or both; each may be NULL for none. WICK_ERROR_VALUE for an unknown name, one that comes twice,
 * a missing one, and a value of the wrong kind.
 */
#pragma once

#include "wick/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A layer, in training mode, whose parameters are drawn from `generator`; NULL: from that of
 * wick_manual_seed(). A Dropout goes on drawing from it. */
WICK_C_API wick_status wick_module_create(const char* name, const char* arguments,
                                          wick_value* options, wick_generator* generator,
                                          wick_module** result);
/* The names that wick_module_create() takes, sorted; NULL from `index` = their number on. Valid for
 * ever. */
WICK_C_API const char* wick_module_name(size_t index);
/* torch.nn.Sequential, without modules. */
WICK_C_API wick_status wick_sequential_create(wick_module** result);
/* Puts a module at the end of a Sequential, under a name. The Sequential takes it: the handle
 * `module` is freed by a call that succeeds. */
WICK_C_API wick_status wick_sequential_append(wick_module* sequential, const char* name,
                                              wick_module* module);
/* The chain of linear layers that a state dictionary holds, with an activation between each two:
 * PyTorch's class name, or "Identity". */
WICK_C_API wick_status wick_sequential_from_state_dict(wick_value* state, const char* activation,
                                                       wick_module** result);
/* y = x + module(x), with the module under a name. It takes the module as append does. */
WICK_C_API wick_status wick_residual_create(const char* name, wick_module* module,
                                            wick_module** result);
/* A copy with parameters of its own. */
WICK_C_API wick_status wick_module_clone(wick_module* module, wick_module** result);
/* "Sequential", or "Linear(784, 32)"; until the module's handle is freed or this is called again.
 */
WICK_C_API wick_status wick_module_description(wick_module* module, const char** text);

/* -- Running -------------------------------------------------------------------------------- */

/* The result is the module's own tensor, which its next forward pass overwrites: copy what must
 * last. What the backward pass needs is saved. */
WICK_C_API wick_status wick_module_forward(wick_module* module, wick_tensor* input,
                                           wick_tensor** output);
/* The same under torch.no_grad: nothing is saved. */
WICK_C_API wick_status wick_module_predict(wick_module* module, wick_tensor* input,
                                           wick_tensor** output);
/* Takes the gradient of the loss by the last output and adds to the gradients of the parameters.
 * The gradient by the input goes to `*grad_input`, which the next backward pass overwrites; NULL
 * for `grad_input` saves that work. */
WICK_C_API wick_status wick_module_backward(wick_module* module, wick_tensor* grad_output,
                                            wick_tensor** grad_input);
WICK_C_API wick_status wick_module_zero_grad(wick_module* module);
/* Training mode (1) or evaluation mode (0), here and in all modules below. */
WICK_C_API wick_status wick_module_train(wick_module* module, int on);
WICK_C_API wick_status wick_module_is_training(wick_module* module, int* training);
WICK_C_API wick_status wick_module_to_device(wick_module* module, const char* device);
WICK_C_API wick_status wick_module_to_dtype(wick_module* module, wick_dtype dtype);
/* torch.autocast with WICK_BFLOAT16; WICK_FLOAT32 ends it. */
WICK_C_API wick_status wick_module_autocast(wick_module* module, wick_dtype dtype);

/* -- Parameters ----------------------------------------------------------------------------- */

/* An OrderedDict of names to tensors, which share the memory of the parameters and buffers. */
WICK_C_API wick_status wick_module_state_dict(wick_module* module, wick_value** result);
/* Copies the tensors of a state dictionary into the module. Where names or shapes do not fit:
 * WICK_ERROR_STATE_DICT, whose message lists all of it, and nothing has changed. With `strict` 0,
 * missing and unexpected names are passed over. */
WICK_C_API wick_status wick_module_load_state_dict(wick_module* module, wick_value* state,
                                                   int strict);
/* The number of parameters, and the dotted name of one, until the module's handle is freed or this
 * is called again. */
WICK_C_API wick_status wick_module_parameter_count(wick_module* module, size_t* count);
WICK_C_API wick_status wick_module_parameter_name(wick_module* module, size_t index,
                                                  const char** name);
/* A parameter, or its gradient, by its name: both share the module's memory. WICK_ERROR_VALUE where
 * there is none, or no gradient yet. */
WICK_C_API wick_status wick_module_parameter(wick_module* module, const char* name,
                                             wick_tensor** result);
WICK_C_API wick_status wick_module_grad(wick_module* module, const char* name,
                                        wick_tensor** result);
/* Freezes (0) or unfreezes (1) the parameters whose names begin with `prefix`; NULL: all. */
WICK_C_API wick_status wick_module_requires_grad(wick_module* module, const char* prefix,
                                                 int requires_grad);
/* torch.nn.utils.clip_grad_norm_ of all parameters. `norm` may be NULL. */
WICK_C_API wick_status wick_module_clip_grad_norm(wick_module* module, double max_norm,
                                                  double* norm);

#ifdef __cplusplus
}
#endif
