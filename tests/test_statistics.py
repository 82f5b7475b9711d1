"""The statistics against known values, and against simulated judges whose true accuracy is known."""

from math import isnan, sqrt

import numpy as np
import pytest
from scipy.stats import binom, ttest_1samp
from statsmodels.api import WLS
from statsmodels.stats.proportion import proportion_confint

from cce.analysis import statistics
from cce.analysis.statistics import RESAMPLES, consistency, difference, kappa, mcnemar_p, pairs_needed, proportion

# The standard error of an observed coverage is 0.4 points at INTERVALS repetitions and 0.9 at BOOTSTRAPS; these
# intervals are asymptotic, and at the sizes below cover up to 1.5 points less or more than they claim.
INTERVALS, BOOTSTRAPS = 3000, 600
COVERS = pytest.approx(0.95, abs=0.025)
# So few resamples move a bound by a fraction of its width, and the coverage by less than can be told here.
A_TENTH = RESAMPLES // 10

# Shares of pairs on which both judges are right, only the better one, only the baseline, and neither.
OUTCOMES = np.array([0.68, 0.12, 0.056, 0.144])
GAIN = 0.12 - 0.056
RIGHT, BASELINE_RIGHT = np.array([1, 1, 0, 0]), np.array([1, 0, 1, 0])


def pairs(rng: np.random.Generator, clusters: int, largest: int, correlation: float = 0.3):
    """Outcomes (places in OUTCOMES) and cluster of pairs; a cluster has 1 to `largest`, all drawn from its own shares.

    The shares of a cluster are Dirichlet, so that OUTCOMES are true on average and two pairs of a cluster are
    correlated as given.
    """
    shares = rng.dirichlet(OUTCOMES * (1 - correlation) / correlation, clusters)
    cluster = np.repeat(np.arange(clusters), rng.integers(1, largest + 1, clusters))
    drawn = rng.random(len(cluster))[:, None] > shares[cluster].cumsum(axis=1)
    return drawn.sum(axis=1).clip(max=3), cluster


def interval(*arguments) -> tuple[float, float]:
    return proportion(*arguments)[1:]


def coverage(truth: float, intervals) -> float:
    return float(np.mean([low <= truth <= high for low, high in intervals]))


def test_without_repeats_the_interval_is_wilsons():
    # Wilson 1927 for 15 of 20, z = 1.96.
    assert interval([1] * 15 + [0] * 5, np.full(20, 0.3), range(20)) == pytest.approx((0.531, 0.888), abs=5e-4)


def test_the_standard_error_is_the_cluster_robust_one_of_statsmodels():
    rng = np.random.default_rng(1)
    outcomes, cluster = pairs(rng, 40, 10)
    score, weight = RIGHT[outcomes], rng.uniform(0.5, 2, len(outcomes))
    fit = WLS(score, np.ones(len(score)), weights=weight).fit(
        cov_type="cluster", cov_kwds={"groups": cluster, "use_correction": False}
    )
    mean, error = fit.params[0], fit.bse[0]
    effective = mean * (1 - mean) / error**2
    wilson = proportion_confint(mean * effective, effective, method="wilson")
    assert interval(score, weight, cluster) == pytest.approx(wilson)


@pytest.mark.parametrize(
    ("score", "weight", "cluster", "effective"),
    [
        pytest.param([1] * 12, [1] * 12, list("aaabbbcccddd"), 4, id="all right: a cluster counts as one"),
        pytest.param([1] * 3, [2, 1, 1], list("aab"), 1.6, id="all right, clusters of weight 3 and 1"),
        pytest.param([1, 0, 0, 1], [1] * 4, list("aabb"), 2, id="clusters all alike"),
        pytest.param([1, 0], [1, 1], list("aa"), 1, id="one cluster"),
        pytest.param([1], [1], ["a"], 1, id="one pair"),
        pytest.param([0.5, 0.5, 0.5, 1, 0], [1] * 5, list("abcde"), 5, id="halves claim no more than pairs"),
    ],
)
def test_the_effective_number_of_pairs_is_cautious(score, weight, cluster, effective):
    mean = np.average(score, weights=weight)
    wilson = proportion_confint(mean * effective, effective, method="wilson")
    assert interval(score, weight, cluster) == pytest.approx(wilson)


