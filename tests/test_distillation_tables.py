"""The tables and figures of trained judges and of models trained on picked answers."""

import numpy as np
import pandas as pd
import pytest

from cce.analysis import in_words
from cce.analysis.figures import distillation, loss_curves, rejection
from cce.analysis.students import distillation_table, rejection_table, student_differences, student_scores
from cce.errors import BadInput
from tests.test_accuracy import judgments

QWEN = {"student: vanilla": ("qwen2.5-7b", "vanilla", 10_000), "student: cce@2": ("qwen2.5-7b", "cce", 10_000)}


def judged(student: str, verdicts: str, benchmark="judgebench", swapped="", **fields) -> pd.DataFrame:
    """A row a letter: the verdict A (right), B or - (unreadable) in the order given, and in the swapped if asked."""
    frame = judgments([None if v == "-" else v for v in verdicts], judge=student, method="vanilla", benchmark=benchmark)
    p = {"A": 1.0, "B": 0.0, "-": None}
    p_swapped = [p[v] for v in swapped] or None
    asked = "text" if swapped else None
    orders = {"p_given": [p[v] for v in verdicts], "p_swapped": p_swapped, "text_swapped": asked}
    return frame.assign(**{"rationale_tokens": 20, **orders, **fields})


def test_a_student_has_a_row_a_benchmark_with_accuracy_and_length(tmp_path):
    frame = pd.concat(
        [judged("untrained", "ABBB"), judged("student: cce@2", "AAAB", rationale_tokens=[10, 20, 30, 40])]
    )
    table = distillation_table(student_scores(frame))
    assert table[["benchmark", "student", "pairs", "correct", "accuracy"]].values.tolist() == [
        ["judgebench", "untrained", 4, 1, 25],
        ["judgebench", "student: cce@2", 4, 3, 75],
    ]
    assert table.rationale_tokens.tolist() == [20, 25]
    assert (table.accuracy_low < table.accuracy).all()


def test_readable_counts_single_judgments_over_the_orders_that_were_asked_for():
    # Three of four in one order; three and one of four in two; none of two in two.
    frames = [judged("one", "AB-A"), judged("two", "AB-A", swapped="B---"), judged("mute", "--", swapped="--")]
    table = distillation_table(student_scores(pd.concat(frames))).set_index("student")
    assert table.readable.to_dict() == {"one": 75, "two": 50, "mute": 0}
    assert table.accuracy["mute"] == 0
    assert table.readable_low["mute"] == 0 < table.readable_high["mute"]
    assert table.consistent["two"] == 0


def test_two_orders_of_a_pair_tell_less_than_two_pairs():
    both = distillation_table(student_scores(judged("s", "AA--" * 5, swapped="AA--" * 5))).iloc[0]
    pairs = distillation_table(student_scores(judged("s", "AA--" * 10))).iloc[0]
    assert both.readable == pairs.readable == 50
    assert both.readable_high - both.readable_low > pairs.readable_high - pairs.readable_low


def test_an_average_counts_benchmarks_alike_in_every_column():
    many = judged("s", "A" * 8, benchmark="judgebench", rationale_tokens=10)
    few = judged("s", "--", benchmark="pocket", swapped="--", rationale_tokens=30)
    row = distillation_table(student_scores(pd.concat([many, few]))).iloc[-1]
    assert (row.benchmark, row.accuracy, row.readable, row.rationale_tokens) == ("average of these", 50, 50, 20)


def test_the_papers_student_stands_beside_ours_where_one_is_named():
    frames = [judged(name, "AB", benchmark=b) for b in ("judgebench", "pocket") for name in ("untrained", *QWEN)]
    papers = distillation_table(student_scores(pd.concat(frames)), paper=QWEN).set_index(["benchmark", "student"]).paper
    assert papers["judgebench"].fillna(0).tolist() == [0, 50.2, 49.8]
    assert papers[["pocket", "average of these"]].isna().all()
    with pytest.raises(BadInput, match="no student of the paper's Table 2"):
        distillation_table(student_scores(pd.concat(frames)), paper={"untrained": ("qwen2.5-7b", "none", 0)})


