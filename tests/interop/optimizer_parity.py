# SPDX-License-Identifier: MIT
"""Optimizers beside PyTorch's over 100 steps, with random options, shapes and gradients from a seed
that is printed, and resumed in the middle from each other's state; those whose steps depend on a loss
go down one. SEED=N: that seed again. WICK_TEST_DEVICE=cuda: ours on a GPU."""
import copy
import os
import random
import unittest

import wick_program
from wick_program import torch

STEPS = 100
DEVICE = os.environ.get("WICK_TEST_DEVICE", "cpu")
SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(2**32)))
# Of each tensor, as max |a - b| / max |b|. Where float32's roundings of 100 steps add up to more, we
# are no farther from PyTorch's float64 than twice PyTorch's own float32.
TOLERANCE = {torch.float32: 1e-6, torch.float64: 1e-12}


def log_uniform(rng, low, high):
    return low * (high / low) ** rng.random()


def decays(rng):
    return {"weight_decay": rng.choice([0, log_uniform(rng, 1e-4, 1e-1)]),
            "maximize": rng.random() < 0.3}


def betas(rng):
    return (rng.choice([0.0, 0.5, 0.9, rng.uniform(0.05, 0.95)]),
            rng.choice([0.9, 0.99, 0.999, rng.uniform(0.3, 0.999)]))


def adam(rng, lr):
    return {"lr": log_uniform(rng, lr / 10, lr * 3), "betas": betas(rng),
            "eps": log_uniform(rng, 1e-9, 1e-3), **decays(rng)}


def sgd(rng):
    momentum = rng.choice([0, rng.uniform(0.1, 0.95)])
    nesterov = momentum > 0 and rng.random() < 0.4
    return {"lr": log_uniform(rng, 1e-3, 1e-1), "momentum": momentum, "nesterov": nesterov,
            "dampening": 0 if nesterov else rng.choice([0, rng.random()]), **decays(rng)}


OPTIONS = {
    "SGD": sgd,
    "Adam": lambda rng: {**adam(rng, 1e-3), "amsgrad": rng.random() < 0.4},
    "AdamW": lambda rng: {**adam(rng, 1e-3), "amsgrad": rng.random() < 0.4,
                          "weight_decay": log_uniform(rng, 1e-4, 1e-1)},
    "RMSprop": lambda rng: {
        "lr": log_uniform(rng, 1e-3, 1e-2), "alpha": rng.choice([0.9, 0.99, rng.uniform(0.3, 0.999)]),
        "eps": log_uniform(rng, 1e-8, 1e-3), "momentum": rng.choice([0, rng.uniform(0.1, 0.95)]),
        "centered": rng.random() < 0.5, **decays(rng)},
    "Adagrad": lambda rng: {
        "lr": log_uniform(rng, 1e-3, 1e-1), "lr_decay": rng.choice([0, rng.uniform(0.001, 0.1)]),
        "initial_accumulator_value": rng.choice([0, rng.random()]),
        "eps": log_uniform(rng, 1e-10, 1e-3), **decays(rng)},
    "NAdam": lambda rng: {**adam(rng, 2e-3), "momentum_decay": log_uniform(rng, 1e-3, 1e-1),
                          "decoupled_weight_decay": rng.random() < 0.5},
    "RAdam": lambda rng: {**adam(rng, 1e-3), "decoupled_weight_decay": rng.random() < 0.5},
    "Adamax": lambda rng: adam(rng, 2e-3),
}


def make_case(name, rng):
    """Parameters, and for each step a gradient for each of them or None."""
    dtype = rng.choice([torch.float32, torch.float64])
    generator = torch.Generator().manual_seed(rng.randrange(2**32))
    shapes = [[rng.randint(1, 9) for _ in range(rng.randint(0, 3))] for _ in range(rng.randint(1, 4))]
    shapes.append([rng.choice([1, 37, 1000])])
    draw = lambda shape: torch.randn(shape, generator=generator, dtype=dtype)
    params = [draw(shape) for shape in shapes]
    size = log_uniform(rng, 1e-3, 1e1)
    skips = rng.random() < 0.3  # a parameter that is not always used
    drawn = [[draw(shape) * size for shape in shapes] for _ in range(STEPS)]
    grads = [[None if skips and i == 0 and rng.random() < 0.4 else g for i, g in enumerate(step)]
             for step in drawn]
    return {"name": name, "options": OPTIONS[name](rng), "params": params, "grads": grads,
            "state": None, "device": DEVICE}