@pytest.mark.parametrize("n", [20, 50, 100, 300])
def test_the_interval_covers_for_independent_pairs(n):
    rng = np.random.default_rng(n)
    scores = RIGHT[rng.choice(4, (INTERVALS, n), p=OUTCOMES)]
    assert coverage(0.8, (interval(score, np.ones(n), range(n)) for score in scores)) == COVERS


def test_the_interval_covers_for_weighted_sections():
    # Two sections, of which the smaller has half of the weight and is the easier one.
    rng = np.random.default_rng(2)
    small = rng.random((INTERVALS, 200)) < 0.25
    scores = rng.random(small.shape) < np.where(small, 0.9, 0.6)
    weights = np.where(small, 0.5 / 0.25, 0.5 / 0.75)
    sections = zip(scores, weights, strict=True)
    assert coverage(0.75, (interval(score, weight, range(200)) for score, weight in sections)) == COVERS


@pytest.mark.parametrize("clusters", [40, 60, 80])
def test_the_interval_covers_for_repeated_instructions_and_one_that_ignores_them_does_not(clusters):
    rng = np.random.default_rng(clusters)
    drawn = [pairs(rng, clusters, 10) for _ in range(INTERVALS)]
    ours = [interval(RIGHT[outcomes], np.ones(len(outcomes)), cluster) for outcomes, cluster in drawn]
    naive = [proportion_confint(RIGHT[outcomes].sum(), len(outcomes), method="wilson") for outcomes, _ in drawn]
    assert coverage(0.8, ours) == COVERS
    assert coverage(0.8, naive) < 0.85


@pytest.mark.parametrize(
    ("clusters", "largest", "resamples"),
    [(50, 1, RESAMPLES), (200, 1, A_TENTH), (40, 10, RESAMPLES), (80, 10, A_TENTH)],
)
def test_the_difference_covers_for_independent_pairs_and_for_repeated_instructions(
    clusters, largest, resamples, monkeypatch
):
    monkeypatch.setattr(statistics, "RESAMPLES", resamples)
    rng = np.random.default_rng(clusters)
    found = []
    for _ in range(BOOTSTRAPS):
        outcomes, cluster = pairs(rng, clusters, largest)
        found.append(difference(RIGHT[outcomes], BASELINE_RIGHT[outcomes], np.ones(len(outcomes)), cluster))
    assert np.mean([each.value for each in found]) == pytest.approx(GAIN, abs=0.01)
    assert coverage(GAIN, ((each.low, each.high) for each in found)) == COVERS


@pytest.mark.parametrize(("n", "least", "most"), [(12, 0.78, 0.88), (20, 0.89, 0.95)])
def test_the_difference_covers_less_where_only_two_or_three_pairs_differ(n, least, most, monkeypatch):
    monkeypatch.setattr(statistics, "RESAMPLES", A_TENTH)
    # What docs/reading-results.md says of small samples: 18% of so few pairs differ.
    rng = np.random.default_rng(n)
    drawn = [pairs(rng, n, 1)[0] for _ in range(BOOTSTRAPS)]
    found = [difference(RIGHT[outcomes], BASELINE_RIGHT[outcomes], np.ones(n), range(n)) for outcomes in drawn]
    assert least < coverage(GAIN, ((each.low, each.high) for each in found if not isnan(each.low))) < most


def test_a_number_that_all_pairs_share_need_not_be_repeated_and_without_pairs_there_is_no_difference():
    score, cluster = [0.2, 0.9, 0.4], list("abc")
    assert difference(score, 0, 1, cluster) == difference(score, np.zeros(3), np.ones(3), cluster)
    assert np.isnan(difference([], [], [], [])).all()
    named = difference([1, 1], 0, 1, list("ab")).named("gain", 100)
    assert named == pytest.approx({"gain": 100, "gain_low": np.nan, "gain_high": np.nan}, nan_ok=True)


def test_a_difference_is_weighted_and_reproducible():
    arguments = ([1, 1, 0.5, 0], [0, 1, 0, 1], [3, 1, 2, 2], list("abcc"))
    found = difference(*arguments)
    assert found.value == pytest.approx((3 + 1 - 2) / 8)
    assert found.low < found.value < found.high
    assert difference(*arguments) == found


