"""Latency: the critical path of a judgment, from the seconds that its completions have in the store."""

import json
import sqlite3
from contextlib import closing

import pytest

from cce import Records, evaluate, judge
from cce.analysis import latency_table
from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.methods import METHODS, Method
from cce.crowd.record import Judged
from cce.models.clock import STAGES
from cce.models.loop import together
from tests.conftest import planted_pair
from tests.fake_server import FakeServer

# A loses to both members of the crowd, B to one.
PAIR, CROWD = planted_pair(0, 2, 5), ["crowd-4", "crowd-9"]
ASKED = ["longer", "vanilla", "maj@3", "agg@3", "cce@4"]


def seconds_of(key: str) -> int:
    return 1 + int(key[:4], 16)


def plant(store, seconds_of=seconds_of) -> dict[str, str]:
    """Give every completion of the store seconds of its own; return what kind each is."""
    with closing(sqlite3.connect(store, isolation_level=None)) as db:
        rows = db.execute("SELECT key, request, response FROM completions").fetchall()
        for key, _, response in rows:
            planted = json.dumps(json.loads(response) | {"seconds": seconds_of(key)})
            db.execute("UPDATE completions SET response = ?, checksum = NULL WHERE key = ?", (planted, key))
    return {key: json.loads(request)["expects"] for key, request, _ in rows}


def records(server: FakeServer, folder, methods=ASKED, **options) -> dict[str, dict]:
    """The record of PAIR by each method, judged anew from the folder's store."""
    with Records(folder / "out.jsonl") as out:
        crowd = CROWD if any("cce" in method for method in methods) else []
        models = [server.model("judge")], list(map(server.model, crowd))
        evaluate([PAIR], methods, *models, store=folder / "s.sqlite", out=out, **options)
    rows = map(json.loads, (folder / "out.jsonl").read_text().splitlines())
    return {row["method"]: row for row in rows}


def longest(keys) -> int:
    return max(map(seconds_of, keys))


@pytest.mark.parametrize("order", ["given", "both"])
def test_a_path_is_as_long_as_what_was_waited_for_and_no_longer(server, tmp_path, order):
    records(server, tmp_path, order=order)
    kinds = plant(tmp_path / "s.sqlite")
    of = records(server, tmp_path, order=order)
    used = {method: row["trace"]["completions"] for method, row in of.items()}
    final = {method: row["trace"]["final"] for method, row in of.items()}
    crowd, removals = of["cce@4"]["trace"]["crowd"], [key for key in used["cce@4"] if kinds[key] == "removal"]
    assert len(crowd) == 4 and removals
    compared = max(sum(map(seconds_of, one["answer"])) + longest(one["rationales"]) for one in crowd)
    votes = set(used["agg@3"]) - set(final["agg@3"])
    assert {method: row["latency"] for method, row in of.items()} == {
        "longer": 0,
        "vanilla": longest(used["vanilla"]),
        "maj@3": longest(used["maj@3"]),
        "agg@3": longest(votes) + longest(final["agg@3"]),
        "cce@4": compared + longest(removals) + longest(final["cce@4"]),
    }
    for method, row in of.items():
        assert sum(row["trace"]["latency"].values()) == row["latency"]
        assert row["seconds"] == sum(map(seconds_of, used[method]))
    stages = {method: row["trace"]["latency"] for method, row in of.items()}
    assert stages["maj@3"]["final"] == of["maj@3"]["latency"]
    assert stages["agg@3"] == {"answer": 0, "judgment": longest(votes), "removal": 0, "final": longest(final["agg@3"])}
    assert stages["cce@4"]["removal"] == longest(removals) and stages["cce@4"]["final"] == longest(final["cce@4"])


def test_the_letter_is_waited_for_after_the_rationale(server, tmp_path):
    records(server, tmp_path, ["vanilla"], verdict="distribution")
    plant(tmp_path / "s.sqlite")
    row = records(server, tmp_path, ["vanilla"], verdict="distribution")["vanilla"]
    assert row["calls"] == 2
    assert row["latency"] == row["trace"]["latency"]["final"] == row["seconds"]


def test_what_has_come_is_not_waited_for_again(server, tmp_path, monkeypatch):
    async def in_rounds(session, pair: Pair) -> Judged:
        own = Comparison.of(pair)
        await compare(session, own)
        votes = await together(compare(session, own, sample=sample) for sample in (1, 2))
        again = await together([compare(session, own), compare(session, own, sample=1)])
        assert again == [await compare(session, own), votes[0]]
        return Judged(again[0])

    monkeypatch.setitem(METHODS, "in-rounds", Method(in_rounds, prompts=("vanilla",)))
    records(server, tmp_path, ["in-rounds"])
    plant(tmp_path / "s.sqlite")
    of = records(server, tmp_path, ["in-rounds", "vanilla"])
    first, (*votes,) = of["vanilla"]["trace"]["completions"][0], of["in-rounds"]["trace"]["completions"]
    votes.remove(first)
    assert len(votes) == 2
    assert of["in-rounds"]["latency"] == seconds_of(first) + longest(votes)


def test_a_completion_without_seconds_leaves_the_latency_unknown(server, tmp_path):
    records(server, tmp_path, ["vanilla", "cce@2"])
    kinds = plant(tmp_path / "s.sqlite", lambda key: 0)
    row = records(server, tmp_path, ["cce@2"])["cce@2"]
    assert set(kinds.values()) == {"answer", "judgment", "removal"}
    assert row["latency"] is None and set(row["trace"]["latency"].values()) == {None}
    assert latency_table([row]).empty


def test_a_missing_judgment_has_no_latency(tmp_path):
    with FakeServer(refused="Question") as server, pytest.warns(UserWarning, match="are missing"):
        row = records(server, tmp_path, ["vanilla"])["vanilla"]
    assert row["failed"] and row["latency"] is None


def test_the_case_and_the_table_tell_it_by_stage(server, tmp_path):
    records(server, tmp_path)
    plant(tmp_path / "s.sqlite")
    rows = records(server, tmp_path)
    shown = judge(PAIR, "cce@4", server.model("judge"), list(map(server.model, CROWD)), store=tmp_path / "s.sqlite")
    stages = rows["cce@4"]["trace"]["latency"]
    assert f"latency {rows['cce@4']['latency']:,.1f} seconds (answer {stages['answer']:,.1f}," in str(shown)
    table = latency_table(rows.values()).set_index(["method", "stage"])
    assert table.loc["cce@4"].latency.to_dict() == stages | {"all": rows["cce@4"]["latency"]}
    assert table.loc["maj@3"].index.tolist() == ["final", "all"]
    assert table.model_seconds["agg@3", "all"] == rows["agg@3"]["seconds"] > table.latency["agg@3", "all"]


def test_the_interval_of_the_table_is_over_instructions():
    row = {"judge": "j", "method": "m", "seconds": 9, "trace": {"latency": dict.fromkeys(STAGES, 0)}}
    rows = [row | {"cluster": str(n // 2), "latency": 1 + n // 2} for n in range(20)]
    (told,) = latency_table(rows).to_dict("records")
    assert (told["judgments"], told["latency"], told["median"], told["model_seconds"]) == (20, 5.5, 5.5, 9)
    # Ten instructions, 1 to 10 seconds: 5.5 less and more 2.262 times 3.028 / sqrt(10), the same of each pair's twin.
    assert (told["latency_low"], told["latency_high"]) == pytest.approx((3.334, 7.666), abs=0.001)
    assert told["p95"] == pytest.approx(10)
