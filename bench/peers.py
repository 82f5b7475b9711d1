"""What do other evaluation packages take for the same judgments?

Set-up: the 400 prompts of `bench.vanilla`, 32 in flight, 200 ms a request, each package in an environment of its own
under runs/bench, which is made on the first run, and in its own way of asking and reading. Floor: the same requests by
plain AsyncOpenAI under a semaphore. Medians of three, in turn; no bound, since these are not ours.
"""

import json
import subprocess
import sys
from contextlib import suppress
from math import nan
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure
from bench.floor import requests_of
from bench.pairs import write_pairs
from bench.race import before_server, median
from cce.project import root

VERSIONS = {"inspect_ai": "0.3.285", "verdict": "0.2.7", "alpaca_eval": "0.6.6"}
# inspect_ai leaves it to its users which client they install.
BESIDE = {"inspect_ai": ["openai==3.57.0"]}


def figures(rounds: int = 3, pairs: int = 400, in_flight: int = 32, latency: float = 0.2) -> list[Figure]:
    """Seconds of each package."""
    pythons = {name: python_with(name, version) for name, version in VERSIONS.items()}
    runs = {name: [] for name in ("floor", *pythons)}
    with TemporaryDirectory() as folder:
        both = {"store": f"{folder}/store.sqlite", "concurrency": in_flight}
        file = write_pairs(Path(folder) / "pairs.jsonl", pairs)
        before_server(0, "bench.kit", **both, pairs=file, method="vanilla", crowd=0)
        prompts = Path(folder) / "prompts.json"
        prompts.write_text(json.dumps([r["messages"][0]["content"] for r in requests_of(both["store"])]))
        for _ in range(rounds):
            runs["floor"].append(before_server(latency, "bench.floor", **both))
            for name, python in pythons.items():
                job = {"prompts": str(prompts), "concurrency": in_flight, "python": python}
                # A package that breaks down has no time, and takes no other's.
                with suppress(RuntimeError):
                    runs[name].append(before_server(latency, f"bench.others.by_{name}", **job))
    floor = median(runs["floor"])["seconds"]
    return [_figure(name, runs[name], rounds, floor) for name in pythons]


def _figure(name: str, ended: list[dict], rounds: int, floor: float) -> Figure:
    title, note = f"{name} {VERSIONS[name]}", f"{len(ended)} of {rounds} runs came to their end"
    if not ended:
        return Figure(title, nan, "s", floor, note=note)
    run = median(ended)
    note = f"{note}; {run['calls']:,} verdicts, {run['requests']:,} requests over {run['connections']:,} connections"
    return Figure(title, run["seconds"], "s", floor, note=note)


def python_with(name: str, version: str) -> str:
    """The interpreter of an environment that holds this package in this version, made where there is none."""
    home = root() / "runs" / "bench" / f"env-{name}"
    done = home / version
    if not done.exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", home], check=True)
        pip = [home / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, f"{name}=={version}", *BESIDE.get(name, [])], check=True)
        done.touch()
    return str(home / "bin" / "python")
