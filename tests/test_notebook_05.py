"""Notebook 05 with a profile's parameters: a tiny base is really trained, all other models are planted.

The demo's are trained where the notebook's defaults are replayed; gpu and paper differ in the names of models alone.
"""

import json
from pathlib import Path

import pytest

from cce.analysis import FLOORS
from tests.conftest import given_by
from tests.fake_server import FakeServer
from tests.published import PAIRS, write_benchmarks
from tests.test_profiles import ROOT, at, redirected, run
from tests.tiny import tiny_base

FILE = ROOT / "params/paper/05_distillation.yaml"
# Of the size of a test: a student of two steps writes on to the last token that it is given.
SMALL = {
    "samples": 4,
    "limit": 4,
    "student_tokens": 16,
    "training": {"rank": 2, "learning_rate": 1e-3, "steps": 2, "batch": 1},
}


def small(file: Path, server: FakeServer, folder: Path) -> dict:
    given = given_by(file)
    # Prometheus's wording is in a package of its own, which need not be installed.
    published = {at(server, judge): form for judge, form in given["published"].items() if "prometheus" not in form}
    beside = {name: at(server, model) for name, model in given["beside"].items()}
    # Planted judges are often wrong of the kit's own pairs, so that it takes more of them to teach as many.
    teach_limit = given["teach_limit"] if given["teach_on"] == "pocket_train" else PAIRS
    files = {"trained": str(folder / "trained"), "base": tiny_base()}
    ours = SMALL | files | {"beside": beside, "published": published, "teach_limit": teach_limit}
    return redirected(given, server, server, folder) | ours


@pytest.mark.slow
def test_students_are_trained_and_judge_beside_the_others(tmp_path):
    write_benchmarks(tmp_path / "data")
    with FakeServer() as server:
        parameters = small(FILE, server, tmp_path)
        made = run("05_distillation", parameters, tmp_path)
    teaching = [method for method in parameters["methods"] if method not in FLOORS]
    sets = [*teaching, *(["+".join(teaching)] if parameters["mixed"] else [])]
    students = {f"student: {name.replace('+', ' + ')}" for name in sets}
    judges = {judge.split("@")[0] for judge in parameters["published"]}
    assert set(made[""].student) == {*FLOORS} | students | set(parameters["beside"]) | judges
    sizes = {name: 4 for name in parameters["benchmarks"]}
    assert made["judgments"].groupby(["benchmark", "judge"]).id.nunique().groupby("benchmark").unique().map(
        list
    ).to_dict() == {name: [size] for name, size in sizes.items()}
    check_training(made, tmp_path / "trained", sets)


def check_training(made: dict, trained: Path, sets: list[str]) -> None:
    assert set(made["_loss"].groupby("student").step.max()) == {2}
    for name in sets:
        (student,) = (trained / name).iterdir()
        examples = [json.loads(line) for line in (student / "examples.jsonl").read_text().splitlines()]
        assert len(examples) == (8 if "+" in name else 4)
        assert "Not for" in (student / "README.md").read_text()
        assert (student / "model.gguf").is_file()
