#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs on a system that gives them no more threads or no more memory.

usage: thread_faults.py BIN FORMATS PRELOAD {strace|limits} [--long] [--seed S] [--seconds T]

BIN is the folder with train and predict, FORMATS the program wick_formats, which loads a file and saves
it; PRELOAD is the library eight_processors, under which readers use up to eight threads on every machine.
Training, evaluation and loading run with 1 to 8 threads, and

  strace   the N-th creation of a thread fails, alone or with all that follow, for every N; and, in
           the random part, the N-th of the calls that ask for memory
  limits   ulimit -v (address space) and, for root, ulimit -u (processes of a user) are small

Where threads lack, the program must go on with fewer, and give the same results. Where memory lacks, it
may also end with status 1 and one line that says so. A signal, a hang, another result or a file of
another name in its folder is a failure.

Without --long, random ones of these cases run for T seconds (6); the seed is printed. Ends with
status 77, "skipped", where the system does not allow what is needed.
"""

import argparse
import hashlib
import os
import pathlib
import random
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

SKIPPED = 77
THREADS = range(1, 9)
CREATE = "clone,clone3"
# Not brk, which has no error but says where the end stays, and not munmap, after which glibc aborts.
MEMORY = ("mmap", "mprotect")
USER = 61234  # nobody's: none of its processes count
TIMEOUT = 60
LEAST = 8 << 20  # bytes of address space
PAGE = resource.getpagesize()
LARGE = 130 << 20  # bytes that eight threads read
# What a program says that got no memory, and with which status the dynamic linker ends before main() runs.
NO_MEMORY = re.compile(r"out of memory|[Cc]annot allocate memory|bad_alloc")
NOT_STARTED = 127


class Case:
    """A command, the folder that it writes to, and what it gives where nothing fails."""

    def __init__(self, name, command, environment=None, writes=None):
        self.name, self.command, self.writes = name, command, writes
        self.environment = {**os.environ, **(environment or {})}
        self.expected = None

    def run(self, before=(), setup=None, user=None):
        """(status, what it gave, stderr); the results are those of stdout and of the files."""
        if self.writes:
            shutil.rmtree(self.writes, ignore_errors=True)
            self.writes.mkdir()
            self.writes.chmod(0o777)
        done = subprocess.run(
            [*before, *self.command], env=self.environment, capture_output=True, timeout=TIMEOUT,
            preexec_fn=setup, user=user, extra_groups=[] if user else None, check=False)
        text = re.sub(rb", \d+ samples/s", b"", done.stdout)  # the one thing that is a matter of time
        files = {}
        if self.writes:
            for path in sorted(self.writes.iterdir()):
                files[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return done.returncode, (text, files), done.stderr.decode(errors="replace")

    def learn(self):
        status, self.expected, errors = self.run()
        if status != 0:
            sys.exit(f"FAILED without any fault: {self.name}: status {status}\n{errors}")

    def verdict(self, outcome, may_fail):
        """What is wrong with an outcome; None where nothing is."""
        status, found, errors = outcome
        if status == 0:
            return None if found == self.expected else f"status 0 with another result: {found} {errors[-500:]}"
        if not may_fail:
            return f"status {status}: {errors[-500:]}"
        if status == NOT_STARTED:
            return None
        if status != 1:
            return f"status {status}: {errors[-500:]}"
        if not NO_MEMORY.search(errors):
            return f"status {status} without a word of memory: {errors[-500:]}"
        unknown = [name for name in found[1] if name not in self.expected[1]]
        return f"leaves {unknown}" if unknown else None


# -- What is run ----------------------------------------------------------------------------------


def write_images(folder):
    """A small data set in MNIST's format."""
    rng = random.Random(1)
    for part, count in (("train", 640), ("t10k", 128)):
        labels = bytes(rng.randrange(10) for _ in range(count))
        (folder / f"{part}-labels-idx1-ubyte").write_bytes(struct.pack(">II", 2049, count) + labels)
        pixels = rng.randbytes(count * 28 * 28)
        (folder / f"{part}-images-idx3-ubyte").write_bytes(
            struct.pack(">IIII", 2051, count, 28, 28) + pixels)


def write_large(path):
    """A safetensors file; of zeros, which take no place on the disk."""
    count = 10
    each = LARGE // count // 4 * 4
    entries = ",".join(f'"{i}":{{"dtype":"F32","shape":[{each // 4}],"data_offsets":[{i * each},{(i + 1) * each}]}}'
                       for i in range(count))
    header = ("{" + entries + "}").encode()
    header += b" " * (-len(header) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(header)) + header)
        file.truncate(8 + len(header) + count * each)


