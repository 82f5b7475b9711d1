"""When is a cheap verdict sure enough? A threshold for `cce-escalated@N`, set on one half of a run, shown on the other.

The pairs on which the cheap method is less sure than the threshold get the dear method's verdict. Both have judged all
pairs, so that every threshold can be looked at without a further call.
"""

import numpy as np
import pandas as pd

from cce.analysis.accuracy import by_group
from cce.analysis.statistics import difference, proportion, with_interval
from cce.errors import BadInput
from cce.names import AVERAGES

# The probability of the verdict, from which on the crowd is not asked; none is above 1, so that the last asks always.
THRESHOLDS = np.append(np.arange(50, 100, 5) / 100, [0.98, 0.99, 1.0, np.inf])
# What a threshold may lose on the half that it is set on, in points.
LOSS = 0.25
COLUMNS = ["benchmark", "judge", "method", "sure", "pairs", "escalated", "calls", "calls_of_all"]
COLUMNS += [*with_interval("accuracy"), *with_interval("less_than_all"), *with_interval("more_than_cheap")]


def escalation_table(cheap: pd.DataFrame, dear: pd.DataFrame) -> pd.DataFrame:
    """One row per benchmark, judge and method of the dear one: COLUMNS.

    Takes what `scored` returns of one method each, such as vanilla, read by distribution, and cce@16. `sure` is the
    smallest of THRESHOLDS that costs at most LOSS points on one half of the pairs; everything else is of the other
    half. `escalated` is the percentage of pairs that the dear method decided; calls are means per pair, of both methods
    where it did, and of the dear one alone in `calls_of_all`. Differences are paired, in points. The halves are drawn
    by the question, so that pairs with one question are in one.

    Raises BadInput where the two have no pair and judge in common.
    """
    cheap, dear = (scores[~scores.benchmark.isin(AVERAGES)].dropna(subset="score") for scores in (cheap, dear))
    both = dear.merge(cheap, on=["benchmark", "judge", "id"], suffixes=("", "_cheap"))
    if both.empty:
        raise BadInput("no pair was judged in both ways by one judge, so that no threshold can be set")
    return by_group(both, _row, COLUMNS)


def _row(rows: pd.DataFrame) -> dict:
    # By the question's own letters: a set that grows keeps its halves.
    setting = rows.cluster.map(lambda one: int(str(one)[-1], 16) % 2 == 0 if isinstance(one, str) else one % 2 == 0)
    before, after = rows[setting], rows[~setting]
    lost = [100 * (before.score - _scores(before, sure)).mean() for sure in THRESHOLDS]
    sure = next((sure for sure, points in zip(THRESHOLDS, lost, strict=True) if points <= LOSS), np.inf)
    return {"sure": sure, "pairs": len(after)} | (_shown(after, sure) if len(after) else {})


def _shown(rows: pd.DataFrame, sure: float) -> dict:
    score, unsure, weight = _scores(rows, sure), _unsure(rows, sure), rows.weight
    told = {"escalated": 100 * unsure.mean(), "calls": (rows.calls_cheap + rows.calls * unsure).mean()}
    told |= {"calls_of_all": rows.calls.mean()} | proportion(score, weight, rows.cluster).named("accuracy", 100)
    told |= difference(score, rows.score, weight, rows.cluster).named("less_than_all", 100)
    return told | difference(score, rows.score_cheap, weight, rows.cluster).named("more_than_cheap", 100)


def _scores(rows: pd.DataFrame, sure: float) -> pd.Series:
    return rows.score.where(_unsure(rows, sure), rows.score_cheap)


def _unsure(rows: pd.DataFrame, sure: float) -> pd.Series:
    p_a = rows.p_a_cheap.astype(float)
    # An unreadable verdict is not sure.
    return ~(np.maximum(p_a, 1 - p_a) >= sure)
