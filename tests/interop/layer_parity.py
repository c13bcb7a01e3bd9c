# SPDX-License-Identifier: MIT
"""Every layer of tests/nn/layer_cases.h beside PyTorch's: outputs, gradients, and 50 steps of training.

The error of a tensor is max|a - b| / max|b|, where b is PyTorch's in float64. In float64 ours is at
most 1e-12. In float32 it is at most 1e-6 for functions of one element and 1e-5 for others, and at
most twice that of PyTorch's own float32, or below what a rounding of the result makes.

In training, where the layer stands between two Linears, losses differ at most by the TOLERANCE of
wick_program.py. Shapes and values are drawn anew each time; the seed is printed, and --seed repeats it.
"""
import os
import random
import unittest
from collections import OrderedDict

import wick_program
from layer_expressions import Described, layer_of, times_own
from wick_program import torch
from torch import nn  # the layers are expressions in it

ROUNDING = 3.5e-7  # what the functions promise: 2 ulp, and that of one more operation


def error(actual, exact):
    scale = exact.abs().max()
    return ((actual.double() - exact).abs().max() / scale).item() if scale > 0 else 0.0


def make(expression, state, dtype):
    layer = layer_of(expression).to(dtype)
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
        seed = wick_program.start()
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
                    bound = 1e-6 if row["pointwise"] else max(
                        1e-5, times_own(expression) * error(own[name], exact[name]))
                    self.assertLessEqual(ours, bound)
                before = worst.get((expression, name), (0.0, 0.0))
                worst[expression, name] = (max(before[0], ours),
                                           max(before[1], error(own[name], exact[name])))
        for (expression, name), (ours, theirs) in worst.items():
            with self.subTest(layer=expression, tensor=name, seed=seed):
                times = times_own(expression)
                self.assertLessEqual(ours, max(times * theirs, ROUNDING if times == 2 else 1e-5))
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


class MakeModule(unittest.TestCase):
    def test_takes_all_arguments_of_pytorch(self):
        """Made from the whole signature with its defaults, a layer gives what that of the table does."""
        seed = wick_program.start()
        rows = wick_program.run("layers", [])
        requests = []
        for index, row in enumerate(rows):
            x = torch.randn(max(row["min_samples"], 5), *row["trailing"] or (7,), dtype=torch.float64)
            state = {name: random_value(name, value.double()) if value.is_floating_point() else value
                     for name, value in row["state"].items()}
            grad = torch.randn_like(make(row["torch"], state, x.dtype)(x))
            rest = {"input": x, "state": state, "grad_output": grad}
            requests += [{"layer": index, **rest},
                         {**Described(row["torch"]).request(x.dtype), **rest}]
        answers = wick_program.run("run_layers", requests)
        for row, direct, made in zip(rows, answers[::2], answers[1::2], strict=True):
            with self.subTest(layer=row["torch"], seed=seed):
                self.assertEqual(list(made), list(direct))
                for name, value in direct.items():
                    self.assertTrue(torch.equal(made[name], value), name)


