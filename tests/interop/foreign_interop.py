# SPDX-License-Identifier: MIT
"""Files of torch.save with NumPy's arrays and objects of any classes, read by ckpt.

Usage: foreign_interop.py PROGRAM [unittest options], where PROGRAM is ckpt. WICK_ROUNDS=N tries more
random cases, WICK_SEED=N others. Exits with 77 where torch or NumPy is missing.
"""

import argparse
import collections
import datetime
import decimal
import enum
import fractions
import functools
import io
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import types
import unittest
import uuid
import zipfile

try:
    import numpy as np
    import torch
except ImportError:
    print("skipped: this Python has no torch or no numpy")
    sys.exit(77)

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
ROUNDS = int(os.environ.get("WICK_ROUNDS", "12"))
SEED = int(os.environ.get("WICK_SEED", random.randrange(2**32)))

CODES = "b1 i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16".split()
FOREIGN_CODES = ["U3", "S2", "O", "M8[s]", "m8[D]", "g", "V3"]


class Level(enum.IntEnum):
    LOW = 1


class Bag(dict):
    pass


class Row(list):
    pass


class Ordered(collections.OrderedDict):
    pass


class Pair(collections.namedtuple("Pair", "a b")):
    pass


class Plain:
    def __init__(self, **values):
        self.__dict__.update(values)


class Slots:
    __slots__ = ("x", "y")


class Reduced:
    def __init__(self, *values):
        self.values = values

    def __reduce__(self):
        return (Reduced, self.values, None, iter([1, 2]), iter([("k", 3)]))

    def append(self, value):
        pass

    def extend(self, values):
        pass

    def __setitem__(self, key, value):
        pass


def run(*arguments):
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, timeout=120, check=False
    )


