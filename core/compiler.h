// SPDX-License-Identifier: MIT
// What wick needs of the compiler, and which symbols a shared library of it exports.
#pragma once

#if __cplusplus < 202002L
#error \
    "wick needs C++20: compile with -std=c++20, or link the CMake target wick::wick, which says so"
#elif !defined(__cpp_exceptions)
#error "wick reports errors by exceptions: compile without -fno-exceptions"
#endif

// A static wick exports nothing: a plugin that carries one keeps it to itself. Its CMake target and
// its pkg-config file define WICK_STATIC.
#if defined(WICK_STATIC)
#define WICK_API
#else
#define WICK_API __attribute__((visibility("default")))
#endif
