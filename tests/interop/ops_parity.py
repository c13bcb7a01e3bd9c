# SPDX-License-Identifier: MIT
"""Operations on tensors (core/ops_arithmetic.h, ops_reduce.h, ops_join.h, products and softmax of ops.h)
beside PyTorch's: random operations, shapes, broadcastings, views, dtypes and forms.

What has one rounding must be PyTorch's bits. Sums of float32 must be the float32 nearest to the sum in
float64; sums, products and softmax of float64 are within what their roundings make. Calls that PyTorch
refuses must be refused, and so must dtypes that it would promote.

The seed is printed, and WICK_SEED repeats it; WICK_CALLS is how many calls are drawn.
"""
import os
import random
import unittest

import wick_program
from wick_program import torch

FLOATS = (torch.float32, torch.float64)
VALUES = (torch.float32, torch.float64, torch.int64, torch.bool)
COMPARISONS = ("eq", "ne", "lt", "le", "gt", "ge")
ARITHMETIC = ("add", "sub", "mul", "div", "minimum", "maximum")
NAN, INFINITY = float("nan"), float("inf")


def chance(part):
    return random.random() < part


def random_shape(most=4, largest=5):
    shape = [random.choice((1, 2, 3, random.randint(1, largest))) for _ in range(random.randint(0, most))]
    if shape and chance(0.15):
        shape[random.randrange(len(shape))] = random.choice((17, 33, 130, 600))
    if shape and chance(0.07):
        shape[random.randrange(len(shape))] = 0
    return shape


def fill(shape, dtype):
    if dtype == torch.bool:
        return torch.rand(shape) < 0.5
    if dtype == torch.int64:
        return torch.randint(-4, 5, shape) if chance(0.8) else torch.randint(-2**63, 2**63 - 1, shape)
    if not dtype.is_floating_point:
        return torch.randint(0, 100, shape).to(dtype)
    x = torch.randn(shape, dtype=torch.float64).to(dtype)
    if chance(0.3):
        x = torch.randint(-3, 4, shape).to(dtype)  # equal ones
    if chance(0.15) and x.numel() > 0:
        for value in (NAN, INFINITY, -INFINITY, -0.0):
            x.view(-1)[random.randrange(x.numel())] = value
    return x


def lay_out(x, expand=True):
    """The same values in a layout of chance."""
    x = x.clone()
    kind = random.randrange(6)
    if kind == 1:
        order = random.sample(range(x.dim()), x.dim())
        back = sorted(range(x.dim()), key=order.__getitem__)
        return x.permute(order).contiguous().permute(back)
    if kind == 2 and x.dim() > 0:  # a part of something larger
        larger = torch.zeros([size + random.randint(0, 2) for size in x.shape], dtype=x.dtype)
        starts = [random.randint(0, big - size) for big, size in zip(larger.shape, x.shape)]
        for dim, (start, size) in enumerate(zip(starts, x.shape)):
            larger = larger.narrow(dim, start, size)
        return larger.copy_(x)
    if kind == 3 and x.dim() > 0:  # every second one
        dim = random.randrange(x.dim())
        wide = torch.zeros([2 * size if d == dim else size for d, size in enumerate(x.shape)], dtype=x.dtype)
        view = wide[tuple(slice(0, None, 2) if d == dim else slice(None) for d in range(x.dim()))]
        return view.copy_(x)
    if kind == 4 and expand and x.dim() > 0 and x.numel() > 0:  # repeated
        dim = random.randrange(x.dim())
        return x.narrow(dim, 0, 1).expand(x.shape)
    return x


def tensor(shape, dtype):
    return lay_out(fill(shape, dtype))


def part_of(shape):
    """A shape that is broadcast to `shape`."""
    part = [1 if chance(0.25) else size for size in shape]
    return part[random.randint(0, len(part)):] if chance(0.3) else part


def number(dtype):
    if dtype == torch.bool:
        return chance(0.5)
    if dtype == torch.int64 or chance(0.3):
        return random.randint(-3, 3)
    return random.choice((NAN, INFINITY, 0.0)) if chance(0.1) else random.gauss(0, 1)


