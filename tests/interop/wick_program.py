# SPDX-License-Identifier: MIT
"""What the interop tests share: they talk to a program of ours through checkpoint files."""
import gzip
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

try:
    import torch
except ImportError:
    print("skipped: this Python has no torch")
    sys.exit(77)


def run(command, request):
    """Gives the program `request`, a value that torch.save writes, and returns its answer."""
    with tempfile.TemporaryDirectory() as folder:
        asked, answered = pathlib.Path(folder, "asked.pt"), pathlib.Path(folder, "answered.pt")
        torch.save(request, asked)
        done = subprocess.run([PROGRAM, command, asked, answered], capture_output=True, text=True,
                              check=False)
        if done.returncode != 0:
            raise AssertionError(f"{PROGRAM} {command} gave status {done.returncode}:\n"
                                 f"{done.stdout}{done.stderr}")
        # A simulated device's tensors, for a PyTorch that knows no such device.
        return torch.load(answered, weights_only=True,
                          map_location=os.environ.get("WICK_TEST_TORCH_DEVICE") or None)


def digits(count):
    """`count` images (N, 1, 28, 28) of uint8 and their labels: MNIST's, where it is there."""
    given = os.environ.get("WICK_MNIST")
    beside = pathlib.Path(__file__).resolve().parents[3] / "shared" / "mnist"
    folder = pathlib.Path(given) if given else beside
    images = folder / "train-images-idx3-ubyte.gz"
    if not images.exists():
        print("no MNIST: random images instead", file=sys.stderr)
        generator = torch.Generator().manual_seed(0)
        return (torch.randint(0, 256, (count, 1, 28, 28), dtype=torch.uint8, generator=generator),
                torch.randint(0, 10, (count,), generator=generator))
    with gzip.open(images) as file:
        pixels = bytearray(file.read(16 + count * 784)[16:])
    with gzip.open(folder / "train-labels-idx1-ubyte.gz") as file:
        labels = bytearray(file.read(8 + count)[8:])
    return (torch.frombuffer(pixels, dtype=torch.uint8).view(count, 1, 28, 28),
            torch.frombuffer(labels, dtype=torch.uint8).to(torch.int64))


def bits(tensor):
    """The bits of floating-point numbers, to compare them exactly."""
    return tensor.contiguous().view({4: torch.int32, 8: torch.int64}[tensor.element_size()])


def start():
    """Seeds both generators: from --seed S or WICK_SEED, or anew. Prints the seed and returns it."""
    seed = int(SEED or random.SystemRandom().randrange(2**32))
    print("seed", seed, flush=True)
    random.seed(seed)
    torch.manual_seed(seed)
    return seed


# Of curves of losses: how far they may be from each other, as a part of the first loss.
TOLERANCE = {torch.float64: 1e-9, torch.float32: 1e-4}


# Where a number lies nearer to a kink than rounding errors reach, two right runs part: PyTorch's own, too, when
# a weight is moved by one unit in the last place. In float32 that happens now and then; so a case fails there
# when as many draws of its numbers as this do, one after the other. In float64 it fails at once.
DRAWS = {torch.float64: 1, torch.float32: 3}


def parted(ours, theirs, dtype):
    """Says where the losses of two training runs part; None if they do not."""
    if len(ours) != len(theirs):
        return f"{len(ours)} steps, PyTorch {len(theirs)}"
    bound = TOLERANCE[dtype] * abs(theirs[0])
    for step, (a, b) in enumerate(zip(ours, theirs)):
        if not abs(a - b) <= bound:
            return f"step {step}: {a}, PyTorch {b}, first loss {theirs[0]}"
    return None


def main():
    torch.set_num_threads(1)
    unittest.main(argv=sys.argv)


def _take_seed(arguments):
    if "--seed" not in arguments:
        return os.environ.get("WICK_SEED")
    at = arguments.index("--seed")
    _, seed = arguments.pop(at), arguments.pop(at)
    return seed


PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
SEED = _take_seed(sys.argv)
