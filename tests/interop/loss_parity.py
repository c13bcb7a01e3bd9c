# SPDX-License-Identifier: MIT
"""Every loss of tests/nn/loss_cases.h beside PyTorch's: values and gradients, with each reduction.

The error of a tensor is max|a - b| / max|b|, where b is PyTorch's in float64: at most 1e-12 in float64,
and in float32 at most 1e-5, and at most twice that of PyTorch's own float32, or below what roundings make.

Values are drawn anew each time; the seed is printed, and WICK_SEED repeats it.
"""
import os
import random
import unittest

import wick_program
from wick_program import torch
from torch import nn  # the losses are expressions in it

ROUNDING = 1e-6


def error(actual, exact):
    if actual.numel() == 0:
        return 0.0
    actual = actual.double()
    if not torch.equal(actual.isnan(), exact.isnan()):
        return float("inf")
    actual, exact = actual.nan_to_num(), exact.nan_to_num()
    scale = exact.abs().max()
    difference = (actual - exact).abs().max().item()
    return difference / scale.item() if scale > 0 else difference


def run_torch(answer, reduction, dtype):
    def cast(name):
        value = answer[name]
        return value.to(dtype) if value.is_floating_point() else value
    names = {name: cast(name) for name in ("w", "v") if name in answer}
    loss = eval(f"nn.{answer['torch']}", {"nn": nn}, {"reduction": reduction, **names})  # pylint: disable=eval-used
    x = cast("input").clone().requires_grad_()
    var = cast("var").clone().requires_grad_() if "var" in answer else None
    value = loss(x, cast("target"), *([] if var is None else [var]))
    value.backward(cast("grad_output") if "grad_output" in answer else None)
    result = {"loss": value.detach(), "grad": x.grad}
    if var is not None:
        result["grad_var"] = var.grad
    return result


class Losses(unittest.TestCase):
    def test_all(self):
        seed = int(os.environ.get("WICK_SEED") or random.SystemRandom().randrange(2**32))
        print("seed", seed)
        random.seed(seed)
        requests = []
        for loss in range(wick_program.run("count", [])):
            for reduction in ("mean", "sum", "none"):
                for batch in ([], [random.randint(1, 9)], [random.randint(100, 200), 2],
                              [random.randint(1, 40), random.randint(1, 9), random.randint(1, 9)], [0, 2]):
                    for dtype in (torch.float32, torch.float64):
                        requests.append({"loss": loss, "seed": random.randrange(2**31), "batch": batch,
                                         "reduction": reduction, "dtype": torch.zeros((), dtype=dtype)})
        answers = wick_program.run("run_losses", requests)
        self.assertEqual(len(answers), len(requests))
        worst = {}
        for request, answer in zip(requests, answers):
            dtype, reduction = request["dtype"].dtype, request["reduction"]
            exact = run_torch(answer, reduction, torch.float64)
            own = run_torch(answer, reduction, dtype)
            for name, value in exact.items():
                ours = error(answer[name], value)
                with self.subTest(loss=answer["torch"], tensor=name, batch=request["batch"],
                                  reduction=reduction, dtype=dtype, seed=seed):
                    self.assertEqual(answer[name].shape, value.shape)
                    self.assertEqual(answer[name].dtype, dtype)
                    self.assertLessEqual(ours, 1e-12 if dtype == torch.float64 else 1e-5)
                if dtype == torch.float32:
                    key = request["loss"], answer["torch"], name
                    before = worst.get(key, (0.0, 0.0))
                    worst[key] = max(before[0], ours), max(before[1], error(own[name], value))
        for (_, loss, name), (ours, theirs) in worst.items():
            with self.subTest(loss=loss, tensor=name, seed=seed):
                self.assertLessEqual(ours, max(2 * theirs, ROUNDING))
            if os.environ.get("WICK_VERBOSE"):
                print(f"{loss:80} {name:9} {ours:.2e}  PyTorch {theirs:.2e}")


if __name__ == "__main__":
    wick_program.main()