def operand(shape, dtype, numbers=True):
    return number(dtype) if numbers and chance(0.25) else tensor(part_of(shape), dtype)


def draw_binary():
    op = random.choice(ARITHMETIC + COMPARISONS)
    dtype = random.choice(VALUES)
    if op == "div":
        dtype = random.choice(FLOATS)
    if op == "sub" and dtype == torch.bool:
        dtype = torch.int64
    shape = random_shape()
    call = {"op": op, "a": tensor(part_of(shape), dtype), "b": operand(shape, dtype)}
    if op in ("add", "sub") and chance(0.5) and dtype != torch.bool:
        call["alpha"] = random.choice((2, -1, 3)) if dtype == torch.int64 else random.gauss(0, 2)
    if chance(0.2) and isinstance(call["b"], torch.Tensor) is False and op not in ("minimum", "maximum"):
        call["a"], call["b"] = call["b"], call["a"]
    return call


def draw_ternary():
    op = random.choice(("lerp", "clamp", "where"))
    shape = random_shape()
    if op == "where":
        dtype = random.choice(VALUES + (torch.uint8, torch.float16, torch.complex128, torch.int32))
        plain = dtype in VALUES
        a = tensor(part_of(shape), torch.bool)
        return {"op": op, "a": a, "b": operand(shape, dtype, plain), "c": operand(shape, dtype, plain)}
    dtype = random.choice(FLOATS if op == "lerp" else VALUES[:3])
    call = {"op": op, "a": tensor(part_of(shape), dtype)}
    if op == "lerp":
        return call | {"b": tensor(part_of(shape), dtype), "c": operand(shape, dtype)}
    tensors = chance(0.5)
    for name in ("b", "c"):
        if chance(0.75):
            call[name] = tensor(part_of(shape), dtype) if tensors else number(dtype)
    return call if "b" in call or "c" in call else call | {"b": number(dtype)}


def draw_reduction():
    op = random.choice(("sum", "sum", "mean", "amin", "amax", "min", "max", "argmin", "argmax"))
    dtype = random.choice(FLOATS if op == "mean" else VALUES[:3] if op.startswith("arg") else VALUES)
    shape = random_shape()
    if chance(0.04):
        shape = random.choice(([70000], [3, 70000], [9000, 3], [2, 5000, 2], [1200, 150]))
    x = tensor(shape, dtype)
    call = {"op": op, "a": x, "keepdim": chance(0.4)}
    ranks = range(-x.dim(), x.dim()) if x.dim() else (-1, 0)
    if op in ("sum", "mean", "amin", "amax"):
        dims = random.sample(range(x.dim()), random.randint(0, x.dim()))
        return call | {"dims": [dim - x.dim() if chance(0.5) else dim for dim in dims]}
    if chance(0.8):
        return call | {"dim": random.choice(ranks)}
    return call | {"keepdim": False}


def draw_join():
    shape = random_shape()
    dtype = random.choice(VALUES + (torch.uint8, torch.bfloat16))
    count = random.randint(1, 4)
    if chance(0.5):
        dim = random.randint(-len(shape) - 1, len(shape))
        return {"op": "stack", "tensors": [tensor(shape, dtype) for _ in range(count)], "dim": dim}
    shape = shape or [3]
    dim = random.randint(-len(shape), len(shape) - 1)
    tensors = []
    for _ in range(count):
        sizes = list(shape)
        sizes[dim] = random.randint(0, 4)
        tensors.append(tensor(sizes, dtype))
    if chance(0.1):
        tensors.insert(random.randint(0, count), torch.zeros(0, dtype=dtype))
    return {"op": "cat", "tensors": tensors, "dim": dim}


def draw_product():
    dtype = random.choice(FLOATS)
    m, k, n = (random.choice((1, 2, 3, 5, 17, 40)) if chance(0.95) else 0 for _ in range(3))
    finite = lambda shape: lay_out(torch.randn(shape, dtype=torch.float64).to(dtype))
    if chance(0.3):
        batch = random.randint(0, 5)
        return {"op": "bmm", "a": finite([batch, m, k]), "b": finite([batch, k, n])}
    batch = random_shape(3, 3)
    left = part_of(batch) + [m, k] if chance(0.8) else [k]
    right = part_of(batch) + [k, n] if chance(0.8) else [k]
    return {"op": "matmul", "a": finite(left), "b": finite(right)}


