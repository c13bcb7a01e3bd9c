#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How time and memory of each reader grow with files that are made to cost much.

usage: growth.py PROGRAM [--count N] [--times K] [--only TEXT] [--seed S] [--table]

PROGRAM is growth_test, which reads one file by one reader of the library. Each kind of file
(hostile_files.py: names, keys and records that collide or amplify, and bombs) is made with N and with K
times N names, keys, records or thousands of bytes, from a random seed, which is printed. It is checked
that the larger one takes at most 2 K times the time of the smaller one (linear, or n log n; 0.3 seconds
more are nothing), that neither takes more memory than section 9 of serialize/FORMAT.md says, and that
each ends with a value or an error of wick's. --table prints all figures.
"""

import argparse
import os
import pathlib
import random
import subprocess
import sys
import tempfile

import hostile_files as files

MIB = 1 << 20
# Section 9 of FORMAT.md.
OPENING, PER_BYTE, DEFLATED, BESIDE = 128 * MIB, 512, 1032, 8 * MIB
# Of a picture (tools/data/png_file.h).
PICTURE = 64 * MIB
SLACK = 0.3
TORCH = ("load", "CheckpointFile", "load_any")
ELEMENTS = (*TORCH, "CheckpointFile::value")
FOREIGN = ("load, placeholders", "CheckpointFile, placeholders")
SAFETENSORS = ("SafetensorsFile", "load_safetensors")
NPZ = ("NpzFile", "load_npz")


class Kind:
    """`elements`: the readers that give elements which are deflated in the file."""

    def __init__(self, name, make, readers, scale=1.0, elements=()):
        self.name, self.make, self.readers, self.scale, self.elements = name, make, readers, scale, elements


def named(name, make, readers, scale=1.0):
    return [Kind(f"{name}, {kind}", lambda count, rng, kind=kind: make(count, rng, kind), readers, scale)
            for kind in ("colliding", "long prefix", "random")]


KINDS = [
    *named("safetensors: names", files.safetensors_names, SAFETENSORS),
    *named("safetensors: metadata", files.safetensors_metadata, SAFETENSORS),
    Kind("safetensors: blanks", files.safetensors_blanks, SAFETENSORS),
    Kind("safetensors: brackets", files.safetensors_nested, SAFETENSORS),
    *named("index of shards: names", files.shard_index, ("read_shard_index",)),
    *named("checkpoint: records", files.zip_names, (*TORCH, "ZipReader"), 0.5),
    *named("checkpoint: texts as keys", files.text_keys, TORCH),
    Kind("checkpoint: floats as keys", files.float_keys, TORCH),
    Kind("checkpoint: NaNs as keys", files.nan_keys, TORCH),
    Kind("checkpoint: long ints as keys", files.int_keys, TORCH),
    Kind("checkpoint: pairs as keys", files.pair_keys, TORCH),
    Kind("checkpoint: members of a set", files.set_members, TORCH),
    Kind("checkpoint: lists in lists", files.nested, TORCH),
    *named("checkpoint: tensors", files.tensors, TORCH, 0.5),
    Kind("checkpoint: storages", files.storages, TORCH, 0.25),
    Kind("checkpoint: long keys over many tensors", files.amplified, TORCH),
    Kind("checkpoint: one text in many keys", files.repeated_text, TORCH),
    Kind("checkpoint: objects of other classes", files.placeholders, FOREIGN, 0.5),
    Kind("checkpoint before 1.6: storages", files.legacy, ("load", "LegacyFile"), 0.25),
    *named("npz: names", files.npz_names, NPZ, 0.25),
    Kind("npz: deflated headers", files.npz_headers, NPZ),
    Kind("npy: header", lambda count, _: files.npy(count), ("NpyFile", "load_npy"), 4),
    Kind("bomb: version", files.small_record("version"), TORCH),
    Kind("bomb: byteorder", files.small_record("byteorder"), TORCH),
    Kind("bomb: data.pkl of one text", files.text_pickle, TORCH),
    Kind("bomb: deflated storage", files.deflated_elements, ELEMENTS, elements=ELEMENTS),
    Kind("bomb: deflated storage, big-endian", files.deflated_other_end, ELEMENTS, elements=ELEMENTS),
    Kind("bomb: npz of zeros", files.npz_elements, NPZ, elements=("load_npz",)),
    Kind("bomb: gzip of zeros", files.gzip_idx, ("IdxFile", "read_idx"), elements=("read_idx",)),
    Kind("bomb: gzip behind a small header", files.gzip_lie, ("IdxFile", "read_idx")),
    Kind("bomb: picture", files.png, ("read_png",), elements=("read_png",)),
    Kind("bomb: texts of a picture", files.png_texts, ("read_png",)),
]


class Measured:
    def __init__(self, program, reader, path):
        done = subprocess.run([program, reader, path], capture_output=True, text=True, errors="replace", timeout=300,
                              check=False)
        if done.returncode != 0:
            sys.exit(f"FAILED: {reader} ended with status {done.returncode}:\n{done.stdout}{done.stderr}")
        seconds, memory, sanitized, self.outcome = done.stdout.strip().split(" ", 3)
        self.seconds, self.memory, self.sanitized = float(seconds), int(memory), sanitized == "1"


def allowed(kind, reader, size, sanitized):
    """Bytes of memory."""
    bound = OPENING + PER_BYTE * size
    if reader in kind.elements:
        bound = max(bound, DEFLATED * size + BESIDE)
    if reader == "read_png":
        bound = PICTURE + DEFLATED * size
    # What was freed is kept for a while, and each block has a surrounding.
    return 2 * bound + 300 * MIB if sanitized else bound


def examine(kind, arguments, folder):
    """A line of the table for each reader; how many went wrong, and the largest part of a bound."""
    wrong, largest = 0, 0.0
    counts = [max(int(arguments.count * kind.scale * times), 1) for times in (1, arguments.times)]
    paths = []
    for count in counts:
        paths.append(folder / str(count))
        paths[-1].write_bytes(kind.make(count, random.Random(arguments.seed)))
    sizes = [path.stat().st_size for path in paths]
    for reader in kind.readers:
        small, large = (Measured(arguments.program, reader, path) for path in paths)
        limit = allowed(kind, reader, sizes[1], large.sanitized)
        found = []
        if large.seconds > 2 * arguments.times * small.seconds + SLACK * (10 if large.sanitized else 1):
            found.append("time grows faster than the file")
        if small.memory > allowed(kind, reader, sizes[0], small.sanitized) or large.memory > limit:
            found.append(f"more memory than the bound of {limit / MIB:.0f} MiB")
        largest = max(largest, large.memory / limit, small.memory / allowed(kind, reader, sizes[0], small.sanitized))
        if arguments.table or found:
            figures = " | ".join(f"{size / 1e6:.2f} MB: {one.seconds:.3f} s, {one.memory / MIB:.0f} MiB"
                                 for size, one in zip(sizes, (small, large)))
            print(f"| {kind.name} | {reader} | {figures} | {large.outcome.split(':')[0]} |", flush=True)
        for line in found:
            print(f"FAILED: {kind.name}, {reader}: {line}\n  {large.outcome}")
        wrong += len(found)
    for path in set(paths):
        path.unlink()
    return wrong, largest


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("program", type=lambda name: pathlib.Path(name).absolute())
    parser.add_argument("--count", type=int, default=8_000)
    parser.add_argument("--times", type=int, default=4)
    parser.add_argument("--only", default="")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(1 << 32))
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    print(f"--seed {arguments.seed} --count {arguments.count} --times {arguments.times}", flush=True)
    wrong, largest, ran = 0, 0.0, 0
    # In memory, where that can be: a disk that others use would hold it up.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="wick-growth-", dir=memory) as folder:
        for kind in KINDS:
            if arguments.only in kind.name:
                result = examine(kind, arguments, pathlib.Path(folder))
                wrong, largest, ran = wrong + result[0], max(largest, result[1]), ran + 1
    print(f"{ran} kinds of files, {wrong} findings; at most {largest:.0%} of a bound of memory")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
