#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Python package beside real PyTorch: memory that both use, and checkpoints both ways.

    WICK_LIBRARY=libwick.so PYTHONPATH=bindings/python tests/bindings/torch_test.py
"""

import gc
import os
import sys
import tempfile
import unittest
from collections import OrderedDict

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)

import wick
from wick._tensor import live_handles

SHARED = ["float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "uint16",
          "uint32", "uint64", "bool", "complex64", "complex128", "float8_e4m3fn", "float8_e5m2"]


class Memory(unittest.TestCase):
    def test_from_torch(self):
        x = torch.arange(24.0).reshape(2, 3, 4)
        for view in (x, x.transpose(0, 2), x[:, 1:, ::2], x[1, 2, 3], x[:0]):
            t = wick.from_dlpack(view)
            self.assertEqual(t.shape, tuple(view.shape))
            self.assertEqual(t.tolist(), view.tolist())
            if t.numel() > 1:
                self.assertEqual(t.data_ptr(), view.data_ptr())
        t = wick.from_dlpack(x.transpose(0, 2))
        t[1, 2, 0] = -1
        self.assertEqual(x[0, 2, 1].item(), -1)

    def test_to_torch(self):
        t = wick.tensor([[0.0, 1, 2], [3, 4, 5]])
        for view in (t, t.permute(1, 0), t[:, ::2], t[1, 1], t[:0]):
            x = torch.from_dlpack(view)
            self.assertEqual(x.tolist(), view.tolist())
            self.assertEqual(tuple(x.shape), view.shape)
        torch.from_dlpack(t)[0, 0] = 7
        self.assertEqual(t[0, 0].item(), 7)

    def test_all_dtypes(self):
        lent = 0
        for name in SHARED:
            x = torch.tensor([0, 1, 1, 0, 1]).to(getattr(torch, name))
            try:
                t = wick.from_dlpack(x)
            except BufferError:  # a torch that does not lend this dtype
                continue
            lent += 1
            self.assertEqual(t.dtype.name, name)
            back = torch.from_dlpack(t)
            self.assertEqual(back.dtype, x.dtype)
            self.assertEqual(back.data_ptr(), x.data_ptr())
        self.assertGreaterEqual(lent, 12)

    def test_lifetimes(self):
        gc.collect()
        before = live_handles()
        x = torch.from_dlpack(wick.tensor([1.0, 2.0, 3.0]))
        gc.collect()
        junk = [wick.zeros((3,)) for _ in range(100)]
        self.assertEqual(x.tolist(), [1, 2, 3])
        del junk
        t = wick.from_dlpack(torch.full((1000,), 5.0))
        gc.collect()
        junk = [torch.zeros(1000) for _ in range(100)]
        self.assertEqual(sum(t.tolist()), 5000)
        # Round and round: each keeps the one before.
        for _ in range(20):
            t = wick.from_dlpack(torch.from_dlpack(t)[1:])
        gc.collect()
        self.assertEqual(t.tolist(), [5.0] * 980)
        del x, t, junk
        gc.collect()
        self.assertEqual(live_handles(), before)

    def test_a_module_keeps_what_it_saved(self):
        model = wick.nn.Linear(in_features=3, out_features=1)
        x = torch.ones(2, 3)
        model(x)
        del x
        gc.collect()
        junk = [torch.zeros(2, 3) for _ in range(100)]
        model.backward(wick.ones((2, 1)))
        self.assertEqual(model.grad("weight").tolist(), [[2, 2, 2]])
        del junk

    def test_refused(self):
        with self.assertRaisesRegex(Exception, "grad"):
            wick.from_dlpack(torch.ones(2, requires_grad=True))
        self.assertEqual(wick.tensor(torch.ones(2)).tolist(), [1, 1])
        if torch.cuda.is_available() and wick.cuda_device_count() == 0:
            with self.assertRaisesRegex(wick.DeviceError, "CPU"):
                wick.from_dlpack(torch.ones(2, device="cuda"))

    @unittest.skipUnless(torch.cuda.is_available() and wick.cuda_device_count() > 0, "no CUDA in both")
    def test_cuda(self):
        x = torch.arange(1 << 20, device="cuda", dtype=torch.float32)
        t = wick.from_dlpack(x * 2)
        self.assertEqual(t.device, "cuda:0")
        self.assertEqual(t[-1].item(), 2 * ((1 << 20) - 1))
        model = wick.nn.Linear(in_features=1024, out_features=8).to("cuda")
        weight = torch.from_dlpack(model.parameter("weight"))
        bias = torch.from_dlpack(model.parameter("bias"))
        for _ in range(20):  # the stream of each waits for that of the other
            y = torch.randn(64, 1024, device="cuda")
            found = torch.from_dlpack(model(y))
            wanted = torch.nn.functional.linear(y, weight, bias)
            self.assertLess((found - wanted).abs().max().item(), 1e-2)


class Checkpoints(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "run.pt")
        torch.manual_seed(1)
        self.model = torch.nn.Sequential(OrderedDict(
            fc1=torch.nn.Linear(3, 16), act=torch.nn.Tanh(), fc2=torch.nn.Linear(16, 2)))
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01, betas=(0.8, 0.99), weight_decay=0.1)
        self.x, self.y = torch.randn(32, 3), torch.randn(32, 2)

    def tearDown(self):
        self.folder.cleanup()

    def step(self):
        self.optimizer.zero_grad()
        loss = torch.nn.functional.mse_loss(self.model(self.x), self.y)
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def test_torch_begins_and_wick_goes_on(self):
        for _ in range(5):
            self.step()
        torch.save({"tfs": {"mean": torch.tensor([0.5]), "size": (3, 2)}, "opt": self.optimizer.state_dict(),
                    "model": self.model.state_dict(), "epoch": 5}, self.path)
        run = wick.load(self.path)
        self.assertEqual(list(run), ["tfs", "opt", "model", "epoch"])
        self.assertEqual(run["tfs"]["size"], (3, 2))
        model = wick.Sequential.from_state_dict(run["model"], "Tanh")
        optimizer = wick.Optimizer("AdamW", model)
        optimizer.load_state_dict(run["opt"])
        self.assertEqual(optimizer.lr, 0.01)
        loss = wick.Loss("MSELoss")
        x, y = wick.from_dlpack(self.x), wick.from_dlpack(self.y)
        for _ in range(5):
            self.assertAlmostEqual(wick.train_step(model, loss, optimizer, x, y), self.step(), places=5)
        # And back.
        wick.save({"model": model.state_dict(), "opt": optimizer.state_dict()}, self.path)
        saved = torch.load(self.path, weights_only=True)
        again = torch.nn.Sequential(OrderedDict(
            fc1=torch.nn.Linear(3, 16), act=torch.nn.Tanh(), fc2=torch.nn.Linear(16, 2)))
        again.load_state_dict(saved["model"])
        self.assertEqual(saved["model"]._metadata[""], self.model.state_dict()._metadata[""])
        optimizer_again = torch.optim.AdamW(again.parameters())
        optimizer_again.load_state_dict(saved["opt"])
        self.assertEqual(optimizer_again.param_groups[0]["betas"], (0.8, 0.99))
        self.assertTrue(torch.allclose(again(self.x), self.model(self.x), atol=1e-4))

    def test_plan_of_a_checkpoint(self):
        torch.save(self.model.state_dict(), self.path)
        model = wick.Sequential.from_state_dict(wick.load(self.path), "Tanh").eval()
        found = torch.from_dlpack(wick.Plan(model, 64)(self.x))
        self.assertTrue(torch.allclose(found, self.model(self.x), atol=1e-5))
        out = torch.empty(32, 2)
        wick.Plan(model, 64).run(self.x, out)
        self.assertTrue(torch.allclose(out, self.model(self.x), atol=1e-5))

    def test_a_state_of_torch_goes_in_directly(self):
        model = wick.Sequential({"fc1": wick.nn.Linear(in_features=3, out_features=16), "act": wick.nn.Tanh(),
                                 "fc2": wick.nn.Linear(in_features=16, out_features=2)})
        model.load_state_dict(self.model.state_dict())
        self.assertTrue(torch.allclose(torch.from_dlpack(model(self.x)), self.model(self.x), atol=1e-5))

    def test_the_same_seed(self):
        torch.manual_seed(11)
        wick.manual_seed(11)
        ours, theirs = wick.nn.Linear(in_features=5, out_features=3), torch.nn.Linear(5, 3)
        self.assertEqual(ours.parameter("weight").tolist(), theirs.weight.tolist())

    def test_the_same_gradients(self):
        model = wick.Sequential.from_state_dict(self.model.state_dict(), "Tanh")
        loss = wick.Loss("HuberLoss", delta=0.5)
        value = loss(model(self.x), self.y)
        model.backward(loss.backward())
        wanted = torch.nn.functional.huber_loss(self.model(self.x), self.y, delta=0.5)
        wanted.backward()
        self.assertAlmostEqual(value.item(), wanted.item(), places=6)
        for name, parameter in self.model.named_parameters():
            self.assertTrue(torch.allclose(torch.from_dlpack(model.grad(name)), parameter.grad, atol=1e-6), name)

    def test_a_parameter_in_two_places_is_one(self):
        weight = torch.nn.Parameter(torch.ones(2))
        wick.save({"a": weight, "b": weight}, self.path)
        loaded = torch.load(self.path, weights_only=True)
        loaded["a"].fill_(3)
        self.assertEqual(loaded["b"].tolist(), [3, 3])

    def test_storages_and_layouts_stay_themselves(self):
        first, second = torch.ones(2).untyped_storage(), torch.zeros(3).untyped_storage()
        torch.save({"s": [first, second], "l": [torch.strided, torch.sparse_coo]}, self.path)
        wick.save(wick.load(self.path), self.path)
        loaded = torch.load(self.path, weights_only=True)
        self.assertEqual([len(each) for each in loaded["s"]], [8, 12])
        self.assertEqual(loaded["l"], [torch.strided, torch.sparse_coo])

    def test_wick_saves_and_torch_loads(self):
        data = {"a": wick.tensor([[1.0, 2], [3, 4]]), "n": [1, 2.5, None, "x", (True,)], "s": wick.Size((2, 3)),
                "d": wick.bfloat16, 5: wick.tensor([1, 2], wick.int32)}
        wick.save(data, self.path)
        back = torch.load(self.path, weights_only=True)
        self.assertEqual(back["a"].tolist(), [[1, 2], [3, 4]])
        self.assertEqual(back["n"], data["n"])
        self.assertEqual(back["s"], torch.Size((2, 3)))
        self.assertEqual(back["d"], torch.bfloat16)
        self.assertEqual(back[5].dtype, torch.int32)
        torch.save({"s": torch.Size((4, 5)), "t": torch.ones(2, requires_grad=True), "p": torch.device("cpu")},
                   self.path)
        loaded = wick.load(self.path)
        self.assertEqual(loaded["s"], (4, 5))
        self.assertTrue(loaded["t"].requires_grad)
        wick.save(loaded, self.path)  # also the device, which Python has nothing for here
        again = torch.load(self.path, weights_only=True)
        self.assertEqual((again["s"], again["p"]), (torch.Size((4, 5)), torch.device("cpu")))

    def test_what_is_not_admitted(self):
        class Own:
            pass

        globals()["Own"] = Own
        Own.__qualname__ = "Own"
        torch.save({"own": Own(), "w": torch.ones(1)}, self.path)
        with self.assertRaisesRegex(wick.FormatError, "load it with placeholders=True"):
            wick.load(self.path)
        run = wick.load(self.path, placeholders=True)
        self.assertIsInstance(run["own"], wick.Value)
        self.assertEqual(run["w"].tolist(), [1])


if __name__ == "__main__":
    unittest.main()
