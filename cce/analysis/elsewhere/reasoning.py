"""What helps a judge: LLMBar's published judges by their strategies, each beside the same judge's Vanilla.

A Reference is the judge's own answer to the instruction, in view while it judges: a crowd of one. Metrics are questions
of its own on what matters here. CoT asks for an explanation before the verdict. All were asked in both orders.
"""

from math import nan

import numpy as np
import pandas as pd
from scipy.stats import t

from cce.analysis.statistics import Estimate, cluster_sums, difference, with_interval

VANILLA = "Vanilla"
STRATEGIES = ["Reference", "Metrics", "Metrics_Reference", "CoT"]
POOLED = "all of these"
COLUMNS = ["strategy", "judge", "pairs", "vanilla", "accuracy", *with_interval("gain"), "given", "swapped"]


def strategy_table(judgments: pd.DataFrame, judges: list[str], strategies: list[str] = STRATEGIES) -> pd.DataFrame:
    """What each strategy gains over the judge's Vanilla on the same pairs, in points: a row per strategy and judge, and
    one for all judges.

    Takes `load_judgments("llmbar_judgments")`. A pair's score is the mean of its two orders; an order without a
    readable verdict counts a half. `given` and `swapped` are the gains in either order. Pooled gains have an interval
    that is robust to pairs and to judges at once (Cameron, Gelbach and Miller 2011, doi 10.1198/jbes.2010.07136), by
    the t distribution with one degree of freedom less than there are judges.
    """
    scores, rows = _by_order(judgments), []
    for strategy in strategies:
        gains = {judge: _gains(scores, judge, strategy) for judge in judges}
        rows += [_row(strategy, judge, found) for judge, found in gains.items()]
        rows.append(_row(strategy, POOLED, pd.concat(gains.values(), keys=gains)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _by_order(judgments: pd.DataFrame) -> pd.DataFrame:
    """By judge, strategy and pair, in percent: given, swapped, and score, their mean."""
    worth = judgments.label.map({"A": 1.0, "B": 0.0})
    orders = {name: 100 * (1 - (judgments[f"p_{name}"].fillna(0.5) - worth).abs()) for name in ("given", "swapped")}
    frame = judgments[["judge", "method", "id"]].assign(**orders)
    return frame.assign(score=(frame.given + frame.swapped) / 2).set_index(["judge", "method", "id"]).sort_index()


def _gains(scores: pd.DataFrame, judge: str, strategy: str) -> pd.DataFrame:
    own, vanilla = scores.loc[(judge, strategy)], scores.loc[(judge, VANILLA)]
    return own.join(vanilla, rsuffix="_vanilla", how="inner")


def _row(strategy: str, judge: str, pairs: pd.DataFrame) -> dict:
    gain = pairs.score - pairs.score_vanilla
    if judge == POOLED:
        found = pooled(gain, pairs.index.get_level_values(1), pairs.index.get_level_values(0))
    else:
        found = difference(pairs.score, pairs.score_vanilla, 1, pairs.index)
    told = {"strategy": strategy, "judge": judge, "pairs": len(pairs), "vanilla": pairs.score_vanilla.mean()}
    orders = {name: (pairs[name] - pairs[f"{name}_vanilla"]).mean() for name in ("given", "swapped")}
    return told | {"accuracy": pairs.score.mean()} | found.named("gain") | orders


def pooled(values: pd.Series, first: pd.Index, second: pd.Index) -> Estimate:
    """The mean of values and its 95% interval, robust to two clusterings at once; without ends for one cluster."""
    residual = values.to_numpy(float) - values.mean()
    both = pd.MultiIndex.from_arrays([first, second])
    parts = [np.sum(cluster_sums(residual, pd.factorize(by)[0]) ** 2) for by in (first, second, both)]
    # What both have in common would count twice. Few clusters may leave less than one of the two has.
    variance = max(parts[0] + parts[1] - parts[2], parts[0], parts[1]) / len(residual) ** 2
    few = min(first.nunique(), second.nunique())
    reach = t.ppf(0.975, few - 1) * np.sqrt(variance) if few > 1 else nan
    return Estimate(float(values.mean()), values.mean() - reach, values.mean() + reach)
