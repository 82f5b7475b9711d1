"""Judgments from elsewhere: every form becomes the same frame, and what its publishers print is met."""

import csv
import json
import os
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest

from cce import cli
from cce.analysis import accuracy_table, scored
from cce.analysis.calibration import calibration_table
from cce.analysis.elsewhere import DATA, SHIPPED, load_judgments
from cce.analysis.elsewhere.ratings import rated
from cce.analysis.elsewhere.score import compared, told
from cce.analysis.statistics import holm
from cce.crowd.record import COLUMNS
from cce.errors import BadInput
from tests.test_project import ROOT

published = pytest.mark.skipif("CCE_DATA" not in os.environ, reason="needs the published files, in CCE_DATA")


def written(folder: Path, name: str, content: object) -> str:
    """A file of JSON lines, or of the text."""
    file = folder / name
    file.write_text(content if isinstance(content, str) else "\n".join(map(json.dumps, content)))
    return str(file)


COUNTS = {"llmbar_judgments": 27_235, "mtbench_gpt4": 2400, "rewardbench2_scores": 26_112}


@pytest.mark.parametrize(("name", "rows"), COUNTS.items())
def test_what_ships_is_a_frame_of_judgments(name, rows):
    frame = load_judgments(name)
    assert list(frame) == COLUMNS and len(frame) == rows
    assert not frame.duplicated(["judge", "method", "id"]).any()


def test_what_ships_is_small_and_holds_no_text():
    assert sum(file.stat().st_size for file in DATA.iterdir()) < 1_000_000
    assert {file.name for file in DATA.iterdir()} >= {*SHIPPED.values(), "mtbench_human.csv.gz", "SOURCES.md"}


@published
@pytest.mark.parametrize("name", SHIPPED)
def test_what_ships_is_what_was_published(name):
    shipped, found = load_judgments(name), load_judgments(name, os.environ["CCE_DATA"])
    # Of LLMBar's six judges the files of two are at hand.
    shipped = shipped[shipped.judge.isin(found.judge.unique())]
    key = ["judge", "method", "id"]
    both = [frame.sort_values(key).reset_index(drop=True) for frame in (shipped, found)]
    pd.testing.assert_frame_equal(*both)


@published
def test_llmbars_published_figures_are_met_to_the_last_digit():
    (file,) = Path(os.environ["CCE_DATA"]).rglob("llmbar_judgments/published.csv")
    frame = load_judgments("llmbar_judgments")
    of = dict(list(frame.groupby(["subset", "judge", "method"])))
    rows = list(csv.DictReader(file.open()))
    assert len(rows) == 135
    for row in rows:
        own = of[row["subset"], row["judge"], row["strategy"]]
        worth, n = own.label.map({"A": 1.0, "B": 0.0}), len(own)
        given, swapped = own.p_given == worth, own.p_swapped == worth
        alike = (own.p_given == own.p_swapped) | (own.p_given.isna() & own.p_swapped.isna())
        counts = {"correct_False": given, "correct_True": swapped, "correct_both": given & swapped, "equal": alike}
        for name, right in counts.items():
            assert row[name] == f"{right.sum()} / {n} = {right.sum() / n * 100}%"
        assert row["correct_average"] == f"{(given.sum() + swapped.sum()) / 2 / n * 100}%"


def test_judgments_of_the_kits_own_are_taken_as_they_are(server, pairs, tmp_path):
    from cce import Records, evaluate

    with Records(tmp_path / "own.jsonl") as out:
        frame = evaluate(pairs, ["vanilla"], [server.model("judge")], order="both", out=out)
    pd.testing.assert_frame_equal(load_judgments(tmp_path / "own.jsonl"), frame, check_dtype=False)


OWN = [
    {"id": 1, "judge": "j", "verdict": "A", "label": "A"},
    {"id": 2, "judge": "j", "verdict": "tie", "label": "B"},
    {"id": 3, "judge": "j", "verdict": "", "label": "A"},
]


@pytest.mark.parametrize("kind", ["csv", "jsonl", "json", "parquet"])
def test_any_table_of_verdicts_is_read(kind, tmp_path):
    table, file = pd.DataFrame(OWN), tmp_path / f"mine.{kind}"
    if kind == "parquet":
        table.to_parquet(file)
    elif kind == "csv":
        table.to_csv(file, index=False)
    else:
        table.to_json(file, orient="records", lines=kind == "jsonl")
    frame = load_judgments(file)
    assert frame.verdict.fillna("").tolist() == ["A", "tie", ""]
    assert frame.correct.tolist() == [True, False, False]
    table = accuracy_table(scored(frame))
    assert (table.accuracy[0], table.unreadable[0], table.ties[0]) == (33.3, 33.3, 1)


