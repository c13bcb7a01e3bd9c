#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails on an include that goes the wrong way: see "Who may include whom" in CONTRIBUTING.md.

    tests/include_direction.py [--root DIR] [--compiler CXX --include DIR]
    tests/include_direction.py --self-test

Public headers are those of cmake/public_headers.cmake. They are included as "wick/core/tensor.h" and
include each other only; the others are private and included as "core/overlap.h".

With --compiler, it also compiles alone each public header that is not the first thing which a source
file of its name includes; DIR is where wick/ is, in a build tree. --self-test checks that wrong includes
are caught.
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor

FOLDERS = ("core", "kernels", "nn", "optim", "serialize", "bindings", "tools", "bench", "tests",
           "examples")
LIBRARY = ("core", "kernels", "nn", "optim", "serialize")
SUFFIXES = {".h", ".cpp", ".cu", ".cuh"}

# Folder (the longest match counts) -> the folders it may include. Its own is always allowed.
MAY_INCLUDE = {
    "core": (),
    "kernels": ("core",),
    "kernels/formulas": ("core",),
    "kernels/cpu": ("core", "kernels/formulas"),
    "kernels/cuda": ("core", "kernels/formulas"),
    "nn": ("core",),
    "optim": ("core",),
    "serialize": ("core",),
    "bindings": LIBRARY,
    "tools": LIBRARY + ("tools",),
    "bench": LIBRARY + ("tools", "bench"),
    "examples": (),  # as users do: <wick/nn/sequential.h>
    "tests": LIBRARY + ("bindings", "tools", "bench", "tests"),
}

# Headers from outside, by pattern -> the folders that may include them. What no pattern matches
# and is not of the standard library is refused in the library's folders.
EXTERNAL = [
    (re.compile(r"^(unsupported/)?Eigen/"), ("kernels/cpu", "bench", "tests")),
    (re.compile(r"^(cuda|cublas|curand|cub/|thrust/|cooperative_groups|mma\.h|nvtx)"),
     ("kernels/cuda", "tests", "bench")),
    (re.compile(r"^dlfcn\.h$"), ("kernels/cuda", "bench", "tests")),  # loaded when needed
    (re.compile(r"^libdeflate\.h$"), ("serialize", "tools", "tests")),
    # POSIX: files that are synced, locked and mapped.
    (re.compile(r"^(fcntl|unistd|dirent|sys/(file|stat|mman|types|statvfs|uio))(\.h)$"),
     ("serialize", "tools", "tests", "bench", "kernels/cpu")),
    (re.compile(r"^sys/syscall\.h$"), ("kernels/cpu", "tests")),  # for what the C library has no function
    # x86 intrinsics and instruction set detection.
    (re.compile(r"^(immintrin|cpuid|x86intrin)\.h$"), ("kernels/cpu", "bench")),
]

# What a program with a deadline does itself: priorities, and memory that stays.
POSIX_OF_EXAMPLES = {"pthread.h", "sched.h", "sys/mman.h"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^">]+)[">]')


def folder_of(path):
    """kernels/cpu/simd/x.h -> kernels/cpu; nn/x.h -> nn; empty for files outside the folders."""
    parts = pathlib.PurePosixPath(path).parts
    for length in (2, 1):
        name = "/".join(parts[:length])
        if len(parts) > length and name in MAY_INCLUDE:
            return name
    return ""


def may(source, target):
    """Whether a file of folder `source` may include one of folder `target`."""
    if source == target:
        return True
    if source == "kernels":  # what builds the backends: it sees both
        return target.startswith("kernels/") or target == "core"
    if target == "kernels" and source.startswith("kernels/"):
        return True
    top = target.split("/")[0]
    return target in MAY_INCLUDE[source] or top in MAY_INCLUDE[source]


def is_standard(name):
    """Standard C++ headers have neither a dot nor a slash; the C ones are not used."""
    return re.fullmatch(r"[a-z_0-9]+", name) is not None


def public_headers(root):
    """What is installed, by its path in the tree."""
    text = (root / "cmake/public_headers.cmake").read_text(encoding="utf-8")
    return set(re.findall(r"^  (\S+\.h)$", text, re.MULTILINE))


def included_name(header):
    """bindings/c/wick.h is found as <wick/c/wick.h>, all others by their path below wick/."""
    return header.removeprefix("bindings/")


def path_of(name):
    """The inverse, for a name below wick/."""
    return "bindings/" + name if name.startswith("c/") else name


