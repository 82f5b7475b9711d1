"""A race: the kit and the floor in turn, each in a fresh process before a fresh server; medians are compared."""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.pairs import write_pairs
from bench.server import serving


def race(rounds: int, latency: float, pairs: int, method: str, crowd: int, in_flight: int) -> tuple[dict, dict]:
    """The median run of the kit and that of the floor, which sends the very requests that the kit did.

    Each is what `process` gives, with the counts of its server. `latency` is in seconds a request; `crowd` the number
    of crowd models.
    """
    kits, floors = [], []
    for _ in range(rounds):
        with TemporaryDirectory() as folder:
            file = write_pairs(Path(folder) / "pairs.jsonl", pairs)
            both = {"store": f"{folder}/store.sqlite", "concurrency": in_flight}
            kits.append(before_server(latency, "bench.kit", **both, pairs=file, method=method, crowd=crowd))
            floors.append(before_server(latency, "bench.floor", **both))
    return median(kits), median(floors)


def before_server(latency: float, module: str, crowd: int | None = None, **job) -> dict:
    """Run the module on a server of its own, and tell how busy that was: `server` is its share of one core."""
    with serving(latency) as served:
        if crowd is not None:
            job["crowd"] = [f"crowd-{place}@{served.url}" for place in range(crowd)]
        result = process(module, judge=f"judge@{served.url}", **job)
    return asdict(served) | result | {"server": served.cpu_seconds / result["seconds"]}


def process(module: str, python: str = sys.executable, **job) -> dict:
    """What the module prints for this job, in a process of its own: seconds, calls, tokens, peak_mb."""
    command = [python, "-m", module, json.dumps(job)]
    printed = subprocess.run(command, capture_output=True, text=True)
    if printed.returncode:
        raise RuntimeError(f"{module} failed:\n{printed.stderr}")
    return json.loads(printed.stdout.splitlines()[-1])


def median(runs: list[dict]) -> dict:
    """The run of the median time, of an odd number of them."""
    return sorted(runs, key=lambda run: run["seconds"])[len(runs) // 2]