def test_columns_go_by_the_names_that_the_user_gives(tmp_path):
    rows = [{"pair": "x", "model": "j", "winner": "model_b", "truth": "B"}]
    named = {"id": "pair", "judge": "model", "verdict": "winner", "label": "truth"}
    frame = load_judgments(written(tmp_path, "mine.jsonl", rows), **named)
    assert frame[["id", "judge", "verdict", "label", "correct"]].values.tolist() == [["x", "j", "B", "B", True]]


def test_two_rows_in_two_orders_are_one_judgment(tmp_path):
    rows = [
        {"id": 1, "judge": "j", "verdict": verdict, "order": order}
        for order, verdict in (("given", "A"), ("swapped", "B"))
    ]
    (row,) = load_judgments(written(tmp_path, "mine.jsonl", rows)).to_dict("records")
    assert (row["verdict"], row["p_given"], row["p_swapped"]) == ("tie", 1.0, 0.0)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ({"id": 1, "judge": "j", "verdict": "first"}, "row 1: verdict 'first': A, B or tie is wanted"),
        ({"id": 1, "judge": "j", "verdict": "A", "label": "C"}, "row 1: label 'C': A, B or tie"),
        ({"id": 1, "verdict": "A"}, "row 1: judge: Field required; there are: id, verdict"),
        ({"id": 1, "judge": "j", "verdict": "A", "p_a": 1.5}, "row 1: p_a: Input should be less than or equal to 1"),
        (
            {"id": 1, "judge": "j", "verdict": "A", "order": "third"},
            "row 1: order: Input should be 'given' or 'swapped'",
        ),
    ],
)
def test_a_row_that_cannot_be_meant_is_one_clear_error(row, said, tmp_path):
    with pytest.raises(BadInput, match=f"mine.jsonl, {said}"):
        load_judgments(written(tmp_path, "mine.jsonl", [row]))


def test_a_judgment_that_stands_twice_is_refused(tmp_path):
    with pytest.raises(BadInput, match="row 2: j judges '1' by vanilla twice in the given order"):
        load_judgments(written(tmp_path, "mine.jsonl", [OWN[0], OWN[0]]))


@pytest.mark.parametrize("name", ["llmbar", "no_such_name"])
def test_a_name_that_is_none_is_refused_with_those_that_are(name):
    with pytest.raises(BadInput, match="one of llmbar_judgments, mtbench_gpt4, rewardbench2_scores, or the path"):
        load_judgments(name)


