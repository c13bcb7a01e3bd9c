# SPDX-License-Identifier: MIT
"""Layers and losses give PyTorch's values and gradients."""
import itertools
import unittest
from collections import OrderedDict

import wick_program
from wick_program import torch
from torch import nn


def close(ours, theirs, tolerance):
    return torch.allclose(ours, theirs.detach(), rtol=tolerance, atol=tolerance * 1e-2,
                          equal_nan=True)


class CrossEntropy(unittest.TestCase):
    def cases(self, dtype):
        generator = torch.Generator().manual_seed(5)
        for rows, classes, scale in ((1, 2, 1.0), (7, 10, 3.0), (33, 10, 60.0), (64, 100, 1.0)):
            logits = torch.randn(rows, classes, generator=generator, dtype=dtype) * scale
            targets = torch.randint(0, classes, (rows,), generator=generator)
            weight = torch.rand(classes, generator=generator, dtype=dtype) + 0.1
            for reduction, smoothing, weighted, ignore in itertools.product(
                    ("mean", "sum"), (0.0, 0.1, 1.0), (False, True), (-100, 0, 1)):
                marked = targets.clone()
                if ignore == -100 and rows > 2:
                    marked[::3] = -100
                yield {"logits": logits, "targets": marked, "weight": weight if weighted else None,
                       "ignore_index": ignore, "reduction": reduction,
                       "label_smoothing": smoothing}

    def compare(self, dtype, tolerance):
        cases = list(self.cases(dtype))
        answers = wick_program.run("cross_entropy", cases)
        self.assertEqual(len(answers), len(cases))
        for case, answer in zip(cases, answers):
            options = {k: v for k, v in case.items() if k not in ("logits", "targets")}
            title = {k: v for k, v in options.items() if k != "weight"}
            logits = case["logits"].clone().requires_grad_()
            loss = nn.CrossEntropyLoss(**options)(logits, case["targets"])
            loss.backward()
            with self.subTest(shape=tuple(logits.shape), weighted=case["weight"] is not None,
                              **title):
                self.assertTrue(close(answer["loss"].reshape(()), loss, tolerance),
                                (answer["loss"], loss))
                self.assertTrue(close(answer["grad"], logits.grad, tolerance),
                                (answer["grad"] - logits.grad).abs().max())

    def test_float64(self):
        self.compare(torch.float64, 1e-12)

    def test_float32(self):
        self.compare(torch.float32, 3e-5)

    def test_a_batch_of_ignored_rows(self):
        targets = torch.full((4,), -100)
        for reduction in ("mean", "sum"):
            logits = torch.randn(4, 5, dtype=torch.float64, requires_grad=True)
            loss = nn.functional.cross_entropy(logits, targets, reduction=reduction)
            loss.backward()
            answer, = wick_program.run("cross_entropy", [{
                "logits": logits.detach(), "targets": targets, "weight": None,
                "ignore_index": -100, "reduction": reduction, "label_smoothing": 0.0}])
            self.assertTrue(close(answer["loss"].reshape(()), loss, 1e-12))
            self.assertTrue(close(answer["grad"], logits.grad, 1e-12), (reduction, answer["grad"]))


class Network(unittest.TestCase):
    def compare(self, layers, shape, dtype, tolerance, passes):
        model = nn.Sequential(OrderedDict(
            (layer[1], nn.ReLU() if layer[0] == "ReLU"
             else nn.Linear(layer[2], layer[3], bias=layer[4], dtype=dtype)) for layer in layers))
        x = torch.randn(shape, dtype=dtype, requires_grad=True)
        output = model(x)
        grad_output = torch.randn_like(output)
        for _ in range(passes):
            x.grad = None
            model(x).backward(grad_output)
        answer = wick_program.run("network", {
            "layers": layers, "state": model.state_dict(), "input": x.detach(),
            "grad_output": grad_output, "passes": passes})
        self.assertTrue(close(answer["output"], output, tolerance))
        self.assertTrue(close(answer["grad_input"], x.grad, tolerance))
        self.assertEqual(list(answer["grads"]), [name for name, _ in model.named_parameters()])
        for name, parameter in model.named_parameters():
            self.assertTrue(close(answer["grads"][name], parameter.grad, tolerance), name)

    def test_gradients(self):
        torch.manual_seed(1)
        networks = {
            "linear": [("Linear", "fc", 17, 5, True)],
            "linear without bias": [("Linear", "fc", 6, 3, False)],
            "relu": [("ReLU", "relu")],
            "relu first": [("ReLU", "relu"), ("Linear", "fc", 9, 4, True)],
            "two relus": [("Linear", "fc", 9, 4, True), ("ReLU", "a"), ("ReLU", "b")],
            "digits": [("Linear", "fc1", 784, 32, True), ("ReLU", "relu"),
                       ("Linear", "fc2", 32, 10, True)],
            "deep": [("Linear", "a", 20, 33, True), ("ReLU", "b"), ("Linear", "c", 33, 17, False),
                     ("ReLU", "d"), ("Linear", "e", 17, 3, True)],
        }
        for (name, layers), rows, passes in itertools.product(networks.items(), (1, 32, 50), (1, 2)):
            width = layers[0][2] if len(layers[0]) > 2 else (9 if name == "relu first" else 40)
            for dtype, tolerance in ((torch.float64, 1e-11), (torch.float32, 2e-4)):
                with self.subTest(network=name, rows=rows, passes=passes, dtype=dtype):
                    self.compare(layers, (rows, width), dtype, tolerance, passes)

    def test_leading_dimensions(self):
        torch.manual_seed(2)
        layers = [("Linear", "a", 6, 5, True), ("ReLU", "b"), ("Linear", "c", 5, 2, True)]
        for shape in ((6,), (3, 4, 6), (0, 6)):
            with self.subTest(shape=shape):
                self.compare(layers, shape, torch.float64, 1e-11, 1)


if __name__ == "__main__":
    wick_program.main()
