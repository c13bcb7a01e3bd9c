# SPDX-License-Identifier: MIT
"""Every loss of tests/nn/loss_cases.h beside PyTorch's: values and gradients, with each reduction, and 50
steps of training.

The error of a tensor is max|a - b| / max|b|, where b is PyTorch's in float64: at most 1e-12 in float64,
and in float32 at most 1e-5, and at most twice that of PyTorch's own float32, or below what roundings make.

In training, losses differ at most by the TOLERANCE of wick_program.py. Values are drawn anew each time; the
seed is printed, and --seed repeats it.
"""
import os
import random
import unittest
from collections import OrderedDict

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


def make(answer, reduction, dtype):
    names = {name: answer[name].to(dtype) for name in ("w", "v") if name in answer}
    return eval(f"nn.{answer['torch']}", {"nn": nn}, {"reduction": reduction, **names})  # pylint: disable=eval-used


def run_torch(answer, reduction, dtype):
    def cast(name):
        value = answer[name]
        return value.to(dtype) if value.is_floating_point() else value
    loss = make(answer, reduction, dtype)
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
        seed = wick_program.start()
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


class Refused(unittest.TestCase):
    """What PyTorch refuses is refused here, by an error that says what came."""

    @staticmethod
    def spoil(call):
        """Makes one of the tensors, or their shapes, what may not fit."""
        name = random.choice([name for name in ("input", "target", "var") if call[name] is not None])
        value, change = call[name], random.randrange(6)
        if change == 0 and value.dim():
            value = value.narrow(random.randrange(value.dim()), 0, 1)
        elif change == 1 and value.dim():
            value = value[0]
        elif change == 2:
            value = value.unsqueeze(random.randint(0, value.dim()))
        elif change == 3:
            value = value.to(random.choice([torch.float64, torch.int64, torch.int32, torch.bool]))
        elif change == 4 and value.numel():
            value = value.clone()
            value.view(-1)[random.randrange(value.numel())] = random.choice([-1, -3, 7])
        elif value.dim():
            value = torch.cat([value, value], random.randrange(value.dim()))
        return {**call, name: value.contiguous()}

    def test_all(self):
        seed = wick_program.start()
        asked = []
        for loss in range(wick_program.run("count", [])):
            for _ in range(40):
                batch = random.choice([[], [random.randint(1, 4)], [2, 3], [2, 1, 3]])
                asked.append({"loss": loss, "seed": random.randrange(2**31), "batch": batch,
                              "reduction": random.choice(["mean", "sum", "none"]),
                              "dtype": torch.zeros(())})
        good = wick_program.run("run_losses", asked)
        calls = [self.spoil({**request, "input": answer["input"], "target": answer["target"],
                             "var": answer.get("var")}) for request, answer in zip(asked, good, strict=True)]
        refused = 0
        for call, row, answer in zip(calls, good, wick_program.run("try_losses", calls), strict=True):
            rest = [call["target"]] + ([call["var"]] if call["var"] is not None else [])
            error = None
            try:
                value = make(row, call["reduction"], torch.float32)(call["input"], *rest)
            except Exception as caught:  # pylint: disable=broad-exception-caught
                error = caught
            shapes = [tuple(each.shape) for each in [call["input"], *rest]]
            with self.subTest(loss=row["torch"], shapes=shapes, error=error, seed=seed,
                              dtypes=[each.dtype for each in [call["input"], *rest]]):
                if isinstance(answer, dict):
                    refused += error is not None
                    if answer["kind"] == "ShapeError":
                        came = [str(list(shape)) if shape else "no dimensions" for shape in [*shapes, (5,)]]
                        self.assertTrue("[]" in answer["text"] or any(text in answer["text"] for text in came),
                                        answer)
                else:
                    self.assertIsNone(error, answer)
                    self.assertTrue(torch.allclose(answer, value, 1e-4, 1e-4, equal_nan=True))
        self.assertGreater(refused, 50)


