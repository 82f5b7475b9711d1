"""The paper's numbers as carried here, and what can be read from them."""

import pandas as pd
import pytest

from cce.analysis.paper import (
    alpaca_numbers,
    as_printed,
    averages_that_differ,
    figure3,
    figure3_ends,
    gains,
    own_intervals,
    paper_accuracy,
    paper_gain,
    paper_scores,
    paper_student,
    sampling_steps,
    student_steps,
    students_less_untrained,
    students_near_chance,
    table1,
    table2,
    table3,
    table4,
    table6,
)
from cce.errors import BadInput

BENCHMARKS = ["rewardbench", "helpsteer2", "mtbench_human", "judgebench", "evalbias"]


def cell(table: pd.DataFrame, column: str, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    return table[column].item()


def test_tables_have_a_row_a_cell():
    assert len(table1()) == 16 * 5
    assert len(table2()) == 14 * 5
    assert len(table3()) == 2 * 2 * 3
    assert len(table4()) == 12 * 5
    assert len(figure3()) == 4 * 6
    assert list(table6().benchmark) == BENCHMARKS


def test_cells_are_the_papers():
    assert cell(table1(), "paper", judge="gpt-4o", method="vanilla", benchmark="judgebench") == 66.3
    mixed = {"student": "qwen2.5-7b", "judgments": "cce+vanilla", "benchmark": "judgebench"}
    assert cell(table2(), "paper", samples=60_000, **mixed) == 61.6
    lima = {"base_model": "qwen2.5-7b", "instructions": "lima", "count": 1000}
    assert cell(table3(), "mtbench", sampling="crowd", **lima) == 8.63
    assert cell(table3(), "alpaca_second", sampling="random", **lima) == 9.40
    criticizing = {"selection": "criticizing", "budget": 16, "benchmark": "evalbias"}
    assert cell(table4(), "paper", removal=True, **criticizing) == 85.0
    assert cell(table4(), "paper", removal=False, **criticizing) == 82.9
    assert cell(figure3(), "tokens", benchmark="evalbias", budget=0) == 179
    assert cell(table6(), "pairs", benchmark="judgebench") == 350


def test_two_printed_averages_are_not_the_mean_of_their_row():
    assert averages_that_differ().values.tolist() == [
        ["Table 1", "qwen2.5-72b-instruct vanilla", 74.0, 74.2],
        ["Table 1", "qwen2.5-72b-instruct cce@16", 82.7, 82.5],
    ]


def test_the_headline_gain_is_gpt_4os_and_the_mean_of_five_judges_is_smaller():
    assert cell(gains(), "printed", judge="gpt-4o") == 6.7
    assert cell(gains(), "printed", judge="mean of judges") == 5.9
    # The mean of the cells, in which the two wrong averages have no part.
    assert cell(gains(), "mean", judge="mean of judges") == 5.8


def test_helpsteer2_falls_for_two_judges_and_nothing_else_falls():
    gain = gains().set_index("judge")[BENCHMARKS].stack()
    assert gain[gain < 0].to_dict() == {
        ("qwen2.5-32b-instruct", "helpsteer2"): -0.2,
        ("qwen2.5-72b-instruct", "helpsteer2"): -1.0,
    }


def test_figure_3_is_random_selection():
    ends = figure3_ends()
    panels = ends[~ends.benchmark.str.startswith("overall")]
    assert len(panels) == 3 * 2
    assert (panels.figure == panels.random).all()
    assert (panels.figure != panels.criticizing).all()


def test_figure_3s_overall_panel_is_the_average_over_pairs():
    ends = figure3_ends().set_index("benchmark")
    over_pairs, over_benchmarks = ends.loc["overall, over pairs"], ends.loc["overall, over benchmarks"]
    assert over_pairs.figure.tolist() == over_pairs.random.tolist() == [85.8, 86.2]
    assert over_benchmarks.random.tolist() == [79.8, 80.3]


def test_the_papers_own_intervals_overlap_on_three_benchmarks():
    table = own_intervals()
    assert set(table[table.overlap].benchmark) == {"helpsteer2", "mtbench_human", "judgebench"}
    row = table[(table.benchmark == "judgebench") & (table.method == "cce@16")].iloc[0]
    # One standard error at 70% of 350 is 2.4 points.
    assert row.accuracy_high - row.accuracy_low == pytest.approx(2 * 1.96 * 2.4, abs=0.2)


def test_a_student_has_its_cells_and_the_mean_of_its_row():
    student = ("llama-3.1-8b", "cce", 10_000)
    assert paper_student("judgebench", student) == 66.4
    assert paper_student("average", student) == 61.2
    assert pd.isna([paper_student("pocket", student), paper_student("judgebench", None)]).all()


def test_a_student_that_table_2_lacks_is_refused():
    with pytest.raises(BadInput, match=r"'cce', 20000\) is no student of the paper's Table 2, which has .*auto-j-13b"):
        paper_student("judgebench", ("llama-3.1-8b", "cce", 20_000))


def test_scores_are_those_of_the_same_base_model_data_and_sampling():
    scores = paper_scores("Qwen/Qwen2.5-7B@http://localhost:8000/v1", "tulu3_sft", 10_000, "crowd")
    assert scores == {"mtbench": 8.41, "alpaca_first": 23.78, "alpaca_second": 17.56}
    others = [("qwen2.5-7b", "lima", 200, "crowd"), ("embedded", "lima", 1000, "crowd")]
    assert pd.DataFrame(paper_scores(*row) for row in others).isna().all(axis=None)


def test_cce_teaches_worse_than_vanilla_in_four_cells_of_table_2():
    gain = student_steps("judgments", "cce", "vanilla").set_index(["student", "samples"])
    assert gain.average.tolist() == [3.5, 0.8, 0.8, 1.9]
    cells = gain[BENCHMARKS].stack()
    assert cells[cells < 0].to_dict() == {
        ("llama-3.1-8b", 30_000, "rewardbench"): -2.5,
        ("llama-3.1-8b", 30_000, "judgebench"): -0.1,
        ("qwen2.5-7b", 10_000, "judgebench"): -0.4,
        ("qwen2.5-7b", 30_000, "mtbench_human"): -0.2,
    }


def test_judgebench_falls_with_more_training_for_three_of_four_students_and_nothing_else_does():
    steps = student_steps("samples", 30_000, 10_000).set_index(["student", "judgments"])[BENCHMARKS]
    assert steps.judgebench.tolist() == [-9.7, -16.1, -2.0, 0.3]
    assert (steps.drop(columns="judgebench") > 0).all(axis=None)


def test_on_the_mean_only_the_mixed_student_judges_better_than_the_untaught_model():
    table = students_less_untrained()
    assert table.average.tolist() == [-9.5, -5.0, -8.7, -3.1, 0.6]
    assert table.judgments[table.average > 0].tolist() == ["cce+vanilla"]


def test_twelve_cells_of_the_students_are_not_above_chance():
    table = students_near_chance()
    assert table.benchmark.value_counts().to_dict() == {"judgebench": 6, "evalbias": 6}
    assert table[table.below].accuracy.tolist() == [34.2, 46.2, 38.7, 38.4, 40.2]


def test_table_3_does_not_rise_step_by_step():
    steps = sampling_steps().set_index(["step", "base_model", "instructions"]).drop(columns="count").stack()
    assert steps[steps < 0].to_dict() == {
        ("vanilla less random", "llama-3.1-8b", "lima", "mtbench"): -0.05,
        ("vanilla less random", "qwen2.5-7b", "lima", "mtbench"): -0.15,
        ("vanilla less random", "qwen2.5-7b", "lima", "alpaca_first"): -0.12,
        ("crowd less vanilla", "qwen2.5-7b", "tulu3_sft", "mtbench"): -0.05,
    }


def test_neither_of_the_two_numbers_of_alpacaeval_is_the_larger_throughout():
    assert alpaca_numbers().first_larger.tolist() == [0, 3, 3, 3]


def test_the_numbers_of_the_claims_are_those_of_the_tables():
    gpt_4o = ("average", "gpt-4o")
    steps = ["cce@16 vanilla", "cce-praising@16 cce-random@16", "cce-criticizing@16 cce-random@16"]
    steps = [paper_gain(*gpt_4o, *step.split()) for step in [*steps, "cce@16 cce-criticizing@16"]]
    overall = figure3().query("benchmark == 'overall'").set_index("budget").accuracy
    cce, vanilla = (paper_student("average", ("qwen2.5-7b", kind, 10_000)) for kind in ("cce", "vanilla"))
    rating = sampling_steps().set_index("step").mtbench["crowd less vanilla"].mean()
    right = [paper_accuracy(*gpt_4o, method) for method in ("vanilla", "cce@16")]
    # Of key points the paper says the direction alone.
    numbers = [*right, *steps, overall[16] - overall[0], cce - vanilla, rating]
    assert as_printed("claims.csv").paper.dropna().tolist() == pytest.approx(numbers)
