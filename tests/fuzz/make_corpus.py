#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzz programs, tests/fuzz/corpus/, from the checkpoints in tests/fixtures.

usage: make_corpus.py
"""

import io
import pathlib
import pickle
import zipfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
CORPUS = ROOT / "tests/fuzz/corpus"
FIXTURES = ROOT / "tests/fixtures/serialize"
MOST_BYTES = 8192

# Values whose pickles use opcodes that checkpoints seldom do.
PLAIN = {
    "scalars": [None, True, False, 0, 255, 65536, -1, 1 << 40, 1 << 80, -(1 << 80), 0.5, "text", b"b"],
    "containers": {"list": [1, [2, [3]]], "tuple": (1, (2, 3), (4, 5, 6, 7)), "set": {1, 2}},
    "frozen": {frozenset({1, 2}): bytearray(b"bytes"), (1, "a"): 1j},
}


def zipped(records, compression):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content in records:
            archive.writestr(zipfile.ZipInfo(name), content, compression)
    return out.getvalue()


def seeds():
    for path in sorted(FIXTURES.glob("*.pt")):
        name = path.stem
        if path.stat().st_size <= MOST_BYTES:
            yield "load", name, path.read_bytes()
        if not zipfile.is_zipfile(path):
            continue
        with zipfile.ZipFile(path) as archive:
            records = [(entry, archive.read(entry)) for entry in archive.namelist()]
        if path.stat().st_size <= MOST_BYTES:
            yield "zip", name, path.read_bytes()
        for entry, content in records:
            if entry.endswith("/data.pkl") and len(content) <= MOST_BYTES:
                yield "pickle", name, content
                yield "load", name + "_pickle", b"p" + content
    small = [("m/data.pkl", b"\x80\x02N."), ("m/version", b"3\n"), ("m/empty", b"")]
    yield "zip", "stored", zipped(small, zipfile.ZIP_STORED)
    yield "zip", "deflated", zipped([("m/zeros", b"0" * 3000)] + small, zipfile.ZIP_DEFLATED)
    yield "load", "deflated", zipped(small, zipfile.ZIP_DEFLATED)
    for name, value in PLAIN.items():
        for protocol in (2, 4, 5):
            yield "pickle", f"{name}{protocol}", pickle.dumps(value, protocol)
    circle = []
    circle.append(circle)
    yield "pickle", "circle", pickle.dumps(circle, 2)


def main():
    for reader, name, content in seeds():
        directory = CORPUS / reader
        directory.mkdir(parents=True, exist_ok=True)
        (directory / name).write_bytes(content)


if __name__ == "__main__":
    main()
