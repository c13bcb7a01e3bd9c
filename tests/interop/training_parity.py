# SPDX-License-Identifier: MIT
"""A training run here and one in PyTorch, from the same seed, on the same data in the same order,
go the same way; and each goes on from the other's checkpoints. WICK_TEST_DEVICE=cuda: both on a GPU
(tests/gpu does it); WICK_TEST_TORCH_DEVICE: PyTorch on another device."""
import os
import unittest
from collections import OrderedDict

import wick_program
from wick_program import bits, torch
from torch import nn

SEED = 39
BATCH = 32
STEPS = 200
DEVICE = os.environ.get("WICK_TEST_DEVICE", "cpu")
TORCH_DEVICE = os.environ.get("WICK_TEST_TORCH_DEVICE") or DEVICE
TOLERANCE = 1e-5 if DEVICE == "cpu" else 1e-3  # relative, of each loss
# Where the input of a ReLU is no larger than the rounding errors, two right runs part: PyTorch's
# own, too, when one weight is moved by one unit in the last place. The runs here keep clear of it.
KINK = 1e-6

OPTIMIZERS = {
    "SGD": ("SGD", {"lr": 0.05}),
    "SGD with momentum": ("SGD", {"lr": 0.02, "momentum": 0.9, "weight_decay": 1e-3}),
    "SGD with dampening": ("SGD", {"lr": 0.04, "momentum": 0.8, "dampening": 0.3,
                                   "weight_decay": 1e-4}),
    "SGD with Nesterov": ("SGD", {"lr": 0.02, "momentum": 0.9, "weight_decay": 1e-3,
                                  "nesterov": True}),
    "Adam": ("Adam", {"lr": 1e-3, "weight_decay": 1e-3}),
    "Adam with amsgrad": ("Adam", {"lr": 1e-3, "weight_decay": 1e-3, "amsgrad": True}),
    "AdamW": ("AdamW", {"lr": 1e-3, "weight_decay": 1e-2}),
    "AdamW with amsgrad": ("AdamW", {"lr": 1e-3, "weight_decay": 1e-2, "amsgrad": True}),
}
SCHEDULERS = {
    "StepLR": ("StepLR", {"step_size": 30, "gamma": 0.3}),
    "CosineAnnealingLR": ("CosineAnnealingLR", {"T_max": 70, "eta_min": 1e-4}),
}
IMAGES, LABELS = wick_program.digits(2048)


def named(entry):
    return None if entry is None else {"name": entry[0], "options": entry[1]}


def train_here(optimizer, steps, scheduler=None, first_step=0, resume=None, autocast=False):
    return wick_program.run("train", {
        "device": DEVICE, "images": IMAGES, "labels": LABELS, "seed": SEED, "batch": BATCH, "steps": steps,
        "first_step": first_step, "optimizer": named(optimizer), "scheduler": named(scheduler),
        "resume": resume, "autocast": autocast})


def train_in_torch(optimizer, steps, scheduler=None, first_step=0, resume=None, autocast=False):
    """The program that wick_training.cpp follows."""
    torch.manual_seed(SEED)
    model = nn.Sequential(OrderedDict(fc1=nn.Linear(784, 32), relu=nn.ReLU(),
                                      fc2=nn.Linear(32, 10)))
    model.to(TORCH_DEVICE)
    images, labels = IMAGES.to(TORCH_DEVICE), LABELS.to(TORCH_DEVICE)
    criterion = nn.CrossEntropyLoss()
    opt = getattr(torch.optim, optimizer[0])(model.parameters(), **optimizer[1])
    initial = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    schedule = None
    if scheduler:
        schedule = getattr(torch.optim.lr_scheduler, scheduler[0])(opt, **scheduler[1])
    if resume:
        model.load_state_dict(resume["model"])
        opt.load_state_dict(resume["opt"])
        if schedule:
            schedule.load_state_dict(resume["scheduler"])
    batches = len(IMAGES) // BATCH
    orders, losses, rates, margins, first_grads = [], [], [], [], None
    model.fc1.register_forward_hook(lambda _, __, out: margins.append(out.abs().min().item()))
    for step in range(first_step + steps):
        if step % batches == 0:
            orders.append(torch.randperm(len(IMAGES)))
        if step < first_step:
            continue
        chosen = orders[-1][step % batches * BATCH:][:BATCH]
        chosen = chosen.to(TORCH_DEVICE)
        inputs = images[chosen].to(torch.float32).mul(1 / 255).flatten(1)
        opt.zero_grad()
        with torch.autocast(torch.device(TORCH_DEVICE).type, dtype=torch.bfloat16, enabled=autocast):
            logits = model(inputs)
        loss = criterion(logits.float(), labels[chosen])
        loss.backward()
        if first_grads is None:
            first_grads = {name: p.grad.clone() for name, p in model.named_parameters()}
        losses.append(loss.item())
        rates.append(opt.param_groups[0]["lr"])
        opt.step()
        if schedule:
            schedule.step()
    result = {"initial": initial, "first_grads": first_grads, "orders": orders, "losses": losses, "rates": rates,
              "margin": min(margins, default=1.0), "model": model.state_dict(), "opt": opt.state_dict()}
    if schedule:
        result["scheduler"] = schedule.state_dict()
    return result