def test_the_floor_stands_among_the_students_under_its_own_name():
    floor = judged("none", "AB").assign(method="longer")
    assert distillation_table(student_scores(pd.concat([floor, judged("untrained", "AA")]))).student.tolist() == [
        "longer",
        "untrained",
    ]


def test_a_judge_with_two_methods_is_refused():
    frame = pd.concat([judged("teacher", "AB"), judged("teacher", "AB").assign(method="cce@2")])
    with pytest.raises(BadInput, match="'teacher' judged a pair twice"):
        distillation_table(student_scores(frame))


def test_students_are_compared_on_the_same_pairs_with_the_vanilla_taught_and_the_untrained_one():
    verdicts = {"untrained": "BBBB", "student: vanilla": "ABBB", "student: cce@2": "AAAB", "gpt-4o": "AAAA"}
    frame = pd.concat(judged(name, letters) for name, letters in verdicts.items())
    rows = student_differences(student_scores(frame), paper=QWEN)
    found = {(row.method, row.baseline): row.difference for row in rows.itertuples()}
    assert found == {
        ("student: cce@2", "student: vanilla"): 50,
        ("student: vanilla", "untrained"): 25,
        ("student: cce@2", "untrained"): 75,
    }
    assert rows.paper.fillna(0).tolist() == [-0.4, 0, 0]
    assert rows.only_method.tolist() == [2, 1, 3]
    assert "students, student: cce@2 against student: vanilla on judgebench: +50.0" in in_words(rows)


def test_with_no_baseline_nothing_is_compared():
    assert student_differences(student_scores(judged("student: cce@2", "AB"))).empty


def models(**fields) -> pd.DataFrame:
    rows = {"model": ["m-random", "m-crowd"], "sampling": ["random", "crowd"], "calls": [0, 900]}
    return pd.DataFrame(rows | {"base_model": "Qwen/Qwen2.5-7B", "instructions": "lima", "count": 1000} | fields)


GRADES = [("m-crowd", "writing", 9), ("m-crowd", "all", 8), ("m-random", "turn 1", 1), ("m-random", "all", 7)]
MT_BENCH = pd.DataFrame(GRADES, columns=["model", "part", "rating"])
MT_BENCH = MT_BENCH.assign(judge="gpt-4o", rating_low=MT_BENCH.rating - 0.5, rating_high=MT_BENCH.rating + 0.5)
RATES = {"win_rate": 10.0, "win_rate_low": 5.0, "win_rate_high": 20.0, "length": 900, "instructions": 805}
RATES |= {"length_controlled": 12.0, "length_controlled_low": 6.0, "length_controlled_high": 18.0}
ALPACA = pd.DataFrame({"model": ["m-random"], **RATES})


def test_scores_are_joined_by_model_with_the_papers_beside_the_same_data():
    table = rejection_table(models(), MT_BENCH, ALPACA)
    assert table[["mtbench", "mtbench_low", "mtbench_high"]].values.tolist() == [[7, 6.5, 7.5], [8, 7.5, 8.5]]
    assert table.instructions.tolist() == ["lima", "lima"]
    assert table.mean_length.fillna(-1).tolist() == [900, -1]
    assert table.win_rate.fillna(-1).tolist() == [10, -1]
    assert table.calls.tolist() == [0, 900]
    assert table.paper_mtbench.tolist() == [8.06, 8.63]
    assert table.paper_alpaca_first.tolist() == [14.52, 14.86]
    other = rejection_table(models(count=200), MT_BENCH, ALPACA)
    assert np.isnan(other[["paper_mtbench", "paper_alpaca_first", "paper_alpaca_second"]]).all(axis=None)


def test_a_model_without_any_score_is_named():
    with pytest.raises(BadInput, match="neither MT-Bench nor AlpacaEval-2 has a score of m-other"):
        rejection_table(models(model=["m-random", "m-other"]), MT_BENCH, ALPACA)


def shown(figure, panel: str) -> dict[str, int]:
    """How many marks a panel shows under each label of its legend."""
    return {line.get_label(): len(line.get_xdata()) for line in panel_of(figure, panel).lines if is_mark(line)}


def is_mark(line) -> bool:
    return len(line.get_xdata()) > 0 and line.get_marker() != "None"


