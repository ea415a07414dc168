"""The table of a comparison: reads the JSON files of all sides and rounds from a directory.

    table.py DIRECTORY

A case's time on a side is the median over rounds of the rounds' medians; its spread is the distance between the largest
and the smallest of these, relative to the time. Compile times include tracing. The last columns say how far the results
of the other sides are from ours, relative to the norm.
"""

import json
import math
import statistics
import sys
from collections import defaultdict
from pathlib import Path


def load(directory):
    """For each side and case, its measurements, one for each round."""
    sides = defaultdict(lambda: defaultdict(list))
    for path in sorted(Path(directory).glob("*.json")):
        report = json.loads(path.read_text())
        for name, measured in report["cases"].items():
            sides[report["side"]][name].append(measured)
    return sides


def run_time(rounds):
    medians = [measured["median_ms"] for measured in rounds]
    time = statistics.median(medians)
    return time, (max(medians) - min(medians)) / time


def compile_time(rounds):
    return statistics.median(measured["trace_ms"] + measured["compile_ms"] for measured in rounds)


def distance(ours, theirs):
    """The largest difference of norms and of the elements reported, relative to the elements' size."""
    worst = 0.0
    for one, other in zip(ours["results"], theirs["results"], strict=True):
        if one["shape"] != other["shape"]:
            return math.inf
        size = max(abs(one["norm"]) / math.sqrt(max(1, math.prod(one["shape"]))), 1e-30)
        pairs = zip(one["elements"], other["elements"], strict=True)
        apart = max(abs(a - b) for a, b in pairs) / size
        worst = max(worst, apart, abs(one["norm"] / max(other["norm"], 1e-30) - 1))
    return worst


def milliseconds(value):
    return f"{value:.5f}" if value < 0.01 else f"{value:.3f}"


def row(name, sides):
    ours, jax, c = (sides[side].get(name) for side in ("cotangent", "jax", "c"))
    time, spread = run_time(ours)
    cells = [name, milliseconds(time), f"{100 * spread:.0f}%"]
    if jax:
        their_time, their_spread = run_time(jax)
        cells += [milliseconds(their_time), f"{100 * their_spread:.0f}%", f"{their_time / time:.2f}"]
    else:
        cells += ["-"] * 3
    if c:
        c_time, c_spread = run_time(c)
        cells += [milliseconds(c_time), f"{100 * c_spread:.0f}%", f"{c_time / time:.2f}"]
    else:
        cells += ["-"] * 3
    compiling = compile_time(ours)
    cells.append(f"{compiling:.2f}")
    cells += [f"{compile_time(jax):.2f}", f"{compile_time(jax) / compiling:.1f}"] if jax else ["-"] * 2
    cells += [f"{distance(ours[0], peer[0]):.0e}" if peer else "-" for peer in (jax, c)]
    return cells


def main():
    sides = load(sys.argv[1])
    header = ["case", "ours ms", "spread", "JAX ms", "spread", "JAX/ours", "C ms", "spread", "C/ours"]
    header += ["compile ms", "JAX ms", "JAX/ours", "off JAX", "off C"]
    rows = [header] + [row(name, sides) for name in sides["cotangent"]]
    widths = [max(len(cells[column]) for cells in rows) for column in range(len(header))]
    for cells in rows:
        first, *others = (cell.ljust(width) if not n else cell.rjust(width) for n, (cell, width) in enumerate(zip(cells, widths)))
        print("  ".join([first, *others]))


if __name__ == "__main__":
    main()
