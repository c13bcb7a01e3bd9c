# SPDX-License-Identifier: MIT
"""Every layer of tests/nn/layer_cases.h beside PyTorch's: outputs and gradients.

The error of a tensor is max|a - b| / max|b|, where b is PyTorch's in float64. In float64 ours is at
most 1e-12. In float32 it is at most 1e-6 for functions of one element and 1e-5 for others, and at
most twice that of PyTorch's own float32, or below what a rounding of the result makes.

Shapes and values are drawn anew each time; the seed is printed, and WICK_SEED repeats it.
"""
import os
import random
import unittest

import wick_program
from wick_program import torch
from torch import nn  # the layers are expressions in it

ROUNDING = 3.5e-7  # what the functions promise: 2 ulp, and that of one more operation


def error(actual, exact):
    scale = exact.abs().max()
    return ((actual.double() - exact).abs().max() / scale).item() if scale > 0 else 0.0


def make(expression, state, dtype):
    layer = eval(f"nn.{expression}").to(dtype)  # pylint: disable=eval-used
    layer.load_state_dict(cast(state, dtype))
    return layer


def cast(state, dtype):
    return {name: value.to(dtype) if value.is_floating_point() else value
            for name, value in state.items()}


def random_value(name, value):
    if not value.is_floating_point():
        return torch.full_like(value, random.randint(0, 5))
    return torch.rand_like(value) + 0.5 if name == "running_var" else torch.randn_like(value)


# PyTorch's own float64 gradients of these have constants that were rounded to float32.
EXACT = {
    "Hardsigmoid()": lambda x: (x + 3).clamp(0, 6) / 6,
    "CELU(alpha=0.3)": lambda x: torch.where(x > 0, x, 0.3 * torch.expm1(x / 0.3)),
}


def run_torch(expression, state, x, grad, instead=()):
    layer = make(expression, state, x.dtype)
    x = x.clone().requires_grad_()
    output = instead[expression](x) if expression in instead else layer(x)
    output.backward(grad)
    result = {"output": output.detach(), "grad_input": x.grad}
    result.update({f"grad of {name}": p.grad for name, p in layer.named_parameters()})
    result.update(layer.named_buffers())
    return result


class Layers(unittest.TestCase):
    def shapes(self, trailing, min_samples):
        # So many elements that not all of them lie where a function is flat: the error is relative to
        # the largest, and there it is that of a difference of two numbers close to each other.
        small = [random.randint(1, 9) for _ in range(random.randint(0, 3))] + [random.randint(50, 99)]
        if min_samples > 0:
            small = small[-1:]
        large = [random.randint(150, 250), random.randint(150, 250)]
        return [tuple(small + trailing), tuple(large + trailing if not trailing else
                                               large[:1] + trailing)]

    def test_all(self):
        seed = int(os.environ.get("WICK_SEED") or random.SystemRandom().randrange(2**32))
        print("seed", seed)
        random.seed(seed)
        torch.manual_seed(seed)
        rows = wick_program.run("layers", [])
        self.assertGreater(len(rows), 20)
        requests = []
        for index, row in enumerate(rows):
            for shape in self.shapes(list(row["trailing"]), row["min_samples"]):
                # Sums must not suffer from a mean that is far larger than the deviation.
                for scale, mean in [(1.0, 0.0), (4.0, 0.0)] + [(1.0, 1e4)] * ("Norm" in row["torch"]):
                    x = torch.randn(shape) * scale + mean
                    state = {name: random_value(name, value) for name, value in row["state"].items()}
                    grad = torch.randn(make(row["torch"], state, x.dtype)(x).shape)
                    requests += [{"layer": index, "input": x.to(dtype), "state": cast(state, dtype),
                                  "grad_output": grad.to(dtype)} for dtype in (torch.float32, torch.float64)]
        answers = wick_program.run("run_layers", requests)
        self.assertEqual(len(answers), len(requests))
        worst = {}  # layer and tensor -> our largest error and PyTorch's
        for request, answer in zip(requests, answers):
            row = rows[request["layer"]]
            expression, x, grad = row["torch"], request["input"], request["grad_output"]
            exact = run_torch(expression, request["state"], x.double(), grad.double(), EXACT)
            self.assertEqual(sorted(answer), sorted(exact))
            own = run_torch(expression, request["state"], x, grad)
            for name, value in answer.items():
                ours = error(value, exact[name])
                with self.subTest(layer=expression, tensor=name, shape=tuple(x.shape),
                                  dtype=x.dtype, seed=seed):
                    self.assertEqual(value.dtype, own[name].dtype)
                    if not value.is_floating_point():
                        self.assertEqual(value, exact[name])
                        continue
                    if x.dtype == torch.float64:
                        # Of values around 1e4, PyTorch's float64 is itself off by 1e-12: it rounds
                        # the mean. (Ours was nearer to the result in extended precision.)
                        self.assertLessEqual(ours, 1e-11 if x.mean() > 1e3 else 1e-12)
                        continue
                    # A softmax close to one class has a gradient of differences: PyTorch's own error.
                    bound = 1e-6 if row["pointwise"] else max(1e-5, 2 * error(own[name], exact[name]))
                    self.assertLessEqual(ours, bound)
                before = worst.get((expression, name), (0.0, 0.0))
                worst[expression, name] = (max(before[0], ours),
                                           max(before[1], error(own[name], exact[name])))
        for (expression, name), (ours, theirs) in worst.items():
            with self.subTest(layer=expression, tensor=name, seed=seed):
                self.assertLessEqual(ours, max(2 * theirs, ROUNDING))
            if os.environ.get("WICK_VERBOSE"):
                print(f"{expression:36} {name:12} {ours:.2e}  PyTorch {theirs:.2e}")

    def test_values_at_kinks_and_ends(self):
        """Where a function has a kink or no finite value, outputs and gradients are PyTorch's."""
        inf = float("inf")
        x = torch.tensor([0.0, -0.0, 1.0, -1.0, 3.0, -3.0, 6.0, -0.5, 1.6, 20.0, 100.0, -100.0, inf,
                          -inf, float("nan")], dtype=torch.float64).repeat(8)
        rows = wick_program.run("layers", [])
        requests = [{"layer": i, "input": x, "state": {}, "grad_output": torch.ones_like(x)}
                    for i, row in enumerate(rows) if row["pointwise"]]
        for request, answer in zip(requests, wick_program.run("run_layers", requests)):
            expression = rows[request["layer"]]["torch"]
            exact = run_torch(expression, {}, x, torch.ones_like(x))
            for name, value in answer.items():
                known = ~x.isnan() if name == "grad_input" else torch.ones_like(x, dtype=torch.bool)
                rtol = 1e-5 if expression in EXACT and name == "grad_input" else 1e-12
                with self.subTest(layer=expression, tensor=name):
                    self.assertTrue(torch.allclose(value[known], exact[name][known], rtol=rtol,
                                                   atol=1e-140, equal_nan=True),
                                    [(a, b, c) for a, b, c in zip(x.tolist(), value.tolist(),
                                                                  exact[name].tolist()) if b != c])


if __name__ == "__main__":
    wick_program.main()
