"""Killed at random moments: nothing stored is lost, little is sent twice, and the results are the unbroken run's."""

import json
import os
import random
import re
import subprocess
import sys
import time
from operator import itemgetter

import pytest

from cce.models.store import Store
from tests.conftest import QUALITIES, planted_pair
from tests.fake_server import FakeServer

# `CCE_MOMENTS=50` in the environment asks for more of each.
KILLS, FILLS, IN_FLIGHT = int(os.environ.get("CCE_MOMENTS", "12")), int(os.environ.get("CCE_MOMENTS", "4")), 4


@pytest.fixture
def pairs_file(tmp_path, monkeypatch):
    """Twelve planted pairs in a file; all servers are one to the store, so that two runs can be compared."""
    same = {name: {"same_as": "http://planted/v1"} for name in ("judge", "crowd-4", "crowd-9", "crowd-1")}
    (tmp_path / "models.yaml").write_text(json.dumps(same))
    monkeypatch.setenv("CCE_MODELS", str(tmp_path / "models.yaml"))
    pairs = [planted_pair(place, *qualities) for place, qualities in enumerate(QUALITIES * 2)]
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in pairs)
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))


def command(server: FakeServer, out: str) -> list[str]:
    crowd = [part for name in ("crowd-4", "crowd-9", "crowd-1") for part in ("--crowd", server.model(name))]
    options = [
        "--method",
        "cce@6",
        "--store",
        f"{out}.sqlite",
        "--out",
        f"{out}.jsonl",
        "--concurrency",
        str(IN_FLIGHT),
    ]
    return [sys.executable, "-m", "cce", "judge", "pairs.jsonl", "--judge", server.model("judge"), *crowd, *options]


def results(file) -> list[dict]:
    """The judgments by pair, without what differs between any two runs: the time, and where the server was."""
    rows = [json.loads(re.sub('@http[^"]*', "", line)) for line in file.read_text().splitlines()]
    for row in rows:
        row["trace"]["completions"].sort()
        del row["seconds"], row["latency"], row["trace"]["latency"]
    return sorted(rows, key=itemgetter("id"))


@pytest.mark.slow
def test_a_run_that_is_killed_again_and_again_ends_as_one_that_was_not(tmp_path, pairs_file):
    with FakeServer() as calm:
        subprocess.run(command(calm, "unbroken"), cwd=tmp_path, check=True, capture_output=True)
        needed = len(calm.requests)
    moments, kept = random.Random(0), 0
    with FakeServer(latency=0.03) as server:
        for kill in range(KILLS):
            running = subprocess.Popen(command(server, "killed"), cwd=tmp_path, stderr=subprocess.DEVNULL)
            wait_for(server, len(server.requests) + moments.randint(1, 2 * needed // KILLS))
            time.sleep(moments.uniform(0, 0.03))
            running.kill()
            running.wait()
            before, kept = kept, len(Store(tmp_path / "killed.sqlite"))
            assert before <= kept
            assert len(server.requests) <= kept + (kill + 1) * IN_FLIGHT
        subprocess.run(command(server, "killed"), cwd=tmp_path, check=True, capture_output=True)
        assert needed <= len(server.requests) <= needed + KILLS * IN_FLIGHT
    assert len(Store(tmp_path / "killed.sqlite")) == needed
    assert results(tmp_path / "killed.jsonl") == results(tmp_path / "unbroken.jsonl")


@pytest.mark.slow
def test_a_disk_that_fills_up_again_and_again_loses_nothing(tmp_path, pairs_file, monkeypatch):
    (tmp_path / "temporary").mkdir()
    # Also of this process, which takes in what waits there.
    monkeypatch.setenv("TMPDIR", str(tmp_path / "temporary"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    disk, moments = tmp_path / "disk", random.Random(1)
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", disk], capture_output=True).returncode:
        pytest.skip("file systems may not be mounted here")
    try:
        with FakeServer(latency=0.03) as server:
            for fill in range(FILLS):
                running = subprocess.Popen(command(server, "disk/full"), cwd=tmp_path, stderr=subprocess.DEVNULL)
                wait_for(server, len(server.requests) + moments.randint(1, 12))
                fill_up(disk / "filler")
                running.wait()
                sent = len(server.requests)
                # Started again and again, it buys nothing while there is no room.
                refused = subprocess.run(command(server, "disk/full"), cwd=tmp_path, capture_output=True, text=True)
                assert refused.returncode in (0, 1) and "Traceback" not in refused.stderr
                (disk / "filler").unlink()
                assert len(server.requests) == sent
                kept = len(Store(disk / "full.sqlite"))
                assert sent <= kept + (fill + 1) * IN_FLIGHT
            subprocess.run(command(server, "disk/full"), cwd=tmp_path, check=True, capture_output=True)
            assert len(server.requests) <= len(Store(disk / "full.sqlite")) + FILLS * IN_FLIGHT
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)


def fill_up(file) -> None:
    """Take all the room that is left, down to the last byte."""
    with file.open("wb", buffering=0) as filler:
        for size in (1 << 16, 1 << 10, 1):
            try:
                while filler.write(bytes(size)):
                    pass
            except OSError:
                continue


def wait_for(server: FakeServer, requests: int) -> None:
    # A run near its end may have fewer left to send.
    until = time.monotonic() + 10
    while len(server.requests) < requests and time.monotonic() < until:
        time.sleep(0.005)
