#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks a folder of results of tests/gpu: what is promised of it at any moment.

usage: check_results.py DIR [--finished]

At most eight files of at most 16 MB; a summary that parses, whose finished steps are all in log.txt, in
order and to their end, and in summary.md; what the running step has printed. --finished: nothing is
running or left, and every step is ok or skipped. Prints what there is; status 1 where a promise is broken.
"""
import argparse
import json
import pathlib
import re
import sys

MOST_FILES, MOST_BYTES = 8, 16_000_000
STATES = {"ok", "skipped", "FAILED", "TIME OUT", "not run", "interrupted"}


def files_are_few(folder):
    files = [path for path in folder.rglob("*") if path.is_file()]
    if len(files) > MOST_FILES:
        yield f"{len(files)} files"
    for path in files:
        if path.stat().st_size > MOST_BYTES:
            yield f"{path.name} has {path.stat().st_size} bytes"
        if not re.fullmatch(r"[A-Za-z0-9._-]+", path.name):
            yield f"a file is named {path.name!r}"


def steps_are_logged(summary, log):
    """Each step that ran has its heading in the log, in the order of the summary."""
    at = 0
    for step in summary["steps"]:
        if step["state"] not in STATES:
            yield f"{step['name']} is {step['state']}"
        if step["state"] == "not run":
            continue
        heading = f"==== {step['name']}: {step['state']}, {step['seconds']} s\n"
        found = log.find(heading, at)
        if found < 0:
            yield f"log.txt has no '{heading.strip()}' after its character {at}"
            continue
        at = found + len(heading)
        # What a test program says last, where it ended by itself.
        if step["name"].startswith("tests: ") and step["state"] == "ok":
            end = log.find("\n==== ", at)
            if "[  PASSED  ]" not in log[at : end if end >= 0 else len(log)]:
                yield f"the log of {step['name']} ends early"


def broken_promises(folder, finished):
    yield from files_are_few(folder)
    summary = json.loads((folder / "summary.json").read_text("ascii"))
    text = (folder / "summary.md").read_text("ascii")
    log = (folder / "log.txt").read_text("utf-8", "replace")
    yield from steps_are_logged(summary, log)
    rows = [line for line in text.splitlines() if re.match(r"\| (ok|skipped|FAILED|TIME|not|inter)", line)]
    # A kill between the two summaries leaves the older text.
    if not len(summary["steps"]) - 1 <= len(rows) <= len(summary["steps"]):
        yield f"summary.md has {len(rows)} rows, summary.json {len(summary['steps'])}"
    if summary["running"] and not summary["finished"] and not (folder / "running.log").exists():
        # It may have ended: then its heading is the last of the log.
        if f"\n==== {summary['running']}: " not in "\n" + log:
            yield f"nothing of the running step, {summary['running']}"
    if finished:
        if not summary["finished"] or summary["running"] or summary["left"]:
            yield "it has not finished"
        for step in summary["steps"]:
            if step["state"] not in ("ok", "skipped"):
                yield f"{step['name']}: {step['state']}: {step['says']}"
        if not any(step["name"].startswith("tests: ") for step in summary["steps"]):
            yield "no test was run"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--finished", action="store_true")
    args = parser.parse_args()
    try:
        broken = list(broken_promises(args.folder, args.finished))
        summary = json.loads((args.folder / "summary.json").read_text("ascii"))
    except (OSError, ValueError) as error:
        print(f"{args.folder}: {error}")
        return 1
    for promise in broken:
        print(f"{args.folder}: {promise}")
    if not broken:
        count = len(summary["steps"])
        print(f"{args.folder}: {count} steps after {summary['seconds']} s, running: "
              f"{summary['running'] or 'none'}; all is there")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
