# SPDX-License-Identifier: MIT
"""The generator's numbers and states equal PyTorch's, bit for bit. WICK_TEST_DEVICE=cuda: those of
the generators on a GPU, where normal numbers may differ in their last bits."""
import os
import random
import unittest

import wick_program
from wick_program import bits, torch

DEVICE = os.environ.get("WICK_TEST_DEVICE", "cpu")
SIZES = [0, 1, 2, 15, 16, 17, 31, 100, 623, 624, 625, 784 * 32]
BOUNDS = [(0.0, 1.0), (-0.03571428571428571, 0.03571428571428571), (2.0, 2.0), (-1e30, 3e30)]
MOMENTS = [(0.0, 1.0), (0.5, 2.25), (-3.0, 0.0), (1e-3, 1e-5)]


def random_calls(rng, count):
    calls = []
    for _ in range(count):
        dtype = rng.choice([torch.float32, torch.float64])
        size = rng.choice(SIZES + [rng.randrange(3000)])
        name = rng.choice(["uniform", "normal", "normal", "randperm"])
        a, b = rng.choice(BOUNDS if name == "uniform" else MOMENTS)
        calls.append((name, dtype, size, a, b))
    return calls


def draw(generator, name, dtype, size, a, b):
    if name == "randperm":
        return torch.randperm(size, generator=generator)
    numbers = torch.empty(size, dtype=dtype, device=generator.device)
    fill = numbers.uniform_ if name == "uniform" else numbers.normal_
    return fill(a, b, generator=generator)


@unittest.skipUnless(DEVICE == "cpu", "of the CPU")
class RandomParity(unittest.TestCase):
    def compare(self, calls, answer, generator):
        self.assertEqual(len(answer["numbers"]), len(calls))
        for call, ours in zip(calls, answer["numbers"]):
            theirs = draw(generator, *call)
            self.assertEqual(ours.dtype, theirs.dtype)
            self.assertTrue(torch.equal(bits(ours), bits(theirs)), call)
        self.assertTrue(torch.equal(answer["state"], generator.get_state()), "the states differ")

    def test_numbers_of_many_seeds(self):
        rng = random.Random(0)
        for seed in [0, 1, 42, 2**31, 2**32 + 7, 67280421310721, *range(100, 110)]:
            with self.subTest(seed=seed):
                calls = random_calls(rng, 40)
                answer = wick_program.run("draw", {"seed": seed, "calls": calls})
                self.compare(calls, answer, torch.Generator().manual_seed(seed))

    def test_a_million_numbers(self):
        calls = [(name, dtype, 1000003, 0.0, 1.0) for name in ("uniform", "normal")
                 for dtype in (torch.float32, torch.float64)]
        calls.append(("randperm", torch.int64, 60000, 0.0, 0.0))
        answer = wick_program.run("draw", {"seed": 3, "calls": calls})
        self.compare(calls, answer, torch.Generator().manual_seed(3))

    def test_ours_goes_on_from_a_state_of_pytorchs(self):
        rng = random.Random(1)
        generator = torch.Generator().manual_seed(9)
        for before in range(12):
            # An odd number of normals leaves one behind, which is part of the state.
            torch.empty(before).normal_(generator=generator)
            calls = random_calls(rng, 10)
            answer = wick_program.run("draw", {"state": generator.get_state(), "calls": calls})
            self.compare(calls, answer, generator)

    def test_pytorch_goes_on_from_a_state_of_ours(self):
        rng = random.Random(2)
        for size in range(12):
            first = [("normal", torch.float32, size, 0.0, 1.0)]
            state = wick_program.run("draw", {"seed": size, "calls": first})["state"]
            generator = torch.Generator()
            generator.set_state(state)
            self.assertEqual(generator.initial_seed(), size)
            calls = random_calls(rng, 10)
            answer = wick_program.run("draw", {"seed": size, "calls": first + calls})
            answer["numbers"] = answer["numbers"][1:]
            self.compare(calls, answer, generator)


@unittest.skipUnless(DEVICE.startswith("cuda"), "of a GPU")
class DeviceRandomParity(unittest.TestCase):
    # The last ones ask for more numbers than a GPU has threads: there each draws several.
    SIZES = [0, 1, 5, 255, 257, 1000, 784 * 32, 300_007, 1_500_001, 5_000_000]

    def compare(self, calls, answer, generator):
        for call, ours in zip(calls, answer["numbers"], strict=True):
            theirs = draw(generator, *call).cpu()
            equal = bits(ours) == bits(theirs)
            if call[0] == "uniform":
                self.assertTrue(equal.all(), call)
            else:
                torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=1e-6)
                if len(equal) > 0:
                    print(f"{call[:3]}: {equal.double().mean():.2%} equal bits", flush=True)
        self.assertTrue(torch.equal(answer["state"], generator.get_state()), "the states differ")

    def test_numbers_and_state(self):
        for seed in [0, 42, 2**40 + 3]:
            calls = [(name, dtype, size, -0.25, 1.5) for size in self.SIZES
                     for name in ("uniform", "normal") for dtype in (torch.float32, torch.float64)]
            answer = wick_program.run("draw", {"seed": seed, "calls": calls, "device": DEVICE})
            self.compare(calls, answer, torch.Generator(DEVICE).manual_seed(seed))

    def test_each_goes_on_from_the_others_state(self):
        generator = torch.Generator(DEVICE).manual_seed(9)
        torch.empty(1000, device=DEVICE).normal_(generator=generator)
        calls = [("uniform", torch.float32, 777, 0.0, 1.0)]
        answer = wick_program.run(
            "draw", {"state": generator.get_state(), "calls": calls, "device": DEVICE})
        self.compare(calls, answer, generator)
        generator = torch.Generator(DEVICE)
        generator.set_state(answer["state"])
        self.assertEqual(generator.initial_seed(), 9)


if __name__ == "__main__":
    wick_program.main()