# What brings a number of any size to where a loss wants its inputs.
TO_RANGE = {"any": lambda x, dim: x, "unit": lambda x, dim: x.sigmoid(),
            "positive": lambda x, dim: nn.functional.softplus(x), "logarithm": torch.log_softmax}


class Network(nn.Module):
    """That of train_losses in wick_losses.cpp."""

    def __init__(self, answer):
        super().__init__()
        state = answer["initial"]
        self.shape = tuple(answer["shape"])
        for name in ("body", "head", "var_head") if answer["variance"] else ("body", "head"):
            outputs, inputs = state[f"{name}.weight"].shape
            setattr(self, name, nn.Linear(inputs, outputs, dtype=state[f"{name}.weight"].dtype))
        self.to_range = lambda x: TO_RANGE[answer["range"]](x, answer["dim"])

    def forward(self, x):
        h = torch.tanh(self.body(x))
        outputs = [self.to_range(self.head(h).unflatten(1, self.shape))]
        if hasattr(self, "var_head"):
            outputs.append(nn.functional.softplus(self.var_head(h)).unflatten(1, self.shape))
        return outputs


class Training(unittest.TestCase):
    STEPS = 50

    def train(self, request, answer):
        dtype = request["dtype"].dtype
        model = Network(answer)
        model.load_state_dict(answer["initial"])
        optimizer = getattr(torch.optim, request["optimizer"]["name"])(
            model.parameters(), **request["optimizer"]["options"])
        criterion = make(answer, request["reduction"], dtype)
        curve = []
        for step in range(self.STEPS):
            optimizer.zero_grad()
            output, *var = model(answer["inputs"][step])
            value = criterion(output, answer["targets"][step], *var)
            if "grad_output" in answer:
                value = (value * answer["grad_output"]).sum()
            value.backward()
            optimizer.step()
            curve.append(value.item())
        return model, curve

    def request(self, loss, reduction, dtype):
        # The gradient of a sum is as large as its numbers are many.
        optimizer = {"name": "Adam", "options": {"lr": 0.01}}
        if reduction == "mean" and random.random() < 0.5:
            optimizer = {"name": "SGD", "options": {"lr": 0.05, "momentum": 0.5}}
        # So many that hardly ever all are of the ignored class: the mean of none is NaN.
        batch = [random.randint(12, 20)] + [random.randint(1, 3) for _ in range(random.randint(0, 2))]
        return {"loss": loss, "seed": random.randrange(2**31), "batch": batch, "reduction": reduction,
                "features": random.randint(1, 6), "steps": self.STEPS, "optimizer": optimizer,
                "dtype": torch.zeros((), dtype=dtype)}

    def compare(self, dtype):
        seed = wick_program.start()
        cases = [(loss, reduction) for loss in range(wick_program.run("count", []))
                 for reduction in ("mean", "sum", "none")]
        for draw in range(wick_program.DRAWS[dtype]):
            requests = [self.request(*case, dtype) for case in cases]
            answers = wick_program.run("train_losses", requests)
            again = []
            for case, request, answer in zip(cases, requests, answers, strict=True):
                with self.subTest(loss=answer["torch"], reduction=case[1], dtype=dtype, seed=seed,
                                  batch=request["batch"], optimizer=request["optimizer"]):
                    model, curve = self.train(request, answer)
                    fault = wick_program.parted(answer["losses"].tolist(), curve, dtype)
                    if fault and draw + 1 < wick_program.DRAWS[dtype]:
                        again.append(case)
                        continue
                    self.assertIsNone(fault)
                    self.assertEqual(list(answer["state"]), list(model.state_dict()))
                    if dtype == torch.float64:
                        for name, value in model.state_dict().items():
                            self.assertTrue(torch.allclose(answer["state"][name], value, 1e-8, 1e-8), name)
                    self.assertFalse(torch.equal(answer["state"]["head.weight"],
                                                 answer["initial"]["head.weight"]))
            cases = again

    def test_float64(self):
        self.compare(torch.float64)

    def test_float32(self):
        self.compare(torch.float32)


if __name__ == "__main__":
    wick_program.main()
