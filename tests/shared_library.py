#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where the shared library exports other symbols than tests/exported_symbols.txt, has unique
ones, or is too large.

    tests/shared_library.py LIBRARY [--nm NM] [--strip STRIP] [--update]

A change of the file is a change of what programs can link. --update writes it anew. Weak symbols, of templates
and inline functions, are left out: which there are depends on the compiler, and who uses them has their own.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import tempfile

EXPECTED = pathlib.Path(__file__).with_name("exported_symbols.txt")
MOST_BYTES = 6_000_000  # of the CPU library, stripped


def exported(library, nm):
    """All demangled names, the strong ones, and those of which the process may have one only."""
    listing = subprocess.run([nm, "-D", "-C", "--defined-only", library], check=True,
                             capture_output=True, text=True).stdout
    symbols = [line.split(maxsplit=2)[1:] for line in listing.splitlines()]
    symbols = [(letter, re.sub(r"\[abi:\w+\]", "", name)) for letter, name in symbols]
    return ({name for _, name in symbols}, {name for letter, name in symbols if letter not in "WV"},
            [name for letter, name in symbols if letter == "u"])


def stripped_bytes(library, strip):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "libwick.so"
        subprocess.run([strip, "-o", out, library], check=True)
        return out.stat().st_size


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("library")
    parser.add_argument("--nm", default="nm")
    parser.add_argument("--strip", default="strip")
    parser.add_argument("--update", action="store_true", help="write the file of symbols anew")
    options = parser.parse_args()
    everything, names, unique = exported(options.library, options.nm)
    if options.update:
        EXPECTED.write_text("".join(f"{name}\n" for name in sorted(names)), encoding="utf-8")
    expected = set(EXPECTED.read_text(encoding="utf-8").splitlines())
    problems = [f"exported, but not in {EXPECTED.name}: {name}" for name in sorted(names - expected)]
    problems += [f"no longer exported: {name}" for name in sorted(expected - names)]
    problems += [f"unique, so that the library cannot be unloaded: {name}" for name in unique]
    problems += [f"a name that is not wick's: {name}" for name in sorted(everything)
                 if "wick" not in name]
    size = stripped_bytes(options.library, options.strip)
    if size > MOST_BYTES:
        problems.append(f"{size} bytes, stripped; at most {MOST_BYTES} are allowed")
    print("\n".join(problems) if problems else f"{len(names)} symbols, {size} bytes stripped")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