def distance(some, others):
    """Of two dictionaries of tensors, relative to the second: sqrt(sum of squares)."""
    square = sum((some[name].double() - other.double()).square().sum()
                 for name, other in others.items())
    return float((square / sum(o.double().square().sum() for o in others.values())).sqrt())


class AutocastParity(unittest.TestCase):
    """Module::autocast(bfloat16) beside torch.autocast. PyTorch rounds more: the logits and the
    gradients of the parameters, too."""

    def same_way(self, ours, theirs, plain):
        """Losses are nearer to PyTorch's under autocast than those are to what float32 gives, and
        no farther from that."""
        apart = [abs(a - b) / b for a, b in zip(ours["losses"], theirs["losses"], strict=True)]
        cost = [abs(a - b) / b for a, b in zip(theirs["losses"], plain["losses"], strict=True)]
        mine = [abs(a - b) / b for a, b in zip(ours["losses"], plain["losses"], strict=True)]
        mean = lambda values: sum(values) / len(values)
        print(f"losses apart by {mean(apart):.1e} (largest {max(apart):.1e}); from float32: "
              f"ours {mean(mine):.1e}, PyTorch's {mean(cost):.1e}", flush=True)
        self.assertGreater(max(mine), 1e-5, "nothing was rounded")
        self.assertLess(mean(apart), mean(cost))
        self.assertLess(max(apart), 5e-2)
        self.assertLess(mean(mine), 1.2 * mean(cost))

    def test_gradients_of_a_step(self):
        plain, ours, theirs = (
            train(OPTIMIZERS["SGD"], 1, autocast=autocast)["first_grads"]
            for train, autocast in ((train_in_torch, False), (train_here, True),
                                    (train_in_torch, True)))
        apart, mine, cost = (distance(ours, theirs), distance(ours, plain), distance(theirs, plain))
        print(f"gradients apart by {apart:.1e}; from float32: ours {mine:.1e}, PyTorch's {cost:.1e}")
        self.assertEqual({t.dtype for t in ours.values()}, {torch.float32})
        self.assertGreater(mine, 1e-4)
        self.assertLess(apart, 0.5 * cost)
        self.assertLess(mine, 1.1 * cost)

    def test_losses_of_200_steps(self):
        for name in ("SGD with momentum", "Adam", "AdamW with amsgrad"):
            with self.subTest(optimizer=name):
                print(f"{name}: ", end="")
                self.same_way(train_here(OPTIMIZERS[name], STEPS, autocast=True),
                              train_in_torch(OPTIMIZERS[name], STEPS, autocast=True),
                              train_in_torch(OPTIMIZERS[name], STEPS))

    def test_both_go_on_from_each_others_checkpoints(self):
        optimizer = OPTIMIZERS["AdamW"]
        for first in (train_here, train_in_torch):
            with self.subTest(first=first.__name__):
                half = first(optimizer, 50, autocast=True)
                self.assertEqual({t.dtype for t in half["model"].values()}, {torch.float32})
                ours = train_here(optimizer, 50, None, 50, half, True)
                theirs = train_in_torch(optimizer, 50, None, 50, half, True)
                self.same_way(ours, theirs, train_in_torch(optimizer, 50, None, 50, half))
                self.assertEqual(list(ours["opt"]["state"][0]), list(theirs["opt"]["state"][0]))

    def test_our_own_checkpoint_changes_nothing(self):
        optimizer = OPTIMIZERS["AdamW"]
        whole = train_here(optimizer, 100, autocast=True)
        half = train_here(optimizer, 50, autocast=True)
        rest = train_here(optimizer, 50, None, 50, half, True)
        self.assertEqual(half["losses"] + rest["losses"], whole["losses"])
        for key, tensor in whole["model"].items():
            self.assertTrue(torch.equal(bits(rest["model"][key]), bits(tensor)), key)


