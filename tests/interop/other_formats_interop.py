# SPDX-License-Identifier: MIT
"""safetensors, NumPy files and shards between their own Python packages and wick, both ways.

Usage: other_formats_interop.py PROGRAM [unittest options], where PROGRAM is wick_formats.
Exits with 77 where torch is missing; what needs the package safetensors shows as skipped without it.
"""

import io
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

try:
    import numpy as np
    import torch
except ImportError:
    print("skipped: this Python has no torch or no numpy")
    sys.exit(77)
try:
    import safetensors
    import safetensors.torch
except ImportError:
    safetensors = None

PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""

# All that both torch and the package can save.
SAFETENSORS_DTYPES = [
    getattr(torch, name)
    for name in (
        "float64 float32 float16 bfloat16 int64 int32 int16 int8 uint64 uint32 uint16 uint8 bool "
        "float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz float8_e8m0fnu complex64"
    ).split()
    if hasattr(torch, name)
]
NUMPY_CODES = "b1 i1 u1 i2 u2 i4 u4 i8 u8 f2 f4 f8 c8 c16".split()
SHAPES = [(), (0,), (0, 3), (3, 0, 2), (1,), (5,), (2, 3), (2, 3, 4), (1, 2, 1, 2, 1, 2, 2)]


def random_bytes(count, kind):
    """Any bits for numbers, NaNs with payloads too; 0 and 1 for bool."""
    data = random.randbytes(count)
    return bytes(byte & 1 for byte in data) if kind == "bool" else data


def random_tensor(dtype, shape):
    count = int(np.prod(shape, dtype=np.int64))
    size = torch.empty(0, dtype=dtype).element_size()
    data = random_bytes(count * size, "bool" if dtype is torch.bool else "")
    if count == 0:
        return torch.empty(shape, dtype=dtype)
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape)


def random_array(code, shape, order="<"):
    dtype = np.dtype(("" if code[1:] == "1" else order) + code)
    data = random_bytes(int(np.prod(shape, dtype=np.int64)) * dtype.itemsize,
                        "bool" if code == "b1" else "")
    return np.frombuffer(data, dtype=dtype).reshape(shape)


def raw(tensor):
    """All bits of a tensor, with its dtype and shape."""
    plain = tensor.detach().contiguous()
    data = b"" if plain.numel() == 0 else bytes(plain.reshape(-1).view(torch.uint8).tolist())
    return tensor.dtype, tuple(tensor.shape), data


def npy_bytes(array, version=None):
    out = io.BytesIO()
    if version is None:
        np.save(out, array)
    else:
        np.lib.format.write_array(out, array, version=version)
    return out.getvalue()


def native(array):
    """The same numbers in C order and this machine's byte order, bit for bit."""
    array = np.array(array, order="C")
    if array.dtype.byteorder == ">":
        array = array.byteswap().view(array.dtype.newbyteorder("<"))
    return array


class Case(unittest.TestCase):
    def setUp(self):
        random.seed(self.id())
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def convert(self, source, target, expect=0):
        done = subprocess.run([PROGRAM, self.folder / source, self.folder / target],
                              capture_output=True, text=True, timeout=120, check=False)
        self.assertEqual(done.returncode, expect, done.stderr)
        return done.stderr

    def write(self, name, data):
        (self.folder / name).write_bytes(data)

    def read(self, name):
        return (self.folder / name).read_bytes()

    def load(self, name):
        return torch.load(self.folder / name, weights_only=True)

    def expect_equal(self, loaded, wanted):
        self.assertEqual(sorted(loaded), sorted(wanted))
        for name, tensor in wanted.items():
            self.assertEqual(raw(loaded[name]), raw(tensor), name)