def make_cases(programs, formats, preload, folder):
    data, out = folder / "data", folder / "out"
    data.mkdir()
    write_images(data)
    write_large(folder / "large.safetensors")

    def train(threads, target):
        return [programs / "train", "--data", data, "--epochs", "2", "--model", "128,64", "--batch-size", "128",
                "--threads", str(threads), "--checkpoint-dir", target]

    subprocess.run(train(1, folder / "run"), check=True, capture_output=True)
    subprocess.run([formats, folder / "large.safetensors", folder / "large.pt"], check=True)
    cases = [Case(f"train --threads {threads}", train(threads, out), writes=out)
             for threads in THREADS]
    cases += [Case(f"predict --threads {threads}",
                   [programs / "predict", folder / "run" / "last.tar", "--data", data, "--threads", str(threads)])
              for threads in THREADS]
    cases += [Case(f"load {of}, save {to}", [formats, folder / f"large.{of}", out / f"made.{to}"],
                   {"LD_PRELOAD": str(preload)}, out)
              for of, to in (("safetensors", "pt"), ("pt", "safetensors"))]
    return cases


# -- Calls that fail ------------------------------------------------------------------------------


class Strace:
    """Lets system calls of a case fail."""

    def __init__(self, folder):
        self.log = folder / "strace.log"

    def require(self):
        if shutil.which("strace") is None:
            skip("there is no strace")
        done = subprocess.run([*self.command("clone3", "error=EAGAIN:when=1"), "true"], capture_output=True,
                              text=True, check=False)
        if done.returncode != 0:
            skip(f"strace cannot trace here: {done.stderr.strip()}")

    def command(self, calls, inject=None):
        command = ["strace", "-f", "-qq", "-o", self.log, "-e", f"trace={calls}"]
        return [*command, "-e", f"inject={calls}:{inject}"] if inject else command

    def lines(self, text):
        return sum(text in line for line in self.log.read_text(errors="replace").splitlines())

    def calls_of(self, case, calls):
        """How many a run makes."""
        status, found, errors = case.run(self.command(calls))
        if (status, found) != (0, case.expected):
            sys.exit(f"FAILED without any fault, under strace: {case.name}: status {status}\n{errors}")
        return self.lines("(")

    def calls_of_start(self, case, calls):
        """How many the dynamic linker makes, at least: it does not look whether each succeeds."""
        subprocess.run([*self.command(calls), case.command[0]], capture_output=True, check=False)
        return self.lines("(")

    def fail(self, case, calls, error, when, may_fail):
        """A verdict, and whether the program went on."""
        outcome = case.run(self.command(calls, f"error={error}:when={when}"))
        wrong = case.verdict(outcome, may_fail)
        # How often memory is asked for depends on what the threads do at the same time.
        if not may_fail and not self.lines("(INJECTED)"):
            wrong = wrong or "no call failed"
        return wrong, outcome[0] == 0


def thread_faults(strace, cases):
    """(name, function that runs it) for each creation of a thread that can fail."""
    for case in cases:
        made = strace.calls_of(case, CREATE)
        print(f"  {case.name}: makes {made} threads", flush=True)
        for index in range(1, made + 1):
            for when in (str(index), f"{index}+"):
                yield (f"{case.name}, thread {when} cannot be made",
                       lambda case=case, when=when: strace.fail(case, CREATE, "EAGAIN", when, False))


def memory_faults(strace, cases, rng):
    """Without an end."""
    counts = {}
    while True:
        case, call = rng.choice(cases), rng.choice(MEMORY)
        if (case.name, call) not in counts:
            counts[case.name, call] = strace.calls_of_start(case, call), strace.calls_of(case, call)
        begun, all_calls = counts[case.name, call]
        if begun >= all_calls:
            continue
        when = str(rng.randint(begun + 1, all_calls)) + rng.choice(("", "+"))
        yield (f"{case.name}, {call} {when} fails",
               lambda case=case, call=call, when=when: strace.fail(case, call, "ENOMEM", when, True))


# -- Limits ---------------------------------------------------------------------------------------


def address_space(case, limit):
    outcome = case.run(setup=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    return case.verdict(outcome, True), outcome[0] == 0


def least_address_space(case):
    """The least with which a case succeeds, to 64 KiB."""
    low, high = LEAST, 1 << 33
    while high - low > 1 << 16:
        middle = (low + high) // 2
        wrong, went_on = address_space(case, middle)
        if wrong:
            sys.exit(f"FAILED: {case.name}, ulimit -v of {middle >> 10} KiB: {wrong}")
        low, high = (low, middle) if went_on else (middle, high)
    return high


def begins(case, limit):
    """Whether the dynamic linker comes to its end."""
    status, _, _ = case.run(setup=lambda: resource.setrlimit(resource.RLIMIT_AS, (limit, limit)))
    return status >= 0 and status != NOT_STARTED


def start_faults(case):
    """What is just enough to begin the program, and a little more, page by page at first: main() begins
    without the memory that an exception takes."""
    low, high = LEAST, 1 << 30
    while high - low > PAGE:
        middle = (low + high) // 2 // PAGE * PAGE
        low, high = (low, middle) if begins(case, middle) else (middle, high)
    for above in (*range(0, 16), *range(16, 256, 6)):
        limit = high + above * PAGE
        yield f"{case.name}, ulimit -v {limit >> 10}", lambda limit=limit: address_space(case, limit)


def nearly_enough(case):
    """What is just too little: the last thing that is asked for is not there."""
    enough = least_address_space(case)
    for step in range(1, 25):
        limit = enough - (step << 15)
        yield f"{case.name}, ulimit -v {limit >> 10}", lambda limit=limit: address_space(case, limit)


def address_faults(cases, rng):
    """Limits from one with which nothing goes to one with which all goes. Without an end."""
    while True:
        case = rng.choice(cases)
        # From what the system needs to begin the program (below, it ends it by a signal) to what eight
        # threads need, each with a stack of 8 MiB and a heap.
        limit = rng.choice((rng.randrange(LEAST, 64 << 20), rng.randrange(16 << 20, 768 << 20)))
        yield f"{case.name}, ulimit -v {limit >> 10}", lambda case=case, limit=limit: address_space(case, limit)


def processes(case, limit):
    outcome = case.run(setup=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (limit, limit)), user=USER)
    return case.verdict(outcome, False), outcome[0] == 0