def in_torch(case):
    params = [p.clone().requires_grad_() for p in case["params"]]
    optimizer = getattr(torch.optim, case["name"])(params, **case["options"])
    if case["state"] is not None:
        # PyTorch keeps and counts up the tensors of steps that it is given.
        optimizer.load_state_dict(copy.deepcopy(case["state"]))
    for grads in case["grads"]:
        for param, grad in zip(params, grads, strict=True):
            param.grad = None if grad is None else grad.clone()
        optimizer.step()
    return {"params": [p.detach().clone() for p in params], "opt": optimizer.state_dict()}


def in_float64(case):
    wide = lambda grads: [None if grad is None else grad.double() for grad in grads]
    return in_torch({**case, "params": wide(case["params"]), "grads": [wide(g) for g in case["grads"]]})


def distance(some, other):
    return (some.cpu().double() - other.double()).abs().max().item() / (other.abs().max().item() or 1.0)


def decay_rounding(case):
    """What rounding 1 - lr * weight_decay to float32 may add up to, half an ulp in each step."""
    options = case["options"]
    decoupled = case["name"] == "AdamW" or options.get("decoupled_weight_decay", False)
    return len(case["grads"]) * 2.0**-25 if decoupled and options["weight_decay"] else 0.0


def here(cases):
    return wick_program.run("optimize", {"cases": cases})["answers"]


def part(case, first, last, before=None):
    """The steps from `first` to `last`, from what `before` left."""
    result = {**case, "grads": case["grads"][first:last]}
    if before is not None:
        result.update(params=before["params"], state=before["opt"])
    return result


