#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""wick beside other engines: the same work in the same run, alternating.

usage: compare.py BIN [--work train,inference,products,bf16,calls] [--rounds 11] [--threads 1] [--shapes N]
                  [--json FILE] [--svg FILE]
       compare.py BIN --work layers [--only NAME,...] [--rounds 11] [--threads 1] [--json FILE]

BIN is the folder of train_step_bench, inference_bench, calls_bench, kernels_bench and layers_bench
(build/release/bin). Engines are PyTorch (eager, torch.compile, and LibTorch in C++, which is compiled
first), ONNX Runtime and
NumPy, and for products Eigen, OpenBLAS and oneDNN; what is not installed is named and left out.

Each round measures every engine once, one after the other and beginning with another one each time,
so that what else the machine does meets all alike. Printed are medians in microseconds and how many
times longer each engine took than wick: the median over the rounds of the ratio in a round, with its
quartiles in brackets. --json keeps all that, --svg draws the ratios.

"train" is a whole step: gather a batch of uint8 images by index, forward, loss, backward, Adam.
"bf16" is the training steps under autocast, of wick and of PyTorch (torch.autocast("cpu",
torch.bfloat16), Adam with fused=True), with wick's in float32 beside them, and products of bfloat16
operands and results beside torch.mm. "inference" is the network's output for one batch, "calls" that of
one layer of 4 to 64 inputs and outputs for one sample, where the call weighs more than the work.
Products are GFLOP/s of kernels_bench, medians of as many repetitions in random order; bench/shapes has
random ones. "layers" is the forward and the backward pass of every layer and
every loss beside PyTorch, eager, with the share of a plain copy's bandwidth that it reaches; the copy is
measured in the same rounds.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from chart import draw
from compare_layers import compare_layers

# (sizes, batch, steps in a round)
TRAIN = [
    ([784, 32, 10], 32, 1000),
    ([784, 512, 512, 10], 128, 40),
    ([784, 2048, 2048, 10], 1024, 2),
]
INFERENCE = [
    ([784, 32, 10], 1, 5000),
    ([784, 32, 10], 1024, 100),
    ([784, 512, 512, 10], 1, 500),
    ([784, 512, 512, 10], 128, 40),
]
CALLS = [([size, size], 1, 2000) for size in (4, 8, 16, 32, 64)]
# (rows, cols, depth, transposes) of products: those of the layers' forward and backward passes, and
# others.
BF16_PRODUCTS = [
    (1024, 2048, 2048, "NT"),
    (1024, 2048, 2048, "NN"),
    (2048, 2048, 1024, "TN"),
    (128, 2048, 2048, "NT"),
    (128, 2048, 2048, "NN"),
    (128, 512, 784, "NT"),
    (128, 512, 512, "NN"),
    (512, 784, 128, "TN"),
    (32, 32, 784, "NT"),
    (256, 256, 256, "NN"),
]
IMAGES = 60000


def missing(what, reason):
    print(f"left out: {what}: {str(reason).strip().splitlines()[-1][:150]}", flush=True)


