// SPDX-License-Identifier: MIT
// Exceptions: those of wick and those of a callback in C++ come back as a status and a message.
#include <new>
#include <stdexcept>

#include <wick/core/error.h>

#include "tests/bindings/check.h"

namespace {

struct Training {
  wick_module* model = nullptr;
  wick_loss* loss = nullptr;
  wick_optimizer* optimizer = nullptr;
  wick_tensor* x = nullptr;
};

wick_status train(const Training& t, wick_progress progress, void* context) {
  return wick_train(t.model, t.loss, t.optimizer, t.x, t.x, 1, 1, nullptr, progress, context,
                    nullptr);
}

wick_status nothing(void* /*context*/, int64_t, int64_t, int64_t, double) {
  return WICK_OK;
}

void exceptions(const Training& t) {
  const auto throws_runtime = [](void*, int64_t, int64_t, int64_t, double) -> wick_status {
    throw std::runtime_error("the disk is full");
  };
  FAILS(train(t, throws_runtime, nullptr), WICK_ERROR_INTERNAL, "wick_train: the disk is full");
  const auto throws_int = [](void*, int64_t, int64_t, int64_t, double) -> wick_status { throw 7; };
  FAILS(train(t, throws_int, nullptr), WICK_ERROR_INTERNAL, "unknown type");
  const auto throws_memory = [](void*, int64_t, int64_t, int64_t, double) -> wick_status {
    throw std::bad_alloc();
  };
  FAILS(train(t, throws_memory, nullptr), WICK_ERROR_OUT_OF_MEMORY, "no memory");
  const auto throws_wick = [](void*, int64_t, int64_t, int64_t, double) -> wick_status {
    throw wick::IndexError("row 9 of 3");
  };
  FAILS(train(t, throws_wick, nullptr), WICK_ERROR_INDEX, "row 9 of 3");
  const auto throws_in_closure = [](void*, double*) -> wick_status {
    throw std::out_of_range("nowhere");
  };
  FAILS(wick_optimizer_step_with(t.optimizer, throws_in_closure, nullptr, nullptr),
        WICK_ERROR_INTERNAL, "nowhere");
  // A status of a function of wick goes through with its message.
  const auto returns_status = [](void*, int64_t, int64_t, int64_t, double) {
    wick_tensor* none = nullptr;
    return wick_tensor_full(nullptr, 0, 1.0, 1234, nullptr, &none);
  };
  FAILS(train(t, returns_status, nullptr), WICK_ERROR_DTYPE, "wick_tensor_full: ");
  CHECK(strstr(wick_message(), "wick_train") == nullptr);
  // The objects are free again after each of them.
  OK(train(t, nothing, nullptr));
}

// A callback may free what the call uses: the call ends at its next step, with a status.
void frees_the_module(Training t) {
  int64_t count = 0;
  const auto free_it = [](void* context, int64_t, int64_t, int64_t, double) {
    return wick_free(static_cast<Training*>(context)->model);
  };
  FAILS(train(t, free_it, &t), WICK_ERROR_HANDLE, "'module' is of a module that was freed");
  // The tensors are in use until the call ends.
  OK(wick_module_create("Linear", "in_features=1, out_features=1", nullptr, nullptr, &t.model));
  const auto free_samples = [](void* context, int64_t, int64_t, int64_t, double) {
    auto* const of = static_cast<Training*>(context);
    wick_tensor* const x = of->x;
    of->x = nullptr;
    return x == nullptr ? WICK_OK : wick_free(x);
  };
  wick_tensor* const x = t.x;
  OK(train(t, free_samples, &t));
  FAILS(wick_tensor_numel(x, &count), WICK_ERROR_HANDLE, "freed");
  OK(wick_free(t.model));
}

// What a release throws has nowhere to go; other handles can be freed in it.
void releases() {
  struct Held {
    double element = 3.0;
    wick_value* other = nullptr;
    int calls = 0;
  } held;
  OK(wick_value_none(&held.other));
  const auto release = [](void* context) {
    auto* const h = static_cast<Held*>(context);
    ++h->calls;
    OK(wick_free(h->other));
    throw std::runtime_error("nobody hears it");
  };
  wick_tensor* tensor = nullptr;
  OK(wick_tensor_from_memory(&held.element, nullptr, nullptr, 0, WICK_FLOAT64, nullptr, release,
                             &held, &tensor));
  OK(wick_free(tensor));
  CHECK(held.calls == 1);
}

}  // namespace

int main() {
  Training t;
  const int64_t shape[] = {3, 1};
  OK(wick_module_create("Linear", "in_features=1, out_features=1", nullptr, nullptr, &t.model));
  OK(wick_loss_create("L1Loss", nullptr, nullptr, &t.loss));
  OK(wick_optimizer_create("SGD", t.model, "lr=0.01", nullptr, &t.optimizer));
  OK(wick_tensor_full(shape, 2, 1.0, WICK_FLOAT32, nullptr, &t.x));
  exceptions(t);
  frees_the_module(t);
  releases();
  OK(wick_free(t.loss));
  OK(wick_free(t.optimizer));
  return finish();
}
