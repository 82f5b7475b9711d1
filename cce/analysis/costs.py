"""What accuracy costs: calls, tokens, dollars and seconds of a method, and the frontier that no cheaper one beats."""

import numpy as np
import pandas as pd

from cce.analysis.accuracy import GROUP, by_group
from cce.analysis.comparison import comparison_table
from cce.analysis.statistics import proportion, with_interval

# What a verdict costs, a pair; seconds are of model time, dollars by the list of prices.
COSTS = ["calls", "tokens", "dollars", "seconds"]
FRONTIERS = [f"best_for_{cost}" for cost in COSTS]
COLUMNS = [*GROUP, "pairs", *with_interval("accuracy"), *COSTS, *FRONTIERS]
RIVALS = [*GROUP, "baseline", "pairs", *with_interval("difference"), *COSTS, "times_tokens"]


def cost_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and cost of every benchmark, judge and method: COLUMNS.

    Takes what `scored` returns. Accuracy is in percent with its 95% interval; costs are means over the same pairs, as
    if each method were run alone. Dollars are NaN where a model has no known price. A method is best for a cost where
    no other of its benchmark, whoever judges, is as good for less, or better for as much.
    """
    table = by_group(scores.dropna(subset="score"), _costs, COLUMNS)
    for cost, best in zip(COSTS, FRONTIERS, strict=True):
        table[best] = False
        for _, rows in table.groupby("benchmark", sort=False):
            table.loc[rows.index, best] = unbeaten(rows[cost].to_numpy(float), rows.accuracy.to_numpy(float))
    return table


def unbeaten(cost: np.ndarray, accuracy: np.ndarray) -> np.ndarray:
    """Whether no other is at least as cheap and as good, and one of the two more; never where a cost is NaN."""
    cheaper, better = cost[:, None] <= cost, accuracy[:, None] >= accuracy
    more = (cost[:, None] < cost) | (accuracy[:, None] > accuracy)
    return ~(cheaper & better & more).any(axis=0) & ~np.isnan(cost)


def rival_table(scores: pd.DataFrame, method: str) -> pd.DataFrame:
    """Every other method beside this one on the same pairs, the cheapest first: RIVALS.

    `difference` is the other's accuracy less this one's, in points with its 95% interval; costs are the other's, as in
    `cost_table`, and times_tokens is how many times this method's tokens it takes.
    """
    costs = cost_table(scores)
    own = costs[costs.method == method].set_index(["benchmark", "judge"]).tokens.rename("own")
    table = comparison_table(scores, method).merge(costs[[*GROUP, *COSTS]], how="left", on=GROUP, indicator="asked")
    # A method that asks nobody stands beside every judge's.
    table.loc[table.asked == "left_only", COSTS] = 0
    table = table.join(own, on=["benchmark", "judge"])
    table["times_tokens"] = table.tokens / table.own
    table = table.sort_values("tokens", kind="stable")
    groups = [
        own for _, own in table.groupby(pd.Categorical(table.benchmark, scores.benchmark.unique()), observed=True)
    ]
    return pd.concat(groups, ignore_index=True)[RIVALS]


def _costs(rows: pd.DataFrame) -> dict:
    accuracy = proportion(rows.score, rows.weight, rows.cluster).named("accuracy", 100)
    tokens = rows.prompt_tokens + rows.completion_tokens
    means = {"calls": rows.calls, "tokens": tokens, "dollars": rows.dollars.astype(float), "seconds": rows.seconds}
    costs = {name: np.average(cost, weights=rows.weight) for name, cost in means.items()}
    return {"pairs": len(rows)} | accuracy | costs