def panel_of(figure, title: str):
    (panel,) = [axes for axes in figure.axes if " ".join(axes.get_title().split()) == title]
    return panel


def note(figure, panel: str) -> str:
    return " ".join(panel_of(figure, panel).texts[0].get_text().split())


def test_the_figure_of_students_shows_the_papers_in_its_five_panels_and_says_who_was_trained(tmp_path):
    names = ["untrained", "student: vanilla", "student: cce@2"]
    frame = pd.concat(
        [judged("none", "ABBA", "pocket").assign(method="longer"), *(judged(n, "AAB-", "pocket") for n in names)]
    )
    figure = distillation(distillation_table(student_scores(frame)), tmp_path / "f", "a test", "embedded")
    ours = {"this run: not trained here": 1, "this run: embedded model (SmolLM2-135M)": 3}
    papers = {"the paper: llama-3.1-8b": 4, "the paper: qwen2.5-7b": 5, "the paper: published judge": 5}
    means = {f"{label}, mean of five benchmarks": count for label, count in papers.items()}
    assert (shown(figure, "pocket"), note(figure, "pocket")) == (ours | means, "not in the paper")
    for panel in ("RewardBench", "HelpSteer2", "MT-Bench human", "JudgeBench", "EvalBias"):
        assert (shown(figure, panel), note(figure, panel)) == (papers, "not run here")
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows[:5] == ["longer", *names, "vanilla, 10K"]
    assert (tmp_path / "f.png").stat().st_size > 0


def test_the_papers_base_model_has_our_colour_and_its_average_stands_last(tmp_path):
    names = ["rewardbench", "helpsteer2", "mtbench_human", "judgebench", "evalbias"]
    frame = pd.concat(judged("student: cce@2", "AAAB", name, subset="hep-go") for name in names)
    figure = distillation(
        distillation_table(student_scores(frame)), tmp_path / "f", "a test", "Qwen/Qwen2.5-7B@http://localhost:8000/v1"
    )
    assert figure.axes[-1].get_title() == "average"
    looks = {line.get_label(): (line.get_color(), line.get_marker()) for line in figure.axes[-1].lines}
    ours = "this run: qwen2.5-7b (server on this machine)"
    assert looks[ours] == looks["the paper: qwen2.5-7b"] != looks["the paper: llama-3.1-8b"]


def test_a_curve_a_student_shows_the_loss_over_the_steps(tmp_path):
    losses = pd.DataFrame({"student": ["a", "a", "b", "b"], "step": [1, 2, 1, 2], "loss": [3.0, 1.0, 2.0, 1.5]})
    figure = loss_curves(losses, tmp_path / "f", "a test")
    drawn = {line.get_label(): line.get_ydata().tolist() for line in figure.axes[0].lines}
    assert drawn == {"this run: a": [3, 1], "this run: b": [2, 1.5]}
    assert (tmp_path / "f.svg").stat().st_size > 0


def test_the_figure_of_picks_keeps_the_papers_unnamed_numbers_apart_from_ours(tmp_path):
    table = rejection_table(models(), MT_BENCH, ALPACA)
    figure = rejection(table, tmp_path / "f", "a test")
    ours, llama, qwen = "this run: qwen2.5-7b", "the paper: llama-3.1-8b", "the paper: qwen2.5-7b"
    assert shown(figure, "MT-Bench score (1 to 10)") == {ours: 2, llama: 6, qwen: 6}
    assert shown(figure, "AlpacaEval-2 win rate (%)") == {ours: 1}
    for place in ("first", "second"):
        assert shown(figure, f"the paper's AlpacaEval-2 (%), {place} of two") == {llama: 6, qwen: 6}
    table = rejection_table(models(), MT_BENCH, ALPACA.assign(length_controlled=np.nan))
    figure = rejection(table, tmp_path / "f", "a test")
    panel = "AlpacaEval-2 length-controlled win rate (%)"
    assert (shown(figure, panel), note(figure, panel)) == ({}, "not run here; the paper's: right")
    rows = [label.get_text() for label in figure.axes[0].get_yticklabels()]
    assert rows[:3] == ["lima 1,000, random", "lima 1,000, crowd", "lima 1,000, vanilla"]
