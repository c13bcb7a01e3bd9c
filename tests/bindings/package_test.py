#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Python package by itself, and with NumPy where it is there.

    WICK_LIBRARY=libwick.so PYTHONPATH=bindings/python tests/bindings/package_test.py
"""

import gc
import math
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import unittest
from collections import OrderedDict

import wick
from wick import nn
from wick._tensor import live_handles

try:
    import numpy as np
except ImportError:
    np = None

with_numpy = unittest.skipIf(np is None, "there is no NumPy")


class NothingLeftOver(unittest.TestCase):
    """Each test frees what it has made."""

    def setUp(self):
        gc.collect()
        self.before = live_handles()

    def tearDown(self):
        gc.collect()
        self.assertEqual(live_handles(), self.before)


class Tensors(NothingLeftOver):
    def test_numbers(self):
        t = wick.tensor([[1, 2, 3], [4, 5, 6.5]])
        self.assertEqual((t.shape, t.strides, t.dtype, t.device), ((2, 3), (3, 1), wick.float32, "cpu"))
        self.assertEqual(t.tolist(), [[1, 2, 3], [4, 5, 6.5]])
        self.assertEqual(wick.tensor([1, 2]).dtype, wick.int64)
        self.assertEqual(wick.tensor([True]).tolist(), [True])
        self.assertEqual(wick.tensor([1, 2j]).tolist(), [1 + 0j, 2j])
        self.assertEqual(wick.tensor(3).tolist(), 3)
        self.assertEqual(wick.tensor([[], []]).shape, (2, 0))
        self.assertEqual(wick.zeros((2, 0, 3)).tolist(), [[], []])
        self.assertEqual(wick.ones((0, 2)).tolist(), [])
        self.assertEqual(wick.tensor([1.5], wick.bfloat16).tolist(), [1.5])
        self.assertEqual(wick.tensor([1.5, 2.5], wick.int64).tolist(), [1, 2])
        self.assertRaises(wick.ShapeError, wick.tensor, [[1, 2], [3]])
        self.assertRaises(wick.ShapeError, wick.tensor, [1, [2]])
        self.assertRaises(TypeError, wick.tensor, ["a"])

    def test_views(self):
        t = wick.tensor([[0, 1, 2], [3, 4, 5]])
        t[0, 1:] = 9
        self.assertEqual(t.tolist(), [[0, 9, 9], [3, 4, 5]])
        self.assertEqual(t[..., -1].tolist(), [9, 5])
        self.assertEqual(t[:, ::2].tolist(), [[0, 9], [3, 5]])
        self.assertEqual(t.permute(1, 0)[2].tolist(), [9, 5])
        self.assertEqual(t.reshape(3, -1).shape, (3, 2))
        self.assertEqual([row.tolist() for row in t], [[0, 9, 9], [3, 4, 5]])
        self.assertEqual(t[1, 2].item(), 5)
        self.assertEqual(int(t[1, 1]), 4)
        copy = t.clone()
        t[()].zero_()
        self.assertTrue(t.equal(wick.zeros((2, 3), wick.int64)))
        self.assertFalse(t.equal(copy))
        with self.assertRaises(IndexError) as caught:
            t[7]
        self.assertIsInstance(caught.exception, wick.errors.IndexError)
        self.assertRaises(ValueError, lambda: t[::-1])
        self.assertRaises(wick.ShapeError, t.item)
        self.assertEqual(repr(t), "wick.Tensor(int64 [2, 3] cpu)")

    def test_random_numbers_are_torchs(self):
        g = wick.Generator(0)
        self.assertEqual(wick.empty((2,)).uniform_(generator=g).tolist(), [0.49625658988952637, 0.7682217955589294])
        state = g.get_state()
        first = g.randperm(9).tolist()
        g.set_state(state)
        self.assertEqual(g.randperm(9).tolist(), first)
        self.assertEqual(sorted(first), list(range(9)))

    def test_memory_outlives_its_tensor(self):
        capsule = wick.tensor([1.0, 2.0]).__dlpack__()
        lender = type("Lender", (), {"__dlpack__": lambda self, **_: capsule,
                                     "__dlpack_device__": lambda self: (1, 0)})()
        t = wick.from_dlpack(lender)
        self.assertRaises(wick.errors.ValueError, wick.from_dlpack, lender)  # taken once
        del capsule, lender
        gc.collect()
        self.assertEqual(t.tolist(), [1, 2])
        del t
        wick.tensor([3.0]).__dlpack__(max_version=(1, 0))  # one that nobody takes

    def test_other_devices(self):
        lender = type("Lender", (), {"__dlpack_device__": lambda self: (2, 0)})()
        if wick.cuda_device_count() == 0:
            with self.assertRaisesRegex(wick.DeviceError, "bring it to the CPU"):
                wick.from_dlpack(lender)
            self.assertRaises(wick.DeviceError, wick.tensor([1]).to, "cuda")
        meta = wick.empty((2,), device="meta")
        self.assertRaises(BufferError, meta.__dlpack__)
        self.assertRaises(wick.DeviceError, wick.empty, (1,), device="tpu")

    @with_numpy
    def test_numpy_shares(self):
        array = np.arange(12, dtype=np.float64).reshape(3, 4)
        t = wick.from_numpy(array[:, 1::2])
        self.assertEqual((t.shape, t.strides), ((3, 2), (4, 2)))
        t.fill_(-1)
        self.assertEqual(array[2].tolist(), [8, -1, 10, -1])
        back = t.numpy()
        back[0, 0] = 5
        self.assertEqual(array[0, 1], 5)
        del array, t
        gc.collect()
        self.assertEqual(back.tolist(), [[5, -1], [-1, -1], [-1, -1]])
        self.assertEqual(np.asarray(wick.tensor([1, 2])).sum(), 3)
        self.assertEqual(np.array(wick.tensor([1, 2]), dtype=np.float32).dtype, np.float32)
        for name in ("float32", "float16", "uint8", "int8", "int16", "int32", "uint16", "uint32", "uint64", "bool",
                     "complex64", "complex128"):
            array = np.array([0, 1, 1], name)
            self.assertEqual(wick.from_numpy(array).dtype.name, name)
            self.assertEqual(wick.from_numpy(array).numpy().dtype, array.dtype)
            self.assertEqual(wick.from_numpy(array).tolist(), array.tolist())
        self.assertEqual(wick.from_numpy(np.zeros((0, 3))).shape, (0, 3))
        self.assertEqual(wick.from_numpy(np.array(2.0)).item(), 2.0)

    @with_numpy
    def test_numpy_released_once(self):
        import weakref

        class Array(np.ndarray):
            pass

        array = np.zeros(3).view(Array)
        gone = weakref.ref(array)
        a = wick.from_numpy(array)
        b, c = wick.from_numpy(array), a[1:]
        del array, a, b
        gc.collect()
        self.assertIsNotNone(gone())
        del c
        self.assertIsNone(gone())

    @with_numpy
    def test_numpy_refused_or_copied(self):
        odd = [np.arange(3.0)[::-1], np.arange(3, dtype=">f4"), np.broadcast_to(np.arange(3.0), (2, 3)),
               np.frombuffer(b"\0" * 13, np.float32, offset=1, count=3)]
        frozen = np.arange(3.0)
        frozen.flags.writeable = False
        records = np.zeros(3, [("a", "i1"), ("b", "f4")])["b"]
        for array in [*odd, frozen, records]:
            with self.assertRaises(ValueError) as caught:
                wick.from_numpy(array)
            self.assertRegex(str(caught.exception), "cop")
            self.assertEqual(wick.tensor(array).tolist(), array.tolist())
            self.assertEqual(wick.as_tensor(array).tolist(), array.tolist())
        with self.assertRaisesRegex(ValueError, "read-only"):
            wick.from_dlpack(frozen)
        self.assertEqual(wick.from_dlpack(frozen, copy=True).tolist(), [0, 1, 2])
        self.assertRaises(wick.DTypeError, wick.from_numpy, np.array(["a"]))
        self.assertRaises(TypeError, wick.from_numpy, [1.0])
        self.assertRaises(wick.DTypeError, wick.tensor([1.0], wick.bfloat16).numpy)


class Files(NothingLeftOver):
    def setUp(self):
        super().setUp()
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "data.pt")

    def tearDown(self):
        self.folder.cleanup()
        super().tearDown()

    def test_what_python_has_comes_back(self):
        data = {"a": [1, -2.5, True, None, "text \u00e9\0", b"\0\1", 2j, 10**30], ("k", 3): (1, (2,), ()),
                7: {1, 2}, "f": frozenset([1]), "b": bytearray(b"xy"), "s": wick.Size((2, 3)),
                "d": wick.bfloat16, "o": OrderedDict(z=1, a=2), "e": {}, "i": -math.inf}
        wick.save(data, self.path)
        back = wick.load(self.path)
        self.assertEqual(back, data)
        self.assertEqual([type(each) for each in back["a"]], [type(each) for each in data["a"]])
        self.assertIsInstance(back["s"], wick.Size)
        self.assertIsInstance(back["o"], OrderedDict)
        self.assertIs(back["a"][2], True)

    def test_sharing(self):
        shared = [1]
        t = wick.zeros((4,))
        data = {"x": shared, "y": shared, "t": t, "part": t[1:3]}
        data["self"] = data
        wick.save(data, self.path)
        back = wick.load(self.path)
        self.assertIs(back["x"], back["y"])
        self.assertIs(back["self"], back)
        back["t"].fill_(2)
        self.assertEqual(back["part"].tolist(), [2, 2])

    def test_formats(self):
        state = {"w": wick.tensor([[1.0, 2.0]]), "n": wick.tensor([3])}
        for name in ("safetensors", "npz"):
            wick.save(state, self.path, name)
            back = wick.load(self.path)
            self.assertEqual({key: each.tolist() for key, each in back.items()}, {"w": [[1, 2]], "n": [3]})
        wick.save(state["w"], self.path, "npy")
        self.assertEqual(wick.load(self.path).tolist(), [[1, 2]])
        self.assertRaises(ValueError, wick.save, state, self.path, "hdf5")

    def test_errors(self):
        self.assertRaises(OSError, wick.load, os.path.join(self.folder.name, "absent"))
        pathlib.Path(self.path).write_bytes(b"no checkpoint")
        with self.assertRaisesRegex(wick.FormatError, "data.pt"):
            wick.load(self.path)
        self.assertRaises(TypeError, wick.save, object(), self.path)
        self.assertRaises(TypeError, wick.save, {"a": [object()]}, self.path)


class Training(NothingLeftOver):
    def setUp(self):
        super().setUp()
        self.generator = wick.Generator(5)
        self.model = wick.Sequential({
            "fc1": nn.Linear(in_features=2, out_features=16, generator=self.generator),
            "act": nn.Tanh(),
            "fc2": nn.Linear(in_features=16, out_features=1, generator=self.generator)})
        self.loss = wick.Loss("MSELoss")
        self.x = wick.tensor([[0.0, 0], [0, 1], [1, 0], [1, 1]])
        self.y = wick.tensor([[0.0], [1], [1], [0]])

    def tearDown(self):
        del self.generator, self.model, self.loss, self.x, self.y
        super().tearDown()

    def test_steps_by_hand(self):
        optimizer = wick.Optimizer("Adam", self.model, lr=0.05, betas=(0.9, 0.99))
        for _ in range(150):
            optimizer.zero_grad()
            value = self.loss(self.model(self.x), self.y)
            self.model.backward(self.loss.backward())
            optimizer.step()
        self.assertLess(value.item(), 0.01)
        self.assertEqual(self.model.grad("fc1.bias").shape, (16,))
        optimizer.lr = 0.25
        self.assertEqual(optimizer.lr, 0.25)
        again = wick.Optimizer("Adam", self.model)
        again.load_state_dict(optimizer.state_dict())
        self.assertEqual(again.lr, 0.25)
        self.assertEqual(again.state_dict()["state"][0]["step"].item(), 150)

    def test_train(self):
        told = []
        optimizer = wick.Optimizer("Adam", self.model, lr=0.05)
        mean = wick.train(self.model, self.loss, optimizer, self.x, self.y, batch_size=3, epochs=150,
                          generator=self.generator, progress=lambda *now: told.append(now))
        self.assertLess(mean, 0.01)
        self.assertEqual([now[:3] for now in told[:3]], [(0, 0, 2), (0, 1, 2), (1, 0, 2)])
        self.assertGreater(told[0][3], mean)
        self.assertLess(wick.train_step(self.model, self.loss, optimizer, self.x, self.y), 0.01)

    def test_what_a_callback_raises_comes_out(self):
        optimizer = wick.Optimizer("SGD", self.model, lr=0.1)
        for raised in (KeyError("mine"), KeyboardInterrupt(), wick.ShapeError("mine")):
            def stop(epoch, step, steps, loss):
                raise raised
            with self.assertRaises(type(raised)) as caught:
                wick.train(self.model, self.loss, optimizer, self.x, self.y, batch_size=1, progress=stop)
            self.assertIs(caught.exception, raised)
            with self.assertRaises(type(raised)) as caught:
                optimizer.step(lambda: stop(0, 0, 0, 0))
            self.assertIs(caught.exception, raised)
            caught.exception.__traceback__ = None
        del caught, raised, stop

    def test_lbfgs(self):
        optimizer = wick.Optimizer("LBFGS", self.model, line_search_fn="strong_wolfe")

        def evaluate():
            optimizer.zero_grad()
            value = self.loss(self.model(self.x), self.y).item()
            self.model.backward(self.loss.backward())
            return value

        first = optimizer.step(evaluate)
        self.assertLess(evaluate(), first)
        self.assertRaises(ValueError, optimizer.step)

    def test_modules(self):
        self.assertIn("Linear", nn.Module.names())
        self.assertIn("CrossEntropyLoss", wick.Loss.names())
        self.assertIn("Adam", wick.Optimizer.names())
        self.assertIn("ReLU", dir(nn))
        self.assertRaises(AttributeError, lambda: nn.Linea)
        with self.assertRaisesRegex(ValueError, "out_features"):
            nn.Linear(in_features=3)
        layer = nn.Linear(in_features=2, out_features=2)
        self.assertEqual(repr(layer), "Linear(2, 2)")
        residual = wick.Residual("body", layer)
        self.assertRaises(wick.HandleError, repr, layer)  # taken
        self.assertEqual(residual(self.x).shape, (4, 2))
        kept, overwritten = self.model(self.x), self.model.forward(self.x)
        before = kept.tolist()
        self.model.forward(wick.ones((4, 2)))
        self.assertEqual(kept.tolist(), before)
        self.assertNotEqual(overwritten.tolist(), before)
        copy = self.model.clone().eval()
        self.assertFalse(copy.training)
        self.assertEqual(copy.predict(self.x).tolist(), before)
        self.assertRaises(ValueError, copy.backward, self.y)
        copy.parameter("fc2.bias").fill_(3.0)
        copy.load_state_dict(self.model.state_dict())
        self.assertTrue(copy.parameter("fc2.bias").equal(self.model.parameter("fc2.bias")))
        with self.assertRaisesRegex(wick.StateDictError, "fc2.bias"):
            copy.load_state_dict({"fc1.weight": wick.zeros((16, 2))})
        copy.load_state_dict({"fc2.bias": wick.ones((1,))}, strict=False)
        self.assertEqual(dict(copy.named_parameters())["fc2.bias"].tolist(), [1])
        copy.train().requires_grad_(False, "fc1.")
        copy(self.x)
        self.assertEqual(copy.backward(self.y, input_grad=True).shape, (4, 2))
        self.assertGreater(copy.clip_grad_norm_(1.0), 0.0)
        self.assertRaises(ValueError, copy.grad, "fc1.weight")
        copy.zero_grad()
        self.assertRaises(ValueError, copy.grad, "fc2.weight")
        self.assertRaises(wick.DTypeError, copy.to(wick.float64), self.x)
        again = wick.Sequential.from_state_dict(self.model.state_dict(), "Tanh")
        self.assertEqual(again(self.x).tolist(), before)

    def test_plans(self):
        plan = wick.Plan(self.model, 4)
        self.assertEqual((plan.input_shape, plan.output_shape, plan.max_batch, plan.dtype),
                         ((2,), (1,), 4, wick.float32))
        wanted = self.model(self.x).tolist()
        for found, each in zip(plan(self.x).tolist(), wanted):
            self.assertAlmostEqual(found[0], each[0], places=5)
        self.assertEqual(wick.Plan(self.model, 2, sample_shape=(2,)).output_shape, (1,))
        self.assertRaises(wick.ShapeError, wick.Plan(self.model, 2), self.x)
        results = [None] * 8

        def run(i):
            results[i] = all(plan(self.x).tolist() == plan(self.x).tolist() for _ in range(50))

        threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(results, [True] * 8)
        if np is not None:
            out = np.full((4, 1), -7.0, np.float32)
            plan.run(np.array(self.x), out)
            self.assertAlmostEqual(out[1, 0], wanted[1][0], places=5)
            with self.assertRaises(ValueError):  # never a copy that nobody sees
                plan.run(self.x, out[::-1])


class Package(unittest.TestCase):
    def test_wheel(self):
        """pip makes a wheel without the network, and what is installed finds its library."""
        package = pathlib.Path(wick.__file__).resolve().parents[1]
        if not (package / "pyproject.toml").exists():
            self.skipTest("this is an installed package")
        with tempfile.TemporaryDirectory() as folder:
            pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-index",
                   "--no-deps", "--target", folder, str(package)]
            done = subprocess.run(pip, capture_output=True, text=True, check=False)
            if "No module named pip" in done.stderr:
                self.skipTest("there is no pip")
            self.assertEqual(done.returncode, 0, done.stderr)
            environment = {key: value for key, value in os.environ.items()
                           if key not in ("WICK_LIBRARY", "PYTHONPATH")}
            code = "import wick; print(wick.__file__, wick.tensor([1.0, 2.0]).tolist())"
            done = subprocess.run([sys.executable, "-c", code], cwd=folder, env=environment, capture_output=True,
                                  text=True, check=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("[1.0, 2.0]", done.stdout)
            self.assertIn(os.path.realpath(folder), os.path.realpath(done.stdout.split()[0]))

    def test_no_library(self):
        environment = {**os.environ, "WICK_LIBRARY": "/nowhere/libwick.so"}
        done = subprocess.run([sys.executable, "-c", "import wick"], env=environment, capture_output=True, text=True,
                              check=False)
        self.assertIn("/nowhere/libwick.so", done.stderr)


if __name__ == "__main__":
    unittest.main()
