"""How long does a user wait for `import cce`?

Set-up: a fresh interpreter that imports and ends, median of seven. Floor: one that ends at once, in turn with the
other. Bound: 0.4 s. The package loads its names on first use, so that a further row, without a bound, loads them all.
"""

import subprocess
import sys
import time
from statistics import median

from bench.figure import Figure

ALL = "from cce import *"


def figures(rounds: int = 7) -> list[Figure]:
    """Seconds from the start of the interpreter to its end."""
    lines = ("pass", "import cce", ALL)
    times = [[seconds(line) for line in lines] for _ in range(rounds)]
    floor, bare, everything = map(median, zip(*times, strict=True))
    return [
        Figure("`import cce`", bare, "s", floor, 0.4, relative=False, note="floor: the interpreter's own start"),
        Figure(f"`{ALL}`", everything, "s", floor),
    ]


def seconds(line: str) -> float:
    """Wall time of an interpreter that runs this line."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", line], check=True)
    return time.perf_counter() - start
