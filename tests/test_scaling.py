"""The tables of selections and of scaling: contrasts, seeds, budgets, the floor, the paper's points."""

import pandas as pd

from cce.analysis.accuracy import scaling_table, scored
from cce.analysis.comparison import selection_comparisons
from cce.analysis.figures import scaling, selection_differences
from tests.test_accuracy import mixed

NAMES = ["rewardbench", "helpsteer2", "evalbias"]


def runs(*benchmarks: str) -> list[pd.DataFrame]:
    """Two seeds of one judge: 2 of 4 right without a crowd, 3 or 4 with one judgment, 4 with two."""
    right = {"vanilla": (2, 2), "cce-random@1": (3, 4), "cce-random@2": (4, 4), "cce@2": (4, 2), "longer": (1, 1)}
    return [
        scored(
            pd.concat(
                mixed(n[seed], 4 - n[seed], method=m, benchmark=b, judge="none" if m == "longer" else "gpt-4o").assign(
                    rationale_tokens=100 + 10 * n[seed], subset="hep-go"
                )
                for b in benchmarks
                for m, n in right.items()
            )
        )
        for seed in range(2)
    ]


def test_accuracy_is_the_mean_over_seeds_with_the_lowest_and_highest_and_the_floor():
    rows = scaling_table(runs("evalbias")).set_index(["selection", "budget"])
    assert rows.accuracy.to_dict() == {
        ("random", 0): 50,
        ("random", 1): 87.5,
        ("random", 2): 100,
        ("criticizing", 0): 50,
        ("criticizing", 2): 75,
    }
    assert (rows.lowest["random", 1], rows.highest["random", 1]) == (75, 100)
    assert rows.rationale_tokens["random", 1] == 135
    assert rows.spent_tokens["random", 1] == 15
    assert set(rows.floor) == {25}
    assert (rows.paper["random", 2], rows.paper_tokens["random", 2]) == (75.4, 228)
    assert rows.paper["criticizing"].isna().all()


def test_without_the_floor_there_are_curves_all_the_same():
    shorter = [frame[frame.method.isin(["vanilla", "cce-random@1", "cce@2"])] for frame in runs("evalbias")]
    table = scaling_table(shorter)
    assert table[["selection", "budget"]].values.tolist() == [
        ["random", 0],
        ["criticizing", 0],
        ["random", 1],
        ["criticizing", 2],
    ]
    assert table.floor.isna().all()


def test_the_papers_three_benchmarks_have_its_overall_over_pairs():
    frames = runs("rewardbench", "helpsteer2", "evalbias")
    # RewardBench has twice as many pairs here, of which the second half is wrong throughout.
    more = [mixed(0, 4, method=m, benchmark="rewardbench", judge="gpt-4o") for m in ("vanilla", "cce-random@1")]
    more = pd.concat(more).assign(rationale_tokens=0, subset="hep-go", id=lambda rows: rows.id + "x")
    frames = [scored(pd.concat([frame[frame.benchmark.isin(NAMES)], more])) for frame in frames]
    table = scaling_table(frames)
    overall = table[(table.benchmark == "overall") & (table.selection == "random")].set_index("budget")
    assert overall.pairs[[0, 1]].tolist() == [16, 16]
    assert overall.accuracy[[0, 1]].tolist() == [37.5, 65.6]
    assert overall.paper.tolist() == [79.3, 81.8, 83.4]
    assert "overall" not in set(scaling_table(runs("evalbias", "judgebench")).benchmark)


def test_the_scaling_figure_dashes_the_paper_and_names_what_was_not_run(tmp_path):
    figure = scaling(scaling_table(runs("evalbias")), tmp_path / "f", "a test")
    titles = [panel.get_title() for panel in figure.axes if panel.get_title()]
    assert titles == ["RewardBench", "HelpSteer2", "EvalBias", "overall"]
    notes = [panel.texts[0].get_text().strip() for panel in figure.axes[:4]]
    assert notes == ["not run here", "not run here", "", "not run here"]
    assert all(any(line.is_dashed() for line in panel.lines) for panel in figure.axes[:4])
    assert any("the longer or the shorter answer" in text.get_text() for text in figure.legends[0].get_texts())


def test_selections_are_contrasted_at_the_same_budget(tmp_path):
    methods = {"cce-random@2": 2, "cce-praising@2": 1, "cce@2": 4, "cce-criticizing@2": 3, "cce-random@4": 4}
    scores = scored(pd.concat(mixed(n, 4 - n, method=m) for m, n in methods.items()))
    rows = selection_comparisons(scores)
    found = {(row.method, row.baseline): row.difference for row in rows.itertuples()}
    assert found == {
        ("cce-praising@2", "cce-random@2"): -25,
        ("cce-criticizing@2", "cce-random@2"): 25,
        ("cce@2", "cce-criticizing@2"): 25,
    }
    figure = selection_differences(rows, tmp_path / "f", "a test")
    assert [text.get_text() for text in figure.axes[0].get_yticklabels()][0] == "cce-praising\nagainst cce-random"


def test_without_a_contrast_the_figure_shows_the_papers(tmp_path):
    rows = selection_comparisons(scored(mixed(3, 1, method="vanilla")))
    assert rows.empty
    figure = selection_differences(rows, tmp_path / "f", "a test")
    assert figure.axes[0].get_title() == "RewardBench"
    assert "not run here" in figure.axes[0].texts[0].get_text()
    # The six of Table 4, and the gain over vanilla, which is Table 1's.
    assert len(figure.axes[0].get_yticklabels()) == 7