def processor():
    """The name of this machine's processor."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            fields = dict(line.split(":", 1) for line in file if ":" in line)
        fields = {key.strip(): value.strip() for key, value in fields.items()}
        return f"{fields['model name']}, family {fields['cpu family']}, model {fields['model']}"
    except (OSError, KeyError, ValueError):
        return "unknown"


def run_program(program, batch, steps, threads, sizes):
    """The second of two rounds of a fresh process: the first warms it up."""
    command = [program, str(batch), str(steps), "2", str(threads), *map(str, sizes)]
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    return float(out.stdout.split()[1])


def timed(function, steps):
    start = time.perf_counter()
    for _ in range(steps):
        function()
    return (time.perf_counter() - start) / steps * 1e6


def libtorch_flags(torch):
    """To compile and link with the LibTorch of the Python package."""
    from torch.utils import cpp_extension

    lib = os.path.join(os.path.dirname(torch.__file__), "lib")
    flags = [f"-D_GLIBCXX_USE_CXX11_ABI={int(torch._C._GLIBCXX_USE_CXX11_ABI)}"]
    flags += [f"-I{path}" for path in cpp_extension.include_paths()]
    flags += [f"-L{lib}", f"-Wl,-rpath,{lib}", "-Wl,--no-as-needed"]
    return [*flags, "-ltorch", "-ltorch_cpu", "-lc10"]


def build_libtorch(torch, directory):
    """The path of the compiled libtorch_step."""
    source = os.path.join(os.path.dirname(os.path.abspath(__file__)), "libtorch_step.cpp")
    program = os.path.join(directory, "libtorch_step")
    command = ["g++", "-O2", "-std=c++20", source, "-o", program, *libtorch_flags(torch)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return program


def torch_model(torch, sizes):
    torch.manual_seed(0)
    layers = []
    for i, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
        layers.append(torch.nn.Linear(inputs, outputs))
        if i + 2 < len(sizes):
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers)


def torch_train_step(torch, sizes, batch, compiled, autocast=False):
    model = torch_model(torch, sizes)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.01, fused=autocast or None)
    criterion = torch.nn.CrossEntropyLoss()
    images = torch.randint(0, 256, (IMAGES, sizes[0]), dtype=torch.uint8)
    labels = images[:, : sizes[-1]].argmax(1)
    order = torch.randperm(IMAGES)
    at = 0

    def forward(rows):
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            return criterion(model(images[rows].float() / 255), labels[rows])

    if compiled:
        forward = torch.compile(forward)
        if not autocast:  # a fused optimizer is one kernel as it is
            optimizer.step = torch.compile(optimizer.step)

    def step():
        nonlocal at
        rows = order[at : at + batch]
        at = (at + batch) % (IMAGES - batch)
        optimizer.zero_grad()
        forward(rows).backward()
        optimizer.step()

    return step


def torch_inference(torch, sizes, batch, compiled):
    model = torch_model(torch, sizes).eval()
    x = torch.randn(batch, sizes[0])
    if compiled:
        model = torch.compile(model)

    def run():
        with torch.inference_mode():
            return model(x)

    return run


def onnx_mlp(onnx, layers, batch):
    """A model of linear layers, (weight, bias) each, with ReLUs between them: x to y<last>."""
    nodes, constants, name = [], [], "x"
    for i, (weight, bias) in enumerate(layers):
        constants += [onnx.numpy_helper.from_array(weight, f"w{i}")]
        constants += [onnx.numpy_helper.from_array(bias, f"b{i}")]
        nodes.append(onnx.helper.make_node("Gemm", [name, f"w{i}", f"b{i}"], [f"y{i}"], transB=1))
        name = f"y{i}"
        if i + 1 < len(layers):
            nodes.append(onnx.helper.make_node("Relu", [name], [f"r{i}"]))
            name = f"r{i}"
    value = onnx.helper.make_tensor_value_info
    graph = onnx.helper.make_graph(
        nodes,
        "mlp",
        [value("x", onnx.TensorProto.FLOAT, [batch, layers[0][0].shape[1]])],
        [value(name, onnx.TensorProto.FLOAT, [batch, layers[-1][0].shape[0]])],
        constants,
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 13)])
    model.ir_version = 8
    return model


def onnx_inference(onnx, runtime, numpy, sizes, batch, threads):
    rng = numpy.random.default_rng(0)
    layers = []
    for inputs, outputs in zip(sizes, sizes[1:]):
        weight = rng.standard_normal((outputs, inputs)).astype(numpy.float32) * 0.05
        layers.append((weight, numpy.zeros(outputs, numpy.float32)))
    model = onnx_mlp(onnx, layers, batch)
    options = runtime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = runtime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    x = rng.standard_normal((batch, sizes[0])).astype(numpy.float32)
    return lambda: session.run(None, {"x": x})


def numpy_inference(numpy, sizes, batch):
    rng = numpy.random.default_rng(0)
    layers = [
        (
            rng.standard_normal((a, b)).astype(numpy.float32) * 0.05,
            numpy.zeros(b, numpy.float32),
        )
        for a, b in zip(sizes, sizes[1:])
    ]
    x = rng.standard_normal((batch, sizes[0])).astype(numpy.float32)

    def run():
        y = x
        for i, (weight, bias) in enumerate(layers):
            y = y @ weight + bias
            if i + 1 < len(layers):
                numpy.maximum(y, 0, out=y)
        return y

    return run


class Engines:
    """What is installed, found once."""

    def __init__(self, threads, directory, wanted):
        self.threads = threads
        self.torch = self.numpy = self.onnx = self.runtime = self.libtorch = None
        self.compiles = False
        try:
            import torch

            self.torch = torch
            torch.set_num_threads(threads)
            print(f"PyTorch {torch.__version__}")
        except ImportError as error:
            missing("PyTorch", error)
        try:
            import numpy

            self.numpy = numpy
            print(f"NumPy {numpy.__version__}")
        except ImportError as error:
            missing("NumPy", error)
        try:
            import onnx
            import onnxruntime

            self.onnx, self.runtime = onnx, onnxruntime
            print(f"ONNX Runtime {onnxruntime.__version__}")
        except ImportError as error:
            missing("ONNX Runtime", error)
        if self.torch is None:
            return
        try:
            self.torch.compile(lambda x: x * 2 + 1)(self.torch.ones(3))
            self.compiles = True
        except Exception as error:  # whatever a missing compiler makes it throw
            missing("torch.compile", error)
        if "train" in wanted:
            try:
                self.libtorch = build_libtorch(self.torch, directory)
            except subprocess.CalledProcessError as error:
                missing("LibTorch in C++", error.stderr or error)
            except OSError as error:
                missing("LibTorch in C++", error)

    def train(self, programs, sizes, batch, steps):
        """Pairs of a name and a function that returns microseconds per step."""
        wick = os.path.join(programs, "train_step_bench")
        result = [("wick", lambda: run_program(wick, batch, steps, self.threads, sizes))]
        if self.torch is not None:
            eager = torch_train_step(self.torch, sizes, batch, False)
            result.append(("PyTorch, eager", lambda: timed(eager, steps)))
        if self.compiles:
            fast = torch_train_step(self.torch, sizes, batch, True)
            result.append(("PyTorch, compile", lambda: timed(fast, steps)))
        if self.libtorch is not None:
            run = self.libtorch
            result.append(
                ("LibTorch, C++", lambda: run_program(run, batch, steps, self.threads, sizes))
            )
        return result

    def bf16(self, programs, sizes, batch, steps):
        """The training step under autocast, and wick's in float32."""
        wick = os.path.join(programs, "train_step_bench")
        names = [("wick", f"{self.threads}-bf16"), ("wick, float32", self.threads)]
        result = [
            (name, lambda mode=mode: run_program(wick, batch, steps, mode, sizes))
            for name, mode in names
        ]
        if self.torch is not None:
            eager = torch_train_step(self.torch, sizes, batch, False, True)
            result.append(("PyTorch, eager", lambda: timed(eager, steps)))
        if self.compiles:
            fast = torch_train_step(self.torch, sizes, batch, True, True)
            result.append(("PyTorch, compile", lambda: timed(fast, steps)))
        return result

    def bf16_product(self, programs, shape):
        """A product of bfloat16: pairs of a name and a function that returns microseconds."""
        rows, cols, depth, transposes = shape
        steps = max(1, min(2000, int(1e10 / (2 * rows * cols * depth))))
        program = os.path.join(programs, "bfloat16_bench")
        command = [program, str(self.threads), str(steps), transposes, *map(str, shape[:3])]

        def wick():
            out = subprocess.run(command, capture_output=True, text=True, check=True)
            return float(out.stdout.split()[0])

        result = [("wick", wick)]
        if self.torch is not None:
            torch = self.torch
            a, b = torch.randn(rows, depth), torch.randn(depth, cols)
            operands = [
                x.t().bfloat16().contiguous().t() if t == "T" else x.bfloat16()
                for x, t in zip((a, b), transposes)
            ]
            out = torch.empty(rows, cols, dtype=torch.bfloat16)
            run = lambda: torch.mm(*operands, out=out)  # noqa: E731
            result.append(("PyTorch, mm", lambda: timed(run, steps)))
        return result

    def inference(self, programs, sizes, batch, steps):
        wick = os.path.join(programs, "inference_bench")
        result = [("wick", lambda: run_program(wick, batch, steps, self.threads, sizes))]
        if self.torch is not None:
            eager = torch_inference(self.torch, sizes, batch, False)
            result.append(("PyTorch, eager", lambda: timed(eager, steps)))
        if self.compiles:
            fast = torch_inference(self.torch, sizes, batch, True)
            result.append(("PyTorch, compile", lambda: timed(fast, steps)))
        if self.runtime is not None:
            session = onnx_inference(
                self.onnx, self.runtime, self.numpy, sizes, batch, self.threads
            )
            result.append(("ONNX Runtime", lambda: timed(session, steps)))
        if self.numpy is not None:
            plain = numpy_inference(self.numpy, sizes, batch)
            result.append(("NumPy", lambda: timed(plain, steps)))
        return result

    def calls(self, programs, sizes, batch, steps):
        """One sample through one layer; wick's by pointers."""

        def wick():
            command = [os.path.join(programs, "calls_bench"), str(sizes[0])]
            out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
            return float(out.splitlines()[1].split()[1]) / 1000

        return [("wick", wick), *self.inference(programs, sizes, batch, steps)[1:]]


