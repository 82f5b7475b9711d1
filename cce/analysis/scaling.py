"""Figure 3: accuracy, length of the rationale and cost over the number of crowd judgments, over several seeds."""

from collections.abc import Sequence
from math import nan

import pandas as pd

from cce.analysis.paper import figure3, paper_name
from cce.analysis.paper.cells import REFERENCE
from cce.analysis.scoring import AVERAGES, present
from cce.analysis.statistics import interval

# The figure's last panel: the mean over the pairs of its three benchmarks.
OVERALL = "overall"
# The paper's curve was drawn with random selection: its ends are the random rows of Table 4.
CURVES = {"random": "cce-random", "criticizing": "cce"}
GROUP = ["benchmark", "judge", "selection", "budget"]


def scaling_table(scores_by_seed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Summarise runs that differ in the seed of the selection, a row a benchmark, judge, selection and budget.

    Args:
        scores_by_seed: frames as `scored` makes them, one a seed, with the methods vanilla, cce-random@N, cce@N.

    Returns the columns benchmark, judge, selection, budget (0 is vanilla), seeds, pairs, missing (judgments over all
    seeds that failed calls kept from being made), accuracy (percent, mean
    over seeds) with accuracy_low and accuracy_high (95% interval over pairs), lowest and highest (a seed's
    accuracy), length (accuracy of the method of that name), rationale_tokens (mean length), spent_tokens (mean of
    prompts and answers a pair), paper and paper_tokens (Figure 3, which has one judge and random selection alone; NaN
    elsewhere). A run of the figure's three benchmarks has its `overall`, over all their pairs alike, as well.
    """
    every = [_with_overall(scores) for scores in scores_by_seed]
    runs = pd.concat([_on_curves(scores).assign(seed=seed) for seed, scores in enumerate(every)])
    # Where nothing was judged there is no point.
    runs = runs[runs.groupby(GROUP).score.transform("count") > 0]
    table = runs.groupby(GROUP, sort=False).apply(_point).reset_index()
    longer = every[0][every[0].method == "length"]
    floor = {benchmark: _accuracy(rows) for benchmark, rows in longer.groupby("benchmark")}
    table.insert(table.columns.get_loc("rationale_tokens"), "length", table.benchmark.map(floor))
    paper = figure3().set_index(["benchmark", "budget"])
    found = [_paper_point(paper, *row) for row in table[GROUP].itertuples(index=False)]
    return table.assign(paper=[point[0] for point in found], paper_tokens=[point[1] for point in found])


def _with_overall(scores: pd.DataFrame) -> pd.DataFrame:
    single = scores[~scores.benchmark.isin(AVERAGES)]
    if set(single.benchmark) != set(figure3().benchmark) - {OVERALL}:
        return scores
    ids = single.benchmark + ":" + single.id
    return pd.concat([single, single.assign(benchmark=OVERALL, id=ids, weight=1.0)])


def _accuracy(scores: pd.DataFrame) -> float:
    return round(100 * (scores.score * scores.weight).sum() / scores.weight.sum(), 1)


def _on_curves(scores: pd.DataFrame) -> pd.DataFrame:
    # The vanilla judgment begins both curves.
    family, _, budget = (scores.method.str.partition("@")[part] for part in range(3))
    budgets = scores.assign(budget=pd.to_numeric(budget.replace("", "0")))
    curves = [budgets[family.isin(["vanilla", name])].assign(selection=selection) for selection, name in CURVES.items()]
    return pd.concat(curves).sort_values("budget", kind="stable")


def _point(every: pd.DataFrame) -> pd.Series:
    runs = present(every)
    pairs = runs.groupby("id", sort=False).agg({"score": "mean", "weight": "first", "cluster": "first"})
    low, high = interval(pairs.score, pairs.weight, pairs.cluster)
    accuracies = runs.groupby("seed").apply(_accuracy)
    return pd.Series(
        {
            "seeds": len(accuracies),
            "pairs": len(pairs),
            "missing": len(every) - len(runs),
            "accuracy": round(accuracies.mean(), 1),
            "accuracy_low": round(100 * low, 1),
            "accuracy_high": round(100 * high, 1),
            "lowest": accuracies.min(),
            "highest": accuracies.max(),
            "rationale_tokens": round(runs.rationale_tokens.mean(), 1),
            "spent_tokens": round((runs.prompt_tokens + runs.completion_tokens).mean(), 1),
        },
        dtype=object,
    )


def _paper_point(paper: pd.DataFrame, benchmark: str, judge: str, selection: str, budget: int) -> tuple[float, float]:
    if (paper_name(judge), selection) != (REFERENCE, "random") or (benchmark, budget) not in paper.index:
        return nan, nan
    return tuple(paper.loc[(benchmark, budget), ["accuracy", "tokens"]])
