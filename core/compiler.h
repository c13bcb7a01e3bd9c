// SPDX-License-Identifier: MIT
// What wick needs of the compiler, and which symbols a shared library of it exports.
#pragma once

#if __cplusplus < 202002L
#error \
    "wick needs C++20: compile with -std=c++20, or link the CMake target wick::wick, which says so"
#elif !defined(__cpp_exceptions)
#error "wick reports errors by exceptions: compile without -fno-exceptions"
#endif

// The library's objects are compiled once, for a static and a shared library. A plugin that carries
// the static one keeps it to itself all the same: whoever links it leaves its symbols out of what
// they export (--exclude-libs, which its CMake target and its pkg-config file say).
#define WICK_API __attribute__((visibility("default")))

// For variables in headers that programs take the address of: else each shared library with a copy
// has a unique symbol for it, and cannot be unloaded.
#define WICK_HIDDEN __attribute__((visibility("hidden")))
