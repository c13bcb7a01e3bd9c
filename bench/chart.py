# SPDX-License-Identifier: MIT
"""Draws compare.py's ratios as bars in an SVG picture, on a logarithmic scale."""

import html
import math

WIDTH = 760
LEFT = 150
RIGHT = 120
BAR = 16
COLORS = {
    "wick": "#1f6f54",
    "PyTorch, eager": "#d0602b",
    "PyTorch, compile": "#e39b72",
    "LibTorch, C++": "#8a4f9e",
    "ONNX Runtime": "#3d74b6",
    "NumPy": "#8c8c8c",
}


def time_text(microseconds):
    if microseconds < 1000:
        return f"{microseconds:.3g} µs"
    return f"{microseconds / 1000:.3g} ms"


def draw(workloads, threads):
    """The picture as text. Each bar is an engine's time divided by wick's."""
    largest = max((row["ratio"] for work in workloads for row in work["rows"]), default=1)
    # From a half, so that wick's own bar, 1, has a length.
    low, high = math.log(0.5), math.log(max(2, largest))

    def length(ratio):
        share = (math.log(max(ratio, 0.5)) - low) / (high - low)
        return max(1, share * (WIDTH - LEFT - RIGHT))

    parts = []
    y = 44
    for work in workloads:
        title = html.escape(work["title"])
        parts.append(f'<text x="8" y="{y}" font-weight="bold">{title}</text>')
        y += 8
        for row in work["rows"]:
            name, ratio = row["engine"], row["ratio"]
            color = COLORS.get(name, "#555555")
            text = f"{time_text(row['microseconds'])}"
            if name != "wick":
                text += f"  ({ratio:.2g}×)"
            parts.append(
                f'<text x="{LEFT - 8}" y="{y + 12}" text-anchor="end">{html.escape(name)}</text>'
                f'<rect x="{LEFT}" y="{y}" width="{length(ratio):.1f}" height="{BAR - 3}" '
                f'fill="{color}"/>'
                f'<text x="{LEFT + length(ratio) + 6:.1f}" y="{y + 12}">{text}</text>'
            )
            y += BAR
        y += 24
    plural = "thread" if threads == 1 else "threads"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y}" '
        f'viewBox="0 0 {WIDTH} {y}" font-family="sans-serif" font-size="12" fill="#222222">'
        f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>'
        f'<text x="8" y="20" font-size="14">Time, {threads} {plural}; shorter is faster, '
        "logarithmic scale, in brackets the multiple of wick's</text>"
    )
    return head + "\n" + "\n".join(parts) + "\n</svg>\n"