FORMS = {
    "JudgeBench": (
        [
            {
                "pair_id": "x",
                "source": "mmlu-pro-law",
                "question": "Why?",
                "label": "A>B",
                "judge_name": "arena_hard",
                # The second game is in the letters as shown: here both are for A.
                "judgments": [{"judgment": {"judge_model": "o1"}, "decision": d} for d in ("A>B", "B>A")],
            }
        ],
        ("o1", "arena_hard", "A", 1.0, 1.0, True),
    ),
    "alpaca_eval": (
        [{"instruction": "Why?", "generator_1": "base", "generator_2": "m", "annotator": "gpt", "preference": 1.25}],
        ("gpt", "m", "A", 0.75, None, None),
    ),
    "FastChat": (
        [
            {"question_id": 81, "model_1": "a", "model_2": "b", "g1_winner": "model_1", "g2_winner": "model_2"}
            | {"judge": ["gpt-4", "pair-v2"], "turn": 1}
        ],
        ("gpt-4", "pair-v2", "tie", 1.0, 0.0, None),
    ),
    "MT-Bench": (
        [{"question_id": 81, "turn": 2, "model_a": "a", "model_b": "b", "winner": "model_b", "judge": "expert_3"}],
        ("expert_3", "vanilla", "B", 0.0, None, None),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_published_form_is_known_by_its_fields(form, tmp_path):
    rows, expected = FORMS[form]
    (row,) = load_judgments(written(tmp_path, "x.jsonl", rows)).astype(object).to_dict("records")
    found = [
        None if row[name] != row[name] else row[name]
        for name in ("judge", "method", "verdict", "p_given", "p_swapped", "correct")
    ]
    assert tuple(found) == expected


@pytest.mark.skipif(find_spec("inspect_ai") is not None, reason="inspect_ai is installed")
def test_a_log_of_inspect_ai_wants_its_own_reader(tmp_path):
    with pytest.raises(BadInput, match="inspect_ai reads its own logs: pip install inspect-ai"):
        load_judgments(written(tmp_path, "x.eval", "PK"))


def test_the_pairs_give_labels_and_subsets(tmp_path):
    pairs = [{"id": 1, "instruction": "Why?", "answer_a": "x", "answer_b": "yy", "label": "B", "subset": "s"}]
    judged = [{"id": 1, "judge": "j", "verdict": "B"}]
    frame = load_judgments(written(tmp_path, "j.jsonl", judged), pairs=written(tmp_path, "p.jsonl", pairs))
    assert frame[["label", "subset", "correct", "length_a", "length_b"]].values.tolist() == [["B", "s", True, 1, 2]]
    with pytest.raises(BadInput, match="has no pair '2'"):
        load_judgments(written(tmp_path, "j.jsonl", [judged[0] | {"id": 2}]), pairs=tmp_path / "p.jsonl")


@pytest.mark.parametrize(("ties", "accuracy", "pairs"), [("out", 50.0, 2), ("half", 62.5, 4), ("own", 50.0, 4)])
def test_how_labels_that_are_ties_count_is_one_word_and_is_said(ties, accuracy, pairs, tmp_path):
    labelled = [("A", "A"), ("A", "B"), ("tie", "tie"), ("A", "tie")]
    rows = [{"id": n, "judge": "j", "verdict": said, "label": label} for n, (said, label) in enumerate(labelled)]
    frame = load_judgments(written(tmp_path, "mine.jsonl", rows))
    table, _ = compared(frame, ties=ties)
    assert (table.accuracy[0], table.pairs[0]) == (accuracy, pairs)
    assert "2 labelled a tie: " in told(frame, ties)


def test_what_probabilities_are_worth_is_told_of_judges_that_give_them(tmp_path):
    rows = [{"id": n, "judge": "j", "verdict": "A", "label": "AB"[n % 4 == 0], "p_a": 0.9 - n / 100} for n in range(40)]
    rows += [{"id": n, "judge": "k", "verdict": "A", "label": "A"} for n in range(40)]
    (row,) = calibration_table(load_judgments(written(tmp_path, "mine.jsonl", rows))).to_dict("records")
    assert (row["judge"], row["pairs"], row["all"], row["surer_half"]) == ("j", 40, 75, 75)
    assert 0.15 < row["brier"] < 0.25


def test_holms_correction_by_hand():
    # Sorted 0.01, 0.02, 0.04: times 3, 2 and 1, and never less than one before.
    assert holm([0.04, float("nan"), 0.01, 0.02])[[0, 2, 3]].tolist() == pytest.approx([0.04, 0.03, 0.04])


def test_the_command_prints_what_notebook_01_prints(tmp_path, monkeypatch, capsys):
    rows = [
        {"id": n, "judge": judge, "method": method, "verdict": "A" if n % 10 < right else "B", "label": "A"}
        for judge, method, right in (("j", "vanilla", 6), ("j", "long", 9), ("k", "vanilla", 5), ("k", "long", 5))
        for n in range(60)
    ]
    file = written(tmp_path, "mine.jsonl", rows)
    monkeypatch.setattr("sys.argv", ["cce", "score", file])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    said = " ".join(capsys.readouterr().out.split())
    assert "60.0 [47.4, 71.4]" in said and "mcnemar_holm" in said
    assert "j, long against vanilla on mine.jsonl: +30.0 points (95% interval" in said
    monkeypatch.setattr("sys.argv", ["cce", "score", file, "--by", "judge", "--baseline", "k"])
    with pytest.raises(SystemExit):
        cli.main()
    assert "mine.jsonl j long k 60 60 40.0" in " ".join(capsys.readouterr().out.split())


@pytest.mark.parametrize("read", [rated, lambda folder: load_judgments("rewardbench2_scores", folder)])
@pytest.mark.parametrize("content", [None, ""])
def test_a_folder_without_ratings_is_named(read, content, tmp_path):
    if content is not None:
        (tmp_path / "gpt-5.4-mini_base_k8.jsonl").write_text(content)
    with pytest.raises(BadInput, match=f"{tmp_path}: no ratings"):
        read(tmp_path)


@pytest.mark.parametrize(
    ("name", "method", "judges"),
    [
        ("llmbar_judgments", "Vanilla", ["GPT-4", "PaLM2", "ChatGPT", "LLaMA2", "Falcon"]),
        ("rewardbench2_scores", "rate@8", [one.judge for one in rated()]),
    ],
)
def test_what_docs_say_of_each_subset_is_what_comes_out(name, method, judges):
    judgments = load_judgments(name).query("method == @method")
    table, _ = compared(judgments, subsets=True, scoring="standard")
    numbers = zip(table.accuracy, table.accuracy_low, table.accuracy_high, strict=True)
    table["cell"] = ["{:.1f} [{:.1f}, {:.1f}]".format(*three) for three in numbers]
    shown = (ROOT / "docs/judgments.md").read_text()
    for subset, rows in table.groupby("benchmark"):
        title = {"average of these": "mean of these"}.get(subset, subset.split(": ")[-1])
        cells = rows.set_index("judge").cell[judges]
        assert f"| {title} | {rows.pairs.max():,} | {' | '.join(cells)} |" in shown
