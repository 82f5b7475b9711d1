"""The table of accuracies and its figure."""

import numpy as np
import pandas as pd
import pytest

from cce.analysis.accuracy import accuracy_table, in_words
from cce.analysis.figures import judge_accuracy
from cce.analysis.files import write_judgments

PAPER_JUDGE = "Qwen/Qwen2.5-7B-Instruct@http://localhost:8000/v1"


def judgments(right: int, wrong: int, unreadable: int = 0, ties: int = 0, **fields) -> pd.DataFrame:
    verdicts = ["A"] * right + ["B"] * wrong + [None] * unreadable + ["tie"] * ties
    row = {
        "benchmark": "judgebench",
        "judge": PAPER_JUDGE,
        "method": "cce@16",
        "label": "A",
        "text": "",
        "calls": 3,
        "p_a": 0.5,
    }
    costs = {"prompt_tokens": 10, "completion_tokens": 5, "seconds": 0.5, "context_cuts": 0}
    rows = [
        {"id": str(n), **row, **costs, **fields, "verdict": v, "correct": v == fields.get("label", "A")}
        for n, v in enumerate(verdicts)
    ]
    return pd.DataFrame(rows)


def test_accuracy_has_a_wilson_interval():
    # Wilson 1927 for 15 of 20, z = 1.96: 53.1 to 88.8.
    (row,) = accuracy_table(judgments(15, 5)).to_dict("records")
    assert (row["accuracy"], row["low"], row["high"]) == (75.0, 53.1, 88.8)


def test_unreadable_and_tie_are_counted_apart_and_as_wrong():
    (row,) = accuracy_table(judgments(5, 1, unreadable=3, ties=1)).to_dict("records")
    assert (row["pairs"], row["correct"], row["unreadable"], row["ties"], row["accuracy"]) == (10, 5, 3, 1, 50.0)


def test_costs_are_summed():
    (row,) = accuracy_table(judgments(3, 1)).to_dict("records")
    assert (row["calls"], row["prompt_tokens"], row["completion_tokens"], row["seconds"]) == (12, 40, 20, 2.0)


def test_the_papers_cell_stands_beside_ours_for_the_same_judge_method_and_benchmark():
    frame = pd.concat([judgments(3, 1), judgments(3, 1, method="cce@8"), judgments(3, 1, benchmark="pocket")])
    paper = accuracy_table(frame).paper.tolist()
    assert paper[0] == 64.0
    assert np.isnan(paper[1])
    assert np.isnan(paper[2])


def test_pairs_without_a_label_do_not_count():
    unlabelled = judgments(2, 0).assign(label=None, correct=None)
    (row,) = accuracy_table(pd.concat([judgments(3, 1), unlabelled])).to_dict("records")
    assert row["pairs"] == 4


def test_words_say_what_the_table_can_show():
    words = " ".join(in_words(accuracy_table(judgments(15, 5))).split())
    assert "15 of 20" in words
    assert "excludes chance" in words
    assert "the paper has 64.0%" in words
    assert "can neither show it nor rule it out" in words


@pytest.mark.parametrize("judges", [["embedded"], [PAPER_JUDGE, "embedded"]])
def test_the_figure_has_a_panel_a_benchmark_and_says_who_judged(tmp_path, judges):
    frame = pd.concat(
        [
            judgments(9, 3, benchmark=b, judge=j, method=m)
            for b in ("pocket", "evalbias")
            for j in judges
            for m in ("vanilla", "cce@4")
        ]
    )
    figure = judge_accuracy(accuracy_table(frame), tmp_path / "figure", "a test")
    titles = [panel.get_title() for panel in figure.axes]
    assert titles[0] == "pocket"
    assert titles[-1] == "EvalBias"
    assert titles.count("HelpSteer2 (not run here)") == 1
    assert any("embedded model (SmolLM2-135M)" in text.get_text() for text in figure.legends[0].get_texts())
    assert (tmp_path / "figure.svg").stat().st_size > 0
    assert (tmp_path / "figure.png").stat().st_size > 0


def test_judgments_on_disk_have_null_for_what_is_not_there(tmp_path):
    write_judgments(judgments(0, 0, unreadable=1, label=None), tmp_path / "j.jsonl")
    assert '"verdict":null,"label":null' in (tmp_path / "j.jsonl").read_text()
