"""Notebook 06 with a profile's parameters: a tiny base is really trained, all other models are planted.

The demo's are trained where the notebook's defaults are replayed; gpu and paper differ in the names of models alone.
"""

import json
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import given_by
from tests.fake_grader import FakeGrader
from tests.published import write_chat
from tests.test_profiles import ROOT, at, redirected, run
from tests.tiny import tiny_base

FILE = ROOT / "params/paper/06_rejection_sampling.yaml"
STEM = "06_rejection_sampling"
POOLS, QUESTIONS, STEPS, BEST = 3, 3, 2, 9


def small(file: Path, server: FakeGrader, folder: Path) -> dict:
    """The profile's parameters at the size of a test; the samplers differ in planted quality."""
    given = given_by(file)
    training = given["training"] | {"steps": STEPS, "batch": 2, "max_tokens": 256}
    counts = {"instruction_limit": POOLS, "limit": QUESTIONS, "answer_tokens": 16}
    models = {
        "samplers": [server.model(f"crowd-{quality}") for quality in (2, BEST, 4, 6)],
        "graders": [at(server, grader) for grader in given["graders"]],
        "base": server.model(tiny_base()),
    }
    return redirected(given, server, server, folder) | counts | models | {"training": training}


@pytest.mark.slow
def test_picks_teach_students_which_answer_and_are_scored_beside_their_base(tmp_path):
    write_chat(tmp_path / "data")
    with FakeGrader() as server:
        parameters = small(FILE, server, tmp_path)
        made = run(STEM, parameters, tmp_path)
    check_picks(made, parameters)
    check_students(tmp_path / STEM, made, parameters)
    check_scores(made, parameters, tmp_path)


def check_picks(made: dict[str, pd.DataFrame], parameters: dict) -> None:
    picks = made["judgments"]
    assert picks.groupby("method", sort=False).id.nunique().to_dict() == dict.fromkeys(parameters["methods"], POOLS)
    judged = picks[picks.method != "random"]
    assert judged.response.str.contains(f"quality={BEST}").all()
    assert (picks[picks.method == "random"].calls == 0).all()
    table = made["_picks"].set_index("method")
    assert table.calls.to_dict() == picks.groupby("method").calls.sum().to_dict()
    assert table.calls["random"] < table.calls["vanilla"] < table.calls.iloc[-1]


def check_students(folder: Path, made: dict[str, pd.DataFrame], parameters: dict) -> None:
    assert made["_loss"].groupby("student").step.max().to_dict() == dict.fromkeys(parameters["methods"], STEPS)
    for method, picks in made["judgments"].groupby("method"):
        (student,) = (folder / method).iterdir()
        examples = [json.loads(line) for line in (student / "examples.jsonl").read_text().splitlines()]
        assert [example["completion"][0]["content"] for example in examples] == picks.response.tolist()
        assert "Not for" in (student / "README.md").read_text()
        assert (student / "model.gguf").is_file()


def check_scores(made: dict[str, pd.DataFrame], parameters: dict, folder: Path) -> None:
    models = ["untrained", *parameters["methods"]]
    table = made[""].set_index("model")
    assert list(table.index) == models
    assert table["count"].to_dict() == dict.fromkeys(models, POOLS) | {"untrained": 0}
    assert table.win_rate.between(0, 100).all()
    assert table.length_controlled.notna().all() == ("alpaca_eval" in parameters["benchmarks"])
    grades = pd.read_json(folder / f"{STEM}_grades.jsonl", lines=True)
    assert grades.groupby("model").size().to_dict() == dict.fromkeys(models, 2 * QUESTIONS)
    assert table.mtbench.to_dict() == pytest.approx(grades.groupby("model").rating.mean().to_dict())
    assert len(made["_steps"]) == 2 * (len(models) - 1)
