# SPDX-License-Identifier: MIT
"""Losses give PyTorch's values and gradients; networks that branch train as in PyTorch. Random
inputs each time; the seed is printed."""
import random
import unittest

import wick_program
from wick_program import torch
from torch import nn

SEED = random.randrange(2**32)
print("seed", SEED)


def error(ours, theirs, least=0.0):
    """max|a - b| / max|b|, with b in float64. What b is the difference of may be `least`."""
    theirs = theirs.detach().to(torch.float64)
    largest = max(theirs.abs().max().item(), least) or 1.0
    return (ours.to(torch.float64) - theirs).abs().max().item() / largest


class Losses(unittest.TestCase):
    def cases(self, dtype, generator):
        for _ in range(40):
            dims = random.randrange(0, 4)
            shape = [random.choice([1, 2, 3, 5, 8, 17, 40]) for _ in range(dims)]
            last = shape[-1] if shape else 1
            x = torch.randn(shape, generator=generator, dtype=torch.float64) * 3
            t = torch.rand(shape, generator=generator, dtype=torch.float64)
            weights = [torch.rand(last, generator=generator, dtype=torch.float64) + 0.5
                       if shape and random.random() < 0.5 else None for _ in range(2)]
            yield {"name": random.choice(["L1Loss", "MSELoss", "SmoothL1Loss", "HuberLoss",
                                          "BCEWithLogitsLoss"]),
                   "reduction": random.choice(["mean", "sum"]), "a": random.choice([0.5, 1.0, 2.5]),
                   "weight": weights[0], "pos_weight": weights[1], "input": x, "target": t}

    @staticmethod
    def module(case, dtype):
        options = {"reduction": case["reduction"]}
        if case["name"] == "SmoothL1Loss":
            options["beta"] = case["a"]
        elif case["name"] == "HuberLoss":
            options["delta"] = case["a"]
        elif case["name"] == "BCEWithLogitsLoss":
            options["weight"], options["pos_weight"] = (
                None if w is None else w.to(dtype) for w in (case["weight"], case["pos_weight"]))
        return getattr(nn, case["name"])(**options)

    def in_torch(self, case, dtype):
        x = case["input"].detach().to(dtype, copy=True).requires_grad_()
        loss = self.module(case, dtype)(x, case["target"].to(dtype))
        loss.backward()
        return loss.detach(), x.grad

    def compare(self, dtype):
        random.seed(SEED)
        cases = list(self.cases(dtype, torch.Generator().manual_seed(SEED)))
        # Both sides see the same numbers, those that float32 has.
        for case in cases:
            for key in ("input", "target", "weight", "pos_weight"):
                if case[key] is not None:
                    case[key] = case[key].to(torch.float32).to(torch.float64)
        narrow = [{key: value.to(dtype) if isinstance(value, torch.Tensor) else value
                   for key, value in case.items()} for case in cases]
        for case, answer in zip(cases, wick_program.run("losses", narrow)):
            with self.subTest(name=case["name"], shape=tuple(case["input"].shape)):
                # sigmoid(x) and the target, of which the gradient is the difference.
                least = 0.0
                if case["name"] == "BCEWithLogitsLoss":
                    count = case["input"].numel() if case["reduction"] == "mean" else 1
                    least = 0.2 / count
                for ours, theirs, own in zip((answer["loss"].reshape(()), answer["grad"]),
                                             self.in_torch(case, torch.float64),
                                             self.in_torch(case, dtype)):
                    bound = 1e-12
                    if dtype == torch.float32:
                        bound = max(1e-6, min(1e-5, 2 * error(own, theirs, least)))
                    self.assertLessEqual(error(ours, theirs, least), bound)

    def test_float64(self):
        self.compare(torch.float64)

    def test_float32(self):
        self.compare(torch.float32)


class ResidualNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(12, 16)
        self.shared = nn.Linear(16, 16)
        self.last = nn.Linear(16, 5)

    def forward(self, x):
        h = self.first(x)
        for _ in range(2):
            h = h + torch.relu(self.shared(h))
        return (self.last(h),)


class ActorCritic(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Linear(12, 24)
        self.actor = nn.Linear(24, 5)
        self.critic = nn.Linear(24, 1)

    def forward(self, x):
        h = torch.relu(self.body(x))
        return self.actor(h), self.critic(h)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.down = nn.Linear(12, 8)
        self.code = nn.Linear(8, 3)
        self.up = nn.Linear(3, 8)
        self.out = nn.Linear(11, 12)

    def forward(self, x):
        code = self.code(torch.relu(self.down(x)))
        return (self.out(torch.cat([torch.relu(self.up(code)), code], 1)),)


NETWORKS = {"residual": ResidualNet, "actor_critic": ActorCritic, "autoencoder": Autoencoder}


class Graphs(unittest.TestCase):
    def loss(self, name, outputs, x, labels, values):
        if name == "autoencoder":
            return nn.functional.mse_loss(outputs[0], x)
        loss = nn.functional.cross_entropy(outputs[0], labels)
        if name == "actor_critic":
            loss = loss + nn.functional.mse_loss(outputs[1], values)
        return loss

    def compare(self, name, dtype, tolerance):
        torch.manual_seed(SEED)
        steps, batch, lr = 50, 16, 0.003
        model = NETWORKS[name]().to(dtype)
        inputs = torch.randn(steps, batch, 12, dtype=dtype)
        labels = torch.randint(0, 5, (steps, batch))
        values = torch.randn(steps, batch, 1, dtype=dtype)
        answer = wick_program.run("train", {
            "network": name, "state": {k: v.clone() for k, v in model.state_dict().items()},
            "inputs": inputs, "labels": labels, "values": values, "lr": lr})
        optimizer = torch.optim.Adam(model.parameters(), lr=lr)
        losses = []
        for x, y, v in zip(inputs, labels, values):
            optimizer.zero_grad()
            loss = self.loss(name, model(x), x, y, v)
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        for step, (ours, theirs) in enumerate(zip(answer["losses"].tolist(), losses)):
            self.assertLessEqual(abs(ours - theirs), tolerance * losses[0], (name, step))
        self.assertEqual(set(answer["state"]), set(model.state_dict()))
        model.load_state_dict(answer["state"])
        for ours, theirs in zip(answer["outputs"], model(inputs[-1])):
            self.assertLessEqual(error(ours, theirs), 1e-12 if dtype == torch.float64 else 1e-5)

    def test_curves_are_equal(self):
        for name in NETWORKS:
            with self.subTest(name=name, dtype="float64"):
                self.compare(name, torch.float64, 1e-9)
            with self.subTest(name=name, dtype="float32"):
                self.compare(name, torch.float32, 1e-4)


if __name__ == "__main__":
    wick_program.main()