def problem_of(path, bracket, name, root, public):
    """None, or what is wrong with this include in the file `path`."""
    source = folder_of(path)
    if bracket == '"' and name.startswith("wick/"):
        name = name.removeprefix("wick/")
        name = f"wick/{name}" if name.startswith("bindings/") else path_of(name)
        if name not in public:
            return f'"{name}" is not public: without wick/, or to be added to public_headers.cmake'
    elif bracket == '"' and name in public:
        return f'"{name}" is public: "wick/{included_name(name)}"'
    elif bracket == '"' and path in public:
        return f'a public header includes "{name}", which is private'
    if bracket == '"':
        if name.startswith(".") or not (root / name).is_file():
            beside = (root / path).parent / name
            if beside.is_file() or name.startswith("."):
                return f'"{name}" is not relative to the root of the tree'
            return f'"{name}" does not exist; headers from outside go in <>'
        target = folder_of(name)
        if not target:
            return f'"{name}" is in no folder of the plan'
        if not may(source, target):
            allowed = ", ".join(MAY_INCLUDE[source]) or "nothing but the standard library"
            return f'{source} must not include {target} ("{name}"); it may include: {allowed}'
        return None
    if is_standard(name):
        return None
    if source == "examples":
        if name in POSIX_OF_EXAMPLES:
            return None
        known = (name == "wick/wick.h"
                 or path_of(name.removeprefix("wick/")) in public and "wick/" in name)
        return None if known else f"<{name}> is no public header of wick's"
    for pattern, folders in EXTERNAL:
        if pattern.search(name):
            if source in folders or source.split("/")[0] in folders:
                return None
            return f"<{name}> belongs to {', '.join(folders)} only"
    if source.split("/")[0] in LIBRARY:
        return f"<{name}> is not of the standard library"
    return None


def source_files(root):
    for top in FOLDERS:
        for directory, names, files in os.walk(root / top):
            # A program of its own, which includes wick as its users do; and whatever is built.
            names[:] = [n for n in names if n not in ("consumer", "build", "__pycache__")]
            for file in sorted(files):
                if pathlib.PurePath(file).suffix in SUFFIXES:
                    yield (pathlib.Path(directory) / file).relative_to(root).as_posix()


def check(root):
    """All problems, as path:line: text."""
    public = public_headers(root)
    problems = [f"cmake/public_headers.cmake: there is no {path}"
                for path in sorted(public) if not (root / path).is_file()]
    for path in source_files(root):
        text = (root / path).read_text(encoding="utf-8")
        for number, line in enumerate(text.splitlines(), 1):
            match = INCLUDE.match(line)
            problem = match and problem_of(path, match[1], match[2], root, public)
            if problem:
                problems.append(f"{path}:{number}: {problem}")
        if path.endswith(".h") and "#pragma once" not in text:
            problems.append(f"{path}:1: no #pragma once")
    return problems


def opens_its_source(root, header):
    """Whether x.cpp begins with x.h: then the build compiles that header alone."""
    source = root / pathlib.PurePosixPath(header).with_suffix(".cpp")
    if not source.is_file():
        return False
    includes = (INCLUDE.match(line) for line in source.read_text(encoding="utf-8").splitlines())
    first = next((match for match in includes if match), None)
    return first is not None and first[2] == "wick/" + included_name(header)


def check_headers(root, compiler, include):
    """Compiles by itself every public header that the build does not."""
    headers = sorted(public_headers(root))
    left = [path for path in headers if not opens_its_source(root, path)]

    def compile_alone(path):
        command = [compiler, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Wpedantic",
                   "-Werror", "-I", str(include), "-x", "c++", "-"]
        done = subprocess.run(command, input=f'#include "wick/{included_name(path)}"\n', text=True,
                              capture_output=True, check=False)
        first = next((line for line in done.stderr.splitlines() if "error" in line), done.stderr)
        return None if done.returncode == 0 else f"{path}: is not self-contained: {first}"

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [problem for problem in pool.map(compile_alone, left) if problem], len(headers)


# A small tree, and the includes that must be refused (True) or allowed in it.
SELF_TEST_PUBLIC = ["core/a.h", "core/b.h", "kernels/devices.h", "nn/a.h", "optim/a.h", "serialize/a.h",
                    "bindings/c/a.h"]