class Foreign(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def good(self, *arguments):
        result = run(*arguments)
        self.assertEqual(result.returncode, 0, f"{arguments}: {result.stderr}")
        return result.stdout

    def save(self, rng, value):
        path = self.folder / "a.pt"
        torch.save(
            value,
            path,
            pickle_protocol=rng.choice([2, 3, 4, 5]),
            _use_new_zipfile_serialization=rng.random() < 0.6,
        )
        return path

    def array(self, rng, code):
        shape = tuple(rng.randrange(4) for _ in range(rng.randrange(4)))
        bits = np.random.default_rng(rng.randrange(2**32))
        if code == "b1":
            array = bits.integers(0, 2, shape).astype("b1")
        else:
            dtype = np.dtype(code)
            raw = bits.integers(0, 256, int(np.prod(shape)) * dtype.itemsize, dtype="u1")
            array = np.frombuffer(raw.tobytes(), dtype).reshape(shape)
        array = array.astype(array.dtype.newbyteorder(rng.choice("<>=")))
        if rng.random() < 0.3:
            array = np.asfortranarray(array)
        if rng.random() < 0.2 and array.ndim:
            array = array[::-1]
        return array

    def test_arrays_are_tensors(self):
        rng = random.Random(SEED)
        for _ in range(ROUNDS):
            arrays = {f"a{i}": self.array(rng, rng.choice(CODES)) for i in range(12)}
            path = self.save(rng, {"w": torch.ones(2), "arrays": arrays})
            out = self.folder / "b.pt"
            self.good("convert", path, out, "--root", "arrays")
            back = torch.load(out, weights_only=True)
            for name, array in arrays.items():
                native = np.ascontiguousarray(array.astype(array.dtype.newbyteorder("=")))
                tensor = back[name].contiguous()
                self.assertEqual(tuple(tensor.shape), array.shape)
                given = tensor.view(torch.uint8) if tensor.dim() and tensor.numel() else None
                wanted = torch.from_numpy(native.reshape(array.shape).copy())
                self.assertEqual(tensor.dtype, wanted.dtype)
                if given is not None:
                    self.assertTrue(torch.equal(given, wanted.view(torch.uint8)), (SEED, name))
                else:
                    self.assertEqual(tensor.reshape(-1).numpy().tobytes(), wanted.numpy().tobytes())

    def test_scalars_are_numbers(self):
        rng = random.Random(SEED)
        for _ in range(ROUNDS):
            scalars = []
            for code in CODES:
                array = self.array(rng, code).reshape(-1)
                scalars += list(array[:2])
            out = self.folder / "b.pt"
            self.good("convert", self.save(rng, {"s": scalars, "x": 1}), out, "--root", "s")
            for given, scalar in zip(torch.load(out, weights_only=True), scalars):
                wanted = scalar.item()
                self.assertIs(type(given), type(wanted))
                self.assertEqual(repr(given), repr(wanted))

    def objects(self, rng):
        circle = Plain(lr=0.1)
        circle.me = circle
        slots = Slots()
        slots.x = [1]
        everything = [
            argparse.Namespace(a=1, b=[2]),
            Bag(a=1, t=torch.ones(2)),
            Row([1, [2], Bag()]),
            Ordered([("k", Level.LOW)]),
            Pair(1, Plain(z=2)),
            circle,
            slots,
            Reduced(1, Plain()),
            Level.LOW,
            datetime.datetime.now(),
            datetime.timedelta(1),
            datetime.timezone.utc,
            decimal.Decimal("1.5"),
            fractions.Fraction(1, 3),
            uuid.uuid4(),
            pathlib.PurePosixPath("a/b"),
            pathlib.PureWindowsPath("a"),
            functools.partial(print, 1, sep=""),
            collections.deque([1, 2], 5),
            collections.defaultdict(Bag, {1: 2}),
            collections.ChainMap({1: 2}),
            types.SimpleNamespace(q=1),
            slice(1, 2, 3),
            range(5),
            ...,
            NotImplemented,
            len,
            int,
            Bag,
            torch.nn.Linear,
            torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU()),
            torch.optim.SGD([torch.ones(1, requires_grad=True)], lr=0.1),
            torch.ones(2).to_sparse(),
            torch.eye(2).to_sparse_csr(),
            torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
            torch.Generator(),
            torch.random.get_rng_state(),
            np.random.get_state(),
            np.random.default_rng(1),
            np.float32,
            np.dtype("f4"),
            np.ma.masked_array([1, 2], [True, False]),
            *(np.zeros(2, code) for code in FOREIGN_CODES if code != "g"),
            np.zeros(1, [("a", "i4")]),
        ]
        chosen = []
        for value in rng.sample(everything, 12):
            try:
                torch.save(value, self.folder / "try.pt")
                chosen.append(value)
            except (TypeError, AttributeError, RuntimeError):
                pass
        return chosen

    def test_objects_hide_nothing(self):
        rng = random.Random(SEED)
        for _ in range(ROUNDS):
            state = torch.nn.Linear(3, 2).state_dict()
            objects = self.objects(rng)
            tree = {"state_dict": state, "list": objects, "keys": {Level.LOW: objects[0]}}
            tree["set"] = {Level.LOW, int}
            path = self.save(rng, tree)
            message = (SEED, [type(each) for each in objects])
            listed = json.loads(self.good("ls", "--json", path))
            names = [tensor["name"] for tensor in listed["tensors"]]
            self.assertIn("state_dict.weight", names, message)
            self.assertGreater(listed["total"]["placeholders"], 0, message)
            self.assertIn("Level", self.good("show", path), message)
            self.assertIn("placeholder", self.good("verify", path), message)
            self.assertIn("the same", self.good("diff", path, path), message)
            out = self.folder / "b.pt"
            out.unlink(missing_ok=True)
            self.assertIn("placeholder", run("convert", path, out).stderr)
            self.assertFalse(out.exists())
            self.good("convert", path, out, "--root", "state_dict")
            for name, tensor in torch.load(out, weights_only=True).items():
                self.assertTrue(torch.equal(tensor, state[name]), message)

    def test_whole_modules_and_quantized_tensors(self):
        rng = random.Random(SEED)
        quantized = torch.quantize_per_tensor(torch.tensor([0.0, 0.5, 1.0]), 0.5, 0, torch.qint8)
        path = self.save(rng, {"m": torch.nn.Linear(2, 2), "q": quantized})
        listed = json.loads(self.good("ls", "--json", path))
        self.assertIn("m._parameters.weight", [each["name"] for each in listed["tensors"]])
        self.assertEqual([each["dtype"] for each in listed["storages"]], ["int8"])

    def test_archives_that_numpy_reads(self):
        empty = self.folder / "empty.pt"
        torch.save({}, empty)
        self.good("convert", empty, self.folder / "empty.npz")
        np.savez(self.folder / "numpy.npz")
        self.assertEqual(
            (self.folder / "empty.npz").read_bytes(), (self.folder / "numpy.npz").read_bytes()
        )
        self.assertEqual(np.load(self.folder / "empty.npz").files, [])
        for name in ["a/b", "/a", "a.npy", "é", "a\\b", " ", "..", "a\nb", "😀", "arr_0", "x" * 5000]:
            torch.save({name: torch.ones(2)}, empty)
            self.good("convert", empty, self.folder / "n.npz")
            with np.load(self.folder / "n.npz") as archive:
                self.assertEqual(archive.files, [name])
                self.assertEqual(archive[name].tolist(), [1, 1])
        for names in (["a\0b"], ["\ud800"], ["a", "a.npy"], ["b.npy", "b"]):
            torch.save({name: torch.ones(2) for name in names}, empty)
            self.assertEqual(run("convert", empty, self.folder / "no.npz").returncode, 1, names)
            self.assertFalse((self.folder / "no.npz").exists())

    def test_arrays_with_other_things_behind_and_beside_them(self):
        rng = random.Random(SEED)

        def array_bytes(array):
            buffer = io.BytesIO()
            np.save(buffer, array)
            return buffer.getvalue()

        for round_number in range(ROUNDS):
            message = f"seed {SEED}, round {round_number}"
            arrays = [np.arange(rng.randrange(9)).astype(rng.choice(["<i4", ">f8"])) for _ in "123"]
            path = self.folder / "several.npy"
            path.write_bytes(b"".join(map(array_bytes, arrays)) + rng.randbytes(rng.randrange(9)))
            self.good("convert", path, self.folder / "out.npy")
            first = np.load(self.folder / "out.npy")
            self.assertEqual(first.tolist(), np.load(path).tolist(), message)
            path = self.folder / "members.npz"
            names = rng.sample(["a.npy", "a", "b.npy", "c/d.npy", "c/", "e.txt", "f.npy.npy"], 4)
            names.append("always.npy")
            with zipfile.ZipFile(path, "w", rng.choice([0, zipfile.ZIP_DEFLATED])) as archive:
                for name in names:
                    content = array_bytes(rng.choice(arrays)) + rng.randbytes(rng.randrange(2))
                    plain = name != "always.npy" and rng.random() < 0.4
                    archive.writestr(name, rng.randbytes(rng.randrange(200)) if plain else content)
            listed = json.loads(self.good("ls", "--json", path))["tensors"]
            with np.load(path) as archive:
                ours = {each["name"] for each in listed}
                # Of two members "a" and "a.npy", NumPy calls both "a", and gives the first for it.
                keys = [n if n.removesuffix(".npy") in names else n.removesuffix(".npy") for n in names]
                theirs = {key for key in keys if isinstance(archive[key], np.ndarray)}
                self.assertEqual(ours, theirs, message)
                self.good("convert", path, self.folder / "out.pt")
                read = torch.load(self.folder / "out.pt", weights_only=True)
                self.assertEqual(set(read), ours, message)
                for name in ours:
                    self.assertEqual(read[name].tolist(), archive[name].tolist(), message)


if __name__ == "__main__":
    print("seed", SEED, flush=True)
    unittest.main()