@pytest.mark.parametrize(
    ("score", "baseline", "cluster"),
    [([1, 0, 1], [1, 0, 1], "abc"), ([1, 1, 1], [0, 0, 0], "abc"), ([1, 1, 0], [0, 1, 1], "aaa"), ([1], [0], "a")],
    ids=["no pair differs", "all differ alike", "one cluster", "one pair"],
)
def test_a_difference_that_resampling_cannot_vary_has_no_interval(score, baseline, cluster):
    found = difference(score, baseline, np.ones(len(score)), list(cluster))
    assert found.value == pytest.approx(np.mean(score) - np.mean(baseline))
    assert isnan(found.low)
    assert isnan(found.high)


def test_mcnemar_is_the_binomial_test_of_the_pairs_that_differ():
    # 6 pairs only the first judge gets right, 1 only the second: 2 P(X <= 1), X ~ B(7, 1/2) = 16 / 128.
    right = [1] * 10 + [1] * 6 + [0] + [0] * 3
    baseline = [1] * 10 + [0] * 6 + [1] + [0] * 3
    assert mcnemar_p(right, baseline) == pytest.approx(2 * binom.cdf(1, 7, 0.5)) == pytest.approx(0.125)
    assert mcnemar_p([True, False], [True, False]) == 1.0


def test_kappa_by_hand():
    # Cohen 1960: of 50, 35 agree; chance agrees on 0.5 * 0.6 + 0.5 * 0.4 = 0.5.
    verdicts = ["A"] * 25 + ["B"] * 25
    labels = ["A"] * 20 + ["B"] * 5 + ["A"] * 10 + ["B"] * 15
    assert kappa(verdicts, labels) == pytest.approx((0.7 - 0.5) / 0.5)


def test_kappa_counts_ties_and_unreadable_verdicts_as_naming_neither():
    # 2 of 4 agree; chance agrees on 0.25 * 0.5 + 0.25 * 0.5 = 0.25.
    assert kappa(["A", "B", "tie", None], ["A", "B", "A", "B"]) == pytest.approx((0.5 - 0.25) / 0.75)
    assert kappa(["tie", "A"], [None, "A"]) == 1.0


@pytest.mark.parametrize("verdicts", [[], ["A", "A"], ["tie", None]])
def test_kappa_is_undefined_without_variation(verdicts):
    assert isnan(kappa(verdicts, verdicts))


def test_consistency_is_of_pairs_readable_in_both_orders():
    given, swapped = [0.9, 0.2, 0.6, 0.5, 0.5, None, 1.0], [0.8, 0.9, 0.5, 0.5, 0.1, 0.9, None]
    assert consistency(given, swapped) == 1 / 5
    assert isnan(consistency([None, 0.9], [0.9, None]))


def test_as_many_pairs_as_needed_see_the_difference_with_the_power_asked_for():
    rng = np.random.default_rng(3)
    n = pairs_needed(GAIN, sqrt(0.12 + 0.056 - GAIN**2))
    outcomes = rng.choice(4, (2000, n), p=OUTCOMES)
    right, baseline = RIGHT[outcomes], BASELINE_RIGHT[outcomes]
    seen = ttest_1samp(right - baseline, 0, axis=1).pvalue < 0.05
    seen_exactly = [mcnemar_p(*judges) < 0.05 for judges in zip(right, baseline, strict=True)]
    assert np.mean(seen) == pytest.approx(0.8, abs=0.03)
    # The exact test keeps below its 5%, and pays for that with power.
    assert np.mean(seen_exactly) == pytest.approx(0.78, abs=0.04)


def test_pairs_needed_at_its_ends():
    assert pairs_needed(-0.05, 0.4) == pairs_needed(0.05, 0.4) == 505
    assert 2 <= pairs_needed(1, 0) == pairs_needed(0.9, 0.1) <= 4
    assert pairs_needed(1e-5, 0.4) > 10**9
    with pytest.raises(ValueError, match="no number of pairs"):
        pairs_needed(0, 0.4)
