"""Shards and merged stores: parts of a run, in parallel, come to what one run comes to."""

import subprocess
import sys

import pandas as pd
import pytest

from cce import load_pairs
from cce.cli import app
from cce.errors import BadInput
from tests.conftest import QUALITIES, planted_pair

SHARDS = ["1/4", "2/4", "3/4", "4/4"]


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A working folder with twelve pairs on ten instructions: the last two are asked about twice."""
    pairs = [planted_pair(place, a, b) for place, (a, b) in enumerate(QUALITIES * 2)]
    shared = [
        pair.model_copy(update={"instruction": pairs[place - 10].instruction}) for place, pair in enumerate(pairs)
    ]
    rows = [pair.model_dump_json(exclude_none=True) for pair in pairs[:10] + shared[10:]]
    (tmp_path / "mine.jsonl").write_text("\n".join(rows))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def judging(server, *more: str) -> list[str]:
    crowd = [part for name in ("crowd-1", "crowd-4", "varied") for part in ("--crowd", server.model(name))]
    options = ["--judge", server.model("judge"), *crowd, "--method", "cce@4", "--limit", "11", *more]
    return ["judge", "mine.jsonl", *options]


def run(arguments: list[str]) -> None:
    app(arguments, standalone_mode=False)


def at_once(commands: list[list[str]]) -> None:
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, "text": True}
    started = [subprocess.Popen([sys.executable, "-m", "cce", *command], **quiet) for command in commands]
    said = [process.communicate(timeout=120)[1] for process in started]
    assert [process.returncode for process in started] == [0] * len(started), said


def judgments(file) -> pd.DataFrame:
    rows = pd.read_json(file, lines=True).drop(columns=["seconds", "latency"])
    # What is left is the same whenever it was asked for.
    return rows.assign(trace=[trace | {"latency": None} for trace in rows.trace])


@pytest.mark.slow
@pytest.mark.parametrize("stores", [["0", "1", "2", "3"], ["all"] * 4], ids=["a store each", "one store"])
def test_four_shards_at_once_give_what_one_run_gives_and_leave_it_nothing_to_ask(server, folder, stores):
    run(judging(server, "--store", "whole.sqlite", "--out", "whole.jsonl"))
    needed = len(server.requests)
    files = {
        shard: ["--store", f"{store}.sqlite", "--out", f"{shard[0]}.jsonl"]
        for shard, store in zip(SHARDS, stores, strict=True)
    }
    at_once([judging(server, "--shard", shard, *own) for shard, own in files.items()])
    assert len(server.requests) == 2 * needed
    if "all" not in stores:
        run(["store", "merge", "all.sqlite", *(f"{store}.sqlite" for store in stores)])
    run(judging(server, "--store", "all.sqlite", "--out", "again.jsonl"))
    assert len(server.requests) == 2 * needed
    whole = judgments("whole.jsonl")
    pd.testing.assert_frame_equal(judgments("again.jsonl"), whole)
    parts = pd.concat(judgments(f"{shard[0]}.jsonl") for shard in SHARDS).set_index("id").loc[whole.id].reset_index()
    pd.testing.assert_frame_equal(parts[whole.columns], whole, check_dtype=False)


def test_shards_are_every_nth_pair_and_together_all_of_them():
    drawn = load_pairs("pocket", limit=18, seed=3)
    parts = [load_pairs("pocket", limit=18, seed=3, shard=shard) for shard in SHARDS]
    assert parts == [drawn[place::4] for place in range(4)]


def test_pairs_on_one_instruction_are_in_one_shard(folder):
    questions = [{pair.instruction for pair in load_pairs(str(folder / "mine.jsonl"), shard=s)} for s in SHARDS]
    assert sum(map(len, questions)) == len(set.union(*questions)) == 10


@pytest.mark.parametrize("shard", ["0/4", "5/4", "a/b", "1/0", "", "1", "1/2/3", "-1/4", "1.5/4", "9" * 5000 + "/4"])
def test_a_bad_shard_is_refused_before_anything_is_read(shard):
    with pytest.raises(BadInput, match="i/n for the i-th of n parts, such as 2/4"):
        load_pairs("no_such_file.jsonl", shard=shard)


def test_a_shard_that_gets_no_pair_is_refused():
    with pytest.raises(BadInput, match="shard '3/4': none of the 2 instructions of pocket; take fewer shards"):
        load_pairs("pocket", limit=2, shard="3/4")


def test_the_command_refuses_a_bad_shard_before_it_asks(server, folder):
    with pytest.raises(BadInput, match="shard '5/4'"):
        run(judging(server, "--shard", "5/4", "--out", "o.jsonl"))
    assert not server.requests
