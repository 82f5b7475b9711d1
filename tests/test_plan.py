"""`cce plan`: a run in which nobody is asked comes to the calls that the run then makes, and leaves no trace."""

import subprocess
import sys
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest
import yaml

from cce.crowd.formats import auto_j, judgelm, pandalm, prometheus
from cce.chat.grading import read_digits, read_rating
from cce.crowd.outcome import cut_outcome
from cce.crowd.prompts import render
from cce.crowd.verdict import read_distribution, read_text
from cce.errors import NotebookFailed
from cce.models.store import Store, key_of
from cce.models.supposed import Supposer
from cce.planning import TOTAL, plan_profile
from cce.runner import run_profile
from tests.conftest import planted_pair

ROOT = Path(__file__).parents[1]
# Every answer of the crowd beats them, so that all comparisons are lost, as a plan supposes.
PAIRS = [planted_pair(place, *sides) for place, sides in enumerate([(2, 7), (3, 6), (6, 5), (5, 3), (2, 6), (7, 3)])]


@pytest.fixture
def profile(tmp_path, monkeypatch, server):
    """A project with the kit's notebooks and a profile of its own, on planted pairs and the fake server."""
    (tmp_path / "notebooks").symlink_to(ROOT / "notebooks")
    (tmp_path / "params/mine").mkdir(parents=True)
    lines = (pair.model_dump_json(exclude_none=True, exclude={"benchmark"}) for pair in PAIRS)
    (tmp_path / "pairs.jsonl").write_text("\n".join(lines))
    monkeypatch.chdir(tmp_path)

    def write(stem: str, **more) -> None:
        settings = {
            "benchmarks": ["pairs.jsonl"],
            "judges": [server.model("judge")],
            "crowd": [server.model("crowd-8"), server.model("crowd-9")],
            "limit": None,
            "concurrency": 8,
            **{"store": "s.sqlite", "out": "out", "figures": "out"},
        }
        (tmp_path / f"params/mine/{stem}.yaml").write_text(yaml.safe_dump(settings | more))

    return write


def calls_by_model(table: pd.DataFrame) -> dict[str, int]:
    """The calls of a plan or of one notebook of it, without models that need none."""
    calls = table[table.model != TOTAL].groupby("model").calls.sum()
    return calls[calls > 0].to_dict()


def planned_tables() -> pd.DataFrame:
    return pd.concat(plan_profile("mine"), ignore_index=True)


def asked_by(server) -> Counter:
    return Counter(request["model"] for request in server.requests)


def test_calls_are_those_of_the_run_less_what_the_store_holds(profile, server, tmp_path):
    profile("01_judge_accuracy", methods=["vanilla", "cce-random@2"])
    planned = planned_tables()
    assert not server.requests
    assert {path.name for path in tmp_path.iterdir()} == {"notebooks", "params", "pairs.jsonl"}
    run_profile("mine")
    assert calls_by_model(planned) == asked_by(server)

    held = (tmp_path / "s.sqlite").read_bytes()
    profile("01_judge_accuracy", methods=["vanilla", "longprompt", "maj@3", "agg@3", "cce-random@2", "cce@4"])
    rest = planned_tables()
    assert (tmp_path / "s.sqlite").read_bytes() == held
    server.requests.clear()
    run_profile("mine")
    assert calls_by_model(rest) == asked_by(server)
    answered = [request["messages"] for request in server.requests]
    words = sum(len(message["content"].split()) for messages in answered for message in messages)
    assert rest.tokens_in.iloc[-1] == pytest.approx(words, rel=0.15)

    done = planned_tables()
    assert (done.calls == 0).all() and (done.dollars == 0).all() and (done.hours == 0).all()
    assert done.in_store.iloc[-1] == rest.calls.iloc[-1] + rest.in_store.iloc[-1]


def test_what_notebooks_share_is_counted_once_in_both_orders_and_readings(profile, server):
    protocol = {"order": "both", "verdict": "distribution"}
    profile("02_selection", methods=["length", "vanilla", "cce-random@2", "cce-criticizing@2", "cce@2"], **protocol)
    profile(
        "03_scaling",
        methods=["length", "vanilla", "cce-random@1", "cce-random@2", "cce@1", "cce@4"],
        seeds=[0, 1],
        **protocol,
    )
    planned = planned_tables()
    for stem in ("02_selection", "03_scaling"):
        server.requests.clear()
        run_profile("mine", [stem])
        assert calls_by_model(planned[planned.notebook == stem]) == asked_by(server)
    assert planned[planned.notebook == "03_scaling"].in_store.iloc[-1] > 0


