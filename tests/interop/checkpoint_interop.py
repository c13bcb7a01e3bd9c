# SPDX-License-Identifier: MIT
"""Checkpoints between real PyTorch and wick, both ways: bit for bit, and byte for byte.

Usage: checkpoint_interop.py PROGRAM [unittest options], where PROGRAM is wick_checkpoint.
Exits with 77 where there is no torch.
"""

import collections
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest
import warnings
import zipfile

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)

PROGRAM = ""

DTYPES = [
    getattr(torch, name)
    for name in (
        "float32 float64 float16 bfloat16 float8_e4m3fn float8_e5m2 float8_e4m3fnuz float8_e5m2fnuz "
        "float8_e8m0fnu uint8 int8 int16 int32 int64 uint16 uint32 uint64 bool complex32 complex64 "
        "complex128"
    ).split()
    if hasattr(torch, name)
]


def run(*arguments, expect=0):
    # Values that contain themselves are never freed, which is no leak to report here.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    command = [PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    if done.returncode != expect:
        raise AssertionError(f"{arguments}: status {done.returncode}: {done.stderr}")
    return done.stdout if expect == 0 else done.stderr


class Describer:
    """The same description as `wick_checkpoint describe` prints."""

    def __init__(self):
        self.seen = {}
        self.storages = {}
        self.alive = []

    def describe(self, value):
        kinds = (list, tuple, dict, set, frozenset, bytearray, torch.Tensor)
        if isinstance(value, kinds) and not (type(value) in (tuple, frozenset) and not value):
            if id(value) in self.seen:
                return ["same", self.seen[id(value)]]
            self.seen[id(value)] = len(self.seen)
            self.alive.append(value)
        if value is None:
            return ["None"]
        if isinstance(value, bool):
            return ["bool", int(value)]
        if isinstance(value, int):
            return ["int", str(value)]
        if isinstance(value, float):
            return ["float", struct.pack("<d", value).hex()]
        if isinstance(value, complex):
            parts = (value.real, value.imag)
            return ["complex", *(struct.pack("<d", part).hex() for part in parts)]
        if isinstance(value, str):
            return ["str", value.encode().hex()]
        if isinstance(value, (bytes, bytearray)):
            return [type(value).__name__, value.hex()]
        if isinstance(value, torch.Size):
            return ["torch.Size", list(value)]
        if isinstance(value, (list, tuple)):
            return [type(value).__name__, *(self.describe(item) for item in value)]
        if isinstance(value, dict):
            kind = {"OrderedDict": "ordered", "Counter": "counter", "defaultdict": "default"}
            result = ["dict", kind.get(type(value).__name__, "plain")]
            if isinstance(value, collections.defaultdict):
                result.append(value.default_factory.__name__ if value.default_factory else "")
            for key, item in value.items():
                result += [self.describe(key), self.describe(item)]
            if isinstance(value, collections.OrderedDict) and value.__dict__:
                result += ["attributes", self.describe(value.__dict__)]
            return result
        if isinstance(value, (set, frozenset)):
            return [type(value).__name__, *(self.describe(item) for item in value)]
        if isinstance(value, torch.dtype):
            return ["torch.dtype", str(value)]
        if isinstance(value, torch.device):
            return ["torch.device", str(value)]
        return self.describe_tensor(value)

    def describe_tensor(self, tensor):
        storage = tensor.untyped_storage()
        content = ""
        if storage._cdata not in self.storages:
            self.storages[storage._cdata] = len(self.storages)
            content = bytes(storage.tolist()).hex()
        shape, strides = list(tensor.shape), list(tensor.stride())
        where = [str(tensor.device), shape, strides, tensor.storage_offset()]
        kept = [int(tensor.requires_grad), self.storages[storage._cdata], content]
        kept.append(type(tensor).__name__)
        if tensor.__dict__:
            kept.append(self.describe(tensor.__dict__))
        return ["torch.Tensor", str(tensor.dtype), *where, *kept]


