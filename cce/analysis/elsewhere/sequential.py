"""The rule by which `cce-adaptive@N` stops asking, on published verdicts: what it saves, and how often it errs.

Two crowds: GPT-4's verdicts on two of MT-Bench's models beside its four others, in an order drawn by lot; and eight
ratings of the good response of RewardBench 2 and of the first of the others, where each pair of ratings leans to one.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cce.analysis.elsewhere.crowd import Crowd
from cce.analysis.elsewhere.ratings import Rated
from cce.analysis.statistics import difference, proportion, with_interval
from cce.crowd.methods.adaptive import is_decided

COLUMNS = ["crowd", "members", "verdicts", "asked", "share", *with_interval("turned"), *with_interval("less_than_all")]


def sequential_table(crowd: Crowd, judges: Sequence[Rated], seed: int) -> pd.DataFrame:
    """One row per crowd: COLUMNS.

    `asked` is how many members are asked on average, `share` the same in percent; `turned` is the share of verdicts, in
    percent, that the whole crowd would not give, at most `cce.crowd.methods.adaptive.ERROR`; less_than_all is the
    difference in points to the agreement with people, or to the accuracy, of the whole crowd.
    """
    lost = crowd.beside < 0
    leaning = lost[:, 1].astype(int) - lost[:, 0]
    drawn = np.random.default_rng(seed).permuted(leaning, axis=1)
    rows = [_row("GPT-4, MT-Bench's other models", drawn, crowd.sign, crowd.cluster)]
    for one in judges:
        # A rating that failed leans to neither.
        leaning = np.nan_to_num(np.sign(one.ratings[:, 0] - one.ratings[:, 1])).astype(int)
        rows.append(_row(f"{one.judge}, its ratings", leaning, np.ones(len(leaning)), one.items))
    return pd.DataFrame(rows, columns=COLUMNS)


def stopped(leaning: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """By row, the sign of the lead where the rule stops, and how many members were asked.

    `leaning` is 1, -1 or 0 by row and member, in the order in which they are asked.
    """
    lead, members = leaning.cumsum(axis=1), leaning.shape[1]
    decided = [[is_decided(int(one), place, members) for place, one in enumerate(row, start=1)] for row in lead]
    asked = np.argmax(np.array(decided) | (np.arange(members) == members - 1), axis=1)
    return np.sign(lead[np.arange(len(lead)), asked]), asked + 1


def _row(name: str, leaning: np.ndarray, right: np.ndarray, cluster: ArrayLike) -> dict:
    found, asked = stopped(leaning)
    whole = np.sign(leaning.sum(axis=1))
    told = {"crowd": name, "members": leaning.shape[1], "verdicts": len(leaning)}
    told |= {"asked": asked.mean(), "share": 100 * asked.mean() / leaning.shape[1]}
    told |= proportion(found != whole, np.ones(len(found)), cluster).named("turned", 100)
    return told | difference(found * right / 2, whole * right / 2, 1, cluster).named("less_than_all", 100)