class TrainingParity(unittest.TestCase):
    def same_losses(self, ours, theirs):
        margin = theirs["margin"]
        ours, theirs = ours["losses"], theirs["losses"]
        self.assertEqual(len(ours), len(theirs))
        worst = max(abs(a - b) / abs(b) for a, b in zip(ours, theirs))
        print(f"{self.id().split('.')[-1]}: losses {theirs[0]:.4f} to {theirs[-1]:.4f}, "
              f"largest relative difference {worst:.1e}, smallest input of ReLU {margin:.1e}",
              flush=True)
        self.assertGreater(margin, KINK, "no fair comparison: choose other options")
        self.assertLess(worst, TOLERANCE)

    def same_layout(self, ours, theirs):
        """Optimizer states: the same keys in the same order, shapes, dtypes and options."""
        self.assertEqual(list(ours), list(theirs))
        self.assertEqual(ours["param_groups"], theirs["param_groups"])
        for mine, other in zip(ours["param_groups"], theirs["param_groups"]):
            self.assertEqual(list(mine), list(other))
            self.assertEqual([type(v) for v in mine.values()], [type(v) for v in other.values()])
        self.assertEqual(list(ours["state"]), list(theirs["state"]))
        for index, state in theirs["state"].items():
            self.assertEqual(list(ours["state"][index]), list(state))
            for key, value in state.items():
                mine = ours["state"][index][key]
                self.assertEqual((type(mine), getattr(mine, "shape", None),
                                  getattr(mine, "dtype", None)),
                                 (type(value), getattr(value, "shape", None),
                                  getattr(value, "dtype", None)), key)

    def test_initial_weights_and_orders_are_equal(self):
        ours, theirs = (train(OPTIMIZERS["SGD"], STEPS) for train in (train_here, train_in_torch))
        self.assertEqual(list(ours["initial"]), list(theirs["initial"]))
        for name, tensor in theirs["initial"].items():
            self.assertTrue(torch.equal(bits(ours["initial"][name]), bits(tensor)), name)
        self.assertEqual(len(ours["orders"]), 4)
        for mine, other in zip(ours["orders"], theirs["orders"], strict=True):
            self.assertTrue(torch.equal(mine, other))

    def test_losses_of_200_steps(self):
        for name, optimizer in OPTIMIZERS.items():
            with self.subTest(optimizer=name):
                print(f"{name}: ", end="")
                ours, theirs = (train(optimizer, STEPS) for train in (train_here, train_in_torch))
                self.same_losses(ours, theirs)
                self.assertLess(theirs["losses"][-1], theirs["losses"][0])
                self.same_layout(ours["opt"], theirs["opt"])
                self.assertEqual(list(ours["model"]), list(theirs["model"]))
                self.assertEqual(ours["model"]._metadata, theirs["model"]._metadata)

    def test_pytorch_goes_on_from_our_checkpoint(self):
        for name, optimizer in OPTIMIZERS.items():
            with self.subTest(optimizer=name):
                print(f"{name}: ", end="")
                half = train_here(optimizer, 50)
                ours = train_here(optimizer, 50, first_step=50, resume=half)
                theirs = train_in_torch(optimizer, 50, first_step=50, resume=half)
                self.same_losses(ours, theirs)
                self.same_layout(ours["opt"], theirs["opt"])

    def test_we_go_on_from_pytorchs_checkpoint(self):
        for name, optimizer in OPTIMIZERS.items():
            with self.subTest(optimizer=name):
                print(f"{name}: ", end="")
                half = train_in_torch(optimizer, 50)
                ours = train_here(optimizer, 50, first_step=50, resume=half)
                theirs = train_in_torch(optimizer, 50, first_step=50, resume=half)
                self.same_losses(ours, theirs)
                self.same_layout(ours["opt"], theirs["opt"])

    def test_our_own_checkpoint_changes_nothing(self):
        for name, optimizer in OPTIMIZERS.items():
            with self.subTest(optimizer=name):
                whole = train_here(optimizer, 100)
                half = train_here(optimizer, 50)
                rest = train_here(optimizer, 50, first_step=50, resume=half)
                self.assertEqual(half["losses"] + rest["losses"], whole["losses"])
                for key, tensor in whole["model"].items():
                    self.assertTrue(torch.equal(bits(rest["model"][key]), bits(tensor)), key)

    def test_schedulers(self):
        for name, scheduler in SCHEDULERS.items():
            for other in ("SGD with momentum", "AdamW"):
                with self.subTest(scheduler=name, optimizer=other):
                    optimizer = OPTIMIZERS[other]
                    print(f"{name}, {other}: ", end="")
                    ours = train_here(optimizer, STEPS, scheduler)
                    theirs = train_in_torch(optimizer, STEPS, scheduler)
                    self.assertEqual(ours["rates"], theirs["rates"])
                    self.same_losses(ours, theirs)
                    self.assertEqual(list(ours["scheduler"]), list(theirs["scheduler"]))
                    self.assertEqual(ours["scheduler"], theirs["scheduler"])
                    self.same_layout(ours["opt"], theirs["opt"])

    def test_schedulers_go_on_from_each_others_checkpoints(self):
        optimizer = OPTIMIZERS["AdamW"]
        for name, scheduler in SCHEDULERS.items():
            for first in (train_here, train_in_torch):
                with self.subTest(scheduler=name, first=first.__name__):
                    print(f"{name}: ", end="")
                    half = first(optimizer, 50, scheduler)
                    arguments = (optimizer, 50, scheduler, 50, half)
                    ours, theirs = train_here(*arguments), train_in_torch(*arguments)
                    self.assertEqual(ours["rates"], theirs["rates"])
                    self.same_losses(ours, theirs)
                    self.assertEqual(ours["scheduler"], theirs["scheduler"])
                    self.same_layout(ours["opt"], theirs["opt"])


if __name__ == "__main__":
    wick_program.main()
