"""What length knows: every accuracy and every difference as it would be if no answer were longer than the other.

A judge that always takes the shorter answer is right on 97% of EvalBias, and one that takes the longer on 68% of
MT-Bench human. So whatever moves a judge towards shorter or longer answers gains or loses there without judging better.

Two ways to hold length fixed stand side by side. Pairs are looked at apart by what length knows of them (`by_length`).
And a logistic regression of rightness on the signed log ratio of lengths, which is how many times the right answer's
characters double the other's, tells the accuracy at a ratio of 0 and how far the choices follow length.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.linalg import block_diag
from scipy.special import expit
from scipy.stats import norm
from statsmodels.genmod.families import Binomial
from statsmodels.genmod.generalized_linear_model import GLM

from cce.analysis.statistics import Estimate, cluster_sums
from cce.names import AVERAGES

# Lengths that differ by less than a fifth count as similar.
SIMILAR = np.log2(1.2)
STRATA = {
    "similar lengths": lambda ratio: ratio.abs() < SIMILAR,
    "the longer is right": lambda ratio: ratio > 0,
    "the shorter is right": lambda ratio: ratio < 0,
}
# With fewer pairs on either side nothing can be told of it.
ENOUGH = 5
UNKNOWN = Estimate(np.nan, np.nan, np.nan)
Z = norm.ppf(0.975)


def by_length(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores of `scored`, each benchmark in three parts by what length knows, such as `pocket: similar lengths`.

    Each part is a benchmark of its own, for `accuracy_table` and `comparison_table`; averages have none. A pair whose
    lengths are similar is in one of the other parts as well, unless they are equal.
    """
    whole, parts = scores[~scores.benchmark.isin(AVERAGES)], []
    ratio = length_ratio(whole)
    for name, belongs in STRATA.items():
        part = whole[belongs(ratio)]
        total = part.groupby(["benchmark", "judge", "method"], observed=True).weight.transform("sum")
        parts.append(part.assign(benchmark=part.benchmark.astype(str) + f": {name}", weight=part.weight / total))
    return pd.concat(parts, ignore_index=True)


def length_ratio(scores: pd.DataFrame) -> pd.Series:
    """How many times the characters of the right answer double those of the other; negative where it is shorter."""
    lengths = scores[["length_a", "length_b"]].astype(float).clip(lower=1)
    doublings = np.log2(lengths.length_a / lengths.length_b)
    # Of a tie there is no right answer.
    return doublings.where(scores.label == "A", -doublings).where(scores.label != "tie")


def at_equal_length(scores: pd.DataFrame) -> tuple[Estimate, Estimate]:
    """The accuracy at equal length, 0 to 1, and how far the choices follow length, both with their 95% interval.

    The second is the change in the log-odds of choosing an answer as its length doubles: 0 does not follow it, 0.7
    doubles the odds of the longer answer. Intervals are robust to clusters, which are instructions. Where a choice is
    length's alone, the coefficient would be without end: each coefficient has a log-F(1, 1) prior (Greenland and
    Mansournia 2015, doi 10.1002/sim.6537), which counts as much as one pair. NaN where a length is not known, and where
    the longer or the shorter answer is right on fewer than five pairs.
    """
    fit = _fitted(scores, ["score"])
    if fit is None:
        return UNKNOWN, UNKNOWN
    found, covariance = fit
    errors = Z * np.sqrt(np.diag(covariance))
    (accuracy, follows), (low, least), (high, most) = found, found - errors, found + errors
    return Estimate(*expit([accuracy, low, high])), Estimate(follows, least, most)


def difference_at_equal_length(pairs: pd.DataFrame) -> Estimate:
    """By how much `score` is above `score_baseline` on the same pairs, if all answers were equally long: the difference
    of two regressions as in `at_equal_length`, fitted together, since pairs and instructions are the same.
    """
    fit = _fitted(pairs, ["score", "score_baseline"])
    if fit is None:
        return UNKNOWN
    found, covariance = fit
    own, baseline = expit(found[[0, 2]])
    slopes = np.array([own * (1 - own), 0, -baseline * (1 - baseline), 0])
    error = Z * np.sqrt(slopes @ covariance @ slopes)
    return Estimate(own - baseline, own - baseline - error, own - baseline + error)


def mean_of(parts: Sequence[Estimate]) -> Estimate:
    """The mean of estimates from independent parts, with its 95% interval by theirs."""
    values, lows, highs = np.array(parts, float).reshape(-1, 3).T
    error = np.sqrt(np.sum(((highs - lows) / 2) ** 2)) / len(parts)
    return Estimate(values.mean(), values.mean() - error, values.mean() + error)


def _fitted(rows: pd.DataFrame, outcomes: Sequence[str]) -> tuple[np.ndarray, np.ndarray] | None:
    """An intercept and a slope for each outcome, and their covariance; the rows of outcomes stand below each other."""
    rows = rows[rows.label != "tie"]
    ratio, weight = length_ratio(rows).to_numpy(), rows.weight.to_numpy(float)
    if not len(ratio) or np.isnan(ratio).any() or min((ratio > 0).sum(), (ratio < 0).sum()) < ENOUGH:
        return None
    n, own, weight = len(outcomes), np.column_stack([np.ones_like(ratio), ratio]), _balanced(weight, ratio)
    # A prior is a row of the coefficient alone, right half of the time, and a cluster of its own.
    design = np.vstack([block_diag(*[own] * n), np.eye(2 * n)])
    right = np.concatenate([rows[outcomes].to_numpy(float).T.ravel(), np.full(2 * n, 0.5)])
    weights = np.concatenate([np.tile(weight / weight.mean(), n), np.ones(2 * n)])
    clusters = np.tile(np.unique(rows.cluster, return_inverse=True)[1], n)
    groups = np.concatenate([clusters, clusters.max() + 1 + np.arange(2 * n)])
    fit = GLM(right, design, family=Binomial(), var_weights=weights).fit()
    pulls = design * (weights * (right - fit.fittedvalues))[:, None]
    return fit.params, _sandwich(fit.normalized_cov_params, pulls, groups)


def _balanced(weight: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """The weights with both sides of the ratio counting alike: a choice that is length's alone then comes to a half,
    however few pairs show that it is wrong.
    """
    sides = [weight[ratio > 0].sum(), weight[ratio < 0].sum()]
    return weight * np.select([ratio > 0, ratio < 0], [sum(sides) / 2 / side for side in sides], 1)


def _sandwich(bread: np.ndarray, pulls: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """The covariance that is robust to clusters, from how each row pulls at each coefficient; statsmodels has none for
    weighted rows.
    """
    of_groups = np.column_stack([cluster_sums(pull, groups) for pull in pulls.T])
    return bread @ of_groups.T @ of_groups @ bread
