#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Saves and loads of wick beside torch.save and torch.load, safetensors, and plain write and read.

usage: compare_checkpoint.py CHECKPOINT_BENCH [--rounds 7] [--directory DIR] [--large]

Needs a Python with torch; safetensors takes part where it is installed. Each round does everything
once, one after the other, so that what else the machine does meets all alike. Before each step the
disk's queue is emptied (sync) and the file that will be written is removed; files are read from the
page cache. Prints medians in milliseconds, and how many times longer each took than wick (the median
over the rounds of the ratio in a round; in brackets its smallest and largest value). --large opens
files of 1 and 4 GiB with 100 tensors each (4 GiB of disk).
"""

import argparse
import os
import statistics
import subprocess
import tempfile
import time

import torch

try:
    from safetensors.torch import load_file, save_file
except ImportError:
    load_file = save_file = None

# (title, tensors, elements of each)
WORKLOADS = [
    ("1 GiB in 100 tensors", 100, 2684354),
    ("10,000 tensors of 16 elements", 10000, 16),
]


class Bench:
    """The C++ program, which keeps its tensors between commands."""

    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise SystemExit("checkpoint_bench ended early")
        return float(answer)


def fsync(path):
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def timed(function):
    start = time.perf_counter()
    result = function()
    seconds = time.perf_counter() - start
    del result  # freeing it is not timed
    return seconds


def synced(function, path):
    function()
    fsync(path)


def steps_of(bench, state, directory):
    """Groups of (name, step); the first step of a group is wick's."""
    path = {name: os.path.join(directory, name) for name in ("w.pt", "t.pt", "s", "plain")}

    def torch_save():
        torch.save(state, path["t.pt"])

    def tensors_save():
        save_file(state, path["s"])

    def writing(step, target):
        def run():
            if os.path.exists(path[target]):
                os.remove(path[target])
            os.sync()
            return step()

        return run

    peer = save_file is not None
    groups = {}
    for suffix, title in (("", "save, not synced"), ("_sync", "save, synced to the disk")):
        wait = synced if suffix else lambda function, _: function()
        groups[title] = [
            ("wick::save", writing(lambda s=suffix: bench.run("save" + s, path["w.pt"]), "w.pt")),
            ("write", writing(lambda s=suffix: bench.run("write" + s, path["plain"]), "plain")),
            (
                "torch.save",
                writing(lambda w=wait: timed(lambda: w(torch_save, path["t.pt"])), "t.pt"),
            ),
        ]
        if peer:
            groups[title].append(
                (
                    "safetensors.torch.save_file",
                    writing(lambda w=wait: timed(lambda: w(tensors_save, path["s"])), "s"),
                )
            )
    groups["load"] = [
        ("wick::load", lambda: bench.run("load", path["w.pt"])),
        ("read", lambda: bench.run("read", path["w.pt"])),
        ("torch.load", lambda: timed(lambda: torch.load(path["w.pt"]))),
        ("CheckpointFile, mapped, all pages", lambda: bench.run("map", path["w.pt"])),
    ]
    if peer:
        groups["load"].append(
            ("safetensors.torch.load_file", lambda: timed(lambda: load_file(path["s"])))
        )
    groups["open and one tensor"] = [
        ("wick::CheckpointFile", lambda: bench.run("open", path["w.pt"], "layers.7.weight")),
        (
            "torch.load(mmap=True)",
            lambda: timed(
                lambda: torch.load(path["w.pt"], mmap=True)["layers.7.weight"].view(-1)[0].item()
            ),
        ),
    ]

    def into_model():
        mine = torch.load(path["w.pt"])
        for name, tensor in state.items():
            tensor.copy_(mine[name])

    groups["into existing tensors"] = [
        ("CheckpointFile::load_into", lambda: bench.run("load_into", path["w.pt"])),
        ("torch.load, copy_", lambda: timed(into_model)),
    ]
    return groups


def report(title, names, rounds):
    print(f"  {title}")
    for i, name in enumerate(names):
        median = statistics.median(times[i] for times in rounds)
        line = f"    {name:34} {median * 1000:9.2f} ms"
        if i > 0:
            ratios = [times[i] / times[0] for times in rounds]
            line += (
                f"   x {statistics.median(ratios):7.3f}"
                f"  [{min(ratios):.3f} to {max(ratios):.3f}]"
            )
        print(line)


def compare(bench, title, count, elements, rounds, directory):
    size = int(bench.run("make", count, elements))
    path = os.path.join(directory, "w.pt")
    bench.run("save", path)
    peak = bench.run("peak")
    state = dict(torch.load(path))
    print(f"{title}: {size / 2**20:.0f} MiB; memory that save takes: {peak / 2**20:.1f} MiB")
    for name, steps in steps_of(bench, state, directory).items():
        for _ in range(2):  # warm: code, allocator, page cache
            for _, step in steps:
                step()
        times = []
        for i in range(rounds):
            order = list(range(len(steps)))
            order = order[i % len(order) :] + order[: i % len(order)]
            row = [0.0] * len(steps)
            for k in order:
                row[k] = steps[k][1]()
            times.append(row)
        report(name, [step for step, _ in steps], times)
    for entry in os.listdir(directory):
        os.remove(os.path.join(directory, entry))


def compare_large(bench, rounds, directory):
    for gibibytes in (1, 4):
        path = os.path.join(directory, "large.pt")
        bench.run("large", path, 100, gibibytes * 2684354)
        wick = [bench.run("open", path, "bias") for _ in range(rounds)]
        mapped = [
            timed(lambda: torch.load(path, mmap=True)["bias"][0].item()) for _ in range(rounds)
        ]
        print(
            f"open a file of {gibibytes} GiB, 100 tensors, and read one of 64 bytes: "
            f"wick {statistics.median(wick) * 1000:.2f} ms, "
            f"torch.load(mmap=True) {statistics.median(mapped) * 1000:.2f} ms"
        )
        os.remove(path)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--directory", help="on the file system to measure; default: the system's")
    parser.add_argument("--large", action="store_true")
    arguments = parser.parse_args()
    bench = Bench(arguments.program)
    print(f"PyTorch {torch.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    with tempfile.TemporaryDirectory(dir=arguments.directory) as directory:
        for title, count, elements in WORKLOADS:
            compare(bench, title, count, elements, arguments.rounds, directory)
        if arguments.large:
            compare_large(bench, arguments.rounds, directory)


if __name__ == "__main__":
    main()
