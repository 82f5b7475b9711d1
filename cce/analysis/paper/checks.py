"""What a careful reader finds in the paper's own numbers, computed from its tables. Accuracies are in percent."""

import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from cce.analysis.paper import as_printed, figure3, table1, table2, table3, table4, table6
from cce.analysis.paper.cells import REFERENCE, paper_gain

METHODS = ["vanilla", "cce@16"]
SELECTIONS = ["random", "criticizing"]
# Table 3's samplings, each less the one before it.
STEPS = [("vanilla", "random"), ("crowd", "vanilla")]


def averages_that_differ() -> pd.DataFrame:
    """Rows of Tables 1, 2 and 4 whose printed average is not the mean of their five cells.

    Columns: table, row, printed, mean (both to one decimal).
    """
    tables = {
        "Table 1": "table1_judge_accuracy.csv",
        "Table 2": "table2_distillation.csv",
        "Table 4": "table4_selection.csv",
    }
    rows = pd.concat([_averages(name, as_printed(file)) for name, file in tables.items()], ignore_index=True)
    # A mean that lies half-way between two decimals may have been rounded either way.
    differ = (rows.printed - rows["mean"]).abs() > 0.05 + 1e-6
    return rows[differ].round(1).reset_index(drop=True)


def gains() -> pd.DataFrame:
    """Points that cce@16 gains over vanilla in Table 1, a row a judge, and a last row with the mean of the judges.

    Columns: judge, the five benchmarks, printed (the gain of the printed averages, as in the paper's headline),
    mean (the mean gain of the five benchmarks). A loss is negative.
    """
    table = as_printed("table1_judge_accuracy.csv").rename(columns={"average": "printed"}).set_index("judge")
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
    figure = figure3().rename(columns={"accuracy": "figure"}).drop(columns="tokens")
    panels = figure.merge(_selections(), on=["benchmark", "budget"])
    sizes = panels.benchmark.map(table6().set_index("benchmark").pairs)
    equal = pd.Series(1, panels.index)
    means = pd.concat([_means(panels, sizes, "overall, over pairs"), _means(panels, equal, "overall, over benchmarks")])
    overall = figure[figure.benchmark == "overall"].drop(columns="benchmark")
    return pd.concat([panels, means.merge(overall, on="budget")], ignore_index=True).round(1)


def selection_steps() -> pd.DataFrame:
    """Table 4's steps in points: each selection less random, and outcome removal less none, at 8 and at 16.

    Columns: step, budget, the five benchmarks, average (of their means).
    """
    steps = [(f"{name} less random", f"cce-{name}", "cce-random") for name in ("praising", "balanced", "criticizing")]
    steps += [
        ("removal, random", "cce-random+removal", "cce-random"),
        ("removal, criticizing", "cce", "cce-criticizing"),
    ]
    steps += [("criticizing less random, both with removal", "cce", "cce-random+removal")]
    rows = [
        {"step": step, "budget": budget} | _step(f"{method}@{budget}", f"{baseline}@{budget}")
        for budget in (8, 16)
        for step, method, baseline in steps
    ]
    return pd.DataFrame(rows)


def own_intervals() -> pd.DataFrame:
    """GPT-4o's vanilla and cce@16 in Table 1 with the 95% Wilson intervals that the paper does not print.

    Columns: benchmark, pairs (Table 6), method, accuracy, accuracy_low, accuracy_high, overlap (of the benchmark's
    two intervals).
    Both methods judge the same pairs, so an overlap alone does not rule a difference out.
    """
    table = table1().query("judge == 'gpt-4o' and method in @METHODS").merge(table6(), on="benchmark")
    low, high = proportion_confint(table.paper / 100 * table.pairs, table.pairs, method="wilson")
    table = table.assign(accuracy=table.paper, accuracy_low=100 * low, accuracy_high=100 * high).round(1)
    by_benchmark = table.groupby("benchmark")
    table["overlap"] = by_benchmark.accuracy_low.transform("max") <= by_benchmark.accuracy_high.transform("min")
    return table[["benchmark", "pairs", "method", "accuracy", "accuracy_low", "accuracy_high", "overlap"]]


def taught_gains() -> pd.DataFrame:
    """Points that a student of Table 2 gains when CCE's judgments teach it and not as many vanilla ones.

    Columns: student, samples, the five benchmarks, average. A loss is negative.
    """
    students = _students()
    cce, vanilla = (students.xs(kind, level="judgments") for kind in ("cce", "vanilla"))
    return (cce - vanilla).round(1).reset_index()


