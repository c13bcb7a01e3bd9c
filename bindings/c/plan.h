/* SPDX-License-Identifier: MIT
 * Inference plans: a network with its weights laid out for inference alone. See wick.h.
 */
#pragma once

#include "wick/c/base.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Prepares a module for up to `max_batch` samples at a time. Later changes of the module do not
 * reach the plan. `sample_shape` is that of an input without its first dimension; NULL where the
 * first layer says it, as a Linear does. */
WICK_C_API wick_status wick_plan_create(wick_module* module, const int64_t* sample_shape,
                                        size_t sample_dims, int64_t max_batch, wick_plan** result);
/* The shapes of a sample of the input and of the output. */
WICK_C_API wick_status wick_plan_input_shape(wick_plan* plan, const int64_t** shape, size_t* dims);
WICK_C_API wick_status wick_plan_output_shape(wick_plan* plan, const int64_t** shape, size_t* dims);
WICK_C_API wick_status wick_plan_dtype(wick_plan* plan, wick_dtype* dtype);
WICK_C_API wick_status wick_plan_max_batch(wick_plan* plan, int64_t* max_batch);
/* output (N, ...) = the network's output for input (N, ...), N at most max_batch. Any number of
 * threads may run a plan at the same time. Allocates nothing once as many threads have done so. */
WICK_C_API wick_status wick_plan_run(wick_plan* plan, wick_tensor* input, wick_tensor* output);
/* The same of plain memory on the CPU, of the plan's dtype and in row-major order, for any number
 * of samples, in batches of max_batch: no handle is needed for a field of a simulation. */
WICK_C_API wick_status wick_plan_run_memory(wick_plan* plan, const void* input, void* output,
                                            int64_t samples);

#ifdef __cplusplus
}
#endif
