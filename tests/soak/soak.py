#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains for many epochs and looks at what must stay as it is: the time of an epoch, the memory, the
open files and the threads.

usage: soak.py TRAIN [--data DIR] [--epochs 2000] [--window 100] [--band 0.1] [--against TRAIN] [-- OPTION...]

Runs TRAIN (bin/train) with a constant learning rate, and samples the process after each epoch. The
first epoch makes what is kept for the run, so that it is not counted. What is compared are the first
and the last WINDOW epochs:

- the median processor time of an epoch, which other processes disturb less than the time of the clock:
  at the end at most BAND more than at the start;
- resident memory: at most 2 MiB more;
- open files and threads: no more. A sample may see a checkpoint that is being written, so that the
  smallest numbers count.

--against OLD also runs the first WINDOW epochs of another build, three times in turn with TRAIN, and
prints the quotient of the times: whether a change made training slower. Options behind -- go to TRAIN.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

MORE_MEMORY = 2 << 20
EPOCH = re.compile(r"epoch (\d+): loss (\S+), (\d+) samples/s")


def processor_seconds(pid):
    """Of all threads of a process, from the scheduler's counts of nanoseconds."""
    total = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/schedstat", encoding="ascii") as file:
            total += int(file.read().split()[0])
    return total / 1e9


def resident_bytes(pid):
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
        return int(re.search(r"VmRSS:\s*(\d+) kB", file.read())[1]) << 10


class Sample:
    """The state of a process after an epoch."""

    def __init__(self, pid, line):
        self.clock = time.monotonic()
        self.processor = processor_seconds(pid)
        self.memory = resident_bytes(pid)
        self.files = len(os.listdir(f"/proc/{pid}/fd"))
        self.threads = len(os.listdir(f"/proc/{pid}/task"))
        self.loss = float(line[2])


def run(train, data, epochs, options):
    """A sample for each epoch, and the last line of the output."""
    with tempfile.TemporaryDirectory(prefix="wick-soak-") as folder:
        command = [train, "--data", data, "--scheduler", "none", "--epochs", str(epochs)]
        command += ["--checkpoint-dir", folder, *options]
        samples, last = [], ""
        with open(os.path.join(folder, "stderr"), "w+", encoding="utf-8") as errors:
            with subprocess.Popen(
                command, stdout=subprocess.PIPE, stderr=errors, text=True
            ) as process:
                for text in process.stdout:
                    last = text.strip()
                    line = EPOCH.match(text)
                    # After the last epoch the process may have ended already.
                    if line and int(line[1]) < epochs:
                        samples.append(Sample(process.pid, line))
            if process.returncode != 0:
                errors.seek(0)
                sys.exit(f"{' '.join(command)}\nended with status {process.returncode}:\n{errors.read()[-2000:]}")
        left = [name for name in os.listdir(folder) if not re.fullmatch(r"(model_dnn_\d+|last)\.tar|stderr", name)]
    if left:
        sys.exit(f"FAILED: files that are no checkpoints stay: {left}")
    return samples, last


def epoch_times(samples, kind="processor"):
    moments = [getattr(sample, kind) for sample in samples]
    return [after - before for before, after in zip(moments, moments[1:])]


def milliseconds(times):
    return f"{statistics.median(times) * 1e3:.1f} ms"


def compare_speed(arguments):
    times = {arguments.train: [], arguments.against: []}
    for _ in range(3):
        for program, all_times in times.items():
            samples, _ = run(program, arguments.data, arguments.window + 2, arguments.options)
            all_times += epoch_times(samples)
    now, before = times[arguments.train], times[arguments.against]
    quotient = statistics.median(now) / statistics.median(before)
    print(f"first {arguments.window} epochs: {milliseconds(now)} of the processor for each,"
          f" {milliseconds(before)} of the other build ({quotient:.3f} times)")


def check(samples, arguments):
    """What is wrong, a line each."""
    window = arguments.window
    start, end = samples[: window + 1], samples[-window - 1 :]
    wrong = []
    for kind in ("processor", "clock"):
        first, last = epoch_times(start, kind), epoch_times(end, kind)
        quotient = statistics.median(last) / statistics.median(first)
        print(f"{kind + ':':10} {milliseconds(first)} of an epoch at the start, {milliseconds(last)}"
              f" at the end ({quotient:.3f} times)")
        if kind == "processor" and quotient > 1 + arguments.band:
            wrong.append(f"an epoch takes {quotient:.3f} times what it took at the start")
    slowest = max(
        (statistics.median(epoch_times(samples)[i : i + window]), i)
        for i in range(0, len(samples) - window, max(window // 2, 1))
    )
    print(f"           {slowest[0] * 1e3:.1f} ms in the slowest {window} epochs, which begin with epoch {slowest[1] + 2}")
    memory = [max(sample.memory for sample in part) for part in (start, end)]
    print(f"memory:    {memory[0] / 2**20:.2f} MiB at the start, {memory[1] / 2**20:.2f} MiB at the end")
    if memory[1] > memory[0] + MORE_MEMORY:
        wrong.append(f"resident memory has grown from {memory[0]} to {memory[1]} bytes")
    for name in ("files", "threads"):
        counts = [min(getattr(sample, name) for sample in part) for part in (start, end)]
        print(f"{name + ':':10} {counts[0]} at the start, {counts[1]} at the end")
        if counts[1] > counts[0]:
            wrong.append(f"the number of {name} has grown from {counts[0]} to {counts[1]}")
    return wrong


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("train")
    parser.add_argument("--data", default="synthetic")
    parser.add_argument("--epochs", type=int, default=2000)
    parser.add_argument("--window", type=int, default=100)
    parser.add_argument("--band", type=float, default=0.1)
    parser.add_argument("--against")
    parser.add_argument("options", nargs="*")
    arguments = parser.parse_args()
    if arguments.epochs < 2 * arguments.window + 3:
        parser.error("--epochs must be more than two times --window")
    samples, last = run(arguments.train, arguments.data, arguments.epochs, arguments.options)
    print(f"{arguments.epochs} epochs, loss {samples[0].loss} to {samples[-1].loss}; {last}")
    wrong = check(samples, arguments)
    if arguments.against:
        compare_speed(arguments)
    for line in wrong:
        print(f"FAILED: {line}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
