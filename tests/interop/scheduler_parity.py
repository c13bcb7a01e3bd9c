# SPDX-License-Identifier: MIT
"""Schedulers beside PyTorch's over 100 steps: equal rates, momenta and states, with random options
from a seed that is printed, and resumed in the middle from each other's state. SEED=N: that seed
again."""
import os
import random
import unittest
import warnings

import wick_program
from wick_program import torch
from torch.optim import lr_scheduler, swa_utils

STEPS = 100
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))


def one_cycle(rng):
    return {"max_lr": rng.uniform(0.01, 1), "total_steps": rng.randint(STEPS, 150),
            "pct_start": rng.uniform(0.1, 0.4), "anneal_strategy": rng.choice(["cos", "linear"]),
            "cycle_momentum": rng.random() < 0.7, "base_momentum": rng.uniform(0.7, 0.85),
            "max_momentum": rng.uniform(0.85, 0.99), "div_factor": rng.uniform(2, 30),
            "final_div_factor": rng.uniform(10, 1e4), "three_phase": rng.random() < 0.5}


def sequential(rng):
    names = [name for name in OPTIONS if name not in ("SequentialLR", "ReduceLROnPlateau", "OneCycleLR")]
    count = rng.randint(1, 4)
    return {"schedulers": [named(rng.choice(names), rng) for _ in range(count)],
            "milestones": sorted(rng.sample(range(1, STEPS), count - 1))}


OPTIONS = {
    "StepLR": lambda rng: {"step_size": rng.randint(1, 40), "gamma": rng.uniform(0.1, 1)},
    "CosineAnnealingLR": lambda rng: {"T_max": rng.randint(1, 60), "eta_min": rng.choice([0.0, rng.uniform(0, 0.01)])},
    "ExponentialLR": lambda rng: {"gamma": rng.uniform(0.9, 1.01)},
    "MultiStepLR": lambda rng: {"milestones": [rng.randint(0, 120) for _ in range(rng.randint(0, 6))],
                                "gamma": rng.uniform(0.1, 1)},
    "LinearLR": lambda rng: {"start_factor": rng.uniform(0.01, 1), "end_factor": rng.random(),
                             "total_iters": rng.randint(1, 120)},
    "ConstantLR": lambda rng: {"factor": rng.uniform(0.01, 1), "total_iters": rng.randint(0, 120)},
    "PolynomialLR": lambda rng: {"total_iters": rng.randint(1, 120), "power": rng.choice([1.0, rng.uniform(0.3, 3)])},
    "CosineAnnealingWarmRestarts": lambda rng: {"T_0": rng.randint(1, 20), "T_mult": rng.randint(1, 3),
                                                "eta_min": rng.choice([0.0, rng.uniform(0, 0.01)])},
    "OneCycleLR": one_cycle,
    "SWALR": lambda rng: {"swa_lr": rng.uniform(0.001, 0.5), "anneal_epochs": rng.randint(0, 60),
                          "anneal_strategy": rng.choice(["cos", "linear"])},
    "LambdaLR": lambda rng: {"rate": rng.uniform(0.01, 1)},
    "ReduceLROnPlateau": lambda rng: {
        "mode": rng.choice(["min", "max"]), "factor": rng.uniform(0.1, 0.9), "patience": rng.randint(0, 5),
        "threshold": rng.choice([1e-4, rng.uniform(0, 0.1)]), "threshold_mode": rng.choice(["rel", "abs"]),
        "cooldown": rng.randint(0, 5), "min_lr": rng.choice([0, rng.uniform(0, 0.01)]), "eps": 1e-8},
    "SequentialLR": sequential,
}


def named(name, rng):
    return {"name": name, "options": OPTIONS[name](rng)}


def optimizer_options(rng):
    name = rng.choice(["SGD", "AdamW", "RMSprop", "NAdam"])
    options = {"lr": rng.uniform(0.001, 0.2)}
    if name in ("SGD", "RMSprop"):
        options["momentum"] = rng.uniform(0.1, 0.9)
    return {"name": name, "options": options}


def make(given, optimizer):
    options = dict(given["options"])
    if given["name"] == "SequentialLR":
        options["schedulers"] = [make(part, optimizer) for part in options["schedulers"]]
    if given["name"] == "LambdaLR":
        rate = options["rate"]
        options = {"lr_lambda": lambda t: 1 / (1 + rate * t)}
    module = swa_utils if given["name"] == "SWALR" else lr_scheduler
    return getattr(module, given["name"])(optimizer, **options)


def in_torch(case):
    parameter = torch.zeros(1, requires_grad=True)
    wanted = case["optimizer"]
    optimizer = getattr(torch.optim, wanted["name"])([parameter], **wanted["options"])
    scheduler = make(case["scheduler"], optimizer)
    if case["state"] is not None:
        optimizer.load_state_dict(case["state"]["opt"])
        scheduler.load_state_dict(case["state"]["scheduler"])
    rates, groups = [], []
    for metrics in case["metrics"]:
        optimizer.step()
        scheduler.step(*([metrics] if case["scheduler"]["name"] == "ReduceLROnPlateau" else []))
        rates.append(optimizer.param_groups[0]["lr"])
        groups.append(optimizer.state_dict()["param_groups"][0])
    return {"rates": rates, "groups": groups, "opt": optimizer.state_dict(), "scheduler": scheduler.state_dict()}


def here(cases):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return wick_program.run("schedule", {"cases": cases})["answers"]


class SchedulerParity(unittest.TestCase):
    def setUp(self):
        warnings.simplefilter("ignore")
        rng = random.Random(SEED)
        self.cases = [{"optimizer": optimizer_options(rng), "scheduler": named(name, rng), "state": None,
                       "metrics": [rng.uniform(0.5, 1) * 0.99**i for i in range(STEPS)]}
                      for name in OPTIONS for _ in range(20)]

    def compare(self, cases):
        for case, mine, other in zip(cases, here(cases), map(in_torch, cases), strict=True):
            with self.subTest(seed=SEED, **{key: case[key] for key in ("optimizer", "scheduler")}):
                self.assertEqual(mine["rates"], other["rates"])
                self.assertEqual(mine["groups"], other["groups"])
                self.assertEqual(list(mine["groups"][0]), list(other["groups"][0]))
                self.same_state(mine["scheduler"], other["scheduler"])
        print(f"{self.id().split('.')[-1]}: seed {SEED}, {len(cases)} cases", flush=True)

    def same_state(self, mine, other):
        self.assertEqual(list(mine), list(other))
        self.assertEqual(mine, other)
        for part, part_of_other in zip(mine.get("_schedulers", []), other.get("_schedulers", []), strict=True):
            self.same_state(part, part_of_other)

    def split(self, first):
        half = STEPS // 2
        halves = first([{**case, "metrics": case["metrics"][:half]} for case in self.cases])
        return [{**case, "metrics": case["metrics"][half:],
                 "state": {"opt": state["opt"], "scheduler": state["scheduler"]}}
                for case, state in zip(self.cases, halves, strict=True)]

    def test_100_steps(self):
        self.compare(self.cases)

    def test_we_go_on_from_pytorchs_state(self):
        self.compare(self.split(lambda cases: [in_torch(case) for case in cases]))

    def test_pytorch_goes_on_from_our_state(self):
        self.compare(self.split(here))


if __name__ == "__main__":
    wick_program.main()
