#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Puts the results of several commands of tests/gpu together, as Markdown on standard output.

usage: merge_results.py SUMMARY_JSON...

The files in the order of the commands: of a step that was repeated, the last one counts.
"""
import json
import re
import sys


def merged(names):
    """The summaries in one: steps and tables by name."""
    summaries = []
    for name in names:
        with open(name, encoding="ascii") as file:
            summaries.append(json.load(file))
    steps, tables, failures = {}, {}, {}
    for summary in summaries:
        again = {step["name"] for step in summary["steps"] if step["state"] != "not run"}
        failures = {name: text for name, text in failures.items() if name not in again}
        for step in summary["steps"]:
            if step["state"] != "not run" or step["name"] not in steps:
                steps[step["name"]] = step
        tables.update((table["name"], table["text"]) for table in summary["tables"])
        failures.update((failure["name"], failure["text"]) for failure in summary["failures"])
    return summaries, steps, tables, failures


def main():
    if len(sys.argv) < 2 or sys.argv[1].startswith("-"):
        print(__doc__)
        return 0 if "--help" in sys.argv else 2
    summaries, steps, tables, failures = merged(sys.argv[1:])
    for key in ("gpu", "commit", "driver"):
        if len({summary[key] for summary in summaries}) > 1:
            print(f"merge_results.py: the {key} differs", file=sys.stderr)
    last = summaries[-1]
    print(f"# {last['gpu']}\n")
    print(f"By `tests/gpu` on {last['date'][:10]}, programs of commit {last['commit']}, driver "
          f"{last['driver']}; commands of {', '.join(str(s['seconds']) for s in summaries)} s.")
    if last["simulated"]:
        print("\nOn a simulated device: nothing was measured.")
    for summary in summaries:
        if not summary["finished"]:
            print(f"\nOne command did not finish; it was at: {summary['running'] or 'none'}; left: "
                  f"{', '.join(summary['left']) or 'none'}.")
    print("\n| state | step | seconds | what it says |\n|---|---|---:|---|")
    for step in steps.values():
        print(f"| {step['state']} | {step['name']} | {step['seconds']} | {step['says']} |")
    for name, text in failures.items():
        print(f"\n## Failed: {name}\n\n```\n{text}\n```")
    for name, text in tables.items():
        print(f"\n## {name}\n")
        # What is no table of Markdown (nvidia-smi's are drawn) stands as it is.
        is_table = re.search(r"^\|---[:|]", text, re.MULTILINE)
        print(text if is_table else f"```\n{text}\n```")
    return 0


if __name__ == "__main__":
    sys.exit(main())
