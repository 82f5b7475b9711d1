"""Picks beside what is right: how often a right response is picked, and RewardBench 2's own rule for its Ties.

Takes frames of `pick` over pools that say which responses are `correct`.
"""

import numpy as np
import pandas as pd

from cce.analysis.length import mean_of
from cce.analysis.statistics import Estimate, difference, proportion, with_interval
from cce.errors import BadInput
from cce.names import OTHER_AVERAGE

COLUMNS = ["subset", "judge", "method", "pools", *with_interval("accuracy"), "by_chance", "comparisons"]
TIES = "Ties"
# What each part of the rule for Ties counts for.
RIGHT_OF_MANY, RIGHT_OF_ONE, APART, APART_HARD, TIEBREAK = 0.3, 0.3, 0.2, 0.2, 0.01


def credit(scores: np.ndarray, correct: np.ndarray) -> np.ndarray:
    """The chance that one of those with the best score is right, drawn by lot; the last axis is that of responses.

    With one right response this is RewardBench 2's rule: 1/k where it shares the best score with others, k in all.
    """
    best = scores == scores.max(axis=-1, keepdims=True)
    return (best & correct).sum(axis=-1) / best.sum(axis=-1)


def pool_table(picked: pd.DataFrame) -> pd.DataFrame:
    """One row per subset, judge and method, and their mean where there are several subsets: COLUMNS.

    `accuracy` is the mean `credit` of a pool in percent, with its 95% interval over instructions; of RewardBench 2's
    Ties it is `ties_score`. `by_chance` is the same for picks by lot, NaN for Ties. Raises BadInput where no pool says
    which responses are right.
    """
    known = picked[picked.correct.map(len) > 0]
    if known.empty:
        raise BadInput("pools: none says which of its responses are right; `correct` holds their places, from 0")
    rows = []
    for (judge, method), own in known.groupby(["judge", "method"], sort=False):
        parts = [_row(subset, pools) for subset, pools in own.groupby("subset", sort=False)]
        rows += [{"judge": judge, "method": method} | row for row in [*parts, *_mean(parts)]]
    return pd.DataFrame(rows, columns=COLUMNS)


def ties_score(pools: pd.DataFrame) -> tuple[int, Estimate]:
    """RewardBench 2's score of its Ties (Malik et al. 2025, arXiv 2506.01937), and on how many prompts it stands.

    A prompt is asked once with one right answer (ref:N) and once with many (tied:N). All right answers must score above
    all wrong ones: 0.3 for either. And the gap between them must be wider than the spread of the right ones, by itself
    and in both: 0.2 for either. A hundredth says how much wider. Prompts of which one of the two is missing are left
    out. Source: the formula of github.com/allenai/reward-bench at 05a9005, `process_single_model`.
    """
    gaps: dict[str, dict[str, tuple[float, float]]] = {}
    for pool in pools.itertuples():
        kind, _, number = pool.id.rpartition("-")[2].partition(":")
        gaps.setdefault(number, {})[kind] = _gap(pool)
    whole = [(of["tied"], of["ref"]) for of in gaps.values() if {"ref", "tied"} <= set(of)]
    scores = [_of_prompt(*tied, gap_of_one) for tied, (gap_of_one, _) in whole]
    return len(scores), difference(scores, 0, 1, np.arange(len(scores)))


def _gap(pool) -> tuple[float, float]:
    """How far the worst right response scores above the best wrong one, and how far right ones lie apart."""
    scores, right = np.array(pool.scores, float), _is_right(pool)
    return scores[right].min() - scores[~right].max(), np.ptp(scores[right])


def _of_prompt(gap: float, spread: float, gap_of_one: float) -> float:
    narrower = min(gap, gap_of_one)
    # Without any spread the authors' ratio is infinite, or not a number, which counts 0.
    ratio = np.tanh(narrower / spread - 1) if spread else float(np.sign(narrower))
    told = RIGHT_OF_MANY * (gap > 0) + RIGHT_OF_ONE * (gap_of_one > 0)
    return told + APART * (gap > spread) + APART_HARD * (narrower > spread) + TIEBREAK * ratio


def _row(subset: str, pools: pd.DataFrame) -> dict:
    told = {"subset": subset, "comparisons": int(pools.comparisons.sum())}
    if subset == TIES and pools.id.str.contains(r"(?:ref|tied):\w+$").all():
        prompts, score = ties_score(pools)
        return told | {"pools": 2 * prompts} | score.named("accuracy", 100)
    right = [_is_right(pool) for pool in pools.itertuples()]
    scores = [np.array(pool.scores, float) for pool in pools.itertuples()]
    # Where nothing was compared the pick is drawn by lot.
    found = [float(credit(np.nan_to_num(own), of)) for own, of in zip(scores, right, strict=True)]
    accuracy = proportion(found, np.ones(len(found)), pools.instruction).named("accuracy", 100)
    return told | {"pools": len(pools), "by_chance": 100 * float(np.mean([of.mean() for of in right]))} | accuracy


def _mean(parts: list[dict]) -> list[dict]:
    if len(parts) < 2:
        return []
    accuracy = mean_of([Estimate(*(part[name] for name in with_interval("accuracy"))) for part in parts])
    sums = {name: sum(part[name] for part in parts) for name in ("pools", "comparisons")}
    return [{"subset": OTHER_AVERAGE} | sums | accuracy.named("accuracy")]


def _is_right(pool) -> np.ndarray:
    return np.isin(np.arange(len(pool.scores)), pool.correct)
