"""What a careful reader finds in the paper's own numbers, computed from its tables.

Accuracies are in percent, gains and steps in points; a loss is negative. Each docstring names the columns;
"benchmarks" stands for the paper's five and their average.
"""

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from cce.analysis import paper

METHODS = ["vanilla", "cce@16"]
SELECTIONS = ["random", "criticizing"]
# Table 4's steps: what they are called, a family of methods, and what it is compared with.
STEPS = [(f"{name} less random", f"cce-{name}", "cce-random") for name in ("praising", "balanced", "criticizing")]
STEPS += [("removal, random", "cce-random+removal", "cce-random"), ("removal, criticizing", "cce", "cce-criticizing")]
STEPS += [("criticizing less random, both with removal", "cce", "cce-random+removal")]


def averages_that_differ() -> pd.DataFrame:
    """Rows of Tables 1, 2 and 4 whose printed average is not the mean of their cells: table, row, printed, mean."""
    tables = {"Table 1": "table1_judge_accuracy", "Table 2": "table2_distillation", "Table 4": "table4_selection"}
    rows = pd.concat([_averages(name, paper.as_printed(f"{file}.csv")) for name, file in tables.items()])
    # A mean that lies half-way between two decimals may have been rounded either way.
    differ = (rows.printed - rows["mean"]).abs() > 0.05 + 1e-6
    return rows[differ].round(1).reset_index(drop=True)


def gains() -> pd.DataFrame:
    """What cce@16 gains over vanilla in Table 1, with one row per judge, and a last row with the mean of the judges.

    Columns: judge, the five benchmarks, printed (the gain of the printed averages, as in the paper's headline),
    mean (the mean gain of the five benchmarks).
    """
    table = paper.as_printed("table1_judge_accuracy.csv").rename(columns={"average": "printed"}).set_index("judge")
    vanilla, cce = (table[table.method == method].drop(columns="method") for method in METHODS)
    gain = (cce - vanilla).loc[vanilla.index]
    gain["mean"] = gain.drop(columns="printed").mean(axis=1)
    gain.loc["mean of judges"] = gain.mean()
    return gain.round(1).reset_index()


def figure3_ends() -> pd.DataFrame:
    """Figure 3 at 8 and 16 crowd judgments beside Table 4 without outcome removal: the curve is random selection.

    Columns: benchmark, budget, figure, random, criticizing. The `overall` panel stands beside Table 4 twice,
    averaged over the pairs and over the benchmarks of the other panels: the panel is the average over pairs.
    """
    figure = paper.figure3().rename(columns={"accuracy": "figure"}).drop(columns="tokens")
    table = paper.table4().query("not removal and selection in @SELECTIONS")
    table = table.pivot(index=["benchmark", "budget"], columns="selection", values="paper")[SELECTIONS]
    panels = figure.merge(table.reset_index(), on=["benchmark", "budget"])
    pairs, equal = panels.benchmark.map(paper.table6().set_index("benchmark").pairs), pd.Series(1, panels.index)
    means = pd.concat([_means(panels, pairs, "over pairs"), _means(panels, equal, "over benchmarks")])
    overall = figure[figure.benchmark == "overall"].drop(columns="benchmark")
    return pd.concat([panels, means.merge(overall, on="budget")], ignore_index=True).round(1)


def selection_steps() -> pd.DataFrame:
    """Table 4's selections less random, and outcome removal less none, at 8 and at 16: step, budget, benchmarks."""
    names = [*paper.table6().benchmark, "average"]
    return pd.DataFrame(
        {"step": step, "budget": at}
        | {name: paper.paper_gain(name, paper.REFERENCE, f"{method}@{at}", f"{baseline}@{at}") for name in names}
        for at in (8, 16)
        for step, method, baseline in STEPS
    )


def own_intervals() -> pd.DataFrame:
    """GPT-4o's vanilla and cce@16 in Table 1 with the 95% Wilson intervals that the paper does not print.

    Columns: benchmark, pairs (Table 6), method, accuracy, accuracy_low, accuracy_high, overlap (of the benchmark's
    two intervals). Both methods judge the same pairs, so an overlap alone does not rule a difference out.
    """
    table = _with_intervals(paper.table1().query("judge == 'gpt-4o' and method in @METHODS")).round(1)
    by_benchmark = table.groupby("benchmark")
    table["overlap"] = by_benchmark.accuracy_low.transform("max") <= by_benchmark.accuracy_high.transform("min")
    return table[["benchmark", "pairs", "method", "accuracy", "accuracy_low", "accuracy_high", "overlap"]]


