"""Methods against a baseline on the same pairs: paired differences, exact McNemar, and the pairs that it would take."""

from math import nan

import numpy as np
import pandas as pd

from cce.analysis.paired import GROUP, paired
from cce.analysis.paper.cells import paper_gain, sought_gain
from cce.analysis.scoring import present
from cce.analysis.statistics import difference, mcnemar_p, pairs_needed
from cce.names import NO_JUDGE


def comparison_table(scores: pd.DataFrame, baseline: str = "vanilla") -> pd.DataFrame:
    """Compare each method with a baseline method of the same judge on the same pairs, those that both have judged.

    Args:
        scores: as `scored` makes them; methods that ask no model are compared with every judge's baseline.
        baseline: the method that the others are compared with.

    Returns the columns benchmark, judge, method, baseline, pairs, instructions (distinct ones), difference (points
    of accuracy) with difference_low and difference_high (95% bootstrap interval over instructions; NaN where all
    differ alike), only_method and only_baseline (pairs that one of the two alone got right), mcnemar_p (exact,
    two-sided, pairs taken as independent; like the counts before it NaN where pairs weigh unlike), paper (the paper's
    difference in points, NaN where it has none), sought (the paper's difference, or GPT-4o's mean one for this
    method) and pairs_needed (independent pairs to see it with 80% power at the 5% level, as the differences scatter
    here).
    """
    groups = paired(_for_every_judge(present(scores)), baseline).groupby(GROUP, sort=False)
    rows = [dict(zip(GROUP, cell, strict=True)) | _comparison(pairs, *cell, baseline) for cell, pairs in groups]
    return pd.DataFrame(rows, columns=COLUMNS)


COLUMNS = [
    *GROUP,
    "baseline",
    "pairs",
    "instructions",
    "difference",
    "difference_low",
    "difference_high",
    "only_method",
    "only_baseline",
    "mcnemar_p",
    "paper",
    "sought",
    "pairs_needed",
]


def _for_every_judge(scores: pd.DataFrame) -> pd.DataFrame:
    free = scores.judge == NO_JUDGE
    judges = scores[~free].judge.unique()
    return pd.concat([scores[~free], *(scores[free].assign(judge=judge) for judge in judges)])


def _comparison(pairs: pd.DataFrame, benchmark: str, judge: str, method: str, baseline: str) -> dict:
    gain = difference(pairs.score, pairs.score_baseline, pairs.weight, pairs.cluster)
    sought = sought_gain(benchmark, judge, method, baseline)
    return {
        "baseline": baseline,
        "pairs": len(pairs),
        "instructions": pairs.cluster.nunique(),
        "difference": 100 * gain.difference,
        "difference_low": 100 * gain.low,
        "difference_high": 100 * gain.high,
        **(_discordance(pairs) if np.allclose(pairs.weight, pairs.weight.iloc[0]) else {}),
        "paper": paper_gain(benchmark, judge, method, baseline),
        "sought": sought,
        "pairs_needed": _pairs_needed(sought / 100, pairs),
    }


def _discordance(pairs: pd.DataFrame) -> dict:
    right, right_before = pairs.score == 1, pairs.score_baseline == 1
    alone = {"only_method": (right & ~right_before).sum(), "only_baseline": (~right & right_before).sum()}
    return alone | {"mcnemar_p": mcnemar_p(right, right_before)}


def _pairs_needed(sought: float, pairs: pd.DataFrame) -> float:
    gains = pairs.score - pairs.score_baseline
    # What the mean's standard error would be times the root of the number of pairs, whatever they weigh.
    mean = np.average(gains, weights=pairs.weight)
    spread = np.sqrt(len(pairs) * ((pairs.weight * (gains - mean)) ** 2).sum()) / pairs.weight.sum()
    # Without a difference to look for, or without scatter, there is nothing to plan by.
    return pairs_needed(sought, spread) if sought and sought == sought and spread > 0 else nan