def size_steps() -> pd.DataFrame:
    """Points that a student of Table 2 gains from 10,000 to 30,000 training judgments of one kind.

    Columns: student, judgments, the five benchmarks, average. A loss is negative.
    """
    students = _students()
    return (students.xs(30_000, level="samples") - students.xs(10_000, level="samples")).round(1).reset_index()


def students_less_untrained() -> pd.DataFrame:
    """Table 2's Qwen2.5-7B students less Table 1's Qwen2.5-7B-Instruct, which no judgment has taught, as vanilla judge.

    Columns: judgments, samples, the five benchmarks, average, in points. A loss is negative. The
    tables do not show whether the students start from the base or from the instruct model.
    """
    untrained = as_printed("table1_judge_accuracy.csv").set_index(["judge", "method"])
    return (_students().loc["qwen2.5-7b"] - untrained.loc[("qwen2.5-7b-instruct", "vanilla")]).round(1).reset_index()


def students_near_chance() -> pd.DataFrame:
    """The cells of Table 2's own students that are not above 50% by the 95% Wilson interval, at Table 6's sizes.

    Columns: student, judgments, samples, benchmark, pairs, accuracy, accuracy_low, accuracy_high, below (whether the
    whole interval is under 50%, which the paper's rule that an unreadable verdict is wrong may explain).
    """
    table = table2().query("judgments != 'published judge'").merge(table6().drop(columns="focus"), on="benchmark")
    low, high = proportion_confint(table.paper / 100 * table.pairs, table.pairs, method="wilson")
    table = table.rename(columns={"paper": "accuracy"}).assign(accuracy_low=100 * low, accuracy_high=100 * high)
    table["below"] = table.accuracy_high < 50
    order = ["student", "judgments", "samples", "benchmark", "pairs", "accuracy", "accuracy_low", "accuracy_high"]
    return table.loc[table.accuracy_low <= 50, [*order, "below"]].round(1).reset_index(drop=True)


def sampling_steps() -> pd.DataFrame:
    """Table 3's steps: vanilla rejection less random picks, and crowd rejection less vanilla rejection.

    Columns: step, base_model, instructions, count, mtbench (points of 10), alpaca_first and alpaca_second (points of
    a percentage). A loss is negative.
    """
    table = table3().set_index(["base_model", "instructions", "count", "sampling"])
    picks = {name: table.xs(name, level="sampling") for name in ("random", "vanilla", "crowd")}
    steps = {f"{after} less {before}": picks[after] - picks[before] for after, before in STEPS}
    return pd.concat(steps, names=["step"]).round(2).reset_index()


def alpaca_numbers() -> pd.DataFrame:
    """Table 3's two numbers of AlpacaEval-2, a row a base model and set of instructions, as means of the samplings.

    Columns: base_model, instructions, count, alpaca_first, alpaca_second, first_larger (in how many of the three
    samplings). Neither number is the larger throughout, so that size does not tell which is length-controlled.
    """
    table = table3().assign(first_larger=lambda rows: rows.alpaca_first > rows.alpaca_second)
    data = table.groupby(["base_model", "instructions", "count"], sort=False)
    means = {"alpaca_first": "mean", "alpaca_second": "mean", "first_larger": "sum"}
    return data.agg(means).round(2).reset_index()


def _students() -> pd.DataFrame:
    table = as_printed("table2_distillation.csv")
    table = table.rename(columns={"training_judgments": "judgments", "training_samples": "samples"})
    return table.set_index(["student", "judgments", "samples"])


def _step(method: str, baseline: str) -> dict[str, float]:
    benchmarks = [*table6().benchmark, "average"]
    return {benchmark: paper_gain(benchmark, REFERENCE, method, baseline) for benchmark in benchmarks}


def _averages(name: str, table: pd.DataFrame) -> pd.DataFrame:
    benchmarks = list(table6().benchmark)
    labels = table.drop(columns=[*benchmarks, "average"]).astype(str).agg(" ".join, axis=1)
    return pd.DataFrame(
        {"table": name, "row": labels, "printed": table.average, "mean": table[benchmarks].mean(axis=1)}
    )


def _selections() -> pd.DataFrame:
    table = table4().query("not removal and selection in @SELECTIONS")
    return table.pivot(index=["benchmark", "budget"], columns="selection", values="paper")[SELECTIONS].reset_index()


def _means(panels: pd.DataFrame, weight: pd.Series, name: str) -> pd.DataFrame:
    sums = panels[SELECTIONS].mul(weight, axis=0).groupby(panels.budget).sum()
    return sums.div(weight.groupby(panels.budget).sum(), axis=0).assign(benchmark=name).reset_index()
