"""The tables of accuracies and of paired differences, their words and their figures."""

import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import cce.analysis
from cce import Records, evaluate
from cce.analysis.accuracy import GROUP, accuracy_table, scored
from cce.analysis.comparison import comparison_table, in_words
from cce.analysis.figures import judge_accuracy
from cce.analysis.tables import readable
from cce.crowd.record import read_rows

PAPER_JUDGE = "Qwen/Qwen2.5-7B-Instruct@http://localhost:8000/v1"
COSTS = {
    "notes": 0,
    "selected": 0,
    "calls": 3,
    "prompt_tokens": 10,
    "completion_tokens": 5,
    "seconds": 0.5,
    "context_cuts": 0,
    "judgments_cut_off": 0.0,
    "answers_cut_off": np.nan,
    "length_a": 100,
    "length_b": 100,
}
PLACE = {"benchmark": "judgebench", "subset": "", "judge": PAPER_JUDGE, "method": "cce@16", "label": "A", "text": ""}


def test_every_name_that_notebooks_use_loads_and_the_package_alone_loads_nothing():
    assert all(getattr(cce.analysis, name) for name in cce.analysis.__all__)
    with pytest.raises(AttributeError, match="'cce.analysis' has no attribute 'none'"):
        cce.analysis.none  # noqa: B018
    alone = "import sys, cce.analysis; sys.exit('pandas' in sys.modules)"
    subprocess.run([sys.executable, "-c", alone], check=True)


def judgments(verdicts, **fields) -> pd.DataFrame:
    """One row per verdict, each of a pair and an instruction of its own; A is right."""
    columns = PLACE | COSTS | {"failed": None, "p_a": 0.5, "p_given": np.nan, "p_swapped": np.nan} | fields
    frame = pd.DataFrame({"verdict": pd.Series(verdicts, dtype=object)}).assign(**columns)
    ids = [f"q{n}" for n in range(len(frame))]
    return frame.assign(id=ids, cluster=fields.get("cluster", ids), correct=frame.verdict == "A")


def mixed(right: int, wrong: int, unreadable: int = 0, ties: int = 0, **fields) -> pd.DataFrame:
    return judgments(["A"] * right + ["B"] * wrong + [None] * unreadable + ["tie"] * ties, **fields)


def table_of(*frames: pd.DataFrame) -> pd.DataFrame:
    return accuracy_table(scored(pd.concat(frames)))


def test_accuracy_has_a_wilson_interval_where_no_instruction_is_repeated():
    # Wilson 1927 for 15 of 20, z = 1.96: 53.1 to 88.8.
    (row,) = table_of(mixed(15, 5)).to_dict("records")
    assert (row["accuracy"], row["accuracy_low"], row["accuracy_high"]) == (75.0, 53.1, 88.8)


