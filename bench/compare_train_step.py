#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Training steps of wick beside eager PyTorch's, alternating in one run.

usage: compare_train_step.py TRAIN_STEP_BENCH [--rounds 11] [--threads 1]

Needs a Python with torch. Prints microseconds per step (medians) and the ratio (the median over the
rounds of PyTorch's time divided by wick's of the same round, with its smallest and largest value).
"""

import argparse
import statistics
import subprocess
import time

import torch

# (batch, sizes, steps in a round)
SHAPES = [
    (32, [784, 32, 10], 2000),
    (128, [784, 512, 512, 10], 100),
    (1024, [784, 2048, 2048, 10], 3),
]


class EagerStep:
    """The same work in PyTorch: a batch of uint8 images by index, then the usual five lines."""

    def __init__(self, batch, sizes, gather):
        torch.manual_seed(0)
        layers = []
        for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
            layers.append(torch.nn.Linear(a, b))
            if i + 2 < len(sizes):
                layers.append(torch.nn.ReLU())
        self.model = torch.nn.Sequential(*layers)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01)
        self.criterion = torch.nn.CrossEntropyLoss()
        self.images = torch.randint(0, 256, (60000, sizes[0]), dtype=torch.uint8)
        self.labels = self.images[:, : sizes[-1]].argmax(1)
        self.order = torch.randperm(60000)
        self.batch = batch
        self.at = 0
        self.floats = None if gather else self.images.float() / 255

    def run(self, steps):
        start = time.perf_counter()
        for _ in range(steps):
            where = slice(self.at, self.at + self.batch)
            self.at = (self.at + self.batch) % (60000 - self.batch)
            if self.floats is None:
                rows = self.order[where]
                x = self.images[rows].float() / 255
                y = self.labels[rows]
            else:
                x = self.floats[where]
                y = self.labels[where]
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(x), y)
            loss.backward()
            self.optimizer.step()
        return (time.perf_counter() - start) / steps * 1e6


def run_wick(program, batch, sizes, steps, threads):
    """The second of two rounds of a fresh process: the first warms it up."""
    out = subprocess.run(
        [program, str(batch), str(steps), "2", str(threads), *map(str, sizes)],
        capture_output=True, text=True, check=True)
    return float(out.stdout.split()[1])


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shapes", type=int, default=len(SHAPES), help="only the first N shapes")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    print(f"PyTorch {torch.__version__}, {args.threads} thread(s), {args.rounds} rounds; "
          "microseconds per step, batch gathered from uint8 by index")
    print(f"{'model':>22} {'batch':>6} {'wick':>9} {'PyTorch':>9} {'ratio':>6}  (range)        "
          f"{'PyTorch, floats in order':>24} {'ratio':>6}")
    for batch, sizes, steps in SHAPES[: args.shapes]:
        gathered = EagerStep(batch, sizes, True)
        in_order = EagerStep(batch, sizes, False)
        gathered.run(steps)
        in_order.run(steps)
        rows = []
        for _ in range(args.rounds):
            rows.append((run_wick(args.program, batch, sizes, steps, args.threads),
                         gathered.run(steps), in_order.run(steps)))
        wick, eager, floats = (statistics.median(column) for column in zip(*rows))
        ratios = [row[1] / row[0] for row in rows]
        float_ratios = [row[2] / row[0] for row in rows]
        print(f"{'-'.join(map(str, sizes)):>22} {batch:>6} {wick:>9.1f} {eager:>9.1f} "
              f"{statistics.median(ratios):>6.2f}  ({min(ratios):.2f} to {max(ratios):.2f}) "
              f"{floats:>24.1f} {statistics.median(float_ratios):>6.2f}", flush=True)


if __name__ == "__main__":
    main()