def process_faults(cases):
    for case in cases:
        for limit in range(1, 10):
            yield f"{case.name}, ulimit -u {limit}", lambda case=case, limit=limit: processes(case, limit)


# -- Running them ---------------------------------------------------------------------------------


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


class Tally:
    def __init__(self):
        self.ran = self.went_on = self.failed = 0

    def run(self, faults, until=None):
        for name, attempt in faults:
            try:
                wrong, went_on = attempt()
            except subprocess.TimeoutExpired:
                wrong, went_on = f"hangs: no end after {TIMEOUT} s", False
            self.ran += 1
            self.went_on += went_on
            if wrong:
                self.failed += 1
                print(f"FAILED: {name}: {wrong}", flush=True)
            if until is not None and time.monotonic() >= until:
                break


def run_strace(cases, folder, arguments, rng, tally):
    strace = Strace(folder)
    strace.require()
    if arguments.long:
        for case in cases:
            case.learn()
        tally.run(thread_faults(strace, cases))
        print(f"threads: {tally.ran} runs, {tally.went_on} went on", flush=True)
    else:
        cases = rng.sample(cases[4:8], 1) + rng.sample(cases[8:16], 1) + rng.sample(cases[16:], 1)
        for case in cases:
            case.learn()
        threads = list(thread_faults(strace, cases))
        tally.run(rng.sample(threads, len(threads)), time.monotonic() + arguments.seconds / 2)
    tally.run(memory_faults(strace, cases, rng), time.monotonic() + arguments.seconds / 2)


def run_limits(cases, folder, arguments, rng, tally):
    if not arguments.long:
        cases = rng.sample(cases[:8], 2) + rng.sample(cases[8:16], 1) + rng.sample(cases[16:], 1)
    for case in cases:
        case.learn()
    if os.geteuid() == 0:
        for path in (folder, *folder.iterdir()):
            path.chmod(0o755)
        faults = list(process_faults([case for case in cases if not case.name.startswith("load")]))
        if arguments.long:
            tally.run(faults)
            print(f"ulimit -u: {tally.ran} runs, {tally.went_on} went on", flush=True)
        else:
            tally.run(rng.sample(faults, len(faults)), time.monotonic() + arguments.seconds / 2)
    else:
        print("skipped: ulimit -u (only root can start programs of a user who has no others)")
    if arguments.long:
        for case in cases:
            print(f"  {case.name}: needs ulimit -v {least_address_space(case) >> 10}", flush=True)
    programs = [case for case in cases if not case.name.startswith("load")]
    for case in (programs[0], programs[-1]):
        tally.run(start_faults(case))
    for case in cases[len(programs):]:
        tally.run(nearly_enough(case))
    tally.run(address_faults(cases, rng), time.monotonic() + arguments.seconds / 2)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("programs", type=pathlib.Path)
    parser.add_argument("formats", type=pathlib.Path)
    parser.add_argument("preload", type=pathlib.Path)
    parser.add_argument("fault", choices=("strace", "limits"))
    parser.add_argument("--long", action="store_true")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--seconds", type=float, default=6)
    arguments = parser.parse_args()
    print(f"{arguments.fault}, --seed {arguments.seed}", flush=True)
    rng, tally = random.Random(arguments.seed), Tally()
    with tempfile.TemporaryDirectory(prefix="wick-faults-") as name:
        folder = pathlib.Path(name)
        cases = make_cases(*(path.absolute() for path in (arguments.programs, arguments.formats, arguments.preload)),
                           folder)
        {"strace": run_strace, "limits": run_limits}[arguments.fault](cases, folder, arguments, rng, tally)
    print(f"{tally.ran} runs: {tally.went_on} went on with the same results, {tally.failed} went wrong,"
          f" {tally.ran - tally.went_on} ended")
    sys.exit(bool(tally.failed))


if __name__ == "__main__":
    main()