def test_students_are_neither_trained_nor_served_and_their_calls_are_counted(profile, server, tmp_path):
    profile(
        "05_distillation",
        methods=["vanilla", "cce@2"],
        teach_on="pairs.jsonl",
        teach_limit=None,
        drop_contradicted=False,
        beside={"untrained": server.model("judge")},
        published={server.model("some-judge"): "judgelm"},
        trained="trained",
    )
    planned = planned_tables().set_index("model")
    students = planned[planned.index.str.startswith("student-")]
    assert students.calls.tolist() == [2 * len(PAIRS)] * 2
    assert planned.calls["some-judge"] == 2 * len(PAIRS)
    assert not server.requests
    assert not (tmp_path / "trained").exists()


def test_responses_are_picked_and_graded_without_a_call(profile, server):
    profile(
        "06_rejection_sampling",
        benchmarks=["pocket_talk", "pocket"],
        crowd=[],
        methods=["random", "vanilla", "cce@4"],
        graders=[server.model("grader")],
        grader_verdict="text",
        grader_order="given",
        samplers=[server.model("sampler")],
        verdict="text",
        instruction_limit=6,
        limit=3,
        seed=1,  # three methods with picks of their own, hence three students
    )
    calls = planned_tables().set_index("model").calls
    assert calls["sampler"] == 6 * 4
    assert 6 * 24 < calls["judge"] <= 6 * 30
    # A grade for each of two turns, and a comparison with the reference, of four models.
    assert calls["grader"] == 4 * (3 * 2 + 3)
    assert not server.requests


def test_a_plan_needs_no_key_and_knows_prices_and_hours(profile):
    profile(
        "01_judge_accuracy",
        judges=["gpt-4o"],
        crowd=["gpt-4o", "unknown@https://models.example/v1"],
        methods=["vanilla", "cce@2"],
        max_tokens=100,
        max_calls=1,
    )
    planned = planned_tables().set_index("model")
    judge, total = planned.loc["gpt-4o"], planned.loc[TOTAL]
    assert judge.dollars == pytest.approx((2.5 * judge.tokens_in + 10 * judge.tokens_out) / 1e6)
    assert judge.tokens_out == 100 * judge.calls
    assert judge.hours == pytest.approx(judge.calls * 100 / 30 / 8 / 3600)
    assert pd.isna(planned.dollars["unknown"]) and total.dollars == judge.dollars
    assert total.hours == judge.hours


def test_the_command_says_what_was_assumed_and_missing_data_by_name(profile, tmp_path):
    profile("01_judge_accuracy", methods=["vanilla"], judges=["judge@https://models.example/v1"], crowd=[])
    done = subprocess.run([sys.executable, "-m", "cce", "plan", "mine"], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "planning 01_judge_accuracy" in done.stderr
    assert "4 characters a token" in done.stdout and "No price is known for judge" in done.stdout
    profile("01_judge_accuracy", data_dir="nowhere", benchmarks=["judgebench"])
    with pytest.raises(NotebookFailed, match="DataMissing: data folder .*nowhere does not exist"):
        planned_tables()


TEXTS = {"questions": ["Q?"], "answers_a": ["One."], "answers_b": ["Two."]}


def suppose(prompt: str, **more):
    request = {"model": "m", "messages": [{"role": "user", "content": prompt}], "max_tokens": 900, "top_logprobs": None}
    return Supposer(Store()).suppose(request | more, key_of(request | more))


@pytest.mark.parametrize(
    ("name", "read", "texts"),
    [
        ("vanilla", read_text, TEXTS | {"criteria": ""}),
        ("cce", read_text, TEXTS | {"criteria": "", "notes": ["Some."]}),
        ("judgelm", judgelm.read, TEXTS),
        ("pandalm", pandalm.read, TEXTS),
        ("auto-j", auto_j.read, TEXTS),
    ],
)
def test_supposed_judgments_can_be_read_and_find_for_either(name, read, texts):
    prompts = [render(name, **texts | {"questions": [f"{n}?"]}) for n in range(20)]
    assert {read(suppose(prompt).text) for prompt in prompts} == {0.0, 1.0}


def test_supposed_ratings_letters_and_feedback_can_be_read():
    grades = [render("grade", questions=[f"{n}?"], answers=["One."]) for n in range(20)]
    assert {read_rating(suppose(prompt).text) for prompt in grades} == {4.0, 7.0}
    letters = [suppose(f"{n}?", top_logprobs=20).first_token for n in range(20)]
    assert {read_distribution(letter) > 0.5 for letter in letters} == {True, False}
    assert all(1 <= read_digits(letter) <= 9 for letter in letters)
    assert prometheus.read_choice(suppose("... [RESULT] (A or B)").text) in (0.0, 1.0)
    feedback = suppose("... [RESULT] (an integer number between 1 and 5)").text
    assert prometheus.read_grades(feedback, feedback) == 0.5


def test_outcome_removal_leaves_what_a_supposed_judge_wrote():
    rewritten = suppose(render("outcome_removal", judgment="Some.")).text
    assert cut_outcome(rewritten) == rewritten.strip()
