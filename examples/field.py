# SPDX-License-Identifier: MIT
"""A network of PyTorch's over a field, in Python without PyTorch: see field.c.

    python field.py wet_bulb.pt
"""

import math
import sys

import wick

ROWS, COLS = 45, 90


def stull(t, h):
    """What the network has learned: https://doi.org/10.1175/JAMC-D-11-0143.1"""
    return (t * math.atan(0.151977 * math.sqrt(h + 8.313659)) + math.atan(t + h) - math.atan(h - 1.676331)
            + 0.00391838 * h ** 1.5 * math.atan(0.023101 * h) - 4.686035)


def main():
    model = wick.Sequential.from_state_dict(wick.load(sys.argv[1])["model"], "Tanh").eval()
    plan = wick.Plan(model, max_batch=ROWS * COLS)
    # Warm in the middle, dry in the east. A NumPy array of float32 would be used where it lies.
    cells = [(2 + 36 * math.sin(math.pi * (row + 0.5) / ROWS), 95 - 70 * col / COLS)
             for row in range(ROWS) for col in range(COLS)]
    field = plan([[t / 40, h / 100] for t, h in cells])
    worst = max(abs(40 * found - stull(t, h)) for (found,), (t, h) in zip(field.tolist(), cells))
    print(f"{len(cells)} cells, at most {worst:.2f} degrees from the formula")
    return 0 if worst < 0.5 else 1


if __name__ == "__main__":
    sys.exit(main())
