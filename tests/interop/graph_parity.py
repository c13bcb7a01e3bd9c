# SPDX-License-Identifier: MIT
"""Networks of several kinds train here as in PyTorch: the same losses at every step, within the TOLERANCE of
wick_program.py. Each goes on from the other's checkpoint in the middle. Random data each time; the seed is
printed, and --seed repeats it."""
import copy
import random
import unittest
from collections import OrderedDict

import wick_program
from wick_program import torch
from torch import nn

STEPS = 50
BATCH = 16


def error(ours, theirs):
    """max|a - b| / max|b|, with b in float64."""
    theirs = theirs.detach().to(torch.float64)
    return (ours.to(torch.float64) - theirs).abs().max().item() / (theirs.abs().max().item() or 1.0)


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


class Categories(nn.Module):
    """Of numbers and of two columns of categories, of 7 and of 5 kinds."""

    def __init__(self):
        super().__init__()
        self.colour = nn.Embedding(7, 4)
        self.size = nn.Embedding(5, 3, padding_idx=0)
        self.fc1 = nn.Linear(19, 16)
        self.fc2 = nn.Linear(16, 1)

    def forward(self, x, colour, size):
        h = torch.cat([x, self.colour(colour), self.size(size)], 1)
        return (self.fc2(torch.relu(self.fc1(h))),)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(OrderedDict(norm=nn.LayerNorm(16), up=nn.Linear(16, 32), gelu=nn.GELU(),
                                              down=nn.Linear(32, 16)))

    def forward(self, x):
        return x + self.body(x)


def norm_mlp():
    return nn.Sequential(OrderedDict(first=nn.Linear(12, 16), block1=Block(), block2=Block(),
                                     norm=nn.LayerNorm(16), last=nn.Linear(16, 5)))


def conv_net():
    return nn.Sequential(OrderedDict(
        image=nn.Unflatten(1, (1, 3, 4)), conv1=nn.Conv2d(1, 6, 3, padding=1, bias=False), norm1=nn.BatchNorm2d(6),
        relu1=nn.ReLU(), pool1=nn.MaxPool2d(2, padding=1),
        depthwise=nn.Conv2d(6, 12, 3, padding=1, groups=6, padding_mode="circular"), silu=nn.SiLU(),
        up=nn.ConvTranspose2d(12, 18, 2, stride=2), mean=nn.AdaptiveAvgPool2d(2), flat=nn.Flatten(),
        last=nn.Linear(72, 5)))


def regressor():
    return nn.Sequential(OrderedDict(
        fc1=nn.Linear(12, 32), silu=nn.SiLU(), dropout1=nn.Dropout(0.2), fc2=nn.Linear(32, 16),
        tanh=nn.Tanh(), dropout2=nn.Dropout(0.1), fc3=nn.Linear(16, 1)))


def batch_norm():
    # A bias before a BatchNorm has no gradient but rounding errors, of which Adam makes steps.
    return nn.Sequential(OrderedDict(
        fc1=nn.Linear(12, 20, bias=False), norm1=nn.BatchNorm1d(20), silu1=nn.SiLU(),
        fc2=nn.Linear(20, 20, bias=False),
        norm2=nn.BatchNorm1d(20, momentum=0.3), silu2=nn.SiLU(), fc3=nn.Linear(20, 5)))


def dqn():
    return nn.Sequential(OrderedDict(fc1=nn.Linear(12, 24), relu1=nn.ReLU(), fc2=nn.Linear(24, 24),
                                     relu2=nn.ReLU(), values=nn.Linear(24, 5)))


class Task:
    """A network in training: what tests/interop/tasks.h does. The loss is that of the first output."""

    def __init__(self, make, criterion, target, inputs=("x",), seconds=()):
        self.make, self.criterion, self.target_name = make, criterion, target
        self.input_names, self.seconds = inputs, seconds

    def start(self, dtype):
        self.model = self.make().to(dtype)
        self.target = None

    def outputs(self, batch):
        outputs = self.model(*[batch[name] for name in self.input_names])
        return outputs if isinstance(outputs, tuple) else (outputs,)

    def loss(self, batch):
        outputs = self.outputs(batch)
        loss = self.criterion(outputs[0], batch[self.target_name])
        for output, (criterion, name) in zip(outputs[1:], self.seconds):
            loss = loss + criterion(output, batch[name])
        return loss

    def finish_step(self, step, batch):
        return []


class Validated(Task):
    """Every fifth step, the curve has the loss in eval mode, too."""

    def finish_step(self, step, batch):
        if step % 5 != 4:
            return []
        self.model.eval()
        with torch.no_grad():
            loss = self.criterion(self.model(batch["next"]), batch[self.target_name]).item()
        self.model.train()
        return [loss]


class Dqn(Task):
    """Q-learning: the target is a second network, which follows the first one slowly."""

    def start(self, dtype):
        super().start(dtype)
        self.target = copy.deepcopy(self.model).requires_grad_(False)

    def loss(self, batch):
        chosen = self.model(batch["x"]).gather(1, batch["labels"][:, None])[:, 0]
        best = self.target(batch["next"]).max(1).values
        return self.criterion(chosen, batch["reward"] + 0.9 * (1 - batch["done"]) * best)

    def finish_step(self, step, batch):
        with torch.no_grad():
            for to, source in zip(self.target.parameters(), self.model.parameters()):
                to.lerp_(source, 0.05)
        return []


