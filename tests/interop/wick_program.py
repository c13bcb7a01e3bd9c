# SPDX-License-Identifier: MIT
"""What the interop tests share: they talk to a program of ours through checkpoint files."""
import gzip
import os
import pathlib
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


def main():
    torch.set_num_threads(1)
    unittest.main(argv=sys.argv)


PROGRAM = sys.argv.pop(1) if len(sys.argv) > 1 else ""
