# SPDX-License-Identifier: MIT
"""Checkpoints between real PyTorch and wick, both ways: bit for bit, and byte for byte.

Usage: checkpoint_interop.py PROGRAM [unittest options], where PROGRAM is wick_checkpoint.
Exits with 77 where there is no torch.
"""

import filecmp
import io
import json
import os
import pickle
import re
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

import checkpoint_models as models
from checkpoint_cases import DTYPE_VALUES, REFUSED_BY_TORCH, cases, random_bits, untyped
from checkpoint_describe import UNTYPED, described_by_torch, normal

PROGRAM = ""
VERSION = tuple(int(number) for number in torch.__version__.split(".")[:2])
# Earlier ones write other records and pad differently.
SAME_FILES = VERSION >= (2, 9)

DTYPE_NAMES = {str(dtype)[6:] for dtype in DTYPE_VALUES}


def is_safe(name):
    """Whether torch.load(weights_only=True) takes a case. Version 1.13 refuses even floats."""
    return VERSION >= (2, 9) and name.split("_")[0] not in REFUSED_BY_TORCH


def run(*arguments, expect=0):
    # Values that contain themselves are never freed, which is no leak to report here.
    environment = {**os.environ, "ASAN_OPTIONS": "detect_leaks=0"}
    command = [PROGRAM, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)
    if done.returncode != expect:
        raise AssertionError(f"{arguments}: status {done.returncode}: {done.stderr}")
    return done.stdout if expect == 0 else done.stderr


