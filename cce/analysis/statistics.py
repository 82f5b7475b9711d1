"""How sure a number is: intervals that respect repeated instructions, paired tests, agreement, power.

Scores and probabilities are shares, 0 to 1, and arrays hold one value per pair; weights are above 0. Pairs with the
same `cluster`, that is with the same instruction, depend on each other (Miller 2024, arXiv 2411.00640).
"""

from math import ceil, nan
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import bootstrap, norm, t
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import cohens_kappa, to_table
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower
from statsmodels.stats.proportion import proportion_confint

RESAMPLES = 4_999


class Estimate(NamedTuple):
    """A number and its interval."""

    value: float
    low: float
    high: float

    def named(self, name: str, unit: float = 1, digits: int | None = None) -> dict[str, float]:
        """The cells `name`, `name_low` and `name_high` of a table's row: each times `unit`, rounded to `digits`."""
        cells = {name: self.value, f"{name}_low": self.low, f"{name}_high": self.high}
        return {key: unit * cell if digits is None else round(unit * cell, digits) for key, cell in cells.items()}


def with_interval(name: str) -> list[str]:
    """The names of the cells that `Estimate.named` makes."""
    return [name, f"{name}_low", f"{name}_high"]


def proportion(score: ArrayLike, weight: ArrayLike, cluster: ArrayLike) -> Estimate:
    """Weighted mean of `score`, and its 95% confidence interval.

    This is Wilson's interval at the effective number of pairs, p(1 - p) / se², with the cluster-robust standard error
    (Liang and Zeger 1986), without small-sample correction. The effective number is at most the number of pairs; where
    nothing varies between clusters, it is the effective number of clusters (Kish 1965). With fewer than about 20
    clusters of several pairs each it covers the truth about 90% of the time.
    """
    score, weight = np.asarray(score, float), np.asarray(weight, float)
    mean, weights = np.average(score, weights=weight), cluster_sums(weight, cluster)
    error = np.sqrt(np.sum(cluster_sums(weight * (score - mean), cluster) ** 2)) / weight.sum()
    alike = np.isclose(error, 0)
    pairs = weights.sum() ** 2 / np.sum(weights**2) if alike else min(mean * (1 - mean) / error**2, len(score))
    return Estimate(mean, *map(float, proportion_confint(mean * pairs, pairs, method="wilson")))


def mean(values: ArrayLike, cluster: ArrayLike) -> Estimate:
    """Mean of values of any size, and its 95% interval: t over clusters, with the cluster-robust standard error. With
    one cluster there is no interval, and low and high are NaN.
    """
    values = np.asarray(values, float)
    middle, n = values.mean(), len(np.unique(cluster))
    if n == 1:
        return Estimate(middle, nan, nan)
    apart = cluster_sums(values - middle, cluster)
    half = t.ppf(0.975, n - 1) * np.sqrt(n / (n - 1) * np.sum(apart**2)) / len(values)
    return Estimate(middle, middle - half, middle + half)


def difference(score: ArrayLike, baseline: ArrayLike, weight: ArrayLike, cluster: ArrayLike) -> Estimate:
    """Weighted mean of `score` less that of `baseline` on the same pairs, and its 95% interval.

    `baseline` and `weight` may be one number for all pairs. The interval is a percentile bootstrap over clusters with a
    fixed seed, expanded for few clusters (Hesterberg 2015, arXiv 1411.5279); docs/reading-results.md tells how often
    it covers the truth. Where all clusters differ by the same amount, resampling shows nothing, and low and high are
    NaN; without pairs all three are.
    """
    score = np.asarray(score, float)
    if not len(score):
        return Estimate(nan, nan, nan)
    weight = np.broadcast_to(np.asarray(weight, float), score.shape)
    differences = cluster_sums(weight * (score - np.asarray(baseline, float)), cluster)
    weights = cluster_sums(weight, cluster)
    mean = float(_ratio(differences, weights))
    if np.allclose(differences, mean * weights):
        return Estimate(mean, nan, nan)
    drawing = {"n_resamples": RESAMPLES, "batch": 100, "method": "percentile", "rng": np.random.default_rng(0)}
    level = _expanded(len(weights))
    resampled = bootstrap((differences, weights), _ratio, paired=True, confidence_level=level, **drawing)
    return Estimate(mean, *map(float, resampled.confidence_interval))


