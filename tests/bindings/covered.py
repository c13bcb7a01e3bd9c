#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where a function of the C interface is called by no test in C, or declared by the Python package
with other types than in the headers.

    tests/bindings/covered.py
"""

import pathlib
import re
import runpy
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEADERS = ROOT / "bindings/c"


def prototypes():
    """Name -> (type of the result, types of the arguments), as in the headers."""
    found = {}
    for header in sorted(HEADERS.glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.DOTALL)
        for kind, name, arguments in re.findall(
                r"WICK_C_API ([\w\s]+?[\s*]+)(wick_\w+)\(([^)]*)\)", text):
            types = [re.sub(r"\s*\b\w+$", "", " ".join(each.split())) if each.strip() != "void" else None
                     for each in arguments.split(",")]
            found[name] = (" ".join(kind.split()), [each for each in types if each])
    return found


# How the package calls the types of the headers; of the other pointers, those to handles are handles.
WORDS = {
    "int": "int", "size_t": "size", "const char*": "text", "int64_t": "int64", "uint64_t": "uint64",
    "unsigned": "unsigned", "double": "double", "wick_dtype": "int32", "wick_format": "int32",
    "wick_status": "int32", "wick_release": "callback", "wick_closure": "callback",
    "wick_progress": "callback", "void": "none",
}
HANDLES = {f"wick_{kind}*" for kind in ("tensor", "value", "module", "loss", "optimizer", "generator",
                                        "plan")}


def declaration(name, result, arguments):
    """As it should stand in the package."""
    def word(kind):
        kind = kind.replace(" *", "*")
        if kind in HANDLES or (name == "wick_free" and kind == "void*"):
            return "handle"
        return WORDS.get(kind) or "pointer"
    first = "status" if result == "wick_status" else word(result)
    return " ".join([first] + [word(each) for each in arguments])


def main():
    functions = prototypes()
    called = set()
    for source in (ROOT / "tests/bindings").glob("*[kt].[ch]*"):
        called |= set(re.findall(r"\b(wick_\w+)\(", source.read_text(encoding="utf-8")))
    problems = [f"{name} is called by no test" for name in sorted(set(functions) - called)]
    if len(functions) < 100:
        problems.append(f"only {len(functions)} functions were found in {HEADERS}")
    # By itself: the package would look for its library.
    signatures = runpy.run_path(str(ROOT / "bindings/python/wick/_signatures.py"))["SIGNATURES"]
    for name, (result, arguments) in sorted(functions.items()):
        wanted = declaration(name, result, arguments)
        if signatures.get(name) != wanted:
            problems.append(f'the Python package should declare "{name}": "{wanted}"')
    problems += [f"the Python package declares {name}, which there is not"
                 for name in sorted(set(signatures) - set(functions))]
    print("\n".join(problems) if problems else f"{len(functions)} functions are tested and declared")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
