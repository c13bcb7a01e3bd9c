#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where the C interface is another than the one described in abi.xml: then programs that were compiled
with the old headers may not run with the new library.

    tests/bindings/abi.py --compiler cc --include DIR --abidw abidw --abidiff abidiff [--update]

The headers are what counts: a library is made of them whose functions have the types of the headers and do
nothing, with an object for each enumerator, whose size is its number. abidw (Debian's abigail-tools) describes
that library, and abidiff compares. What was added is fine for old programs, and --update writes the
description anew; what was changed or taken away needs another WICK_ABI_VERSION, too.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

from covered import HEADERS, prototypes

EXPECTED = pathlib.Path(__file__).with_name("abi.xml")


def source():
    """A C file in which each function of the headers is defined."""
    lines = ["#include <wick/c/wick.h>"]
    for name, (result, arguments) in sorted(prototypes().items()):
        named = ", ".join(f"{each} a{i}" for i, each in enumerate(arguments)) or "void"
        lines.append(f"{result} {name}({named}) {{ {'' if result == 'void' else 'return 0;'} }}")
    for header in sorted(HEADERS.glob("*.h")):
        text = re.sub(r"/\*.*?\*/", "", header.read_text(encoding="utf-8"), flags=re.DOTALL)
        for body in re.findall(r"^enum\s*\{(.*?)\}", text, re.MULTILINE | re.DOTALL):
            for name in re.findall(r"(\w+)\s*=\s*\d+", body):
                # Objects of no bytes are not described.
                lines.append(f"WICK_C_API char number_{name}[{name} + 1];")
    lines.append("WICK_C_API char number_WICK_ABI_VERSION[WICK_ABI_VERSION + 1];")
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", required=True)
    parser.add_argument("--abidw", required=True)
    parser.add_argument("--abidiff", required=True)
    parser.add_argument("--update", action="store_true", help="write the description anew")
    options = parser.parse_args()
    if not options.abidw or not options.abidiff or "NOTFOUND" in options.abidw + options.abidiff:
        print("skipped: there is no abidw and abidiff; apt-get install abigail-tools")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        code = pathlib.Path(folder) / "interface.c"
        library = pathlib.Path(folder) / "libinterface.so"
        description = pathlib.Path(folder) / "abi.xml"
        code.write_text(source(), encoding="utf-8")
        subprocess.run([options.compiler, "-std=c99", "-g", "-O0", "-shared", "-fPIC",
                        "-I", pathlib.Path(options.include).resolve(), f"-ffile-prefix-map={folder}=.",
                        "-o", library, code.name], cwd=folder, check=True)
        target = EXPECTED if options.update else description
        subprocess.run([options.abidw, "--no-corpus-path", "--no-comp-dir-path", "--no-show-locs",
                        "--type-id-style", "hash", "--out-file", target, library], check=True)
        done = subprocess.run([options.abidiff, EXPECTED, target], capture_output=True, text=True, check=False)
    if done.returncode == 0:
        print(f"{len(prototypes())} functions are as described")
        return 0
    print(done.stdout + done.stderr)
    counts = re.findall(r"(\d+) Removed, (\d+) Changed", done.stdout)
    if any(int(each) for pair in counts for each in pair):
        print("Programs that were compiled with the old headers may break. Undo it, or raise WICK_ABI_VERSION and "
              "describe what is new by the same command with --update.")
    elif counts:
        print("What was added breaks nothing; describe it by the same command with --update.")
    return 1


if __name__ == "__main__":
    sys.exit(main())
