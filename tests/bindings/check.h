/* SPDX-License-Identifier: MIT
 * What the tests in C say of what they find. Each program ends with `return finish();`.
 */
#pragma once

#include <stdio.h>
#include <string.h>
#include <wick/c/wick.h>

static int failures = 0;

static inline void check_at(int line, int holds, const char* what) {
  if (holds) return;
  ++failures;
  printf("line %d: %s; the last message is \"%s\"\n", line, what, wick_message());
}

static inline void check_status_at(int line, wick_status found, wick_status wanted,
                                   const char* part) {
  if (found != wanted) {
    ++failures;
    printf("line %d: %s (%d), wanted %s; the last message is \"%s\"\n", line,
           wick_status_name(found), (int)found, wick_status_name(wanted), wick_message());
  } else if (part != NULL && strstr(wick_message(), part) == NULL) {
    ++failures;
    printf("line %d: the message \"%s\" has no \"%s\"\n", line, wick_message(), part);
  }
}

/* A condition. */
#define CHECK(condition) check_at(__LINE__, (condition), #condition)
/* A call that succeeds. */
#define OK(call) check_status_at(__LINE__, (call), WICK_OK, NULL)
/* A call that fails with a status and a message that has a part. */
#define FAILS(call, status, part) check_status_at(__LINE__, (call), (status), (part))

/* Every handle must have been freed. */
static inline int finish(void) {
  if (wick_live_handles() != 0) {
    ++failures;
    printf("%lu handles have not been freed\n", (unsigned long)wick_live_handles());
  }
  printf(failures == 0 ? "all is as it should be\n" : "%d failures\n", failures);
  return failures == 0 ? 0 : 1;
}
