/* SPDX-License-Identifier: MIT
 * wick for C, and for every language that calls C: C99 and C++.
 *
 *   #include <wick/c/wick.h>
 *
 *   wick_value* file = NULL;
 *   wick_value* state = NULL;
 *   wick_module* model = NULL;
 *   if (wick_load("model.pt", "cpu", 0, &file) != WICK_OK ||
 *       wick_value_get(file, "model", &state) != WICK_OK ||
 *       wick_sequential_from_state_dict(state, "ReLU", &model) != WICK_OK) {
 *     fprintf(stderr, "%s\n", wick_message());
 *   }
 *
 * Handles. Everything is reached through handles, which are numbers in the shape of pointers: the
 * types keep the compiler's eye on them, their values are no addresses. A call that gets a handle
 * that was freed, that is of another kind, NULL, or never was one, returns WICK_ERROR_HANDLE and
 * does nothing else. Whoever gets a handle through a `wick_...** result` frees it by wick_free(). A
 * call that fails leaves `*result` NULL.
 *
 * Errors. Every function that can fail returns a wick_status; wick_message() says what was wrong,
 * for this thread, until its next failure. No C++ exception leaves a function. NULL for a pointer
 * that must not be NULL is WICK_ERROR_ARGUMENT.
 *
 * Texts are UTF-8 and end with a zero byte. The const char* and const int64_t* that functions give
 * stay valid until the handle that they were asked of is freed, unless a function says otherwise.
 *
 * Callbacks may call any function of wick and free any handle. A callback that returns a status
 * returns WICK_OK to go on; any other stops the call, which returns that status: one that a
 * function of wick gave it, with its message, or a negative one of its own, with the message of
 * wick_set_message(). A C++ callback may throw: the call returns the status of the exception's
 * type, and its message.
 *
 * Threads. All functions may be called from several threads at once. Tensors, values and plans may
 * be used by several at a time as long as nobody writes to the elements or the containers that
 * others use. Modules, losses, optimizers and generators are for one thread at a time: a call that
 * comes while another thread is inside one returns WICK_ERROR_BUSY. Two handles may share state (an
 * optimizer and its module, a module with a Dropout and its generator): that is for the caller to
 * keep apart.
 *
 * Stability. The numbers of the enumerators and the functions' types stay as they are while
 * WICK_ABI_VERSION does; functions and enumerators are added.
 */
#pragma once

#include "wick/c/base.h"
#include "wick/c/module.h"
#include "wick/c/plan.h"
#include "wick/c/tensor.h"
#include "wick/c/train.h"
#include "wick/c/value.h"
