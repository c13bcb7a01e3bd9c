#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains for many epochs and looks at what must stay as it is: the time of an epoch, the memory, the
open files and the threads.

usage: soak.py TRAIN [--data DIR] [--epochs 2000] [--window 100] [--band 0.1] [--against TRAIN] [-- OPTION...]

Runs TRAIN (bin/train) with a constant learning rate, and samples the process after each epoch. The
first epoch makes what is kept for the run, so that it is not counted. Checked are the last WINDOW
epochs:

- The median processor time of an epoch is at most BAND more than that of the first epochs of a new run.
  What else a machine does changes the time of all that runs on it, so that these two are measured at
  the same time: five times in the last WINDOW epochs the process is stopped for a while (SIGSTOP) in
  which a new run does a fifth of WINDOW epochs.
- Resident memory has grown by at most 2 MiB since the first WINDOW epochs.
- There are no more open files and threads. A sample may see a checkpoint that is being written, so that
  the smallest numbers count.

--against OLD also compares the first WINDOW epochs with those of another build, in five runs of each in
turn: whether a change made training slower. Options behind -- go to TRAIN.
"""

import argparse
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile

MORE_MEMORY = 2 << 20
ROUNDS = 5
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
        self.processor = processor_seconds(pid)
        self.memory = resident_bytes(pid)
        self.files = len(os.listdir(f"/proc/{pid}/fd"))
        self.threads = len(os.listdir(f"/proc/{pid}/task"))
        self.loss = float(line[2])


def run(train, data, epochs, options, after=None):
    """A sample for each epoch, and the last line of the output. `after` is called with the number of each
    epoch while the process is stopped."""
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
                        if after:
                            process.send_signal(signal.SIGSTOP)
                            after(int(line[1]))
                            process.send_signal(signal.SIGCONT)
            if process.returncode != 0:
                errors.seek(0)
                sys.exit(f"{' '.join(command)}\nended with status {process.returncode}:\n{errors.read()[-2000:]}")
        left = [name for name in os.listdir(folder) if not re.fullmatch(r"(model_dnn_\d+|last)\.tar|stderr", name)]
    if left:
        sys.exit(f"FAILED: files that are no checkpoints stay: {left}")
    return samples, last


def epoch_times(samples):
    moments = [sample.processor for sample in samples]
    return [after - before for before, after in zip(moments, moments[1:])]


def first_epochs(train, count, arguments):
    """The times of so many, without the first one."""
    return epoch_times(run(train, arguments.data, count + 3, arguments.options)[0])


def milliseconds(times):
    return f"{statistics.median(times) * 1e3:.1f} ms"


def compare_speed(arguments):
    times = {arguments.train: [], arguments.against: []}
    for _ in range(ROUNDS):
        for program, all_times in times.items():
            all_times += first_epochs(program, arguments.window // ROUNDS, arguments)
    now, before = times[arguments.train], times[arguments.against]
    quotient = statistics.median(now) / statistics.median(before)
    print(f"first epochs: {milliseconds(now)} of the processor for each, {milliseconds(before)} of the other build"
          f" ({quotient:.3f} times)")


def check(samples, fresh, arguments):
    """What is wrong, a line each."""
    window = arguments.window
    start, end = samples[: window + 1], samples[-window - 1 :]
    wrong = []
    first, last = epoch_times(start), epoch_times(end)
    quotient = statistics.median(last) / statistics.median(fresh)
    print(f"processor: {milliseconds(last)} of an epoch at the end, {milliseconds(fresh)} of the first ones of a new run"
          f" at that time ({quotient:.3f} times); {milliseconds(first)} at the start")
    if quotient > 1 + arguments.band:
        wrong.append(f"an epoch takes {quotient:.3f} times what one of a new run takes")
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
    given = sys.argv[1:]
    split = given.index("--") if "--" in given else len(given)
    arguments = parser.parse_args(given[:split])
    arguments.options = given[split + 1 :]
    if arguments.window < ROUNDS or arguments.epochs < 2 * arguments.window + 3:
        parser.error(f"--window must be {ROUNDS} at least, --epochs more than two times --window")
    fresh = []

    def after(epoch):
        left = arguments.epochs - epoch
        if left <= arguments.window and left % (arguments.window // ROUNDS) == 0:
            fresh.extend(first_epochs(arguments.train, arguments.window // ROUNDS, arguments))

    samples, last = run(arguments.train, arguments.data, arguments.epochs, arguments.options, after)
    print(f"{arguments.epochs} epochs, loss {samples[0].loss} to {samples[-1].loss}; {last}")
    wrong = check(samples, fresh, arguments)
    if arguments.against:
        compare_speed(arguments)
    for line in wrong:
        print(f"FAILED: {line}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
