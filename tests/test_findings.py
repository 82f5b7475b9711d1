"""What the report says of a number beside the paper's: whether the two may be compared, and if not, why not."""

import pandas as pd
import pytest

from cce.analysis.paper import table6
from cce.analysis.report.findings import Finding, unlikeness
from tests.conftest import given_by
from tests.test_profiles import ROOT

ALL = int(table6().pairs.sum())
PAPER = given_by(ROOT / "params/paper/01_judge_accuracy.yaml")
ROW = {"benchmark": "average", "judge": "gpt-4o", "method": "cce@16", "baseline": "vanilla", "pairs": ALL, "paper": 6.7}


def test_the_papers_own_run_is_like_for_like():
    assert unlikeness(ROW, PAPER) == ""
    assert unlikeness(ROW | {"judge": "Qwen/Qwen2.5-72B-Instruct@http://localhost:8003/v1"}, PAPER) == ""
    # The published MT-Bench human has no ties, which the paper's count has.
    assert unlikeness(ROW | {"pairs": ALL - 90 - 20}, PAPER) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"judges": ["embedded"]}, "another judge"),
        ({"crowd": PAPER["crowd"][1:]}, "another crowd"),
        ({"crowd": [*PAPER["crowd"], "gpt-5"]}, "another crowd"),
        ({"prompts": None}, "other prompts"),
        ({"prompts": "kit"}, "other prompts"),
        ({"scoring": "standard"}, "another scoring"),
        ({"order": "both"}, "another order"),
        ({"verdict": "distribution"}, "another reading of verdicts"),
        ({"judge_temperature": 0.7}, "another temperature"),
        ({"limit": 100}, "other pairs"),
        ({"shard": "1/2"}, "other pairs"),
    ],
)
def test_one_thing_that_differs_is_the_reason_why_not(changed, reason):
    row = ROW | {"judge": changed.get("judges", ROW["judge"] and [ROW["judge"]])[0]}
    assert unlikeness(row, PAPER | changed) == reason
    assert Finding({}, 6.7, 5.0, 4.0, 8.0, unlike=reason).reading == f"not like for like: {reason}"


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"method": "cce@4", "paper": float("nan")}, "another budget"),
        ({"benchmark": "pocket", "pairs": 12}, "other pairs"),
        ({"benchmark": "average of these"}, "other pairs"),
        ({"pairs": 40}, "other pairs"),
        ({"missing": 3, "pairs": ALL - 3}, "other pairs"),
        ({"method": "cce@16:kit"}, "other prompts"),
        ({"method": "count@16", "paper": float("nan")}, "no such cell in the paper"),
    ],
)
def test_a_row_that_differs_says_in_what(changed, reason):
    assert unlikeness(ROW | changed, PAPER) == reason


def test_of_several_things_the_first_is_said():
    assert unlikeness(ROW | {"pairs": 4}, PAPER | {"prompts": "kit", "limit": 4}) == "other prompts"


def test_a_judge_without_a_crowd_is_asked_for_none():
    row = pd.Series(ROW).drop("baseline").to_dict() | {"method": "vanilla", "paper": 73.6}
    assert unlikeness(row, PAPER | {"crowd": []}) == ""


def test_of_students_the_teacher_is_the_judge():
    given = given_by(ROOT / "params/paper/05_distillation.yaml")
    row = ROW | {"judge": "students", "method": "student: cce@16", "baseline": "student: vanilla", "paper": 3.5}
    assert unlikeness(row, given) == ""
    assert unlikeness(row, given | {"judges": ["embedded"]}) == "another judge"
    assert unlikeness(row, given | {"student_order": "both"}) == "another order"
    assert unlikeness(row | {"paper": float("nan")}, given) == "no such cell in the paper"


def test_what_was_given_may_not_be_at_hand():
    assert unlikeness(ROW, {}) == "its parameters are not at hand"
    assert unlikeness({"model": "cce@4"}, {}) == "the paper's number is a mean over four models"


@pytest.mark.parametrize(("low", "high", "reading"), [(4, 8, "our interval holds it"), (1, 2, "outside our interval")])
def test_like_for_like_the_interval_decides(low, high, reading):
    assert Finding({}, 6.7, 5.0, low, high).reading == reading
