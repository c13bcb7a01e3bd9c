#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of a training step and of one inference and compares them with the counts
kept in counts.json, so that a slow-down is seen where clocks are noisy.

usage: check.py PROGRAM COMPILER [--update]

Runs PROGRAM (instruction_steps) under valgrind --tool=callgrind with the kernels for AVX2, the best
that valgrind knows. Counts depend on the compiler, so they are kept by its name and major version.
More than 5 % away in either direction is a failure: after a change that explains it, --update writes
the new counts. Ends with status 77, "skipped", where valgrind, AVX2 or counts for COMPILER lack.
"""

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

COUNTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "counts.json")
BAND = 0.05
SKIPPED = 77
CASES = {"train": "wick_train_steps", "inference": "wick_inference_runs"}


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def count(program, case):
    """Instructions of one step."""
    with tempfile.TemporaryDirectory() as directory:
        result = subprocess.run(
            [
                "valgrind",
                "--tool=callgrind",
                f"--toggle-collect={CASES[case]}",
                f"--callgrind-out-file={directory}/out",
                program,
                case,
            ],
            env={**os.environ, "WICK_SIMD": "avx2"},
            capture_output=True,
            text=True,
        )
    if "this processor has no" in result.stderr:
        skip("this processor has no AVX2")
    if result.returncode != 0:
        sys.exit(f"{case}: status {result.returncode}\n{result.stdout}{result.stderr}")
    collected = re.search(r"Collected *: *(\d+)", result.stderr)
    if collected is None or int(collected[1]) == 0:
        sys.exit(f"{case}: nothing was counted in {CASES[case]}\n{result.stderr}")
    return int(collected[1]) / int(result.stdout)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("compiler", help='name and version, such as "GNU 12.2.0"')
    parser.add_argument("--update", action="store_true")
    args = parser.parse_args()
    if shutil.which("valgrind") is None:
        skip("there is no valgrind")
    key = args.compiler.split(".")[0]
    with open(COUNTS, encoding="utf-8") as file:
        kept = json.load(file)
    counts = {case: round(count(args.program, case)) for case in CASES}
    if args.update:
        kept[key] = counts
        with open(COUNTS, "w", encoding="utf-8") as file:
            file.write(json.dumps(kept, indent=2, sort_keys=True) + "\n")
        return
    if key not in kept:
        skip(f"no counts are kept for {key}; here they are {counts}")
    failed = False
    for case, value in counts.items():
        change = value / kept[key][case] - 1
        verdict = "ok" if abs(change) <= BAND else "FAILED"
        failed |= verdict != "ok"
        print(f"{case}: {value} instructions, {kept[key][case]} kept, {change:+.1%}: {verdict}")
    if failed:
        sys.exit(f"more than {BAND:.0%} away; if a change explains it, run with --update")


if __name__ == "__main__":
    main()
