# SPDX-License-Identifier: MIT
"""Each layer and loss beside PyTorch's, for compare.py: the work "layers"."""

import math
import os
import statistics
import subprocess
import time

SHAPES = [(128, 512), (4096, 1024)]
IMAGES = [(32, 64, 28, 28)]
# How long one measurement takes at least.
LEAST_SECONDS = 0.004


def conv(channels, outputs, kernel, **more):
    return {"in_channels": channels, "out_channels": outputs, "kernel_size": kernel, **more}


# Name, arguments, shapes. "columns" is the last size of the input.
LAYERS = [
    *[(name, {}, SHAPES) for name in (
        "CELU ELU GELU Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish ReLU ReLU6 SELU SiLU "
        "Sigmoid Softplus Softsign Tanh").split()],
    ("GELU", {"approximate": "tanh"}, SHAPES),
    ("PReLU", {}, SHAPES),
    ("PReLU", {"num_parameters": "columns"}, SHAPES),
    ("PReLU", {"num_parameters": 64}, IMAGES),
    ("Softmax", {"dim": 1}, SHAPES),
    ("Softmax", {"dim": 0}, SHAPES),
    ("LogSoftmax", {"dim": 1}, SHAPES),
    ("LayerNorm", {"normalized_shape": "columns"}, SHAPES),
    ("RMSNorm", {"normalized_shape": "columns"}, SHAPES),
    ("GroupNorm", {"num_groups": 32, "num_channels": "columns"}, SHAPES),
    ("GroupNorm", {"num_groups": 32, "num_channels": 64}, IMAGES),
    ("BatchNorm1d", {"num_features": "columns"}, SHAPES),
    ("BatchNorm2d", {"num_features": 64}, IMAGES),
    ("InstanceNorm2d", {"num_features": 64}, IMAGES),
    # LeNet-5's, some of ResNet-18's and of MobileNetV2's.
    ("Conv2d", conv(1, 6, 5, padding=2), [(64, 1, 28, 28)]),
    ("Conv2d", conv(6, 16, 5), [(64, 6, 14, 14)]),
    ("Conv2d", conv(3, 64, 7, stride=2, padding=3), [(1, 3, 224, 224)]),
    ("Conv2d", conv(64, 64, 3, padding=1), [(1, 64, 56, 56), (16, 64, 56, 56)]),
    ("Conv2d", conv(64, 128, 3, stride=2, padding=1), [(1, 64, 56, 56)]),
    ("Conv2d", conv(64, 128, 1, stride=2), [(1, 64, 56, 56)]),
    ("Conv2d", conv(128, 128, 3, padding=1), [(1, 128, 28, 28)]),
    ("Conv2d", conv(256, 256, 3, padding=1), [(1, 256, 14, 14), (16, 256, 14, 14)]),
    ("Conv2d", conv(512, 512, 3, padding=1), [(1, 512, 7, 7), (16, 512, 7, 7)]),
    ("Conv2d", conv(144, 144, 3, padding=1, groups=144), [(1, 144, 56, 56)]),
    ("Conv2d", conv(144, 144, 3, stride=2, padding=1, groups=144), [(1, 144, 56, 56)]),
    ("Conv2d", conv(144, 24, 1), [(1, 144, 56, 56)]),
    ("Conv1d", conv(32, 64, 5, padding=2), [(16, 32, 512)]),
    ("ConvTranspose1d", conv(64, 32, 4, stride=2, padding=1), [(16, 64, 256)]),
    ("ConvTranspose2d", conv(64, 32, 4, stride=2, padding=1), [(8, 64, 28, 28)]),
    ("MaxPool1d", {"kernel_size": 2}, [(32, 64, 512)]),
    ("MaxPool2d", {"kernel_size": 2}, IMAGES),
    ("AvgPool1d", {"kernel_size": 2}, [(32, 64, 512)]),
    ("AvgPool2d", {"kernel_size": 2}, IMAGES),
    ("AdaptiveAvgPool1d", {"output_size": 7}, [(32, 64, 512)]),
    ("AdaptiveAvgPool2d", {"output_size": 1}, IMAGES),
    ("AdaptiveMaxPool2d", {"output_size": 7}, IMAGES),
    ("Upsample", {"scale_factor": 2.0}, IMAGES),
    ("Upsample", {"scale_factor": 2.0, "mode": "bilinear"}, IMAGES),
    ("ZeroPad2d", {"padding": 1}, IMAGES),
    ("PixelShuffle", {"upscale_factor": 2}, IMAGES),
    ("Dropout", {}, SHAPES),
    ("Embedding", {"num_embeddings": 1000, "embedding_dim": 512}, [(128,)]),
    ("Embedding", {"num_embeddings": 1000, "embedding_dim": 1024}, [(4096,)]),
    ("Linear", {"in_features": "columns", "out_features": "columns"}, SHAPES),
    ("Flatten", {}, SHAPES + IMAGES),
    ("Identity", {}, SHAPES),
    ("Unflatten", {"dim": 1, "unflattened_size": (8, -1)}, SHAPES),
    *[(name, arguments, [(100, rows, arguments["input_size"]) for rows in (1, 32)])
      for name in ("GRU", "LSTM", "RNN")
      for arguments in ({"input_size": 16, "hidden_size": 16},
                        {"input_size": 64, "hidden_size": 64, "num_layers": 2},
                        {"input_size": 256, "hidden_size": 256})],
    *[(name, {"input_size": 128, "hidden_size": 128}, [(32, 128)])
      for name in ("GRUCell", "LSTMCell", "RNNCell")],
    ("MultiheadAttention", {"embed_dim": 128, "num_heads": 4}, [(64, 4, 128), (1024, 4, 128)]),
    ("TransformerEncoderLayer", {"d_model": 128, "nhead": 4, "dim_feedforward": 512, "dropout": 0.0},
     [(256, 4, 128)]),
]  # fmt: skip