def test_repeated_instructions_widen_the_interval():
    (alone,) = table_of(mixed(15, 5)).itertuples()
    (repeated,) = table_of(mixed(15, 5, cluster=[str(n // 5) for n in range(20)])).itertuples()
    assert repeated.accuracy == alone.accuracy
    assert repeated.accuracy_low < alone.accuracy_low - 10


def test_unreadable_and_tie_are_counted_apart_and_as_wrong():
    (row,) = table_of(mixed(5, 1, unreadable=3, ties=1)).to_dict("records")
    assert (row["pairs"], row["correct"], row["unreadable"], row["ties"], row["accuracy"]) == (10, 5, 30.0, 1, 50.0)


def test_costs_are_summed():
    (row,) = table_of(mixed(3, 1)).to_dict("records")
    assert (row["calls"], row["prompt_tokens"], row["completion_tokens"], row["seconds"]) == (12, 40, 20, 2.0)


def test_how_far_a_budget_was_filled_is_told_of_methods_with_a_crowd():
    whole, half, none = (mixed(1, 0, method="cce@4", selected=n, notes=n) for n in (4, 2, 0))
    crowd, students, alone = (
        table_of(*frames).iloc[0]
        for frames in (
            (whole, half, none, none),
            (mixed(2, 0, method="student: cce@4"),),
            (mixed(2, 0, method="maj@4"),),
        )
    )
    assert (crowd.notes, crowd.filled, crowd.without_note) == (1.5, 25.0, 50.0)
    assert students[["filled", "without_note"]].isna().all() and alone[["filled", "without_note"]].isna().all()


def test_agreement_beyond_chance_and_between_the_orders_is_told():
    labels = ["A", "A", "B", "B"]
    frame = judgments(["A", "A", "A", "B"], label=labels, p_given=[1, 1, 1, 0], p_swapped=[1, 0, None, 0])
    (row,) = table_of(frame).itertuples()
    assert row.kappa == 0.5  # three of four agree, where two would by chance
    assert row.consistent == pytest.approx(66.7)


def test_the_papers_cell_stands_beside_ours_for_the_same_judge_method_and_benchmark():
    table = table_of(mixed(3, 1), mixed(3, 1, method="cce@8"), mixed(3, 1, benchmark="pocket"))
    papers = table.set_index(["benchmark", "method"]).paper
    assert papers["judgebench", "cce@16"] == 64.0
    assert papers.drop(("judgebench", "cce@16")).isna().all()


def test_selections_have_their_cells_from_table_4():
    selections = [mixed(3, 1, judge="gpt-4o", method=m) for m in ("cce-praising@8", "cce-random+removal@16", "cce@8")]
    assert table_of(*selections).paper.tolist() == [67.1, 70.0, 69.5]


def test_the_average_stands_beside_the_mean_of_the_papers_row():
    names = ["rewardbench", "helpsteer2", "mtbench_human", "judgebench", "evalbias"]
    table = table_of(*(mixed(n, 4 - n, benchmark=name, subset="hep-go") for n, name in enumerate(names)))
    last = table.iloc[-1]
    assert (last.benchmark, last.accuracy) == ("average", 50.0)
    assert last.paper == pytest.approx(72.9)


def test_a_method_is_compared_on_the_same_pairs():
    vanilla = judgments(["A", "B", "B", "B", "A", "A"], method="vanilla")
    scores = scored(pd.concat([vanilla, judgments(["A", "A", "A", "A", "A", "B"])]))
    (row,) = comparison_table(scores).itertuples()
    assert (row.method, row.baseline, row.pairs) == ("cce@16", "vanilla", 6)
    assert (row.only_method, row.only_baseline) == (3, 1)
    assert row.difference == pytest.approx(100 / 3)
    assert row.difference_low < 0 < row.difference_high
    assert row.mcnemar_p == pytest.approx(0.625)
    assert (row.paper, row.sought) == (5.7, 5.7)
    assert row.pairs_needed > 500


def test_another_judges_baseline_is_no_baseline():
    scores = scored(pd.concat([mixed(3, 1, method="vanilla", judge="other"), mixed(3, 1)]))
    assert readable(comparison_table(scores)).empty
    assert "No two methods" in in_words(comparison_table(scores))


def test_where_the_paper_has_no_cell_its_mean_gain_is_sought():
    frames = [
        mixed(*counts, benchmark="pocket", judge="embedded", method=m)
        for m, counts in {"vanilla": (3, 1), "cce@4": (4, 0), "evalplan": (2, 2)}.items()
    ]
    rows = comparison_table(scored(pd.concat(frames))).set_index("method")
    assert rows.paper.isna().all()
    assert rows.sought.round(1).to_dict() == {"cce@4": 6.7, "evalplan": 1.0}


def test_figure_3_and_table_4_are_sought_at_their_own_budget():
    curve = [mixed(3, 1, benchmark="evalbias", judge="gpt-4o", method=m) for m in ("vanilla", "cce-random@1")]
    (row,) = comparison_table(scored(pd.concat(curve))).itertuples()
    assert (row.paper, row.sought) == (3.9, 3.9)
    praised = [mixed(3, 1, benchmark="pocket", method=m) for m in ("cce-random@8", "cce-praising@8")]
    (row,) = comparison_table(scored(pd.concat(praised)), "cce-random@8").itertuples()
    assert row.sought == -2.7


def test_without_a_pair_that_differs_there_is_no_interval_and_no_plan():
    scores = scored(pd.concat([mixed(3, 1, method="vanilla"), mixed(3, 1)]))
    (row,) = comparison_table(scores).to_dict("records")
    assert row["difference"] == 0
    assert np.isnan([row["difference_low"], row["difference_high"], row["pairs_needed"]]).all()
    assert "+0.0 points; every pair differs by the same" in in_words(comparison_table(scores))


def test_an_average_is_tested_by_its_interval_alone():
    # Of 100 pairs the method loses 4 on one benchmark, and of 10 it gains 6 on the other.
    frames = [
        judgments(["A"] * right + ["B"] * wrong, benchmark=name, method=method)
        for name, counts in {
            "evalbias": {"vanilla": (50, 50), "m": (46, 54)},
            "pocket": {"vanilla": (2, 8), "m": (8, 2)},
        }.items()
        for method, (right, wrong) in counts.items()
    ]
    rows = comparison_table(scored(pd.concat(frames).replace({"m": "cce@4"}))).set_index("benchmark")
    assert rows.difference.round(1).to_dict() == {"evalbias": -4, "pocket": 60, "average of these": 28}
    assert rows.mcnemar_p.isna().tolist() == [False, False, True]
    assert rows.pairs_needed["average of these"] > rows.pairs_needed["evalbias"]
    assert "McNemar" not in in_words(rows.reset_index())


def test_an_average_agrees_as_its_benchmarks_do_on_the_mean():
    both = judgments(["A", "B"], benchmark="evalbias", label=["A", "B"], p_given=[1, 0], p_swapped=[1, 1])
    one = judgments(["A"] * 8, benchmark="pocket", label=["A", "B"] * 4)
    rows = table_of(both, one).set_index("benchmark")
    assert rows.kappa.tolist() == [1, 0, 0.5]
    assert rows.consistent["evalbias"] == 50
    assert np.isnan(rows.consistent["average of these"])


def test_the_floor_is_compared_with_every_judge():
    frames = [mixed(3, 1, judge=judge, method="vanilla") for judge in ("one", "two")]
    scores = scored(pd.concat([*frames, mixed(2, 2, judge="none", method="longer")]))
    rows = comparison_table(scores)
    assert list(zip(rows.judge, rows.method, rows.difference, strict=True)) == [
        ("one", "longer", -25),
        ("two", "longer", -25),
    ]


def test_words_say_what_the_differences_show():
    scores = scored(pd.concat([mixed(5, 15, method="vanilla"), mixed(15, 5)]))
    words = " ".join(in_words(comparison_table(scores)).split())
    assert words.startswith("- Qwen/Qwen2.5-7B-Instruct, cce@16 against vanilla on judgebench: +50.0 points")
    assert "which excludes zero; McNemar" in words
    assert "The paper: +5.7." in words
    assert "too few" not in words
    few = scored(pd.concat([mixed(5, 5, method="vanilla"), mixed(7, 3)]))
    assert "fewer than 5 pairs tell the two apart" in " ".join(in_words(comparison_table(few)).split())


def test_tables_for_eyes_join_intervals_and_leave_out_addresses():
    shown = readable(table_of(mixed(15, 5)))
    assert shown.judge.tolist() == ["Qwen/Qwen2.5-7B-Instruct"]
    assert shown.accuracy.tolist() == ["75.0\N{NO-BREAK SPACE}[53.1,\N{NO-BREAK SPACE}88.8]"]
    assert shown.consistent.tolist() == ["-"]
    assert shown.tokens.tolist() == ["300"]
    assert readable(pd.DataFrame({"mcnemar_p": [0.00001, 0.5], "n": [1, np.nan]})).values.tolist() == [
        ["<0.001", "1"],
        ["0.500", "-"],
    ]


@pytest.mark.parametrize("judges", [["embedded"], [PAPER_JUDGE, "embedded"]])
def test_the_figure_has_a_panel_a_benchmark_and_says_who_judged(tmp_path, judges):
    frames = [
        mixed(9, 3, benchmark=b, judge=j, method=m)
        for b in ("pocket", "evalbias")
        for j in judges
        for m in ("vanilla", "cce@4")
    ]
    figure = judge_accuracy(table_of(*frames), tmp_path / "figure", "a test")
    titles = [" ".join(panel.get_title().split()) for panel in figure.axes if panel.get_title()]
    assert titles[0] == "pocket"
    assert titles[-1] == "average of these"
    notes = {title: panel.texts[0].get_text().strip() for title, panel in zip(titles, figure.axes, strict=False)}
    assert (notes["HelpSteer2"], notes["EvalBias"], notes["pocket"]) == ("not run here", "", "not in the paper")
    assert any("embedded model (SmolLM2-135M)" in text.get_text() for text in figure.legends[0].get_texts())
    assert (tmp_path / "figure.svg").stat().st_size > 0
    assert (tmp_path / "figure.png").stat().st_size > 0


@pytest.mark.parametrize("benchmarks", [["evalbias"], ["evalbias", "judgebench"], ["rewardbench", "evalbias"]])
@pytest.mark.parametrize("scoring", ["paper", "standard"])
def test_the_compact_rows_of_a_file_make_the_same_table(server, tmp_path, pairs, benchmarks, scoring):
    asked = [pair.model_copy(update={"benchmark": name, "subset": "hep-go"}) for name in benchmarks for pair in pairs]
    judges = [server.model(name) for name in ("leaning-judge", "mute-judge")]
    with Records(tmp_path / "j.jsonl") as records:
        frame = evaluate(asked, ["longer", "vanilla"], judges, order="both", out=records)
    assert '"verdict": null' in (tmp_path / "j.jsonl").read_text()
    rows = read_rows(tmp_path / "j.jsonl")
    assert rows.id.dtype == int
    assert isinstance(rows.benchmark.dtype, pd.CategoricalDtype)
    table, by_row = (accuracy_table(scored(one, scoring)).set_index(GROUP) for one in (frame, rows))
    assert len(table) == 3 * (len(benchmarks) + (len(benchmarks) > 1))
    pd.testing.assert_frame_equal(by_row.loc[table.index], table)
