"""All published pairs that lie at hand by vanilla, and a tenth of them by CCE: none lost, at a stated pace."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import pytest

from cce import evaluate, load_pairs
from cce.models.store import open_store

SIZES = {"rewardbench": 2448, "judgebench": 350, "evalbias": 1000, "mtbench_human": 2575}
LATENCY, IN_FLIGHT = 0.05, 32  # seconds, requests


@pytest.mark.slow
@pytest.mark.skipif("CCE_DATA" not in os.environ, reason="the published files are not at hand")
def test_all_6373_real_pairs_go_through_vanilla_and_a_tenth_through_cce(tmp_path, capsys):
    pairs = {"vanilla": [pair for name in SIZES for pair in load_pairs(name)]}
    pairs["cce@4"] = [pair for name, size in SIZES.items() for pair in load_pairs(name, limit=size // 10)]
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.fake_server", str(LATENCY)],
        cwd=Path(__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with server:
        url, start = server.stdout.readline().strip(), time.perf_counter()
        asked = {"store": tmp_path / "s.sqlite", "concurrency": IN_FLIGHT}
        crowds = {"vanilla": [], "cce@4": [f"llama@{url}", f"qwen@{url}"]}
        frame = pd.concat(evaluate(its, [name], [f"judge@{url}"], crowds[name], **asked) for name, its in pairs.items())
        seconds = time.perf_counter() - start
        server.stdin.close()
    judged = frame.groupby(["benchmark", "method"]).verdict.count().unstack()
    assert judged.T.to_dict() == {name: {"vanilla": size, "cce@4": size // 10} for name, size in SIZES.items()}
    assert (frame[frame.method == "cce@4"].selected > 0).mean() > 0.5
    sent = len(open_store(tmp_path / "s.sqlite"))
    ideal = sent * LATENCY / IN_FLIGHT
    with capsys.disabled():
        print(
            f"\n{len(frame):,} judgments, {sent:,} requests in {seconds:.0f} s: {seconds / ideal:.2f} times the ideal"
        )
