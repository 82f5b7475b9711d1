"""Notebook 08: members, noise, rounds, biases and rivals from one pool of crowd judgments, on planted judges."""

from collections import Counter

import pandas as pd
import pytest

from cce import runner
from tests.conftest import given_by, planted_pair
from tests.fake_server import FakeServer
from tests.test_profiles import redirected, run
from tests.test_project import ROOT

STEM = "08_beyond_the_paper"
FLIPPED = [f"{method}~flipped{share}" for method in ("cce-criticizing@4", "count@4") for share in (50, 100)]
METHODS = ["longer", "vanilla", "cce-criticizing@4", "count@4", *FLIPPED, "cce@4", "refine@1", "cce-again@4", "rate@2"]


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The notebook's tables on sixteen planted pairs, with a crowd of one member that tells and one that doesn't."""
    folder = tmp_path_factory.mktemp("made")
    pairs = [planted_pair(n, *((4, 6) if n % 2 else (6, 3))) for n in range(16)]
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in pairs)
    (folder / "planted.jsonl").write_text("\n".join(lines))
    with FakeServer() as server:
        given = redirected(given_by(ROOT / f"params/demo/{STEM}.yaml"), server, server, folder) | {
            "benchmarks": [str(folder / "planted.jsonl")],
            "judges": [server.model("judge")],
            "crowd": [server.model("crowd-5"), server.model("crowd-9")],
            "crowds": {"self": [server.model("crowd-5")] * 2},
            "methods": METHODS,
            "focus": ["vanilla", "cce@4"],
            "biases": ["nothing", "bandwagon", "position"],
            "limit": None,
            "concurrency": 32,
        }
        made = run(STEM, given, folder)
        made["asked"] = Counter(request["model"] for request in server.requests)
    return made


def test_the_member_that_tells_answers_apart_carries_the_count(made):
    members = made["_members"].set_index("model")
    # A crowd answer of quality 5 lies between every two answers, so that only the worse one loses to it.
    assert members.strength.round(6).to_dict() == {"crowd-5": 100, "crowd-9": 50}
    assert members.alone.tolist() == [0, 0]  # vanilla is right by itself here
    assert made["_likeness"].members.tolist() == ["all", "within a family"]


def test_noise_of_the_whole_crowd_turns_the_count_round_and_a_judge_that_sees_quality_stays(made):
    levels = made["_noise"].set_index(["method", "share"])
    assert levels.accuracy["count@4", 0] == 100 and levels.accuracy["count@4", 100] < 50
    assert levels.accuracy["cce-criticizing@4", 100] == 100
    said = made["_crossings"].set_index("method").falls_below
    assert said["cce-criticizing@4"] == "never in the range"
    assert said["count@4"].startswith("at ")


def test_rounds_rivals_and_other_crowds_stand_beside_what_they_follow(made):
    rounds = made["_rounds"]
    assert list(zip(rounds.method, rounds.baseline, strict=True)) == [("refine@1", "cce@4"), ("cce-again@4", "cce@4")]
    crowds = made["_crowds"]
    names = ("self", "without crowd-5", "without crowd-9")
    assert set(crowds.method) == {"cce@4"} | {f"cce@4, {name}" for name in names}
    rivals = made["_rivals"].set_index("method")
    assert set(rivals.index) == {name for name in METHODS if "~" not in name} - {"cce@4"}
    assert rivals.calls["longer"] == 0 and rivals.times_tokens["vanilla"] < 1


def test_a_judge_that_sees_quality_is_turned_by_nothing(made):
    biases = made["_biases"].set_index(["bias", "method"])
    assert (biases.turned == 0).all() and (biases.accuracy == 100).all()
    assert set(biases.index) == {(b, m) for b in ("nothing", "bandwagon", "position") for m in ("vanilla", "cce@4")}


def test_flipped_crowds_ask_for_final_judgments_alone(made):
    costs = made[""].set_index("method")
    assert costs.calls["count@4~flipped100"] <= costs.calls["count@4"] + 1
    # The pool, the second sample of `self`, and the answers to a prompt that names the majority.
    assert made["asked"]["crowd-5"] == 16 + 16 + 16 and made["asked"]["crowd-9"] == 16 + 16


def test_every_profile_has_what_its_tables_need():
    for profile in ("demo", "gpu", "paper"):
        ((_, given),) = runner.checked(profile, [STEM])
        assert f"cce@{2 * len(given['crowd'])}" in given["methods"]
        assert given["focus"][0] == "vanilla" and set(given["focus"]) <= set(given["methods"])
        noisy = {name for name in given["methods"] if "~" in name}
        assert {name.split("~")[0] for name in noisy} <= set(given["methods"])
        assert pd.Series(given["methods"]).is_unique