def normal(description):
    """The items of sets in a fixed order."""
    if not isinstance(description, list):
        return description
    items = [normal(item) for item in description]
    if items and items[0] in ("set", "frozenset"):
        items[1:] = sorted(items[1:], key=json.dumps)
    return items


def described_by_torch(value):
    return normal(Describer().describe(value))


def described_by_wick(path):
    return normal(json.loads(run("describe", path)))


def random_bits(dtype, *shape):
    """Any bits, not-a-numbers included; for bool the two there are."""
    if dtype == torch.bool:
        return torch.randint(0, 2, shape).bool()
    size = torch.empty(0, dtype=dtype).element_size()
    raw = torch.randint(0, 256, (*shape[:-1], shape[-1] * size), dtype=torch.uint8)
    return raw.view(dtype)


def trained(optimizer_class, **options):
    model = torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.ReLU(), torch.nn.Linear(4, 3))
    optimizer = optimizer_class(model.parameters(), lr=0.01, **options)
    for _ in range(2):
        optimizer.zero_grad()
        model(torch.randn(6, 5)).square().sum().backward()
        optimizer.step()
    return model, optimizer


class Net(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = torch.nn.Linear(3, 4)
        self.norm = torch.nn.BatchNorm1d(4)
        self.blocks = torch.nn.ModuleList(torch.nn.Linear(4, 4) for _ in range(12))
        self.scale = torch.nn.Parameter(torch.ones(1))


def circle():
    items = [1]
    items.append({"items": items, "pair": (items, 2)})
    return items


def tuple_circle(width):
    items = []
    items.append((items, *range(width)))
    return items[0]


def cases():
    base = torch.arange(60, dtype=torch.float32).reshape(3, 4, 5)
    net = Net()
    shared = [1, 2]
    for dtype in DTYPES:
        yield f"dtype_{str(dtype)[6:]}", {"x": random_bits(dtype, 3, 4), "none": random_bits(dtype, 0)}
    yield "scalars", [None, True, False, 0, 1.5, -0.0, float("inf"), 1e-300, "text", 1 + 2j]
    yield "nan", float("nan")
    yield "ints", [0, 255, 256, 65535, 65536, -1, -128, -129, 2**31 - 1, 2**31, -(2**31),
                   -(2**31) - 1, 2**40, 2**62, 2**63 - 1, -(2**63)]
    yield "text", ["", "é€😀", "a b", "x" * 300, "line\nbreak"]
    yield "interned", {"lr": 1, "betas": "lr", "name": "betas", "é": "é"}
    yield "bytes", [b"a", b"\x00\xff\x80", bytes(range(256)), b"a"]
    yield "tuples", [(), (1,), (1, 2), (1, 2, 3), (1, 2, 3, 4), ((), ((),))]
    yield "sets", [set(), {1}, {1, 2, 3}, {(1, 2)}]
    yield "keys", {1: "a", 2.5: "b", None: "c", True: "d", (1, "x"): "e", b"k": "f",
                   torch.float32: "g", "s": {}}
    yield "sizes", [torch.Size([]), torch.Size([1]), torch.Size([1, 2, 3, 4, 5])]
    yield "dtypes", list(DTYPES)
    yield "devices", [torch.device("cpu"), torch.device("cuda", 0), torch.device("cuda:3")]
    yield "shared", {"a": shared, "b": shared, "c": (shared,)}
    yield "circle", circle()
    yield "tuple_circle_short", tuple_circle(1)
    yield "tuple_circle_long", tuple_circle(5)
    for count in (1, 2, 999, 1000, 1001, 2000, 2001):
        yield f"list_{count}", list(range(count))
        yield f"dict_{count}", {i: 0 for i in range(count)}
        yield f"ordered_{count}", collections.OrderedDict((i, 0) for i in range(count))
    yield "views", {"base": base, "t": base.transpose(0, 2), "slice": base[1:, ::2, 1:4],
                    "one": base[2, 3, 4], "wide": base[:, :1].expand(3, 7, 5)}
    yield "same_tensor", [base, base]
    yield "big_storage_small_view", torch.arange(1000)[10:12]
    yield "six_dimensions", torch.zeros(1, 2, 1, 2, 1, 2)
    yield "scalar_tensor", torch.tensor(3.5)
    yield "zero_size", [torch.zeros(0), torch.zeros(3, 0, 2)]
    yield "requires_grad", torch.ones(2, requires_grad=True)
    yield "noncontiguous", torch.randn(4, 6).t()
    yield "linear", torch.nn.Linear(4, 3).state_dict()
    yield "net", net.state_dict()
    yield "net_twice", {"model": net.state_dict(), "best": net.state_dict()}
    yield "ordered_attributes", ordered_with_attributes()
    for name, optimizer_class, options in (
        ("sgd", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
        ("adam", torch.optim.Adam, {"amsgrad": True, "weight_decay": 0.1}),
        ("adamw", torch.optim.AdamW, {}),
    ):
        model, optimizer = trained(optimizer_class, **options)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 3)
        yield f"optimizer_{name}", optimizer.state_dict()
        yield f"training_{name}", {"epoch": 3, "model": model.state_dict(), "best_loss": 0.25,
                                   "opt": optimizer.state_dict(), "scheduler": plain(scheduler),
                                   "generator": torch.get_rng_state()}


def plain(scheduler):
    return {key: value for key, value in scheduler.state_dict().items() if key[0] != "_"}


def ordered_with_attributes():
    value = collections.OrderedDict(a=1, b=2)
    value.note = "kept"
    return value


class CheckpointInterop(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        torch.manual_seed(0)
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, name, *folders):
        folder = os.path.join(self.folder, *folders)
        os.makedirs(folder, exist_ok=True)
        return os.path.join(folder, name)

    def test_both_directions(self):
        count = 0
        for name, value in cases():
            with self.subTest(name):
                count += 1
                theirs, ours = self.path(name + ".pt", "theirs"), self.path(name + ".pt", "ours")
                torch.save(value, theirs)
                # The restricted unpickler does not know POP, which only these need.
                safe = not name.startswith("tuple_circle")
                expected = described_by_torch(torch.load(theirs, weights_only=safe))
                self.assertEqual(described_by_wick(theirs), expected)
                run("roundtrip", theirs, ours)
                self.assertEqual(described_by_torch(torch.load(ours, weights_only=safe)), expected)
                self.assert_same_records(theirs, ours)
                with open(theirs, "rb") as a, open(ours, "rb") as b:
                    self.assertTrue(a.read() == b.read(), "the files differ outside the records")
        self.assertGreaterEqual(count, 40)

    def assert_same_records(self, theirs, ours):
        with zipfile.ZipFile(theirs) as a, zipfile.ZipFile(ours) as b:
            self.assertEqual(a.namelist(), b.namelist())
            for record in a.namelist():
                self.assertTrue(a.read(record) == b.read(record), f"record {record} differs")

    def test_names_of_archives(self):
        for name in ("model_dnn_1.tar", "a.b.pt", "noextension", "é.pt", "back\\slash.pt"):
            with self.subTest(name):
                theirs, ours = self.path(name, "theirs"), self.path(name, "ours")
                torch.save({"x": torch.ones(2)}, theirs)
                run("roundtrip", theirs, ours)
                self.assert_same_records(theirs, ours)

    def test_made_by_wick(self):
        path = self.path("made.pt")
        run("create", path)
        value = torch.load(path, weights_only=True)
        self.assertEqual(described_by_torch(value), described_by_wick(path))
        self.assertEqual(len(value["dtypes"]), 21)
        again = self.path("made.pt", "again")
        torch.save(value, again)
        self.assertEqual(described_by_wick(again), described_by_wick(path))

    def test_empty_bytes_stay_loadable(self):
        """torch.save writes b"" so that torch.load(weights_only=True) refuses it."""
        theirs, ours = self.path("e.pt", "theirs"), self.path("e.pt", "ours")
        value = [b"", b"", b"a"]
        torch.save(value, theirs)
        run("roundtrip", theirs, ours)
        self.assertEqual(torch.load(ours, weights_only=True), value)

    def test_parameters_become_tensors(self):
        path, ours = self.path("p.pt"), self.path("p.pt", "ours")
        parameter = torch.nn.Parameter(torch.randn(3))
        torch.save({"p": parameter, "buffer": parameter.data}, path)
        run("roundtrip", path, ours)
        loaded = torch.load(ours, weights_only=True)
        self.assertTrue(loaded["p"].requires_grad)
        self.assertTrue(torch.equal(loaded["p"], parameter))
        self.assertEqual(
            loaded["p"].untyped_storage()._cdata, loaded["buffer"].untyped_storage()._cdata
        )

    def test_other_protocols(self):
        value = {"s": {1, 2}, "b": [b"", b"abc"], "c": 1 + 2j, "t": torch.ones(2), "é": "é" * 300,
                 "long": list(range(300)), "u": torch.ones(2, dtype=torch.uint16)}
        for protocol in (3, 4, 5):
            with self.subTest(protocol):
                path = self.path(f"p{protocol}.pt")
                torch.save(value, path, pickle_protocol=protocol)
                self.assertEqual(described_by_wick(path), described_by_torch(value))

    def repack(self, source, target, change=lambda name, data: data, method=zipfile.ZIP_STORED):
        with zipfile.ZipFile(source) as a, zipfile.ZipFile(target, "w", method) as b:
            for record in a.namelist():
                b.writestr(record, change(record, a.read(record)))

    def test_deflated(self):
        path, packed = self.path("d.pt"), self.path("packed.pt")
        torch.save({"x": torch.arange(10000)}, path)
        self.repack(path, packed, method=zipfile.ZIP_DEFLATED)
        self.assertLess(os.path.getsize(packed), os.path.getsize(path) // 2)
        self.assertEqual(described_by_wick(packed), described_by_wick(path))

    def test_big_endian(self):
        sizes = {"float32": 4, "float64": 8, "int16": 2, "complex64": 4, "uint8": 1, "bool": 1}
        for name, size in sizes.items():
            with self.subTest(name):
                path, swapped = self.path("s.pt"), self.path("s.pt", "swapped")
                torch.save(random_bits(getattr(torch, name), 4, 3), path)

                def swap(record, data):
                    if record.endswith("byteorder"):
                        return b"big"
                    if not record.endswith("/data/0"):
                        return data
                    numbers = (data[i : i + size] for i in range(0, len(data), size))
                    return b"".join(number[::-1] for number in numbers)

                self.repack(path, swapped, swap)
                self.assertEqual(described_by_wick(swapped), described_by_wick(path))
                read = torch.load(swapped, weights_only=True)
                self.assertEqual(described_by_torch(read), described_by_wick(path))

    def test_refused(self):
        for name, value, message in (
            ("module", torch.nn.Linear(2, 2), "torch.nn.modules.linear"),
            ("counter", collections.Counter("ab"), "collections"),
            ("conj", torch.zeros(2, dtype=torch.complex64).conj(), "conj"),
            ("huge", 2**64, "64 bits"),
            ("storage", torch.ones(2).untyped_storage(), "storage"),
        ):
            with self.subTest(name):
                path = self.path(name + ".pt")
                torch.save(value, path)
                error = run("describe", path, expect=1)
                self.assertIn(message, error)
                self.assertIn("data.pkl", error)
                self.assertIn("offset", error)

    def test_legacy_format_is_named(self):
        path = self.path("legacy.pt")
        torch.save({"x": torch.ones(2)}, path, _use_new_zipfile_serialization=False)
        self.assertIn("before PyTorch 1.6", run("describe", path, expect=1))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = sys.argv.pop(1)
    warnings.filterwarnings("ignore", message="ComplexHalf support is experimental")
    unittest.main()
