# SPDX-License-Identifier: MIT
"""Random values of PyTorch, saved by torch.save, through wick and back: nothing may differ.

Usage: live_values.py PROGRAM [CKPT] [--seeds N] [--seed S] [--seconds T]

PROGRAM is wick_checkpoint, CKPT the program wick_ckpt, which then converts one value in four. Value i
is made from seed S + i alone: `--seeds 1 --seed S` repeats it. Without --seed it begins at a random
one, which it prints. Every eighth seed goes the other way: wick makes a random value, torch.load reads
it. Exits with 77 where torch is missing.
"""

import argparse
import collections
import json
import pathlib
import platform
import random
import re
import subprocess
import sys
import tempfile
import time
import warnings

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)

warnings.simplefilter("ignore")  # of dtypes that are new, and of protocols

import live_training
from checkpoint_describe import described_by_torch, normal
from live_compare import difference
from live_tensors import LOCATIONS, Tensors
from live_trees import Trees

# -- Values ---------------------------------------------------------------------------------------


def tree(rng, tensors):
    return Trees(rng, tensors).tree()


def tensor_list(rng, tensors):
    made = [tensors.tensor() for _ in range(rng.randrange(1, 12))]
    if rng.random() < 0.3:
        made.append(tensors.storage_object())
    return made if rng.random() < 0.7 else made[0]


KINDS = {  # with how often each
    "tree": (tree, 45),
    "tensors": (tensor_list, 18),
    "layer": (lambda rng, _: live_training.state_of(rng, live_training.module(rng)), 12),
    "optimizer": (lambda rng, _: live_training.optimizer(rng)[0].state_dict(), 9),
    "scheduler": (lambda rng, _: live_training.scheduler_state(
        rng, torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)), 4),
    "training": (lambda rng, _: live_training.training(rng), 6),
    "lazy views": (lambda rng, tensors: [tensors.lazy() for _ in range(3)], 2),
    "other devices": (tensor_list, 4),
}


class Options:
    """How torch.save is called."""

    def __init__(self, rng, kind):
        self.protocol = rng.choice((2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 4, 5))
        self.legacy = rng.random() < 0.25
        self.crc = self.legacy or rng.random() < 0.8
        self.location = "cpu" if kind == "other devices" else None

    def __str__(self):
        return (f"{'legacy' if self.legacy else 'zip'}, protocol {self.protocol}"
                f"{'' if self.crc else ', without CRC-32'}")


def save(value, path, options, rng):
    tags = {}

    def random_tag(storage):
        return tags.setdefault(storage.data_ptr(), rng.choice(LOCATIONS))

    kept = torch.serialization.location_tag
    if options.location:
        torch.serialization.location_tag = random_tag
    torch.serialization.set_crc32_options(options.crc)
    try:
        torch.save(value, path, pickle_protocol=options.protocol,
                   _use_new_zipfile_serialization=not options.legacy)
    finally:
        torch.serialization.location_tag = kept
        torch.serialization.set_crc32_options(True)


def load(path, options):
    """What torch.load makes of a file, and whether its restricted unpickler does."""
    try:
        return torch.load(path, map_location=options.location, weights_only=True), True
    except Exception:  # of many kinds, where it does not know a class or an opcode
        return torch.load(path, map_location=options.location, weights_only=False), False


def make(seed, path):
    """Saves the value of a seed. Returns its kind, how it was saved, and what load() makes of it."""
    for tame in (False, True):
        rng = random.Random(seed)
        torch.manual_seed(seed)
        kind = rng.choices(list(KINDS), [weight for _, weight in KINDS.values()])[0]
        options = Options(rng, kind)
        value = KINDS[kind][0](rng, Tensors(rng, tame))
        try:
            save(value, path, options, rng)
            return kind, options, *load(path, options)
        except Exception:  # PyTorch does not write everything, nor read all that it writes
            if tame:
                raise
    raise AssertionError


# -- wick -----------------------------------------------------------------------------------------