@unittest.skipIf(safetensors is None, "this Python has no safetensors")
class Safetensors(Case):
    def expect_both_ways(self, tensors, metadata=None):
        theirs = safetensors.torch.save(tensors, metadata)
        self.write("theirs.safetensors", theirs)
        self.convert("theirs.safetensors", "again.safetensors")
        self.assertEqual(self.read("again.safetensors"), theirs)
        self.convert("theirs.safetensors", "theirs.pt")
        self.expect_equal(self.load("theirs.pt"), tensors)
        # From torch's file, in another order, the same bytes.
        names = list(tensors)
        random.shuffle(names)
        torch.save({name: tensors[name] for name in names}, self.folder / "ours.pt")
        self.convert("ours.pt", "ours.safetensors")
        self.assertEqual(self.read("ours.safetensors"), safetensors.torch.save(tensors))
        self.expect_equal(safetensors.torch.load_file(self.folder / "ours.safetensors"), tensors)

    def test_each_dtype_and_shape(self):
        for dtype in SAFETENSORS_DTYPES:
            if dtype is getattr(torch, "float8_e8m0fnu", None):
                continue  # the package can write it, but not read it: below
            with self.subTest(dtype=dtype):
                self.expect_both_ways(
                    {f"t{i}": random_tensor(dtype, shape) for i, shape in enumerate(SHAPES)})

    def test_all_dtypes_in_one_file(self):
        tensors = {}
        for dtype in SAFETENSORS_DTYPES:
            for name in ("a", "b.weight", "Z"):
                tensors[f"{name}.{str(dtype)[6:]}"] = random_tensor(dtype, (random.randrange(5),))
        theirs = safetensors.torch.save(tensors)
        self.write("theirs.safetensors", theirs)
        self.convert("theirs.safetensors", "again.safetensors")
        self.assertEqual(self.read("again.safetensors"), theirs)
        self.convert("theirs.safetensors", "theirs.pt")
        self.expect_equal(self.load("theirs.pt"), tensors)

    def test_names_and_metadata(self):
        names = ["", " ", '"', "\\", "/", "\n\t\r\b\f", "\x01\x1f\x7f", "\u00e9", "\u4e2d\u6587",
                 "\U0001f600", "\u2028", "a.b.c", "__metadata", "A" * 1000]
        tensors = {name: random_tensor(torch.float32, (i,)) for i, name in enumerate(names)}
        self.expect_both_ways(tensors)
        for text in names:
            self.expect_both_ways({"x": torch.zeros(1)}, {text: text})
        self.expect_both_ways({})

    def test_several_metadata(self):
        metadata = {f"key {i}": f"text {i}" for i in range(20)}
        self.write("a.safetensors", safetensors.torch.save({"x": torch.ones(3)}, metadata))
        self.convert("a.safetensors", "b.safetensors")
        with safetensors.safe_open(self.folder / "b.safetensors", "pt") as opened:
            self.assertEqual(opened.metadata(), metadata)

    def test_views_are_written_whole(self):
        base = torch.arange(24.0).reshape(2, 3, 4)
        tensors = {"t": base.transpose(0, 2), "s": base[:, 1], "e": base[0, 0, 0].expand(5)}
        torch.save(tensors, self.folder / "a.pt")
        self.convert("a.pt", "a.safetensors")
        self.expect_equal(safetensors.torch.load_file(self.folder / "a.safetensors"), tensors)

    def test_what_it_does_not_have(self):
        torch.save({"z": torch.zeros(1, dtype=torch.complex128)}, self.folder / "a.pt")
        self.assertIn("complex128", self.convert("a.pt", "a.safetensors", expect=1))

    def test_both_refuse(self):
        entry = {"dtype": "U8", "shape": [2], "data_offsets": [0, 2]}
        headers = {
            "gap": {"a": entry, "b": {**entry, "data_offsets": [3, 5]}},
            "overlap": {"a": entry, "b": {**entry, "data_offsets": [1, 3]}},
            "beyond": {"a": {**entry, "data_offsets": [0, 9], "shape": [9]}},
            "wrong shape": {"a": {**entry, "shape": [3]}},
            "negative": {"a": {**entry, "shape": [-2]}},
            "fraction": {"a": {**entry, "shape": [2.0]}},
            "overflow": {"a": {**entry, "shape": [2**33, 2**33]}},
            "unknown dtype": {"a": {**entry, "dtype": "X7"}},
            "missing": {"a": {"dtype": "U8", "shape": [2]}},
            "metadata": {"a": entry, "__metadata__": {"a": 1}},
            "no object": [1],
        }
        for name, header in headers.items():
            with self.subTest(name):
                text = json.dumps(header).encode()
                data = len(text).to_bytes(8, "little") + text + b"\1\2"
                self.write("bad.safetensors", data)
                with self.assertRaises(safetensors.SafetensorError):
                    safetensors.deserialize(data)
                self.assertIn("bad.safetensors", self.convert("bad.safetensors", "x.pt", expect=1))


