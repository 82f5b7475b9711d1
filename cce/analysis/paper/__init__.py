"""The numbers that the paper prints, its tables and single cells of them, and what a careful reader finds in them.

Source: "Crowd Comparative Reasoning: Unlocking Comprehensive Evaluations for LLM-as-a-Judge", Zhang et al.,
ACL 2025, arXiv 2502.12501. The files hold the cells of its Tables 1 to 4 and 6. Figure 3's values were read off the
figure, to about 0.1 points of accuracy and 2 tokens. Accuracies are in percent, gains and steps in points. Each
docstring names the columns; "benchmarks" stands for the paper's five and their average.
"""

from functools import cache
from itertools import starmap
from math import nan
from pathlib import Path

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from cce.analysis.statistics import with_interval
from cce.errors import BadInput
from cce.names import cce_family, method_name, method_parts, short_name, without_prompts

# The judge of Table 4, of Figure 3 and of the headline, the paper's budget in Table 1, and those in Table 4.
REFERENCE, BUDGET, BUDGETS = "gpt-4o", 16, (8, 16)
# A student of Table 2: its name, the judgments that taught it, and their number.
Student = tuple[str, str, int]
STUDENT = ["student", "judgments", "samples"]
# A row of Table 3: on what a model was trained, and how its answers were picked.
DATA = ["base_model", "instructions", "count"]
ROW = [*DATA, "sampling"]
ACCURACY = with_interval("accuracy")


def as_printed(file: str, **names: str) -> pd.DataFrame:
    """A file of this folder as it stands: for a table, its rows, columns and printed averages. `names` are new ones."""
    return pd.read_csv(Path(__file__).with_name(file)).rename(columns=names)


def table1() -> pd.DataFrame:
    """Table 1 in long form: judge, method, benchmark, paper (accuracy)."""
    table = as_printed("table1_judge_accuracy.csv").drop(columns="average")
    return table.melt(["judge", "method"], var_name="benchmark", value_name="paper")


def students() -> pd.DataFrame:
    """Table 2 as printed: the benchmarks, by STUDENT; the judges published by others have "published judge" there."""
    names = {"training_judgments": "judgments", "training_samples": "samples"}
    return as_printed("table2_distillation.csv", **names).set_index(STUDENT)


def table2() -> pd.DataFrame:
    """Table 2 in long form: student, judgments, samples, benchmark, paper (accuracy)."""
    return students().drop(columns="average").reset_index().melt(STUDENT, var_name="benchmark", value_name="paper")


def table3() -> pd.DataFrame:
    """Table 3: base_model, instructions (as the kit names them), count, sampling, mtbench (1 to 10), and AlpacaEval-2's
    alpaca_first and alpaca_second (percent): the win rate and the length-controlled one, in an order that is not told.
    """
    names = {"instruction_count": "count", "alpacaeval2_first": "alpaca_first", "alpacaeval2_second": "alpaca_second"}
    table = as_printed("table3_rejection_sampling.csv", **names)
    sampling = table.sampling.str.removesuffix(" rejection")
    return table.assign(sampling=sampling, instructions=table.instructions.replace({"tulu3": "tulu3_sft"}))


def table4() -> pd.DataFrame:
    """Table 4, judge GPT-4o, in long form: selection, removal (of the outcome), budget, benchmark, paper (accuracy)."""
    table = as_printed("table4_selection.csv", outcome_removal="removal", crowd_judgments="budget")
    table = table.drop(columns="average").assign(removal=table.removal == "yes")
    return table.melt(["selection", "removal", "budget"], var_name="benchmark", value_name="paper")


def figure3() -> pd.DataFrame:
    """Figure 3, judge GPT-4o, `overall` included: benchmark, budget, accuracy, tokens (of the rationale)."""
    return as_printed("figure3_scaling.csv", crowd_judgments="budget", cot_tokens="tokens")


def table6() -> pd.DataFrame:
    """Table 6, the benchmarks: benchmark, pairs, focus."""
    return as_printed("table6_benchmarks.csv")


def paper_name(model: str) -> str:
    """A model as the paper writes it: `Qwen/Qwen2.5-7B-Instruct@http://...` is qwen2.5-7b-instruct."""
    return short_name(model).split("/")[-1].lower()


@cache
def cells() -> dict[tuple[str, str, str], float]:
    """Accuracy by (benchmark, judge, method); the benchmark "average" is the mean of the row's five."""
    curve, selections = figure3().rename(columns={"accuracy": "paper"}), table4()
    # The figure was drawn with random selection; nothing is selected at 0.
    curve["method"] = [f"cce-random@{budget}" if budget else "vanilla" for budget in curve.budget]
    selections["method"] = [f"{cce_family(row.selection, row.removal)}@{row.budget}" for row in selections.itertuples()]
    table = _with_averages(pd.concat([table1(), selections.assign(judge=REFERENCE)]), ["judge", "method"])
    # Last, so that a printed cell goes before one that was read off the figure.
    rows = pd.concat([curve.assign(judge=REFERENCE), table])
    return rows.set_index(["benchmark", "judge", "method"]).paper.to_dict()