SELF_TEST = [
    ("core/a.h", '"core/b.h"', True),
    ("core/a.h", '"core/private.h"', True),
    ("core/a.cpp", '"core/private.h"', False),
    ("core/a.cpp", '"core/a.h"', True),
    ("core/private.h", '"wick/core/a.h"', False),
    ("core/private.h", '"wick/core/private.h"', True),
    ("nn/a.h", '"core/private.h"', True),
    ("nn/a.cpp", '"core/private.h"', False),
    ("core/a.h", "<vector>", False),
    ("core/a.h", '"wick/core/b.h"', False),
    ("core/a.h", '"wick/nn/a.h"', True),
    ("core/a.h", '"wick/kernels/devices.h"', True),
    ("core/a.h", "<Eigen/Dense>", True),
    ("core/a.h", "<sys/mman.h>", True),
    ("core/a.h", '"b.h"', True),
    ("core/a.h", '"../nn/a.h"', True),
    ("core/a.h", '"core/missing.h"', True),
    ("kernels/devices.cpp", '"kernels/cpu/a.h"', False),
    ("kernels/cpu/a.h", "<Eigen/Dense>", False),
    ("kernels/cpu/a.h", '"wick/core/a.h"', False),
    ("kernels/cpu/a.h", '"kernels/cuda/a.h"', True),
    ("kernels/cpu/a.h", "<cuda_runtime.h>", True),
    ("kernels/cpu/a.h", '"wick/nn/a.h"', True),
    ("kernels/cuda/a.h", "<cublas_v2.h>", False),
    ("kernels/cuda/a.h", "<Eigen/Dense>", True),
    ("nn/a.h", '"wick/core/a.h"', False),
    ("nn/a.h", '"wick/optim/a.h"', True),
    ("nn/a.h", '"wick/kernels/devices.h"', True),
    ("nn/a.h", "<Eigen/Dense>", True),
    ("optim/a.h", '"wick/nn/a.h"', True),
    ("optim/a.h", '"wick/serialize/a.h"', True),
    ("optim/a.h", '  "wick/core/a.h"', False),
    ("serialize/a.h", "<libdeflate.h>", False),
    ("serialize/a.h", '"wick/optim/a.h"', True),
    ("nn/a.h", "<libdeflate.h>", True),
    ("nn/a.h", "<gtest/gtest.h>", True),
    ("nn/a.h", '"tools/a.h"', True),
    ("bindings/c/a.h", '"wick/c/a.h"', False),
    ("bindings/c/a.h", '"wick/nn/a.h"', False),
    ("bindings/c/a.h", '"wick/bindings/c/a.h"', True),
    ("bindings/c/a.h", '"bindings/c/call.h"', True),
    ("bindings/c/a.cpp", '"bindings/c/call.h"', False),
    ("bindings/c/call.h", '"wick/core/a.h"', False),
    ("nn/a.h", '"wick/c/a.h"', True),
    ("tests/support.h", '"wick/c/a.h"', False),
    ("tools/a.h", '"wick/nn/a.h"', False),
    ("tools/a.h", '"tests/support.h"', True),
    ("tests/support.h", '"tools/a.h"', False),
    ("tests/support.h", "<gtest/gtest.h>", False),
    ("examples/a.cpp", "<wick/nn/a.h>", False),
    ("examples/a.cpp", "<vector>", False),
    ("examples/a.cpp", "<sched.h>", False),
    ("examples/a.cpp", "<sys/socket.h>", True),
    ("examples/a.cpp", '"wick/nn/a.h"', True),
    ("examples/a.cpp", "<wick/nn/missing.h>", True),
    ("examples/a.cpp", "<wick/kernels/cpu/a.h>", True),
    ("examples/a.cpp", "<gtest/gtest.h>", True),
]


def self_test():
    failures = []
    files = {path for path, _, _ in SELF_TEST} | set(SELF_TEST_PUBLIC)
    listed = "set(WICK_HEADERS\n" + "".join(f"  {path}\n" for path in SELF_TEST_PUBLIC) + ")\n"
    for path, include, refused in SELF_TEST:
        with tempfile.TemporaryDirectory() as directory:
            root = pathlib.Path(directory)
            (root / "cmake").mkdir()
            (root / "cmake/public_headers.cmake").write_text(listed)
            for file in files:
                (root / file).parent.mkdir(parents=True, exist_ok=True)
                (root / file).write_text("#pragma once\n")
            (root / path).write_text(f"#pragma once\n#include {include}\n")
            found = check(root)
        if bool(found) != refused:
            failures.append(f"{path} with {include}: {'allowed' if refused else found}")
    with tempfile.TemporaryDirectory() as directory:
        root = pathlib.Path(directory)
        (root / "core").mkdir()
        (root / "cmake").mkdir()
        (root / "cmake/public_headers.cmake").write_text("set(WICK_HEADERS\n  core/a.h\n)\n")
        (root / "wick").symlink_to(root)
        (root / "core/a.h").write_text("int a();\n")
        if not check(root):
            failures.append("a header without #pragma once was allowed")
        (root / "core/a.h").write_text("#pragma once\nstd::size_t a();\n")
        compiler = os.environ.get("CXX", "c++")
        if not check_headers(root, compiler, root)[0]:
            failures.append("a header that is not self-contained was allowed")
        (root / "core/a.cpp").write_text('#include <cstddef>\n#include "wick/core/a.h"\n')
        if not check_headers(root, compiler, root)[0]:
            failures.append("a header that needs what its source includes before was allowed")
        (root / "core/a.cpp").write_text('#include "wick/core/a.h"\n')
        if check_headers(root, compiler, root)[0]:
            failures.append("a header was compiled that opens its own source")
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=pathlib.Path,
                        default=pathlib.Path(__file__).resolve().parent.parent)
    parser.add_argument("--compiler", help="also compile each public header alone")
    parser.add_argument("--include", type=pathlib.Path, help="where wick/ is, in a build tree")
    parser.add_argument("--self-test", action="store_true")
    options = parser.parse_args()
    if options.self_test:
        problems, count = self_test(), len(SELF_TEST) + 4
        done = f"{count} includes and headers were judged as they should be"
    else:
        problems = check(options.root)
        count = sum(1 for _ in source_files(options.root))
        done = f"the includes of {count} files go the right way"
        if count == 0:
            problems.append(f"there are no source files below {options.root}")
        if options.compiler:
            more, headers = check_headers(options.root, options.compiler, options.include)
            problems += more
            done += f"; {headers} public headers are self-contained"
    print("\n".join(problems) if problems else done)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