class Numpy(Case):
    def test_npy_each_dtype_shape_order(self):
        for code in NUMPY_CODES:
            for shape in SHAPES:
                for order in "<>":
                    with self.subTest(code=code, shape=shape, order=order):
                        array = random_array(code, shape, order)
                        for source in (array, np.array(array, order="F")):
                            self.write("a.npy", npy_bytes(source))
                            self.convert("a.npy", "b.npy")
                            self.assertEqual(self.read("b.npy"), npy_bytes(native(array)))

    def test_npy_to_torch_and_back(self):
        arrays = {code: random_array(code, (2, 3)) for code in NUMPY_CODES}
        for code, array in arrays.items():
            self.write("a.npy", npy_bytes(array))
            self.convert("a.npy", "a.pt")
            self.assertEqual(raw(self.load("a.pt")), raw(torch.from_numpy(array.copy())), code)
            torch.save(torch.from_numpy(array.copy()).T, self.folder / "t.pt")
            self.convert("t.pt", "t.npy")
            self.assertEqual(self.read("t.npy"), npy_bytes(np.array(array.T, order="C")), code)

    def test_fortran_order_keeps_its_strides(self):
        self.write("a.npy", npy_bytes(np.asfortranarray(np.arange(6.0).reshape(2, 3))))
        self.convert("a.npy", "a.pt")
        self.assertEqual(self.load("a.pt").stride(), (1, 2))

    def test_npy_versions(self):
        array = random_array("f4", (4, 4))
        for version in ((1, 0), (2, 0), (3, 0)):
            self.write("a.npy", npy_bytes(array, version))
            self.convert("a.npy", "b.npy")
            self.assertEqual(self.read("b.npy"), npy_bytes(array))

    def test_npz(self):
        arrays = {"a": random_array("f4", (3, 4)), "sub/b.weight": random_array("c16", (2,), ">"),
                  "\u00e9": np.asfortranarray(random_array("i8", (300, 20))),
                  "none": random_array("f8", (0, 2)), "one": random_array("b1", ())}
        wanted = {name: torch.from_numpy(native(array)) for name, array in arrays.items()}
        for save in (np.savez, np.savez_compressed):
            with self.subTest(save.__name__):
                save(self.folder / "a.npz", **arrays)
                self.convert("a.npz", "a.pt")
                self.expect_equal(self.load("a.pt"), wanted)
                self.convert("a.pt", "b.npz")
                with np.load(self.folder / "b.npz") as opened:
                    self.assertEqual(list(opened), list(arrays))
                    for name, array in arrays.items():
                        self.assertEqual(npy_bytes(opened[name]), npy_bytes(native(array)))
        np.savez(self.folder / "none.npz")
        self.convert("none.npz", "none.pt")
        self.assertEqual(self.load("none.pt"), {})

    def test_what_no_tensor_holds(self):
        refused = {
            "Python objects": np.array([None, 1], dtype=object),
            "structures": np.zeros(2, dtype=[("a", "f4"), ("b", "i2")]),
            "texts": np.array(["a", "bc"]),
            "dates": np.zeros(2, dtype="M8[s]"),
            "f16": np.zeros(2, dtype=np.longdouble),
        }
        for what, array in refused.items():
            with self.subTest(what):
                self.write("a.npy", npy_bytes(array))
                self.assertIn(what, self.convert("a.npy", "a.pt", expect=1))

    def test_what_numpy_does_not_have(self):
        torch.save({"w": torch.zeros(1, dtype=torch.bfloat16)}, self.folder / "a.pt")
        message = self.convert("a.pt", "a.npz", expect=1)
        self.assertIn("bfloat16", message)
        self.assertIn('"w"', message)


class Shards(Case):
    def save_shards(self, ending, save):
        model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
        state = model.state_dict()
        weight_map = {}
        for i, name in enumerate(state):
            weight_map[name] = f"model-{i % 2 + 1:05}-of-00002.{ending}"
        for shard in set(weight_map.values()):
            save({name: state[name] for name in state if weight_map[name] == shard},
                 self.folder / shard)
        index = {"metadata": {"total_size": 1.5e3}, "weight_map": weight_map}
        (self.folder / "index.json").write_text(json.dumps(index, indent=2), encoding="utf-8")
        return state

    def expect_read(self, state):
        self.convert("index.json", "whole.pt")
        whole = self.load("whole.pt")
        self.assertEqual(list(whole), list(state))
        self.expect_equal(whole, state)

    def test_torch(self):
        self.expect_read(self.save_shards("bin", torch.save))

    @unittest.skipIf(safetensors is None, "this Python has no safetensors")
    def test_safetensors(self):
        self.expect_read(self.save_shards("safetensors", safetensors.torch.save_file))


if __name__ == "__main__":
    torch.set_num_threads(1)
    unittest.main(argv=sys.argv[:1] + sys.argv[1:])