@cache
def student_cells() -> dict[tuple[str, str, str, int], float]:
    """Accuracy by (benchmark, *student); the benchmark "average" is the mean of the row's five."""
    return _with_averages(table2(), STUDENT).set_index(["benchmark", *STUDENT]).paper.to_dict()


def paper_accuracy(benchmark: str, judge: str, method: str) -> float:
    """The paper's accuracy for this judge, whatever its address and its prompts; NaN where the paper has none."""
    return cells().get((benchmark, paper_name(judge), without_prompts(method)), nan)


def paper_student(benchmark: str, student: Student | None) -> float:
    """The accuracy of one of Table 2's students; NaN for None, and on other benchmarks. Raises BadInput for others."""
    if student and ("average", *student) not in student_cells():
        known = sorted({cell[1:] for cell in student_cells()})
        raise BadInput(f"{student} is no student of the paper's Table 2, which has {', '.join(map(str, known))}")
    return student_cells().get((benchmark, *(student or ())), nan)


def paper_scores(base_model: str, instructions: str, count: int, sampling: str) -> dict[str, float]:
    """The paper's mtbench, alpaca_first and alpaca_second (see `table3`); NaN where it has no such row."""
    table, row = table3().set_index(ROW), (paper_name(base_model), instructions, count, sampling)
    return table.loc[row].to_dict() if row in table.index else dict.fromkeys(table.columns, nan)


def paper_gain(benchmark: str, judge: str, method: str, baseline: str) -> float:
    """By how many points the paper's judge gains with the method over the baseline; NaN where the paper lacks one."""
    if without_prompts(method) == without_prompts(baseline):
        return nan
    return round(paper_accuracy(benchmark, judge, method) - paper_accuracy(benchmark, judge, baseline), 1)


def sought_gain(benchmark: str, judge: str, method: str, baseline: str) -> float:
    """The gain that a run should be able to see: the paper's own for this cell, or else GPT-4o's mean gain over the
    five benchmarks at this budget, or else that at the paper's budget of 16; NaN without all three.
    """
    methods, average = (method, baseline), ("average", REFERENCE)
    parts = map(method_parts, methods)
    at_paper_budget = [method_name(one._replace(budget=one.budget and BUDGET, prompts=None)) for one in parts]
    places = [(benchmark, judge, *methods), (*average, *methods), (*average, *at_paper_budget)]
    return next((gain for gain in starmap(paper_gain, places) if gain == gain), nan)


def averages_that_differ() -> pd.DataFrame:
    """Rows of Tables 1, 2 and 4 whose printed average is not the mean of their cells: table, row, printed, mean."""
    tables = []
    for name, file in {"Table 1": "1_judge_accuracy", "Table 2": "2_distillation", "Table 4": "4_selection"}.items():
        table = as_printed(f"table{file}.csv")
        scores = table[table6().benchmark]
        row = table.drop(columns=[*scores, "average"]).astype(str).agg(" ".join, axis=1)
        means = {"printed": table.average, "mean": scores.mean(axis=1)}
        # A mean that lies half-way between two decimals may have been rounded either way.
        differ = (table.average - means["mean"]).abs() > 0.05 + 1e-6
        tables.append(pd.DataFrame({"table": name, "row": row} | means)[differ])
    return pd.concat(tables, ignore_index=True).round(1)


def gains() -> pd.DataFrame:
    """What cce@16 gains over vanilla in Table 1, by judge and as the mean of the judges: judge, the five benchmarks,
    printed (the gain of the printed averages, as in the paper's headline), mean (the mean gain of the five), and
    without_evalbias (that of the other four: on EvalBias "the shorter answer wins" is right on 96.7% of the pairs).
    """
    table = as_printed("table1_judge_accuracy.csv", average="printed").set_index(["method", "judge"])
    gain = (table.loc["cce@16"] - table.loc["vanilla"]).loc[table.loc["vanilla"].index]
    five = gain.drop(columns="printed")
    gain = gain.assign(mean=five.mean(axis=1), without_evalbias=five.drop(columns="evalbias").mean(axis=1))
    gain.loc["mean of judges"] = gain.mean()
    return gain.round(1).reset_index()


