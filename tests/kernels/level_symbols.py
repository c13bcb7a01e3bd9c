#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails where the kernels of an instruction set could stand in for another one's.

    tests/kernels/level_symbols.py CXX NM {avx2,avx512,avx512_bf16,amx} FLAG...

Compiles the level's kernels, with its flags but without optimisation, so that nothing is inlined
but what must be. A symbol that other object files may define too (a template's or an inline
function's) has to bear the level's name; else the linker would keep one of the copies, perhaps the
one that an older processor cannot run.
"""

import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
SHARED = ("W", "V", "u")  # nm's letters for symbols of which the linker keeps one


def shared_symbols(compiler: str, nm: str, source: pathlib.Path, flags: list[str]) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "kernels.o"
        subprocess.run([compiler, "-std=c++20", *flags, "-O0", "-fPIC", f"-I{ROOT}", "-c",
                        str(source), "-o", str(out)], check=True)
        listing = subprocess.run([nm, "-C", "--defined-only", str(out)], check=True,
                                 capture_output=True, text=True).stdout
    symbols = (line.split(maxsplit=2) for line in listing.splitlines())
    return [name for _, letter, name in symbols
            if letter in SHARED and not name.startswith("DW.ref.")]


def main() -> int:
    compiler, nm, level, *flags = sys.argv[1:]
    tag = "".join(part.capitalize() for part in level.split("_"))
    flags.append(f"-DWICK_ISA={tag}")
    own = ROOT / f"kernels/cpu/amx/{level}.cpp"  # products of bfloat16 have a file for each
    sources = [own] if own.exists() else [
        source for source in sorted((ROOT / "kernels/cpu/simd").glob("*.cpp"))
        if "this_isa.h" in source.read_text()]
    failed = False
    for source in sources:
        symbols = shared_symbols(compiler, nm, source, flags)
        if not symbols:
            sys.exit(f"{source}: no shared symbols at all; is {nm} right?")
        for name in symbols:
            if re.search(rf"\b{tag}\b", name):
                continue
            print(f"{source}: {name} is not {tag}'s own: make it a template over "
                  "the level, or [[gnu::always_inline]]")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