def draw_softmax():
    x = lay_out(torch.randn(random_shape(), dtype=torch.float64).to(random.choice(FLOATS)))
    dim = random.choice(range(-x.dim(), x.dim())) if x.dim() else 0
    return {"op": random.choice(("softmax", "log_softmax")), "a": x, "dim": dim}


def draw():
    kinds = ((draw_binary, 6), (draw_ternary, 4), (draw_reduction, 6), (draw_join, 2), (draw_product, 3),
             (draw_softmax, 1))
    return random.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]()


def run_torch(call):
    """What PyTorch gives, as a list of tensors."""
    op, a, b, c = (call.get(name) for name in ("op", "a", "b", "c"))
    with_alpha = {"alpha": call["alpha"]} if "alpha" in call else {}
    if op in ARITHMETIC + COMPARISONS:
        first = next(x for x in (a, b) if isinstance(x, torch.Tensor))
        if op in ("minimum", "maximum") or not isinstance(a, torch.Tensor):
            a, b = (x if isinstance(x, torch.Tensor) else torch.tensor(x, dtype=first.dtype) for x in (a, b))
        return [getattr(torch, op)(a, b, **with_alpha)]
    if op == "lerp":
        return [torch.lerp(a, b, c)]
    if op == "clamp":
        return [torch.clamp(a, b, c)]
    if op == "where":
        return [torch.where(a, b, c)]
    if op in ("sum", "mean", "amin", "amax"):
        return [getattr(torch, op)(a, call["dims"], keepdim=call["keepdim"])]
    if op in ("min", "max", "argmin", "argmax"):
        if "dim" not in call:
            return [getattr(torch, op)(a)]
        result = getattr(torch, op)(a, call["dim"], keepdim=call["keepdim"])
        return [result] if op.startswith("arg") else [result.values, result.indices]
    if op in ("cat", "stack"):
        return [getattr(torch, op)(call["tensors"], call["dim"])]
    if op in ("softmax", "log_softmax"):
        return [getattr(torch, op)(a, call["dim"])]
    return [getattr(torch, op)(a, b)]


def give_form(call, expected):
    """A tensor for the result: one of its own, or an operand of the result's shape and dtype."""
    op = call["op"]
    if op in ("softmax", "log_softmax") or (op in ("min", "max", "argmin", "argmax") and "dim" not in call):
        return
    inputs = [call.get("a")] if op in ARITHMETIC + COMPARISONS + ("lerp", "clamp") else []
    for x in inputs:
        if (isinstance(x, torch.Tensor) and x.shape == expected[0].shape and x.dtype == expected[0].dtype and
                0 not in [stride for stride, size in zip(x.stride(), x.shape) if size > 1] and chance(0.5)):
            call["out"] = x
            return
    if chance(0.3):
        call["out"] = lay_out(torch.zeros_like(expected[0]), expand=False)
        if len(expected) == 2:
            call["indices"] = lay_out(torch.zeros_like(expected[1]), expand=False)


def widened(call):
    return {name: value.double() if isinstance(value, torch.Tensor) and value.is_floating_point() else value
            for name, value in call.items()}


def size_of(value):
    return value.double().abs() if isinstance(value, torch.Tensor) else torch.tensor(abs(float(value)))