def resampled_means(values: ArrayLike, cluster: ArrayLike, resamples: int = 1_999) -> np.ndarray:
    """The means of the columns of `values`, one row a pair, over clusters drawn with replacement by a fixed seed: by
    resample and column. From these follows the interval of whatever is computed from several means, by `interval_of`.
    """
    values = np.asarray(values, float)
    places = np.unique(cluster, return_inverse=True)[1]
    sums, sizes = np.zeros((places.max() + 1, values.shape[1])), np.bincount(places)
    np.add.at(sums, places, values)
    drawn = np.random.default_rng(0).multinomial(len(sizes), np.full(len(sizes), 1 / len(sizes)), resamples)
    return drawn @ sums / (drawn @ sizes)[:, None]


def interval_of(value: float, resampled: np.ndarray, clusters: int) -> Estimate:
    """The value with the 95% percentile interval of its resamples, expanded as that of `difference`; NaN for both ends
    where resampling shows nothing. Ends may be infinite, where the value may be.
    """
    known = resampled[~np.isnan(resampled)]
    if clusters < 2 or not len(known) or known.min() == known.max():
        return Estimate(value, nan, nan)
    outside = (1 - _expanded(clusters)) / 2
    # A resample's own value, since between a number and infinity there is none.
    low, high = np.quantile(known, [outside, 1 - outside], method="nearest")
    return Estimate(value, float(low), float(high))


def _expanded(clusters: int) -> float:
    # The plain percentile interval is as narrow as a normal one with the variance divided by n instead of n - 1.
    wide = t.ppf(0.975, clusters - 1) * np.sqrt(clusters / (clusters - 1))
    return float(2 * norm.cdf(wide) - 1)


def mcnemar_p(right: ArrayLike, baseline_right: ArrayLike) -> float:
    """P-value of McNemar's exact test on whether two judges were right (bool); 1.0 where they never differ."""
    table, _ = to_table(np.column_stack([right, baseline_right]).astype(int), bins=2)
    return float(mcnemar(table, exact=True).pvalue)


def holm(p: ArrayLike) -> np.ndarray:
    """P-values corrected for being several (Holm 1979): the chance that any of so many tests comes out by chance alone
    stays below the level. A NaN is no test, and stays.
    """
    p = np.asarray(p, float)
    known = ~np.isnan(p)
    corrected = p.copy()
    if known.any():
        corrected[known] = multipletests(p[known], method="holm")[1]
    return corrected


def kappa(verdicts: ArrayLike, labels: ArrayLike) -> float:
    """Cohen's kappa; the categories are A, B and anything else. NaN without pairs, and where all are of one of them."""
    categories = [pd.Index(["A", "B"]).get_indexer(pd.Index(side)) + 1 for side in (verdicts, labels)]
    table, _ = to_table(np.column_stack(categories), bins=3)
    with np.errstate(invalid="ignore"):
        return float(cohens_kappa(table, return_results=False)) if table.any() else nan


def consistency(p_given: ArrayLike, p_swapped: ArrayLike) -> float:
    """Share of pairs whose two orders name the same answer, of those readable in both; NaN without any. The arrays hold
    the probability that answer A is better: 0.5 names neither, NaN is unreadable.
    """
    product = (np.asarray(p_given, float) - 0.5) * (np.asarray(p_swapped, float) - 0.5)
    return float((pd.Series(product).dropna() > 0).mean())


def pairs_needed(difference: float, spread: float, power: float = 0.8, alpha: float = 0.05) -> int:
    """Independent pairs that a paired, two-sided t test needs to see a true `difference` with probability `power`.

    `spread` is the standard deviation of the paired differences; effects above three of them count as three.
    Raises ValueError for a difference of 0 or NaN.
    """
    if not abs(difference) > 0:
        raise ValueError(f"no number of pairs shows a difference of {difference}")
    # solve_power does not converge for much larger effects, and four pairs show one of this size.
    effect = 3.0 if abs(difference) > 3.0 * spread else abs(difference) / spread
    return ceil(TTestPower().solve_power(effect_size=effect, power=power, alpha=alpha))


def cluster_sums(values: np.ndarray, cluster: ArrayLike) -> np.ndarray:
    """The sum of the values of each cluster, in the clusters' own order."""
    return np.bincount(np.unique(cluster, return_inverse=True)[1], values)


def _ratio(values: np.ndarray, weights: np.ndarray, axis: int = -1) -> np.ndarray:
    return values.sum(axis=axis) / weights.sum(axis=axis)