class Refused(unittest.TestCase):
    """What PyTorch refuses is refused here, by an error that says what came."""

    # With what no such layer can be made, though PyTorch finds that out later or never.
    WRONG = ["Dropout(p=-0.1)", "Dropout(p=1.5)", "GroupNorm(3, 4)", "Embedding(4, 2, padding_idx=4)",
             "Embedding(4, 2, padding_idx=-5)", "Hardtanh(min_val=1.0, max_val=-1.0)", "Linear(-1, 2)",
             "Embedding(-1, 2)", "LayerNorm((2, -3))", "BatchNorm1d(-2)", "GELU(approximate='erf')",
             "Conv2d(4, 6, 3, groups=4)", "Conv2d(4, 6, 0)", "Conv1d(2, 2, 3, padding='both')", "Conv2d(2, 2, 3, stride=0)",
             "Conv2d(2, 2, 3, stride=2, padding='same')", "Conv2d(2, 2, 3, padding_mode='mirror')",
             "Conv2d(2, 2, (3, 3, 3))", "ConvTranspose2d(2, 2, 3, output_padding=1)", "MaxPool2d(2, padding=2)",
             "AvgPool2d(2, divisor_override=0)", "AvgPool1d(0)", "Upsample()", "Upsample(scale_factor=0.0)",
             "ZeroPad2d((1, 2))", "PixelShuffle(0)",
             "RNN(3, 0)", "LSTM(3, 4, num_layers=0)", "GRU(3, 4, dropout=1.5)", "RNN(3, 4, nonlinearity='elu')",
             "MultiheadAttention(7, 2)", "TransformerEncoderLayer(8, 2, activation='tanh')"]

    @staticmethod
    def other_shape(shape):
        """One that fits or not."""
        shape = list(shape)
        change = random.randrange(6)
        if change == 0 and shape:
            shape.pop(random.randrange(len(shape)))
        elif change == 1:
            shape.insert(random.randint(0, len(shape)), random.randint(1, 3))
        elif change == 2 and shape:
            shape[random.randrange(len(shape))] += random.choice([-1, 1])
        elif change == 3:
            shape = [random.randint(1, 7) for _ in range(random.randint(0, 5))]
        elif change == 4 and shape:
            shape[0] = 1
        return [max(size, 1) for size in shape]

    def test_inputs(self):
        seed = wick_program.start()
        rows = wick_program.run("layers", [])
        requests = []
        for index, row in enumerate(rows):
            for _ in range(25):
                shape = self.other_shape([max(row["min_samples"], random.randint(1, 6)), *row["trailing"]])
                dtype = random.choice([torch.float32] * 4 + [torch.float64, torch.int64])
                requests.append({"layer": index, "input": (torch.randn(shape) * 5).to(dtype)})
        refused = 0
        for request, answer in zip(requests, wick_program.run("try_layers", requests), strict=True):
            expression, x = rows[request["layer"]]["torch"], request["input"]
            error = None
            try:
                output = layer_of(expression)(x)
            except Exception as caught:  # pylint: disable=broad-exception-caught
                error = caught
            with self.subTest(layer=expression, shape=tuple(x.shape), dtype=x.dtype, seed=seed, error=error):
                if isinstance(answer, dict):
                    refused += error is not None
                    # There, layers without parameters may take whole numbers, or another number of channels than
                    # they were made for.
                    has_parameters = bool(rows[request["layer"]]["state"])
                    self.assertTrue(error or x.dtype != torch.float32 or not has_parameters, answer)
                    came = str(list(x.shape)) if answer["kind"] == "ShapeError" else str(x.dtype)[6:]
                    if answer["kind"] == "DTypeError" or (answer["kind"] == "ShapeError" and x.dim()):
                        self.assertIn(came, answer["text"])
                else:
                    self.assertIsNone(error)
                    self.assertEqual(answer.shape, output.shape)
        self.assertGreater(refused, 50)

    def test_arguments(self):
        requests = [{**Described(expression).request(torch.float32), "input": None}
                    for expression in self.WRONG]
        for expression, answer in zip(self.WRONG, wick_program.run("try_layers", requests), strict=True):
            with self.subTest(layer=expression):
                self.assertEqual(answer["kind"], "ValueError")
                self.assertIn(expression.partition("(")[0], answer["text"])


class Function(nn.Module):
    def __init__(self, function):
        super().__init__()
        self.function = function

    def forward(self, x):
        return self.function(x)