F = nn.functional
TASKS = {
    "residual": Task(ResidualNet, F.cross_entropy, "labels"),
    "actor_critic": Task(ActorCritic, F.cross_entropy, "labels", seconds=[(F.mse_loss, "values")]),
    "autoencoder": Task(Autoencoder, F.mse_loss, "x"),
    "categories": Task(Categories, F.binary_cross_entropy_with_logits, "answers",
                       inputs=("x", "colour", "size")),
    "norm_mlp": Task(norm_mlp, F.cross_entropy, "labels"),
    "conv_net": Task(conv_net, F.cross_entropy, "labels"),
    "regressor": Task(regressor, F.huber_loss, "values"),
    "batch_norm": Validated(batch_norm, F.cross_entropy, "labels"),
    "dqn": Dqn(dqn, F.huber_loss, "values"),
}


def make_data(dtype):
    def normal(*shape):
        return torch.randn(STEPS, BATCH, *shape, dtype=dtype)

    def below(count):
        return torch.randint(count, (STEPS, BATCH))
    return {"x": normal(12), "next": normal(12), "labels": below(5), "values": normal(1), "colour": below(7),
            "size": below(5), "answers": below(2).to(dtype)[..., None], "reward": normal(),
            "done": (torch.rand(STEPS, BATCH) < 0.1).to(dtype)}


def saved(task, optimizer):
    return copy.deepcopy({"model": task.model.state_dict(),
                          "target": task.target.state_dict() if task.target else None,
                          "opt": optimizer.state_dict() if optimizer else None,
                          "rng": torch.get_rng_state()})


def train_in_torch(task, request):
    """The program that train_one in wick_graphs.cpp follows."""
    checkpoint, data = request["checkpoint"], request["data"]
    task.start(data["x"].dtype)
    task.model.load_state_dict(checkpoint["model"])
    if task.target:
        task.target.load_state_dict(checkpoint["target"])
    optimizer = getattr(torch.optim, request["optimizer"]["name"])(
        task.model.parameters(), **request["optimizer"]["options"])
    if checkpoint["opt"]:
        optimizer.load_state_dict(checkpoint["opt"])
    torch.set_rng_state(checkpoint["rng"])
    losses = []
    for step in range(request["first"], request["last"]):
        batch = {name: value[step] for name, value in data.items()}
        optimizer.zero_grad()
        loss = task.loss(batch)
        loss.backward()
        optimizer.step()
        losses += [loss.item()] + task.finish_step(step, batch)
    answer = {"losses": losses, "checkpoint": saved(task, optimizer)}
    task.model.eval()
    with torch.no_grad():
        answer["outputs"] = list(task.outputs(batch))
    return answer


class Networks(unittest.TestCase):
    def request(self, task, dtype):
        task.start(dtype)
        return {"data": make_data(dtype), "first": 0, "last": STEPS, "checkpoint": saved(task, None),
                "optimizer": random.choice([{"name": "Adam", "options": {"lr": 0.003}},
                                            {"name": "AdamW", "options": {"lr": 0.003, "amsgrad": True}},
                                            {"name": "SGD", "options": {"lr": 0.01, "momentum": 0.9}}])}

    def fault(self, name, dtype):
        """Trains the whole way in both, and each from the other's checkpoint in the middle. Says where losses
        part; None if they do not."""
        task = TASKS[name]
        whole = {"network": name, **self.request(task, dtype)}
        half = {**whole, "last": STEPS // 2}
        here, half_here = wick_program.run("train", [whole, half])
        there, half_there = train_in_torch(task, whole), train_in_torch(task, half)
        middle = len(half_there["losses"])

        def rest(checkpoint):
            return {**whole, "first": STEPS // 2, "checkpoint": checkpoint}
        here_again, = wick_program.run("train", [rest(half_there["checkpoint"])])
        there_again = train_in_torch(task, rest(half_here["checkpoint"]))
        curves = {"whole": here["losses"],
                  "from PyTorch's": half_there["losses"] + here_again["losses"],
                  "PyTorch from ours": half_here["losses"] + there_again["losses"]}
        for kind, curve in curves.items():
            fault = wick_program.parted(curve, there["losses"], dtype)
            if fault:
                return f"{kind}: {fault}"
        self.assertEqual(half_here["losses"], here["losses"][:middle])
        self.compare_ends(task, whole, here, there)
        return None

    def compare_ends(self, task, request, here, there):
        """Of whole runs: PyTorch loads our state, in which its network gives what our plan does."""
        batch = {name: value[-1] for name, value in request["data"].items()}
        ours, theirs = here["checkpoint"], there["checkpoint"]
        self.assertTrue(torch.equal(ours["rng"], theirs["rng"]))
        self.assertEqual(list(ours["model"]), list(theirs["model"]))
        self.assertEqual(list(ours["opt"]["state"]), list(theirs["opt"]["state"]))
        task.model.load_state_dict(ours["model"])
        task.model.eval()
        with torch.no_grad():
            outputs = list(task.outputs(batch))
        for mine, other in zip(here["outputs"], outputs, strict=True):
            self.assertLessEqual(error(mine, other), 1e-12 if mine.dtype == torch.float64 else 1e-5)
        if task.target:
            for name, value in theirs["target"].items():
                self.assertLessEqual(error(ours["target"][name], value),
                                     1e-9 if value.dtype == torch.float64 else 1e-3)

    def compare(self, dtype):
        seed = wick_program.start()
        for name in TASKS:
            with self.subTest(name=name, dtype=dtype, seed=seed):
                for _ in range(wick_program.DRAWS[dtype]):
                    fault = self.fault(name, dtype)
                    if not fault:
                        break
                self.assertIsNone(fault)

    def test_float64(self):
        self.compare(torch.float64)

    def test_float32(self):
        self.compare(torch.float32)


if __name__ == "__main__":
    wick_program.main()
