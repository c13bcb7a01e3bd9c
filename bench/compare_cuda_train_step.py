#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Training steps of wick on a GPU beside PyTorch's on the same one, alternating in one run.

usage: compare_cuda_train_step.py TRAIN_STEP_BENCH [--rounds 5] [--seconds 240]
           [--ways eager,graph,compile] [--practise]

Prints a table in Markdown: microseconds per step (medians) of wick, and of PyTorch eager, compiled by
torch.compile, and captured in a CUDA graph; and how many times wick is faster than eager and than the
best of the three. A step gathers a batch of uint8 images by index, and runs forward, backward and Adam
(PyTorch's fused one). wick does small networks by a kernel for whole steps; "recorded" is without
it. Without torch or a GPU, says so and exits with status 77. --practise tries this program where there
is no GPU: tiny networks, PyTorch on the CPU, and without its graph.
"""

import argparse
import statistics
import subprocess
import sys
import time

try:
    import torch
except ImportError:
    print("not measured: this Python has no torch")
    sys.exit(77)

from compare import IMAGES, torch_model

# (batch, sizes, steps in a round)
SHAPES = [
    (32, [784, 32, 10], 2000),
    (1024, [784, 32, 10], 2000),
    (128, [784, 512, 512, 10], 1000),
    (8192, [784, 512, 512, 10], 200),
    (8192, [784, 2048, 2048, 10], 50),
]


PRACTICE = [(8, [12, 4, 3], 5), (8, [12, 4, 4, 3], 3)]


class Task:
    """Data, network and optimizer, all on the GPU."""

    device = "cuda"

    def __init__(self, batch, sizes):
        self.model = torch_model(torch, sizes).to(self.device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=0.01, fused=True,
                                          capturable=self.device == "cuda")
        self.images = torch.randint(0, 256, (IMAGES, sizes[0]), dtype=torch.uint8).to(self.device)
        self.labels = self.images[:, : sizes[-1]].argmax(1)
        batches = IMAGES // batch
        self.order = torch.randperm(IMAGES)[: batches * batch].view(batches, batch).to(self.device)
        self.rows = self.order[0].clone()

    def loss(self, rows):
        x = self.images[rows].float() / 255
        return torch.nn.functional.cross_entropy(self.model(x), self.labels[rows])

    def step(self, rows, loss):
        self.optimizer.zero_grad(set_to_none=True)
        loss(rows).backward()
        self.optimizer.step()


def eager(batch, sizes):
    task = Task(batch, sizes)
    return task, lambda i: task.step(task.order[i % len(task.order)], task.loss)


def compiled(batch, sizes):
    task = Task(batch, sizes)
    loss = torch.compile(task.loss, mode="reduce-overhead")
    return task, lambda i: task.step(task.order[i % len(task.order)], loss)


def graphed(batch, sizes):
    """As PyTorch's documentation does it: warm up beside, then capture the whole step."""
    task = Task(batch, sizes)
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            task.step(task.rows, task.loss)
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    task.optimizer.zero_grad(set_to_none=True)
    with torch.cuda.graph(graph):
        task.loss(task.rows).backward()
        task.optimizer.step()

    def run(i):
        task.rows.copy_(task.order[i % len(task.order)])
        graph.replay()

    return task, run


WAYS = {"eager": eager, "graph": graphed, "compile": compiled}


def wait():
    if Task.device == "cuda":
        torch.cuda.synchronize()


def measure(run, steps):
    """Microseconds per step."""
    wait()
    start = time.perf_counter()
    for i in range(steps):
        run(i)
    wait()
    return (time.perf_counter() - start) / steps * 1e6


def run_wick(program, batch, sizes, steps, machine):
    """The second of two rounds of a fresh process: the first warms it up."""
    out = subprocess.run(
        [program, str(batch), str(steps), "2", machine, *map(str, sizes)],
        capture_output=True, text=True, check=True)
    return float(out.stdout.split()[1])


def compare(program, batch, sizes, steps, tf32, ways, rounds, deadline):
    torch.backends.cuda.matmul.allow_tf32 = tf32
    if "compile" in ways:
        torch._dynamo.reset()
    runs = {}
    for name in ways:
        if name == "compile" and time.monotonic() > deadline:
            continue
        try:
            runs[name] = WAYS[name](batch, sizes)[1]
            measure(runs[name], 20)
        except Exception as error:  # a way that PyTorch does not manage is no reason to stop
            print(f"{name}: {str(error).splitlines()[0]}", file=sys.stderr)
            runs.pop(name, None)
    machines = {"wick": "cuda-tf32" if tf32 else "cuda"}
    if len(sizes) == 3 and not tf32:
        machines["recorded"] = "cuda-graph"
    times = {name: [] for name in [*machines, *runs]}
    for done in range(rounds):
        if done > 0 and time.monotonic() > deadline:
            break
        for name, machine in machines.items():
            times[name].append(run_wick(program, batch, sizes, steps, machine))
        for name, run in runs.items():
            times[name].append(measure(run, max(steps // (4 if name == "eager" else 1), 10)))
    # What a way holds of the GPU's memory goes before the next one comes.
    runs_of = set(runs)
    runs.clear()
    medians = {name: statistics.median(values) for name, values in times.items() if values}
    best = min((value for name, value in medians.items() if name in runs_of), default=None)

    def cell(name):
        return f"{medians[name]:.1f}" if name in medians else "not measured"

    def ratio(value):
        return "not measured" if value is None else f"{value / medians['wick']:.2f}"

    recorded = cell("recorded") if "recorded" in machines else ""
    print(f"| {'-'.join(map(str, sizes))} | {batch} | {'on' if tf32 else 'off'} | {cell('wick')} | {recorded} | "
          f"{cell('eager')} | {cell('compile')} | {cell('graph')} | {ratio(medians.get('eager'))} | "
          f"{ratio(best)} |", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=240,
                        help="after these, rounds, torch.compile and networks are left out")
    parser.add_argument("--ways", default="eager,graph,compile", help="PyTorch's ways of running a step")
    parser.add_argument("--practise", action="store_true")
    args = parser.parse_args()
    ways = args.ways.split(",")
    for name in ways:
        if name not in WAYS:
            parser.error(f"--ways: there is no way '{name}'; there are {', '.join(WAYS)}")
    if args.practise:
        Task.device = "cpu"
        ways = [name for name in ways if name != "graph"]
    elif not torch.cuda.is_available():
        print("not measured: PyTorch finds no GPU")
        return 77
    deadline = time.monotonic() + args.seconds
    print(f"PyTorch {torch.__version__}; microseconds per step\n")
    print("| model | batch | TF32 | wick | recorded | eager | torch.compile | CUDA graph | eager / wick | "
          "best / wick |")
    print("|---|---:|---|---:|---:|---:|---:|---:|---:|---:|")
    for batch, sizes, steps in PRACTICE if args.practise else SHAPES:
        for tf32 in (False, True):
            if time.monotonic() > deadline:
                print(f"not measured: {sizes}, batch {batch}: no time was left", flush=True)
                continue
            compare(args.program, batch, sizes, steps, tf32, ways, args.rounds, deadline)
    return 0


if __name__ == "__main__":
    sys.exit(main())