class OptimizerParity(unittest.TestCase):
    def setUp(self):
        self.rng = random.Random(SEED)
        self.cases = [make_case(name, self.rng) for name in OPTIONS for _ in range(6)]

    def near(self, mine, other, exact, decay_rounding, where):
        self.assertEqual((mine.dtype, mine.shape), (other.dtype, other.shape), where)
        error = distance(mine, other)
        self.worst = max(self.worst, error / TOLERANCE[other.dtype])
        if other.dtype == torch.float32 and error > TOLERANCE[other.dtype]:
            wanted = exact()
            allowed = max(2 * distance(other, wanted), TOLERANCE[other.dtype]) + decay_rounding
            self.assertLessEqual(distance(mine, wanted), allowed, where)
        else:
            self.assertLess(error, TOLERANCE[other.dtype], where)

    def same(self, case, mine, other):
        where = f"{case['name']} {case['options']}"
        for i, (a, b) in enumerate(zip(mine["params"], other["params"], strict=True)):
            self.near(a, b, lambda i=i: in_float64(case)["params"][i], decay_rounding(case), where)
        mine, other = mine["opt"], other["opt"]
        for a, b in zip(mine["param_groups"], other["param_groups"], strict=True):
            self.assertEqual(list(a.items()), list(b.items()), where)
            self.assertEqual([type(v) for v in a.values()], [type(v) for v in b.values()], where)
        self.assertEqual(list(mine["state"]), list(other["state"]), where)
        for index, state in other["state"].items():
            self.assertEqual(list(mine["state"][index]), list(state), where)
            for key, value in state.items():
                if key == "step":
                    self.assertTrue(torch.equal(mine["state"][index][key], value), where)
                else:
                    self.near_state(mine["state"][index][key], value, f"{key} of {where}")

    def near_state(self, mine, other, where):
        # A mean of few gradients may all but cancel.
        self.assertEqual((mine.dtype, mine.shape), (other.dtype, other.shape), where)
        scale = other.abs().max().item() or 1.0
        self.assertLess((mine.cpu() - other).abs().max().item() / scale,
                        10 * TOLERANCE[other.dtype], where)

    def compare(self, cases, answers, others):
        self.worst = 0.0
        for case, mine, other in zip(cases, answers, others, strict=True):
            with self.subTest(seed=SEED, optimizer=case["name"], options=case["options"]):
                self.same(case, mine, other)
        print(f"{self.id().split('.')[-1]}: seed {SEED}, {len(cases)} cases, largest error "
              f"{self.worst:.2f} of the tolerance", flush=True)

    def test_100_steps(self):
        self.compare(self.cases, here(self.cases), [in_torch(case) for case in self.cases])

    def test_we_go_on_from_pytorchs_state(self):
        halves = [in_torch(part(case, 0, STEPS // 2)) for case in self.cases]
        rests = [part(case, STEPS // 2, STEPS, half) for case, half in zip(self.cases, halves)]
        self.compare(rests, here(rests), [in_torch(rest) for rest in rests])

    def test_pytorch_goes_on_from_our_state(self):
        halves = here([part(case, 0, STEPS // 2) for case in self.cases])
        rests = [part(case, STEPS // 2, STEPS, half) for case, half in zip(self.cases, halves)]
        self.compare(rests, here(rests), [in_torch(rest) for rest in rests])


def matrices(rng, generator, dtype, shapes):
    """For each parameter P (M, N) a term |A P - B|^2 / 2 of the loss, and bend * sum P^4 / 4."""
    draw = lambda *shape: torch.randn(shape, generator=generator, dtype=dtype)
    return {"params": [draw(*shape) for shape in shapes], "bend": rng.choice([0.0, rng.random()]),
            "terms": [{"A": draw(rows + rng.randint(3, 9), rows).double() / rows**0.5} for rows, _ in shapes]}


def lbfgs_case(rng):
    generator = torch.Generator().manual_seed(rng.randrange(2**32))
    shapes = [(rng.randint(1, 5), rng.randint(1, 4)) for _ in range(rng.randint(1, 3))]
    line_search = rng.choice([None, "strong_wolfe"])
    lr = rng.uniform(0.05, 0.5) if line_search is None else rng.uniform(0.01, 1)
    return {"name": "LBFGS", **matrices(rng, generator, torch.float64, shapes), "options": {
        "lr": lr, "max_iter": rng.randint(1, 4), "history_size": rng.randint(1, 10),
        "max_eval": rng.choice([None, rng.randint(1, 8)]), "line_search_fn": line_search,
        "maximize": rng.random() < 0.3, "tolerance_grad": 1e-5, "tolerance_change": 1e-7}}


def muon_case(rng):
    generator = torch.Generator().manual_seed(rng.randrange(2**32))
    shapes = [(rng.randint(1, 40), rng.randint(1, 40)) for _ in range(rng.randint(1, 3))]
    dtype = rng.choice([torch.float32, torch.float32, torch.float64])
    return {"name": "Muon", **matrices(rng, generator, dtype, shapes), "options": {
        "lr": log_uniform(rng, 1e-3, 2e-2), "weight_decay": rng.choice([0.0, 0.1, rng.random()]),
        "momentum": rng.choice([0.95, 0.0, rng.random()]), "nesterov": rng.random() < 0.6,
        "eps": log_uniform(rng, 1e-9, 1e-6), "ns_steps": rng.choice([5, 5, rng.randint(4, 8)]),
        "adjust_lr_fn": rng.choice([None, "original", "match_rms_adamw", "spectral_unclamped"])}}


def complete(case, rng):
    generator = torch.Generator().manual_seed(rng.randrange(2**32))
    for term, param in zip(case["terms"], case["params"], strict=True):
        term["B"] = torch.randn(len(term["A"]), param.shape[1], generator=generator, dtype=torch.float64)
    return {**case, "device": DEVICE, "state": None, "steps": STEPS}


def descent_in_torch(case):
    params = [p.clone().requires_grad_() for p in case["params"]]
    optimizer = getattr(torch.optim, case["name"])(params, **case["options"])
    if case["state"] is not None:
        optimizer.load_state_dict(copy.deepcopy(case["state"]))
    sign = -1 if case["options"].get("maximize", False) else 1

    def closure():
        optimizer.zero_grad()
        loss = 0
        for param, term in zip(params, case["terms"], strict=True):
            wide = param.double()
            loss = loss + (term["A"] @ wide - term["B"]).square().sum() / 2 + case["bend"] * wide.pow(4).sum() / 4
        (sign * loss).backward()
        return (sign * loss).detach()

    losses = [optimizer.step(closure).item() for _ in range(case["steps"])]
    return {"losses": losses, "params": [p.detach().clone() for p in params], "opt": optimizer.state_dict()}


def departure(some, other):
    """How far one descent is from another: of the losses, and at the end."""
    losses = max(abs(a - b) / (abs(b) + 1e-3) for a, b in zip(some["losses"], other["losses"], strict=True))
    return max([losses] + [distance(a, b) for a, b in zip(some["params"], other["params"], strict=True)])


def nudged(case, seed):
    """PyTorch's descent from a start that one rounding has moved."""
    generator = torch.Generator().manual_seed(seed)
    return descent_in_torch({**case, "params": [
        p * (1 + torch.finfo(p.dtype).eps * torch.randn(p.shape, generator=generator, dtype=p.dtype).sign())
        for p in case["params"]]})


class Descents(unittest.TestCase):
    """Whole descents down a loss, by one of the two or half by each."""

    def setUp(self):
        rng = random.Random(SEED)
        self.cases = [complete(lbfgs_case(rng), rng) for _ in range(12)]
        self.cases += [complete(muon_case(rng), rng) for _ in range(6)]

    def same(self, case, mine, other):
        if case["name"] == "Muon":  # its products are of bfloat16
            near = [0.01 * abs(b) for b in other["losses"]]
            if any(abs(a - b) >= limit for a, b, limit in zip(mine["losses"], other["losses"], near)):
                reactions = [nudged(case, i)["losses"] for i in range(4)]  # of PyTorch to a rounding
                near = [max(limit, *(10 * abs(r[i] - b) for r in reactions))
                        for i, (b, limit) in enumerate(zip(other["losses"], near))]
            for a, b, limit in zip(mine["losses"], other["losses"], near, strict=True):
                self.assertLess(abs(a - b), limit)
        else:
            error = departure(mine, other)
            if error > 1e-6:  # some descents make a rounding larger and larger
                self.assertLessEqual(error, max(departure(nudged(case, i), other) for i in range(4)) * 10)
        mine, other = mine["opt"], other["opt"]
        for a, b in zip(mine["param_groups"], other["param_groups"], strict=True):
            self.assertEqual(list(a.items()), list(b.items()))
            self.assertEqual([type(v) for v in a.values()], [type(v) for v in b.values()])
        self.assertEqual(list(mine["state"]), list(other["state"]))
        for index, state in other["state"].items():
            self.assertEqual(list(mine["state"][index]), list(state))
            for key, value in state.items():
                if key in ("func_evals", "n_iter"):
                    # At the minimum, a rounding decides whether a step goes on.
                    self.assertAlmostEqual(mine["state"][index][key], value, delta=2 + value / 50)
                else:
                    self.same_form(mine["state"][index][key], value, key)

    def same_form(self, mine, other, key):
        """Their numbers show in what follows from them."""
        if key == "t":  # in PyTorch a number or a tensor, as it comes to be
            self.assertIs(type(mine), float)
        elif isinstance(other, torch.Tensor):
            self.assertEqual((mine.dtype, mine.shape), (other.dtype, other.shape), key)
        elif isinstance(other, list):
            self.assertAlmostEqual(len(mine), len(other), delta=2)
            for a, b in zip(mine, other):
                self.same_form(a, b, key)
        else:
            self.assertEqual(type(mine), type(other), key)

    def compare(self, cases):
        answers = wick_program.run("descend", {"cases": cases})["answers"]
        for case, mine in zip(cases, answers, strict=True):
            with self.subTest(seed=SEED, optimizer=case["name"], options=case["options"]):
                self.same(case, mine, descent_in_torch(case))
        print(f"{self.id().split('.')[-1]}: seed {SEED}, {len(cases)} cases", flush=True)

    def rests(self, first):
        """The second half of each, from what the first one has left."""
        halves = [{**case, "steps": STEPS // 2} for case in self.cases]
        return [{**case, "steps": STEPS - STEPS // 2, "params": half["params"], "state": half["opt"]}
                for case, half in zip(self.cases, first(halves), strict=True)]

    def test_100_steps(self):
        self.compare(self.cases)

    def test_we_go_on_from_pytorchs_state(self):
        self.compare(self.rests(lambda halves: [descent_in_torch(half) for half in halves]))

    def test_pytorch_goes_on_from_our_state(self):
        self.compare(self.rests(lambda halves: wick_program.run("descend", {"cases": halves})["answers"]))


if __name__ == "__main__":
    wick_program.main()
