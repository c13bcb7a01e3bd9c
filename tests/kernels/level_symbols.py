#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where the kernels of an instruction set could stand in for another one's.

    tests/kernels/level_symbols.py --compiler CXX --nm NM

Compiles each level's kernels without optimisation, so that nothing is inlined but what must be.
A symbol that other object files may define too (a template's or an inline function's) has to bear
the level's name; else the linker would keep one of the copies, perhaps the one that an older
processor cannot run.
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = {
    "avx2.cpp": ("Avx2", ["-mavx2", "-mfma"]),
    "avx512.cpp": ("Avx512", ["-mavx2", "-mfma", "-mavx512f", "-mavx512dq", "-mavx512bw",
                              "-mavx512vl"]),
}
SHARED = ("W", "V", "u")  # nm's letters for symbols of which the linker keeps one


def shared_symbols(compiler: str, nm: str, source: str, flags: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "kernels.o"
        subprocess.run([compiler, "-std=c++20", "-O0", "-fPIC", *flags, f"-I{ROOT}", "-c",
                        str(ROOT / "kernels/cpu/simd" / source), "-o", str(out)], check=True)
        listing = subprocess.run([nm, "-C", "--defined-only", str(out)], check=True,
                                 capture_output=True, text=True).stdout
    symbols = (line.split(maxsplit=2) for line in listing.splitlines())
    return [name for _, letter, name in symbols
            if letter in SHARED and not name.startswith("DW.ref.")]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--nm", required=True)
    args = parser.parse_args()
    status = 0
    for source, (level, flags) in LEVELS.items():
        symbols = shared_symbols(args.compiler, args.nm, source, flags)
        if not symbols:
            sys.exit(f"{source}: no shared symbols at all; is {args.nm} right?")
        for name in symbols:
            if level not in name:
                print(f"{source}: {name} is not {level}'s own: make it a template over the level, "
                      "or [[gnu::always_inline]]")
                status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