class Training(unittest.TestCase):
    STEPS = 50
    # Beside the rows of the table: what draws numbers in each step.
    DROPOUTS = [
        ("Dropout(p=0.3)", []), ("Dropout(p=0.75)", []),
        ("LSTM(5, 4, num_layers=3, dropout=0.4, batch_first=True)", [3, 5]),
        ("GRU(4, 3, num_layers=2, dropout=0.5, batch_first=True, bidirectional=True)", [5, 4]),
        ("MultiheadAttention(6, 2, dropout=0.3, batch_first=True)", [4, 6]),
        ("TransformerEncoderLayer(8, 2, dim_feedforward=11, dropout=0.25, batch_first=True)", [5, 8])]

    @staticmethod
    def network(expression, trailing, inputs, outputs, dtype):
        def layer():
            if expression in EXACT and dtype == torch.float64:
                return Function(EXACT[expression])
            return layer_of(expression).to(dtype)
        count = torch.Size(trailing).numel()
        made = layer()(torch.randn(8, *trailing, dtype=dtype)).numel() // 8
        return nn.Sequential(OrderedDict(
            before=nn.Linear(inputs, count, dtype=dtype), shape=nn.Unflatten(1, trailing),
            layer=layer(), flat=nn.Flatten(), after=nn.Linear(made, outputs, dtype=dtype)))

    def layers(self, dtype):
        """What to ask for, the expression, trailing sizes and the least number of samples."""
        rows = wick_program.run("layers", [])
        return [({"layer": index}, row["torch"], row["trailing"], row["min_samples"])
                for index, row in enumerate(rows)] + [
            (Described(expression).request(dtype), expression, trailing, 0)
            for expression, trailing in self.DROPOUTS]

    def cases(self, layers, dtype):
        """Requests, and the network of each."""
        for layer, expression, trailing, min_samples in layers:
            trailing = list(trailing) or [random.randint(1, 5) for _ in range(random.randint(0, 1))] + [
                random.randint(3, 20)]
            inputs, outputs = random.randint(1, 7), random.randint(1, 5)
            model = self.network(expression, tuple(trailing), inputs, outputs, dtype)
            for name, value in model.layer.state_dict().items():
                if value.is_floating_point():
                    # An RNN of large weights doubles its state with each step.
                    value.copy_(random_value(name, value) * (0.3 if expression.startswith("RNN") else 1.0))
            x = torch.randn(self.STEPS, max(min_samples, random.randint(2, 12)), inputs, dtype=dtype)
            # What can be learned from the inputs, with noise.
            y = x @ torch.randn(inputs, outputs, dtype=dtype) + 0.1 * torch.randn(
                *x.shape[:2], outputs, dtype=dtype)
            # The more features there are, the larger is the gradient: a rate at which nothing diverges.
            rate = 0.05 / (10 + model.after.in_features)
            optimizer = random.choice([{"name": "SGD", "options": {"lr": rate}},
                                       {"name": "SGD", "options": {"lr": rate / 2, "momentum": 0.8}},
                                       {"name": "Adam", "options": {"lr": 0.01}}])
            yield {**layer, "trailing": trailing, "inputs": x, "targets": y, "optimizer": optimizer,
                   "seed": random.randrange(2**31), "steps": self.STEPS,
                   "state": {name: value.clone() for name, value in model.state_dict().items()},
                   }, expression, model

    @staticmethod
    def train(request, model):
        """The program that train_layers in wick_layers.cpp follows. Returns the losses, and the largest
        gradients of each parameter's elements."""
        optimizer = getattr(torch.optim, request["optimizer"]["name"])(
            model.parameters(), **request["optimizer"]["options"])
        torch.manual_seed(request["seed"])
        losses, largest = [], {}
        for x, y in zip(request["inputs"], request["targets"]):
            optimizer.zero_grad()
            loss = nn.functional.mse_loss(model(x), y)
            loss.backward()
            for name, parameter in model.named_parameters():
                sizes = parameter.grad.abs()
                largest[name] = torch.maximum(largest.get(name, sizes), sizes)
            optimizer.step()
            losses.append(loss.item())
        return losses, largest

    def compare_states(self, request, model, largest, answer, ours):
        """The trained networks are the same, and each loads the other's state: `ours` has PyTorch's."""
        x, state = request["inputs"][0], model.state_dict()
        exact = 1e-12 if x.dtype == torch.float64 else 1e-5
        model.eval()
        self.assertLessEqual(error(ours["output"], model(x).double()), exact)
        self.assertEqual(list(answer["state"]), list(state))
        for name, value in state.items():
            self.assertEqual(answer["state"][name].dtype, value.dtype)
            # Adam makes steps of any size of gradients that are but rounding errors around 0, as those by an
            # attention's bias of keys are; the running mean of a BatchNorm follows the bias before it, which
            # is such a parameter.
            if x.dtype == torch.float64:
                known = largest[name] > 1e-6 if name in largest else torch.ones_like(value, dtype=torch.bool)
                vague = any(sizes.max() <= 1e-6 for sizes in largest.values())
                near = 1e-5 if name not in largest and vague else 1e-8
                self.assertTrue(torch.allclose(answer["state"][name][known], value[known], near, near), name)
        self.assertFalse(torch.equal(state["after.bias"], request["state"]["after.bias"]))
        model.load_state_dict(answer["state"])
        self.assertLessEqual(error(answer["output"], model(x).double()), exact)

    def compare(self, dtype):
        seed = wick_program.start()
        layers = self.layers(dtype)
        for draw in range(wick_program.DRAWS[dtype]):
            cases = list(self.cases(layers, dtype))
            answers = wick_program.run("train_layers", [request for request, _, _ in cases])
            runs = [self.train(request, model) for request, _, model in cases]
            loaded = wick_program.run("train_layers", [
                {**request, "steps": 0, "state": model.state_dict()} for request, _, model in cases])
            again = []
            for layer, (request, expression, model), answer, (curve, largest), ours in zip(
                    layers, cases, answers, runs, loaded, strict=True):
                with self.subTest(layer=expression, optimizer=request["optimizer"], dtype=dtype, seed=seed,
                                  shape=tuple(request["inputs"].shape)), torch.no_grad():
                    fault = wick_program.parted(answer["losses"].tolist(), curve, dtype)
                    if fault and draw + 1 < wick_program.DRAWS[dtype]:
                        again.append(layer)
                        continue
                    self.assertIsNone(fault)
                    self.compare_states(request, model, largest, answer, ours)
            layers = again

    def test_float64(self):
        self.compare(torch.float64)

    def test_float32(self):
        self.compare(torch.float32)


if __name__ == "__main__":
    wick_program.main()