def figure3_ends() -> pd.DataFrame:
    """Figure 3, whose curve is random selection, beside Table 4 without outcome removal: benchmark, budget, figure,
    random, criticizing. `overall` stands beside two means of the other panels, of which it is the one over pairs.
    """
    figure, chosen = figure3().rename(columns={"accuracy": "figure"}).drop(columns="tokens"), ["random", "criticizing"]
    table = table4().query("not removal").pivot(index=["benchmark", "budget"], columns="selection", values="paper")
    panels = figure.merge(table[chosen].reset_index(), on=["benchmark", "budget"])
    pairs = panels.benchmark.map(table6().set_index("benchmark").pairs)
    over = {"overall, over pairs": panels.loc[panels.index.repeat(pairs)], "overall, over benchmarks": panels}
    means = [rows.groupby("budget")[chosen].mean().assign(benchmark=name) for name, rows in over.items()]
    overall = figure[figure.benchmark == "overall"].drop(columns="benchmark")
    return pd.concat([panels, pd.concat(means).reset_index().merge(overall, on="budget")], ignore_index=True).round(1)


def selection_steps() -> pd.DataFrame:
    """Table 4's selections less random, and outcome removal less none, at 8 and at 16: step, budget, benchmarks."""
    names = [*table6().benchmark, "average"]
    return pd.DataFrame(
        {"step": step, "budget": at}
        | {name: paper_gain(name, REFERENCE, f"{method}@{at}", f"{baseline}@{at}") for name in names}
        for at in BUDGETS
        for step, method, baseline in as_printed("table4_steps.csv").itertuples(index=False)
    )


def own_intervals() -> pd.DataFrame:
    """GPT-4o's vanilla and cce@16 in Table 1 with the 95% Wilson intervals that the paper does not print, and whether
    they overlap. Both methods judge the same pairs, so an overlap alone does not rule a difference out.
    """
    table = _with_intervals(table1().query("judge == @REFERENCE and method in ('vanilla', 'cce@16')")).round(1)
    own = table.groupby("benchmark")
    table["overlap"] = own.accuracy_low.transform("max") <= own.accuracy_high.transform("min")
    return table[["benchmark", "pairs", "method", *ACCURACY, "overlap"]]


def student_steps(level: str, more: str | int, less: str | int) -> pd.DataFrame:
    """What Table 2's students gain with `more` over `less` of a level, judgments or samples: the others, benchmarks."""
    with_more, with_less = (students().xs(value, level=level) for value in (more, less))
    return (with_more - with_less).round(1).reset_index()


def students_less_untrained() -> pd.DataFrame:
    """Table 2's Qwen2.5-7B students less Table 1's vanilla judge Qwen2.5-7B-Instruct, from which they may have started
    or not, as the tables do not show: judgments, samples, benchmarks.
    """
    judges = as_printed("table1_judge_accuracy.csv").set_index(["judge", "method"])
    return (students().loc["qwen2.5-7b"] - judges.loc["qwen2.5-7b-instruct", "vanilla"]).round(1).reset_index()


def students_near_chance() -> pd.DataFrame:
    """The cells of Table 2's own students that are not above 50% by the 95% Wilson interval: STUDENT, benchmark, pairs,
    ACCURACY, below (if all of the interval is, which the paper's rule that an unreadable verdict is wrong may explain).
    """
    table = _with_intervals(table2().query("judgments != 'published judge'")).query("accuracy_low <= 50")
    table = table.assign(below=table.accuracy_high < 50).round(1).reset_index(drop=True)
    return table[[*STUDENT, "benchmark", "pairs", *ACCURACY, "below"]]


def sampling_steps() -> pd.DataFrame:
    """Table 3's vanilla rejection less random picks, and crowd less vanilla rejection: step, and as in `table3`."""
    random, vanilla, crowd = map(table3().set_index(["sampling", *DATA]).xs, ["random", "vanilla", "crowd"])
    steps = {"vanilla less random": vanilla - random, "crowd less vanilla": crowd - vanilla}
    return pd.concat(steps, names=["step"]).round(2).reset_index()


def alpaca_numbers() -> pd.DataFrame:
    """Table 3's two numbers of AlpacaEval-2 as means of the samplings, and in how many of these the first is larger:
    as neither always is, their size does not tell which one is length-controlled.
    """
    table = table3()
    data = table.assign(first_larger=table.alpaca_first > table.alpaca_second).groupby(DATA, sort=False)
    return data.agg({"alpaca_first": "mean", "alpaca_second": "mean", "first_larger": "sum"}).round(2).reset_index()


def _with_averages(table: pd.DataFrame, row: list[str]) -> pd.DataFrame:
    means = table.groupby(row).paper.mean().round(1).reset_index()
    return pd.concat([table, means.assign(benchmark="average")])


def _with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    table = table.merge(table6(), on="benchmark").rename(columns={"paper": "accuracy"})
    low, high = proportion_confint(table.accuracy / 100 * table.pairs, table.pairs, method="wilson")
    return table.assign(accuracy_low=100 * low, accuracy_high=100 * high)