class Wick:
    """wick_checkpoint batch, which does what one line after the other asks for."""

    def __init__(self, program, ckpt):
        self.program, self.ckpt, self.process = program, ckpt, None

    def ask(self, *words):
        if self.process is None:
            self.process = subprocess.Popen([self.program, "batch"], stdin=subprocess.PIPE,
                                            stdout=subprocess.PIPE, text=True, bufsize=1,
                                            errors="backslashreplace")
        try:
            print(*words, sep="\t", file=self.process.stdin, flush=True)
        except BrokenPipeError:
            pass
        answer = self.process.stdout.readline()
        if not answer:
            status = self.process.wait()
            self.process = None
            return f"the program ended with status {status}"
        return answer.rstrip("\n")

    def run_ckpt(self, *arguments):
        """An error message, or nothing."""
        done = subprocess.run([self.ckpt, *arguments], capture_output=True, text=True, errors="replace",
                              check=False)
        if done.returncode == 0:
            return ""
        return f"ckpt {arguments[0]}: status {done.returncode}: {done.stderr.strip() or done.stdout[:300]}"

    def convert(self, seed, source, target, location):
        """An error message, or nothing."""
        if self.ckpt and seed % 4 == 0:
            where = ["--map-location", location] if location else []
            error = self.run_ckpt("convert", source, target, *where)
            if seed % 16 == 0 and not location:  # the other commands, too
                error = (error or self.run_ckpt("ls", source) or self.run_ckpt("show", source)
                         or self.run_ckpt("verify", source) or self.run_ckpt("diff", source, target))
            return error
        answer = self.ask("roundtrip", source, target, location or "")
        return "" if answer == "ok" else answer

    def close(self):
        if self.process:
            self.process.stdin.close()
            self.process.wait()


def check_roundtrip(wick, seed, folder, counts):
    """What is wrong with a value, or nothing; and what it is."""
    source, target = folder / "torch.pt", folder / "wick.pt"
    kind, options, left, safe = make(seed, source)
    counts[kind] += 1
    what = f"{kind}, {options}"
    error = wick.convert(seed, source, target, options.location)
    if error:
        return f"refused: {error.replace(str(folder), '')}", what
    counts["torch.load(weights_only=True) reads" if safe else "only torch.load(weights_only=False) reads"] += 1
    try:
        right, still_safe = load(target, options)
    except Exception as unreadable:  # any: it is the finding
        return f"torch.load does not read what wick wrote: {unreadable!r}"[:500], what
    if safe and not still_safe:
        return "torch.load(weights_only=True) does not read what wick wrote", what
    found = difference(left, right)
    return f"differs: {found}" if found else "", what


def check_made_by_wick(wick, seed, folder, counts):
    path = folder / "made.pt"
    counts["made by wick"] += 1
    answer = wick.ask("random", seed, path)
    if not answer.startswith("["):
        return f"refused: {answer}", "made by wick"
    loaded, _ = load(path, Options(random.Random(0), ""))
    wanted, found = normal(json.loads(answer)), described_by_torch(loaded)
    if wanted != found:
        return f"torch.load read {str(found)[:300]} where wick wrote {str(wanted)[:300]}", "made by wick"
    return "", "made by wick"


# -- The report -----------------------------------------------------------------------------------


def signature(message):
    """The end of a message, without what differs from value to value."""
    message = re.sub(r"'[^']*'|\"[^\"]*\"|\[[^]]*\]", "…", message)
    return re.sub(r"-?[0-9][0-9a-fx.]*", "N", message)[-90:]


def processor():
    for line in pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()


def report(failures, counts, seconds):
    for kind, count in sorted(counts.items(), key=lambda item: -item[1]):
        print(f"{count:8} {kind}")
    groups = collections.defaultdict(list)
    for seed, what, message in failures:
        groups[signature(message)].append((seed, what, message))
    for group in sorted(groups.values(), key=len, reverse=True):
        seeds = ", ".join(str(seed) for seed, _, _ in group[:6])
        print(f"\n{len(group)} times, seeds {seeds}{', …' if len(group) > 6 else ''}:\n"
              f"  {group[0][1]}\n  {group[0][2][:600]}")
    print(f"{counts['values']} values in {seconds:.0f} s: {len(failures)} are wrong")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("ckpt", nargs="?")
    parser.add_argument("--seeds", type=int, default=400)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--seconds", type=float, default=float("inf"), help="ends earlier then")
    arguments = parser.parse_args()
    first = random.SystemRandom().randrange(2**31) if arguments.seed is None else arguments.seed
    torch.set_num_threads(1)
    sys.setrecursionlimit(10000)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    live_training.check_layers()
    live_training.check_schedulers()
    print(f"--seeds {arguments.seeds} --seed {first}; torch {torch.__version__}, Python "
          f"{platform.python_version()}, {processor()}", flush=True)
    wick = Wick(arguments.program, arguments.ckpt)
    failures, counts, start = [], collections.Counter(), time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        for seed in range(first, first + arguments.seeds):
            if time.monotonic() - start > arguments.seconds:
                break
            check = check_made_by_wick if seed % 8 == 7 else check_roundtrip
            message, what = check(wick, seed, pathlib.Path(folder), counts)
            counts["values"] += 1
            if message:
                failures.append((seed, what, message))
    wick.close()
    report(failures, counts, time.monotonic() - start)
    sys.exit(1 if failures or not counts["values"] else 0)


if __name__ == "__main__":
    main()