def taught_gains() -> pd.DataFrame:
    """What CCE's judgments teach a student more than as many vanilla ones do: student, samples, benchmarks."""
    cce, vanilla = (paper.students().xs(kind, level="judgments") for kind in ("cce", "vanilla"))
    return (cce - vanilla).round(1).reset_index()


def size_steps() -> pd.DataFrame:
    """What a student gains from 10,000 to 30,000 training judgments of one kind: student, judgments, benchmarks."""
    many, few = (paper.students().xs(samples, level="samples") for samples in (30_000, 10_000))
    return (many - few).round(1).reset_index()


def students_less_untrained() -> pd.DataFrame:
    """Table 2's Qwen2.5-7B students less Table 1's untaught Qwen2.5-7B-Instruct: judgments, samples, benchmarks.

    The latter is the vanilla judge. The tables do not show whether the students start from it or from the base model.
    """
    judges = paper.as_printed("table1_judge_accuracy.csv").set_index(["judge", "method"])
    students = paper.students().loc["qwen2.5-7b"]
    return (students - judges.loc[("qwen2.5-7b-instruct", "vanilla")]).round(1).reset_index()


def students_near_chance() -> pd.DataFrame:
    """The cells of Table 2's own students that are not above 50% by the 95% Wilson interval, at Table 6's sizes.

    Columns: student, judgments, samples, benchmark, pairs, accuracy, accuracy_low, accuracy_high, below (whether the
    whole interval is under 50%, which the paper's rule that an unreadable verdict is wrong may explain).
    """
    table = _with_intervals(paper.table2().query("judgments != 'published judge'"))
    table["below"] = table.accuracy_high < 50
    columns = [*paper.STUDENT, "benchmark", "pairs", "accuracy", "accuracy_low", "accuracy_high", "below"]
    return table.loc[table.accuracy_low <= 50, columns].round(1).reset_index(drop=True)


def sampling_steps() -> pd.DataFrame:
    """Table 3's vanilla rejection less random picks, and crowd less vanilla rejection: step, and as in `table3`."""
    table = paper.table3().set_index(["base_model", "instructions", "count", "sampling"])
    random, vanilla, crowd = (table.xs(name, level="sampling") for name in ("random", "vanilla", "crowd"))
    steps = {"vanilla less random": vanilla - random, "crowd less vanilla": crowd - vanilla}
    return pd.concat(steps, names=["step"]).round(2).reset_index()


def alpaca_numbers() -> pd.DataFrame:
    """Table 3's two numbers of AlpacaEval-2 as means of the samplings, by base model and set of instructions.

    Columns: base_model, instructions, count, alpaca_first, alpaca_second, first_larger (in how many of the three
    samplings). Neither number is always the larger, so their size does not tell which one is length-controlled.
    """
    table = paper.table3().assign(first_larger=lambda rows: rows.alpaca_first > rows.alpaca_second)
    data = table.groupby(["base_model", "instructions", "count"], sort=False)
    return data.agg({"alpaca_first": "mean", "alpaca_second": "mean", "first_larger": "sum"}).round(2).reset_index()


def _averages(name: str, table: pd.DataFrame) -> pd.DataFrame:
    cells = table[list(paper.table6().benchmark)]
    labels = table.drop(columns=[*cells, "average"]).astype(str).agg(" ".join, axis=1)
    return pd.DataFrame({"table": name, "row": labels, "printed": table.average, "mean": cells.mean(axis=1)})


def _means(panels: pd.DataFrame, weight: pd.Series, name: str) -> pd.DataFrame:
    sums = panels[SELECTIONS].mul(weight, axis=0).groupby(panels.budget).sum()
    means = sums.div(weight.groupby(panels.budget).sum(), axis=0)
    return means.assign(benchmark=f"overall, {name}").reset_index()


def _with_intervals(table: pd.DataFrame) -> pd.DataFrame:
    table = table.merge(paper.table6(), on="benchmark").rename(columns={"paper": "accuracy"})
    low, high = proportion_confint(table.accuracy / 100 * table.pairs, table.pairs, method="wilson")
    return table.assign(accuracy_low=100 * low, accuracy_high=100 * high)
