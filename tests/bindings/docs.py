#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compiles and runs what docs/bindings.md shows first of C and of Python.

    tests/bindings/docs.py --compiler cc --include DIR --library libwick.so --checkpoint wet_bulb.pt
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
WANTED = ("0.307", "0.681")  # what PyTorch's model gives
MOST_LINES = 20


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("compiler", "include", "library", "checkpoint"):
        parser.add_argument(f"--{name}", required=True)
    options = parser.parse_args()
    text = (ROOT / "docs/bindings.md").read_text(encoding="utf-8")
    blocks = {name: re.search(rf"^```{name}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)[1]
              for name in ("c", "python")}
    lines = len(blocks["c"].splitlines())
    if lines > MOST_LINES:
        print(f"the first minute of C has {lines} lines, more than {MOST_LINES}")
        return 1
    library = pathlib.Path(options.library).resolve()
    environment = {**os.environ, "WICK_LIBRARY": str(library), "PYTHONPATH": str(ROOT / "bindings/python")}
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = pathlib.Path(folder) / "model.pt"
        shutil.copy(options.checkpoint, checkpoint)
        for name, block in blocks.items():
            source = pathlib.Path(folder) / f"first_minute.{name}"
            source.write_text(block, encoding="utf-8")
            command = [sys.executable, source, checkpoint]
            if name == "c":
                program = pathlib.Path(folder) / "first_minute"
                subprocess.run([options.compiler, "-std=c99", "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-I",
                                options.include, source, library, f"-Wl,-rpath,{library.parent}", "-o", program],
                               check=True)
                command = [program, checkpoint]
            done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
            print(done.stdout + done.stderr)
            numbers = [f"{float(each):.3f}" for each in re.findall(r"\d+\.\d+", done.stdout.splitlines()[0])]
            if done.returncode != 0 or tuple(numbers) != WANTED:
                print(f"{name}: wanted {WANTED}")
                return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
