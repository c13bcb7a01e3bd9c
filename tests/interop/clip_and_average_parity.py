# SPDX-License-Identifier: MIT
"""Clipped gradients and averaged models beside PyTorch's, of random shapes and numbers from a seed
that is printed. SEED=N: that seed again."""
import math
import os
import random
import unittest

import wick_program
from wick_program import torch
from torch.optim import swa_utils

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
DEVICE = os.environ.get("WICK_TEST_DEVICE", "cpu")


class Clipping(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(SEED)
        generator = torch.Generator().manual_seed(SEED)
        self.cases = []
        for i in range(60):
            dtype = self.rng.choice([torch.float32, torch.float64])
            shapes = [[self.rng.randint(0, 9) for _ in range(self.rng.randint(0, 3))]
                      for _ in range(self.rng.randint(1, 5))] + [[self.rng.choice([1, 37, 30000])]]
            size = 10 ** self.rng.uniform(-3, 3)
            grads = [torch.randn(shape, generator=generator, dtype=dtype) * size for shape in shapes]
            if i % 6 == 0:
                grads[-1][0] = self.rng.choice([math.nan, math.inf, -math.inf])
            if i % 4 == 0:
                grads[self.rng.randrange(len(grads) - 1)] = None
            self.cases.append({"grads": grads, "device": DEVICE, "flat": self.rng.random() < 0.6})
        print(f"{self.id().split('.')[-1]}: seed {SEED}", flush=True)

    def compare(self, clip):
        answers = wick_program.run("clip", {"cases": self.cases})["answers"]
        for case, answer in zip(self.cases, answers, strict=True):
            with self.subTest(seed=SEED, **{k: v for k, v in case.items() if k != "grads"}):
                # In float64: PyTorch's own sums in float32 are farther from it than ours.
                parameters = [torch.zeros([] if g is None else g.shape, dtype=torch.float64, requires_grad=True)
                              for g in case["grads"]]
                for parameter, grad in zip(parameters, case["grads"], strict=True):
                    parameter.grad = None if grad is None else grad.double()
                norm = clip(case, parameters)
                if norm is not None:
                    self.assertEqual(answer["norm"].dtype, case["grads"][-1].dtype)
                    self.near(answer["norm"], norm)
                for mine, parameter in zip(answer["grads"], parameters, strict=True):
                    if parameter.grad is None:
                        self.assertIsNone(mine)
                    else:
                        self.near(mine, parameter.grad)

    def near(self, mine, other):
        tolerance = 1e-6 if mine.dtype == torch.float32 else 1e-12
        torch.testing.assert_close(mine.cpu().double(), other, rtol=tolerance, atol=1e-40, equal_nan=True)

    def test_norm(self):
        for case in self.cases:
            case["norm_type"] = self.rng.choice([1.0, 2.0, 2.0, math.inf, 3.0, 1.5])
            if case["norm_type"] == math.inf:  # PyTorch's error for those without elements
                case["grads"] = [g for g in case["grads"] if g is None or g.numel() > 0]
            case["max_norm"] = self.rng.choice([10 ** self.rng.uniform(-2, 5), 0.0, math.inf, -1.0])
        self.compare(lambda case, parameters: torch.nn.utils.clip_grad_norm_(
            parameters, case["max_norm"], case["norm_type"]))

    def test_value(self):
        for case in self.cases:
            case["clip_value"] = self.rng.choice([10 ** self.rng.uniform(-3, 3), 0.0, math.inf])
        self.compare(lambda case, parameters: torch.nn.utils.clip_grad_value_(
            parameters, case["clip_value"]))


def make_model():
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.BatchNorm1d(4), torch.nn.Linear(4, 3))


class Averages(unittest.TestCase):
    """All models by one of the two, or the first ones by one and the others by the other."""

    def averaged(self, model, decay, use_buffers):
        avg_fn = None if decay is None else swa_utils.get_ema_avg_fn(decay)
        return swa_utils.AveragedModel(model, avg_fn=avg_fn, use_buffers=use_buffers)

    def draw(self, rng):
        torch.manual_seed(rng.randrange(2**32))
        model = make_model()
        models = []
        for _ in range(6):
            model(torch.randn(7, 5) * 3)
            with torch.no_grad():
                for parameter in model.parameters():
                    parameter.add_(torch.randn_like(parameter))
            models.append({key: value.clone() for key, value in model.state_dict().items()})
        return models

    def in_torch(self, request):
        model = make_model()
        averaged = self.averaged(model, request["decay"], request["use_buffers"])
        if request["state"] is not None:
            averaged.load_state_dict(request["state"])
        for state in request["models"]:
            model.load_state_dict(state)
            averaged.update_parameters(model)
        if "batches" in request:
            swa_utils.update_bn(request["batches"], averaged)
        return averaged.state_dict()

    def same(self, mine, other):
        self.assertEqual(list(mine), list(other))
        self.assertEqual(mine._metadata, other._metadata)
        for key, value in other.items():
            torch.testing.assert_close(mine[key], value, rtol=1e-5, atol=1e-6)

    def test_averages(self):
        rng = random.Random(SEED)
        print(f"{self.id().split('.')[-1]}: seed {SEED}", flush=True)
        cases = []
        for decay in (None, None, 0.9, 0.0, 1.0, rng.random()):
            for use_buffers in (False, True):
                models = self.draw(rng)
                whole = {"decay": decay, "use_buffers": use_buffers, "state": None, "models": models}
                if rng.random() < 0.5:
                    whole["batches"] = [torch.randn(rng.randint(2, 9), 5) for _ in range(3)]
                cut = rng.randint(1, 5)
                first = {"decay": decay, "use_buffers": use_buffers, "state": None, "models": models[:cut]}
                rest = {**whole, "models": models[cut:]}
                cases.append((whole, first, rest))
        ours = iter(wick_program.run("average", {"cases": [
            one for whole, first, rest in cases
            for one in (whole, {**rest, "state": self.in_torch(first)}, first)]})["answers"])
        for whole, first, rest in cases:
            with self.subTest(seed=SEED, decay=whole["decay"], use_buffers=whole["use_buffers"]):
                expected = self.in_torch(whole)
                self.same(next(ours), expected)
                self.same(next(ours), expected)  # from PyTorch's state
                self.same(self.in_torch({**rest, "state": next(ours)}), expected)


if __name__ == "__main__":
    wick_program.main()