def described_by_wick(path, *map_location):
    return normal(json.loads(run("describe", path, *map_location)))


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
                safe = is_safe(name)
                expected = described_by_torch(torch.load(theirs, weights_only=safe))
                self.assertEqual(described_by_wick(theirs), expected)
                run("roundtrip", theirs, ours)
                self.assertEqual(described_by_torch(torch.load(ours, weights_only=safe)), expected)
                if SAME_FILES:
                    self.assert_same_records(theirs, ours)
                    self.assertTrue(filecmp.cmp(theirs, ours, shallow=False), "the files differ")
        print(f"{count} cases in both directions")
        self.assertGreaterEqual(count, 120)

    def test_every_protocol(self):
        for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
            for name, value in cases():
                with self.subTest(name, protocol=protocol):
                    path = self.path(f"{name}.pt", str(protocol))
                    torch.save(value, path, pickle_protocol=protocol)
                    loaded = torch.load(path, weights_only=False)
                    self.assertEqual(described_by_wick(path), described_by_torch(loaded))

    def test_older_format(self):
        """Of PyTorch before 1.6: read, and saved again in the new one."""
        for protocol in (2, 4):
            for name, value in cases():
                with self.subTest(name, protocol=protocol):
                    theirs, ours = self.path(f"{name}.pt", "legacy"), self.path(f"{name}.pt")
                    options = {"_use_new_zipfile_serialization": False}
                    torch.save(value, theirs, pickle_protocol=protocol, **options)
                    # PyTorch writes its newer dtypes and untyped storages there too, but cannot
                    # read them.
                    values = value.values() if isinstance(value, dict) else value
                    values = values if isinstance(value, (dict, list)) else [value]
                    readable = all(map(self.is_typed, values))
                    loaded = torch.load(theirs, weights_only=False) if readable else value
                    expected = described_by_torch(loaded)
                    self.assertEqual(described_by_wick(theirs), expected)
                    run("roundtrip", theirs, ours)
                    loaded = torch.load(ours, weights_only=False)
                    self.assertEqual(described_by_torch(loaded), expected)

    @staticmethod
    def is_typed(value):
        new = getattr(torch.storage, "_new_dtypes", set)()
        if isinstance(value, torch.Tensor):
            return value.dtype not in new
        return not isinstance(value, UNTYPED)

    def assert_same_state(self, state, path):
        loaded = torch.load(path, weights_only=VERSION >= (2, 9))
        self.assertEqual(list(loaded), list(state))
        self.assertEqual(loaded._metadata, state._metadata)
        for name, tensor in state.items():
            self.assertEqual(loaded[name].stride(), tensor.stride(), name)
            self.assertTrue(torch.equal(loaded[name], tensor), name)

    def test_known_architectures(self):
        for name, make, least in (
            ("resnet18", models.resnet18, 11_000_000),
            ("vit", models.VisionTransformer, 5_000_000),
            ("language_model", models.LanguageModel, 100_000_000),
        ):
            with self.subTest(name):
                model = make()
                self.assertGreater(sum(p.numel() for p in model.parameters()), least)
                state = model.state_dict()
                theirs, ours = self.path(f"{name}.pt", "theirs"), self.path(f"{name}.pt", "ours")
                for legacy in (False, True):
                    torch.save(state, theirs, _use_new_zipfile_serialization=not legacy)
                    run("roundtrip", theirs, ours)
                    self.assert_same_state(state, ours)
                    if SAME_FILES and not legacy:
                        self.assertTrue(filecmp.cmp(theirs, ours, shallow=False))
                os.remove(theirs)
                os.remove(ours)

    def assert_same_records(self, theirs, ours):
        with zipfile.ZipFile(theirs) as a, zipfile.ZipFile(ours) as b:
            self.assertEqual(a.namelist(), b.namelist())
            for record in a.namelist():
                self.assertTrue(a.read(record) == b.read(record), f"record {record} differs")

    @unittest.skipUnless(SAME_FILES, "older versions name other records")
    def test_names_of_archives(self):
        for name in ("model_dnn_1.tar", "a.b.pt", "noextension", "é.pt", "back\\slash.pt"):
            with self.subTest(name):
                theirs, ours = self.path(name, "theirs"), self.path(name, "ours")
                torch.save({"x": torch.ones(2)}, theirs)
                run("roundtrip", theirs, ours)
                self.assert_same_records(theirs, ours)

    @unittest.skipUnless(hasattr(torch, "bcomplex32"), "older versions lack some dtypes")
    def test_made_by_wick(self):
        path = self.path("made.pt")
        run("create", path)
        value = torch.load(path, weights_only=False)
        self.assertEqual(described_by_torch(value), described_by_wick(path))
        self.assertEqual(set(value["dtypes"]), DTYPE_NAMES)
        self.assertTrue(all(str(t.dtype) == f"torch.{n}" for n, t in value["dtypes"].items()))
        # What torch.load reads and torch.save cannot write.
        unsaved = [n for n in value["dtypes"] if re.fullmatch("u?int[1-7]", n)]
        self.assertEqual(len(unsaved), 14)
        for name in unsaved:
            with self.assertRaises(KeyError):
                torch.save(value["dtypes"].pop(name), io.BytesIO())
        again = self.path("made.pt", "again")
        torch.save(value, again)
        self.assertEqual(described_by_wick(again), described_by_torch(value))

    def test_empty_bytes_stay_loadable(self):
        """torch.save writes b"" so that torch.load(weights_only=True) refuses it."""
        theirs, ours = self.path("e.pt", "theirs"), self.path("e.pt", "ours")
        value = [b"", b"", b"a"]
        torch.save(value, theirs)
        run("roundtrip", theirs, ours)
        self.assertEqual(torch.load(ours, weights_only=VERSION >= (2, 9)), value)

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

    def test_more_records_than_zip_counts(self):
        theirs, ours = self.path("many.pt", "theirs"), self.path("many.pt", "ours")
        count = 70_000  # beyond 65,535, ZIP64 begins
        torch.save({str(i): torch.tensor([i, -i]) for i in range(count)}, theirs)
        run("roundtrip", theirs, ours)
        if SAME_FILES:
            self.assertTrue(filecmp.cmp(theirs, ours, shallow=False), "the files differ")
        back = torch.load(ours, weights_only=VERSION >= (2, 9))
        self.assertEqual(len(back), count)
        self.assertTrue(all(t.tolist() == [int(i), -int(i)] for i, t in back.items()))

    @unittest.skipUnless(VERSION >= (2, 1), "older versions do not say the byte order")
    def test_big_endian(self):
        sizes = {"float32": 4, "float64": 8, "int16": 2, "complex64": 4, "uint8": 1, "bool": 1}
        values = [(name, size, random_bits(getattr(torch, name), 4, 3)) for name, size in
                  sizes.items()]
        values += [("storage", 4, random_bits(torch.int32, 5).storage()),
                   ("complex128", 8, random_bits(torch.complex128, 5))]
        for name, size, value in values:
            with self.subTest(name):
                path, swapped = self.path("s.pt"), self.path("s.pt", "swapped")
                torch.save(value, path)

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

    @unittest.skipUnless(SAME_FILES, "older versions save other objects")
    def test_refused(self):
        embedding = torch.nn.Embedding(3, 2, sparse=True)
        embedding(torch.tensor([1])).sum().backward()
        quantized = torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.qint8)
        for name, value, message in (
            ("module", torch.nn.Linear(2, 2), "save module.state_dict() instead"),
            ("storage_key", {torch.ones(2).storage(): 1}, "storage is used as a key"),
            ("sparse", {"w": embedding.weight.grad}, '"w": the global "torch._utils" '
             '"_rebuild_sparse_tensor" is not admitted: it makes a sparse tensor'),
            ("csr", {"w": torch.eye(3).to_sparse_csr()}, "it makes a sparse tensor"),
            ("quantized", {"w": quantized}, "quantized tensor"),
            ("qint8", torch.qint8, "quantized"),
            ("qscheme", torch.per_tensor_affine, "quantized"),
            ("class", torch.FloatTensor, "before 0.2"),
            ("sparse_class", torch.sparse.FloatTensor, "sparse tensor"),
            ("tensor_class", torch.Tensor, "a class or a function lies among the values"),
            ("numpy_scalar", torch.ones(1).double().numpy()[0], "NumPy"),
            ("numpy_array", torch.ones(2).numpy(), "NumPy"),
            ("function", os.system, '"system"'),
            ("eval", eval, '"eval"'),
        ):
            for zipped in (True, False):
                with self.subTest(name, zipped=zipped):
                    path = self.path(name + ".pt")
                    torch.save(value, path, _use_new_zipfile_serialization=zipped)
                    error = run("describe", path, expect=1)
                    self.assertIn(message, error)
                    self.assertIn("data.pkl" if zipped else "the value", error)
                    self.assertIn("offset", error)

    @unittest.skipUnless(SAME_FILES, "older versions have another list")
    def test_every_admitted_name_is_known(self):
        """What PyTorch's list has and wick does not is refused with its meaning."""
        empty, path = self.path("empty.pt"), self.path("name.pt")
        torch.save(None, empty)
        allowed = torch._weights_only_unpickler._get_allowed_globals()
        self.assertGreater(len(allowed), 100)
        for full in allowed:
            with self.subTest(full):
                module, name = full.rsplit(".", 1)
                pickled = b"\x80\x02c%s\n%s\n." % (module.encode(), name.encode())
                self.repack(empty, path, lambda record, data: pickled
                            if record.endswith("data.pkl") else data)
                if isinstance(allowed[full], torch.dtype) and name in DTYPE_NAMES:
                    self.assertEqual(described_by_wick(path), ["torch.dtype", full])
                    continue
                error = run("describe", path, expect=1)
                self.assertNotIn("only tensors and plain objects", error)
                known = "a class or a function lies among the values" in error
                self.assertTrue(known or ("is not admitted: " in error and name in error), error)

    def test_lazy_views(self):
        """Conjugated and negated views come resolved, over storages that they share."""
        whole = random_bits(torch.complex128, 3, 4)
        single = random_bits(torch.complex64, 4)
        numbers = [torch.arange(-3, 3, dtype=getattr(torch, name)) for name in
                   ("int8", "int16", "int32", "int64", "float16", "bfloat16", "float64")]
        for name, value in (
            ("conj", [whole, whole.conj(), whole.conj().t(), whole[1:, ::2].conj()]),
            ("conj_alone", single.conj()),
            ("imaginary", [single.conj().imag, single.conj().real]),
            ("both", torch._neg_view(single.conj())),
            ("neg", [torch._neg_view(tensor) for tensor in numbers]),
            ("expanded", whole[:, :1].conj().expand(3, 5)),
            ("parameter", torch.nn.Parameter(whole.conj())),
            ("noted", self.noted(whole.conj())),
        ):
            for zipped in (True, False):
                with self.subTest(name, zipped=zipped):
                    theirs, ours = self.path("lazy.pt", "theirs"), self.path("lazy.pt", "ours")
                    torch.save(value, theirs, _use_new_zipfile_serialization=zipped)
                    wanted = torch.load(theirs, weights_only=False)
                    run("roundtrip", theirs, ours)
                    self.assertEqual(described_by_wick(ours), described_by_wick(theirs))
                    back = torch.load(ours, weights_only=VERSION >= (2, 9))
                    if not isinstance(wanted, list):
                        wanted, back = [wanted], [back]
                    for a, b in zip(wanted, back):
                        self.assertFalse(b.is_conj() or b.is_neg())
                        self.assertEqual((type(a), a.dtype), (type(b), b.dtype))
                        self.assertEqual((a.shape, a.stride(), a.storage_offset()),
                                         (b.shape, b.stride(), b.storage_offset()))
                        self.assertEqual(a.__dict__, b.__dict__)
                        a, b = (t.detach().resolve_conj().resolve_neg().clone() for t in (a, b))
                        self.assertEqual(untyped(a).tolist(), untyped(b).tolist())
                    if name == "conj" and VERSION >= (2, 0):  # before, the bits are not saved
                        pointers = [untyped(tensor).data_ptr() for tensor in back]
                        self.assertEqual(len(set(pointers)), 2)
                        self.assertEqual(len(set(pointers[1:])), 1)

    @unittest.skipUnless(hasattr(torch, "bcomplex32"), "older versions lack the dtype")
    def test_lazy_views_of_bcomplex32(self):
        """Which PyTorch saves and loads, but cannot resolve: by its parts, two bfloat16."""
        parts = random_bits(torch.bfloat16, 3, 8)
        whole = parts.view(torch.bcomplex32)
        theirs, ours = self.path("lazy.pt", "theirs"), self.path("lazy.pt", "ours")
        torch.save([whole.conj(), torch._neg_view(whole), torch._neg_view(whole.conj())], theirs)
        self.assertTrue(torch.load(theirs, weights_only=True)[0].is_conj())
        run("roundtrip", theirs, ours)
        signs = torch.tensor([[0, 1], [1, 1], [1, 0]], dtype=torch.int16) * -0x8000
        for tensor, sign in zip(torch.load(ours, weights_only=True), signs, strict=True):
            self.assertFalse(tensor.is_conj() or tensor.is_neg())
            self.assertEqual((tensor.dtype, tensor.shape), (torch.bcomplex32, (3, 4)))
            expected = parts.view(torch.int16) ^ sign.repeat(4)
            self.assertTrue(torch.equal(tensor.view(torch.int16), expected))

    @staticmethod
    def noted(tensor):
        tensor.note = "kept"
        return tensor

    @unittest.skipUnless(SAME_FILES, "older versions write other files")
    def test_tensors_without_elements(self):
        theirs, ours = self.path("meta.pt", "theirs"), self.path("meta.pt", "ours")
        tensor = torch.ones(2, 3, device="meta", dtype=torch.float16)
        parameter = torch.nn.Parameter(torch.ones(4, device="meta"))
        value = [tensor, tensor.t(), tensor, parameter, torch.device("meta")]
        torch.save(value, theirs)
        run("roundtrip", theirs, ours)
        self.assertTrue(filecmp.cmp(theirs, ours, shallow=False))
        loaded = torch.load(ours, weights_only=True)
        self.assertEqual(loaded[1].stride(), (1, 3))
        self.assertEqual(loaded[4], torch.device("meta"))

    def test_devices(self):
        """A file whose tensors were saved from a GPU, as the location in it says."""
        path = self.path("cuda.pt")
        original = torch.serialization.location_tag
        torch.serialization.location_tag = lambda storage: "cuda:1"
        try:
            torch.save({"x": torch.ones(2)}, path)
        finally:
            torch.serialization.location_tag = original
        self.assertIn("pass map_location, as in load(path, kCpu)", run("describe", path, expect=1))
        expected = described_by_torch(torch.load(path, map_location="cpu", weights_only=True))
        self.assertEqual(described_by_wick(path, "cpu"), expected)

    def test_devices_of_storages(self):
        """A storage alone goes where map_location says, as a tensor does."""
        path = self.path("cuda.pt")
        original = torch.serialization.location_tag
        torch.serialization.location_tag = lambda storage: "cuda:1"
        try:
            torch.save({"x": torch.ones(2).storage()}, path)
        finally:
            torch.serialization.location_tag = original
        self.assertIn("pass map_location, as in load(path, kCpu)", run("describe", path, expect=1))
        loaded = torch.load(path, map_location="cpu", weights_only=VERSION >= (2, 9))
        self.assertEqual(described_by_wick(path, "cpu"), described_by_torch(loaded))


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = sys.argv.pop(1)
    if hasattr(sys, "set_int_max_str_digits"):
        sys.set_int_max_str_digits(0)
    warnings.filterwarnings("ignore", message="ComplexHalf support is experimental")
    warnings.filterwarnings("ignore", message="TypedStorage is deprecated")
    unittest.main()