class Operations(unittest.TestCase):
    def setUp(self):
        self.seed = int(os.environ.get("WICK_SEED") or random.SystemRandom().randrange(2**32))
        print("seed", self.seed)
        random.seed(self.seed)
        torch.manual_seed(self.seed)

    def run_calls(self, calls, threads):
        return wick_program.run("run", {"calls": calls, "threads": threads})

    def assert_same(self, actual, expected):
        self.assertEqual((actual.shape, actual.dtype), (expected.shape, expected.dtype))
        torch.testing.assert_close(actual, expected, rtol=0, atol=0, equal_nan=True)

    def assert_near(self, actual, exact, bound):
        """Within `bound`, a tensor of errors that are allowed; `exact` is float64."""
        self.assertEqual(actual.shape, exact.shape)
        wide = actual.double()
        finite = exact.isfinite() & bound.isfinite()
        self.assertTrue(torch.equal(wide.isnan(), exact.isnan()))
        difference = (wide - exact).abs()
        self.assertTrue(bool((difference[finite] <= bound[finite]).all()),
                        f"{wide} is not {exact} within {bound}")
        infinite = exact.isinf()
        self.assertTrue(torch.equal(wide[infinite], exact[infinite]))

    def check(self, call, results, expected):
        op, dtype = call["op"], expected[0].dtype
        self.assertEqual(len(results), len(expected))
        if not dtype.is_floating_point or op in ("min", "max", "amin", "amax", "mul", "div", "minimum", "maximum",
                                                 "clamp", "where", "cat", "stack"):
            for actual, right in zip(results, expected):
                self.assert_same(actual, right)
            return
        self.assertEqual(results[0].dtype, dtype)
        epsilon = torch.finfo(dtype).eps
        exact = run_torch(widened(call))[0]
        if op in ("add", "sub"):
            a, b = size_of(call["a"]), size_of(call["b"])
            bound = epsilon * (a + abs(call.get("alpha", 1)) * b)
        elif op == "lerp":
            bound = 4 * epsilon * (1 + size_of(call["c"])) * (size_of(call["a"]) + size_of(call["b"]))
        elif op in ("sum", "mean"):
            # Rounded once, in float32; of float64 by pairs.
            total = getattr(torch, op)(size_of(call["a"]), call["dims"], keepdim=call["keepdim"])
            if dtype == torch.float32:
                bound = epsilon / 2 * exact.abs() * (1 + 1e-6) + 1e-12 * total
            else:
                bound = 40 * epsilon * total
        elif op in ("matmul", "bmm"):
            bound = 2 * epsilon * (call["a"].shape[-1] + 1) * getattr(torch, op)(size_of(call["a"]), size_of(call["b"]))
        else:
            bound = 16 * epsilon * (1 + exact.abs())
        self.assert_near(results[0], exact, bound.expand(exact.shape) if bound.dim() == 0 else bound)

    def test_random_calls(self):
        calls, expected = [], []
        while len(calls) < int(os.environ.get("WICK_CALLS") or 2000):
            call = draw()
            try:
                right = run_torch(call)
            except (RuntimeError, IndexError):
                right = None
            if right is not None:
                right = [x.clone() for x in right]
                give_form(call, right)
            calls.append(call)
            expected.append(right)
        before = [{name: value.clone() if isinstance(value, torch.Tensor) else value
                   for name, value in call.items()} for call in calls]
        answers = self.run_calls(calls, 1)
        again = self.run_calls(calls, 3)
        refused = 0
        for i, (call, right, answer) in enumerate(zip(before, expected, answers)):
            layouts = {name: (tuple(value.shape), value.stride(), value.dtype)
                       for name, value in calls[i].items() if isinstance(value, torch.Tensor)}
            with self.subTest(seed=self.seed, call=i, op=call["op"], layouts=layouts,
                              others={name: value for name, value in call.items()
                                      if not isinstance(value, torch.Tensor) and name != "tensors"}):
                if right is None:
                    refused += 1
                    self.assertIn("error", answer)
                    continue
                self.assertNotIn("error", answer, answer.get("message"))
                self.check(call, answer["results"], right)
                for one, other in zip(answer["results"], again[i]["results"]):
                    self.assert_same(one, other)
        self.assertLess(refused, len(calls) / 10)

    def test_what_pytorch_refuses_is_refused(self):
        n = random.randint(3, 6)
        square, row, whole, mask = torch.randn(n, n), torch.randn(n), torch.arange(n), torch.ones(n).bool()
        empty = torch.zeros(n, 0)
        cases = [
            ({"op": "add", "a": square, "b": torch.zeros(n + 1)}, lambda: square + torch.zeros(n + 1), "ShapeError"),
            ({"op": "mul", "a": row, "b": square, "out": row}, lambda: row.mul_(square), "ShapeError"),
            ({"op": "add", "a": square, "b": square.t(), "out": square}, lambda: square.add_(square.t()),
             "ValueError"),
            ({"op": "add", "a": square, "b": square[0], "out": square}, lambda: square.add_(square[0]), "ValueError"),
            ({"op": "div", "a": square[1:], "b": 2.0, "out": square[:-1]},
             lambda: torch.div(square[1:], 2.0, out=square[:-1]), "ValueError"),
            ({"op": "sub", "a": square, "b": 1, "out": row.expand(n, n)}, lambda: row.expand(n, n).sub_(1),
             "ValueError"),
            ({"op": "lerp", "a": whole, "b": whole, "c": 1}, lambda: torch.lerp(whole, whole, 1), "DTypeError"),
            ({"op": "mean", "a": whole, "dims": [], "keepdim": False}, whole.mean, "DTypeError"),
            ({"op": "sub", "a": mask, "b": mask}, lambda: mask - mask, "DTypeError"),
            ({"op": "add", "a": whole, "b": whole, "alpha": 0.5}, lambda: torch.add(whole, whole, alpha=0.5),
             "DTypeError"),
            ({"op": "argmax", "a": mask}, mask.argmax, "DTypeError"),
            ({"op": "clamp", "a": row}, lambda: torch.clamp(row), "ValueError"),
            ({"op": "where", "a": whole, "b": 1, "c": 2}, lambda: torch.where(whole, 1, 2), "DTypeError"),
            ({"op": "max", "a": empty, "dim": 1, "keepdim": False}, lambda: empty.max(1), "ShapeError"),
            ({"op": "argmin", "a": empty}, empty.argmin, "ShapeError"),
            ({"op": "sum", "a": square, "dims": [2], "keepdim": False}, lambda: square.sum(2), "IndexError"),
            ({"op": "sum", "a": square, "dims": [0, -2], "keepdim": False}, lambda: square.sum((0, -2)), "ValueError"),
            ({"op": "cat", "tensors": [square, torch.zeros(n, n + 1)], "dim": 0},
             lambda: torch.cat([square, torch.zeros(n, n + 1)]), "ShapeError"),
            ({"op": "cat", "tensors": [], "dim": 0}, lambda: torch.cat([]), "ValueError"),
            ({"op": "cat", "tensors": [row, row], "dim": 1}, lambda: torch.cat([row, row], 1), "IndexError"),
            ({"op": "stack", "tensors": [row, square], "dim": 0}, lambda: torch.stack([row, square]), "ShapeError"),
            ({"op": "matmul", "a": square, "b": torch.zeros(n + 1)}, lambda: square @ torch.zeros(n + 1),
             "ShapeError"),
            ({"op": "matmul", "a": row[0], "b": row}, lambda: row[0] @ row, "ShapeError"),
            ({"op": "bmm", "a": square[None], "b": torch.zeros(2, n, 1)},
             lambda: torch.bmm(square[None], torch.zeros(2, n, 1)), "ShapeError"),
        ]
        for (call, theirs, kind), answer in zip(cases, self.run_calls([call for call, _, _ in cases], 1)):
            with self.subTest(op=call["op"], kind=kind):
                self.assertRaises(Exception, theirs)
                self.assertEqual(answer.get("error"), kind, answer.get("message"))

    def test_other_dtypes_name_the_conversion(self):
        cases = []
        for a in VALUES:
            for b in VALUES:
                if a != b:
                    cases.append(({"op": "add", "a": fill([2], a), "b": fill([2], b)}, torch.promote_types(a, b)))
        cases += [({"op": "mul", "a": fill([2], torch.int64), "b": 0.5}, torch.float32),
                  ({"op": "add", "a": fill([2], torch.bool), "b": 2}, torch.int64),
                  ({"op": "div", "a": fill([2], torch.int64), "b": fill([2], torch.int64)}, torch.float32)]
        for (call, wanted), answer in zip(cases, self.run_calls([call for call, _ in cases], 1)):
            with self.subTest(a=call["a"].dtype):
                self.assertEqual(answer.get("error"), "DTypeError")
                self.assertIn(f"to(DType::{str(wanted)[6:]})", answer["message"])


if __name__ == "__main__":
    wick_program.main()