LOSSES = [
    *[(name, {}, SHAPES) for name in (
        "BCELoss BCEWithLogitsLoss GaussianNLLLoss HuberLoss KLDivLoss L1Loss MSELoss PoissonNLLLoss "
        "SmoothL1Loss").split()],
    ("CrossEntropyLoss", {}, SHAPES + [(1024, 10)]),
    ("NLLLoss", {}, SHAPES + [(1024, 10)]),
]  # fmt: skip
# These move nothing.
VIEWS = ("Flatten", "Identity", "Unflatten")
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


class Wick:
    """layers_bench, which stays while all rounds are measured."""

    def __init__(self, programs, threads):
        self.process = subprocess.Popen(
            [os.path.join(programs, "layers_bench"), str(threads)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError(f"layers_bench ended at: {' '.join(map(str, words))}")
        return answer.strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def text_of(value):
    return "x".join(map(str, value)) if isinstance(value, tuple) else str(value)


def clock(torch):
    """The thread's time where it is the only one, as in layers_bench."""
    return time.thread_time if torch.get_num_threads() == 1 else time.perf_counter


def torch_layer(torch, name, arguments, shape):
    """Functions that return microseconds for one forward or backward pass."""
    layer = getattr(torch.nn, name)(**arguments)
    if name == "Embedding":
        x = torch.randint(0, arguments["num_embeddings"], shape)
        inputs = list(layer.parameters())
    else:
        x = torch.randn(shape, requires_grad=True)
        inputs = [x, *layer.parameters()]
    if name == "MultiheadAttention":

        def call():
            return layer(x, x, x, need_weights=False)[0]

    else:

        def call():
            y = layer(x)
            return y[0] if isinstance(y, tuple) else y

    grad = torch.randn_like(call())
    now = clock(torch)

    def forward(steps):
        start = now()
        for _ in range(steps):
            call()
        return (now() - start) / steps * 1e6

    def step(steps):
        """One sample at a time, from the state before."""
        state, one = None, x.detach()[:1]
        with torch.no_grad():
            start = now()
            for _ in range(steps):
                _, state = layer(one, state)
            return (now() - start) / steps * 1e6

    def backward(steps):
        spent = 0.0
        for _ in range(steps):
            y = call()
            start = now()
            torch.autograd.grad(y, inputs, grad)
            spent += now() - start
        return spent / steps * 1e6

    return {"forward": forward, "backward": backward, "step": step}


def torch_loss(torch, name, shape):
    """The same for the value of a loss and its gradient."""
    loss = getattr(torch.nn, name)()
    x = torch.rand(shape) * 0.98 + 0.01 if name == "BCELoss" else torch.randn(shape)
    x.requires_grad_()
    target = torch.rand(shape)
    if name in ("CrossEntropyLoss", "NLLLoss"):
        target = torch.randint(0, shape[1], shape[:1])
    more = [(torch.rand(shape) + 1).requires_grad_()] if name == "GaussianNLLLoss" else []

    now = clock(torch)

    def both(steps):
        start = now()
        for _ in range(steps):
            torch.autograd.grad(loss(x, target, *more), [x, *more])
        return (now() - start) / steps * 1e6

    return {"loss": both}


def work_of(name, arguments, shape, direction):
    """What one run moves, in bytes, or, of products, its operations: a pair, one of them None. Of what
    is read or written several times, once."""
    elements = math.prod(shape)
    backward = direction == "backward"
    if name in VIEWS:
        return None, None
    if name == "Linear":
        return None, 2 * elements * arguments["out_features"] * (2 if backward else 1)
    if name.startswith("Conv"):
        per_output = arguments["in_channels"] // arguments.get("groups", 1) * (
            arguments["kernel_size"] ** (len(shape) - 2))
        stride, padding = arguments.get("stride", 1), arguments.get("padding", 0)
        moved = arguments["kernel_size"] - 2 * padding
        sizes = [(size - moved) // stride + 1 for size in shape[2:]]
        if "Transpose" in name:  # each element of the input has a part in a whole kernel
            sizes, per_output = shape[2:], arguments["in_channels"] * (
                arguments["kernel_size"] ** (len(shape) - 2))
        products = shape[0] * arguments["out_channels"] * math.prod(sizes) * per_output
        return None, 2 * products * (2 if backward else 1)
    if name.removesuffix("Cell") in GATES:
        hidden, layers = arguments["hidden_size"], arguments.get("num_layers", 1)
        places = 1 if direction == "step" else elements // shape[-1]
        depth = shape[-1] + hidden + (layers - 1) * 2 * hidden
        gates = GATES[name.removesuffix("Cell")]
        return None, 2 * places * gates * hidden * depth * (2 if backward else 1)
    if name in ("MultiheadAttention", "TransformerEncoderLayer"):
        length, width = shape[0], shape[-1]
        forward = 2 * elements * (4 * width + 2 * length + 2 * arguments.get("dim_feedforward", 0))
        return None, forward * (2 if backward else 1)
    if name == "Embedding":
        rows = elements * arguments["embedding_dim"] * 4
        table = arguments["num_embeddings"] * arguments["embedding_dim"] * 4
        return rows + table if backward else 2 * rows, None
    if name == "Dropout":
        return elements * 9, None  # with a mask of bytes
    if direction == "loss":
        tensors = {"CrossEntropyLoss": 2, "NLLLoss": 1, "GaussianNLLLoss": 5}.get(name, 3)
        return elements * tensors * 4, None
    return elements * (3 if backward else 2) * 4, None


def measure(wick, theirs, words, elements, rounds):
    """Medians over the rounds: microseconds of wick, of PyTorch and of a copy; and of the ratios in a
    round of PyTorch and of the copy to wick."""
    direction, *rest = words
    name, shape, *arguments = rest

    def ours(steps):
        return float(wick.ask(direction, name, shape, steps, *arguments))

    def copy(steps):
        return float(wick.ask("copy", elements, steps))

    measures = [ours, theirs, copy]
    steps = []
    for each in measures:
        each(1)  # warm: memory, code
        once = min(each(1) for _ in range(3))
        steps.append(max(1, int(LEAST_SECONDS * 1e6 / max(once, 0.1))))
        each(steps[-1])
    times = [[], [], []]
    for i in range(rounds):
        for k in range(3):
            which = (i + k) % 3
            times[which].append(measures[which](steps[which]))
    ratios = [b / a for a, b in zip(times[0], times[1])]
    of_copy = [c / a for a, c in zip(times[0], times[2])]
    return (*map(statistics.median, times), statistics.median(ratios), statistics.median(of_copy))


def compare_layers(programs, rounds, threads, only=None):
    """Prints a table; returns its rows."""
    import torch

    torch.set_num_threads(threads)
    wick = Wick(programs, threads)
    known = set(wick.ask("names").split())
    measured = {name for name, _, _ in LAYERS + LOSSES}
    if known != measured:
        raise RuntimeError(f"not in both layers_bench and compare_layers.py: {known ^ measured}")
    peak = float(wick.ask("peak"))
    print(f"layers and losses, {threads} thread(s), PyTorch {torch.__version__}; medians of {rounds} rounds")
    print(f"of copy: bytes a second, as a share of those of memcpy; of {peak:.0f} GFLOP/s for products")
    print("| layer | input | pass | wick, us | PyTorch, us | ratio | GB/s | of copy |")
    print("|---|---|---|--:|--:|--:|--:|--:|")
    result = []
    for table, directions in ((LAYERS, ("forward", "backward")), (LOSSES, ("loss",))):
        for name, arguments, shapes in table:
            for shape in shapes:
                own = {
                    key: shape[-1] if value == "columns" else value
                    for key, value in arguments.items()
                }
                title = ", ".join(f"{key}={value}" for key, value in own.items())
                title = f"{name}({title})" if title else name
                if only and not any(title.startswith(each) for each in only):
                    continue
                if name == "Unflatten":  # make_module() wants the sizes themselves
                    own["unflattened_size"] = (8, shape[1] // 8)
                peers = (
                    torch_loss(torch, name, shape)
                    if table is LOSSES
                    else torch_layer(torch, name, own, shape)
                )
                steps = ("step",) if name in GATES and shape[1] == 1 else ()
                for direction in directions + steps:
                    words = [direction, name, text_of(shape)]
                    words += [f"{key}={text_of(value)}" for key, value in own.items()]
                    moved, operations = work_of(name, own, shape, direction)
                    elements = math.prod(shape)
                    ours, theirs, copy, ratio, of_copy = measure(
                        wick, peers[direction], words, elements, rounds
                    )
                    row = {"layer": title, "shape": text_of(shape), "pass": direction}
                    row |= {"wick": ours, "torch": theirs, "ratio": ratio}
                    rate = share = ""
                    if moved:
                        row["gbytes"] = moved / ours / 1e3
                        row["of_copy"] = of_copy * moved / (elements * 8)
                        rate, share = f"{row['gbytes']:.1f}", f"{row['of_copy']:.2f}"
                    if operations:
                        row["gflops"] = operations / ours / 1e3
                        share = f"{row['gflops'] / peak:.0%} of peak"
                    result.append(row)
                    print(
                        f"| {title} | {row['shape']} | {direction} | {ours:.1f} | {theirs:.1f} | "
                        f"{ratio:.2f} | {rate} | {share} |",
                        flush=True,
                    )
    wick.close()
    return {"peak_gflops": peak, "rows": result}