def alternate(title, engines, rounds):
    """Measures, prints and returns one workload."""
    for _, measure in engines:
        measure()  # warm: code, caches, compilation
    times = {name: [] for name, _ in engines}
    for i in range(rounds):
        shift = i % len(engines)
        for name, measure in engines[shift:] + engines[:shift]:
            times[name].append(measure())
    print(title)
    rows = []
    for name, values in times.items():
        ratios = [theirs / ours for theirs, ours in zip(values, times["wick"])]
        low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
        row = {"engine": name, "microseconds": statistics.median(values)}
        row |= {"ratio": middle, "low": low, "high": high}
        rows.append(row)
        line = f"  {name:18} {row['microseconds']:12.2f} us   x {middle:6.2f}"
        print(f"{line}   [{low:.2f} to {high:.2f}]", flush=True)
    return {"title": title, "rows": rows}


def products(programs, rounds, threads):
    """GFLOP/s of kernels_bench: its own alternation, in random order."""
    shapes = "(32|128|1024)x(32x784|512x784|512x512|2048x2048|10x512)"
    with tempfile.TemporaryDirectory() as directory:
        out = os.path.join(directory, "out.json")
        command = [
            os.path.join(programs, "kernels_bench"),
            f"--threads={threads}",
            f"--benchmark_filter=matmul/.*/{shapes}($|/)",
            f"--benchmark_repetitions={rounds}",
            "--benchmark_enable_random_interleaving=true",
            "--benchmark_min_time=0.01",
            "--benchmark_report_aggregates_only=true",
            f"--benchmark_out={out}",
        ]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        with open(out, encoding="utf-8") as file:
            report = json.load(file)
    peak = float(report["context"]["peak_gflops"])
    table = {}
    for run in report["benchmarks"]:
        if run.get("aggregate_name") != "median":
            continue
        parts = run["run_name"].removesuffix("/real_time").split("/")
        key = "/".join(parts[1:3])
        who = parts[3] if len(parts) > 3 else "wick"
        table.setdefault(key, {})[who] = run["GFLOP/s"]
    peers = sorted({who for row in table.values() for who in row} - {"wick"})
    for name in ("openblas", "onednn"):
        if name not in peers:
            missing(name, "no shared library found")
    print(f"products, GFLOP/s, {threads} thread(s); the peak is {peak:.0f}")
    head = "".join(f"{name:>10}" for name in peers)
    print(f"  {'':28}{'wick':>8}{'of peak':>9}{head}   wick / best peer")
    for key, row in sorted(table.items()):
        others = [row[name] for name in peers if name in row]
        line = f"  {key:28}{row['wick']:8.1f}{row['wick'] / peak:9.0%}"
        line += "".join(f"{row[name]:10.1f}" if name in row else f"{'':10}" for name in peers)
        print(line + (f"   x {row['wick'] / max(others):.2f}" if others else ""))
    return {"peak_gflops": peak, "gflops": table}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("programs")
    parser.add_argument("--work", default="train,inference,products")
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--shapes", type=int, help="only the first N of train and of inference")
    parser.add_argument("--only", help="only the layers whose names begin like this: ReLU,PReLU")
    parser.add_argument("--json")
    parser.add_argument("--svg")
    args = parser.parse_args()
    # Read by the libraries when they are imported.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = str(args.threads)
    wanted = args.work.split(",")
    print(processor())
    results = {"threads": args.threads, "rounds": args.rounds, "workloads": []}
    with tempfile.TemporaryDirectory() as directory:
        if {"train", "inference", "bf16", "calls"} & set(wanted):
            engines = Engines(args.threads, directory, wanted)
        plan = [
            ("train", "training step", TRAIN),
            ("bf16", "training step under autocast", TRAIN),
            ("inference", "inference", INFERENCE),
            ("calls", "one sample through one layer", CALLS),
        ]
        for kind, title, shapes in plan:
            if kind not in wanted:
                continue
            for sizes, batch, steps in shapes[: args.shapes]:
                name = f"{title}, {'-'.join(map(str, sizes))}, batch {batch}"
                measures = getattr(engines, kind)(args.programs, sizes, batch, steps)
                results["workloads"].append(alternate(name, measures, args.rounds))
        if "bf16" in wanted:
            for shape in BF16_PRODUCTS[: args.shapes]:
                name = f"product of bfloat16, {'x'.join(map(str, shape[:3]))} {shape[3]}"
                measures = engines.bf16_product(args.programs, shape)
                results["workloads"].append(alternate(name, measures, args.rounds))
    if "products" in wanted:
        results["products"] = products(args.programs, args.rounds, args.threads)
    if "layers" in wanted:
        only = args.only.split(",") if args.only else None
        results["layers"] = compare_layers(args.programs, args.rounds, args.threads, only)
    if args.json:
        with open(args.json, "w", encoding="utf-8") as file:
            file.write(json.dumps(results, indent=1) + "\n")
    if args.svg:
        with open(args.svg, "w", encoding="utf-8") as file:
            file.write(draw(results["workloads"], args.threads))


if __name__ == "__main__":
    sys.exit(main())
