#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Writes the seeds of the fuzz programs, tests/fuzz/corpus/, from the checkpoints in tests/fixtures.

usage: make_corpus.py
"""

import io
import json
import pathlib
import pickle
import struct
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


def header(value):
    return json.dumps(value, separators=(",", ":")).encode()


# For the first letters see formats_fuzz.cpp.
def formats():
    data = b"\0\0\x80\x3f\1\2"
    tensors = {
        "a": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
        "b": {"dtype": "U8", "shape": [2, 1], "data_offsets": [4, 6]},
    }
    yield "safetensors", b"s" + header(tensors) + data
    metadata = {"format": "pt", "\u00e9": "\n"}
    yield "safetensors_metadata", b"s" + header({"__metadata__": metadata, **tensors}) + data
    yield "safetensors_file", struct.pack("<Q", len(header(tensors))) + header(tensors) + data
    other = {"dtype": "BF16", "shape": [], "data_offsets": [0, 2], "x": [None, True, -1.5e3]}
    yield "safetensors_empty", b"s" + header({"a": other}) + b"\0\0"
    for name, descr, order in (("npy", "<i2", False), ("npy_big", ">c8", True)):
        text = repr({"descr": descr, "fortran_order": order, "shape": (2, 2)}).encode()
        content = bytes(range(8 if descr == "<i2" else 32))
        file = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text + content
        yield name, b"n" + text + content
        yield name + "_file", file
        yield name + "_npz", b"z" + file
        yield name + "_deflated", zipped([("a.npy", file)], zipfile.ZIP_DEFLATED)
    yield "index", b"j" + header({"metadata": {"total_size": 6}, "weight_map": {"a": "1.bin"}})


def seeds():
    for name, content in formats():
        yield "formats", name, content
    python2 = FIXTURES / "1.0-python2"
    for path in [*sorted(FIXTURES.glob("*.pt")), *sorted(python2.glob("legacy_[kt]*.pt"))]:
        name = path.stem + ("_python2" if path.parent == python2 else "")
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
