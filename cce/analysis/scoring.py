"""Scores: what each verdict is worth, and what each pair counts for, in the paper's scoring or the standard one.

Everything that the analysis says of accuracy is a weighted mean of these scores.
"""

import numpy as np
import pandas as pd

from cce.analysis.paired import GROUP
from cce.benchmarks import PUBLISHED
from cce.benchmarks.rewardbench import SECTION_OF, section_weights
from cce.benchmarks.scoring import Scoring, check_scoring
from cce.errors import BadInput

# The mean of benchmarks, each counting alike; the first name is for the paper's five, as in its Table 1.
AVERAGES = AVERAGE, OTHER_AVERAGE = "average", "average of these"


def scored(judgments: pd.DataFrame, scoring: Scoring = "paper") -> pd.DataFrame:
    """The judgments that have a label, with the columns `score` (0 to 1) and `weight` added.

    The accuracy of a benchmark, judge and method is the weighted mean of its scores; weights of one such group
    add up to 1. A missing judgment has no score (NaN) and no weight: see `present`. Where there are several benchmarks,
    their average follows as a benchmark of its own.
    Raises BadInput where no pair has a label. See `cce.benchmarks.scoring` for the two ways.
    """
    check_scoring(scoring)
    labelled = judgments[judgments.label.notna()]
    if labelled.empty:
        raise BadInput("no judged pair has a label, so there is no accuracy; `cce judge` writes the verdicts alone")
    groups = labelled.groupby(GROUP, sort=False)
    frame = pd.concat([_scored_group(key[0], group, scoring) for key, group in groups])
    return pd.concat([frame, _average(frame)], ignore_index=True)


def present(scores: pd.DataFrame) -> pd.DataFrame:
    """The scores that are there: those of judgments that no failed call made missing."""
    return scores[scores.score.notna()]


def sections(judgments: pd.DataFrame, scoring: Scoring = "paper") -> pd.DataFrame:
    """The scored judgments of RewardBench, each section as a benchmark of its own (`rewardbench: chat`)."""
    own = judgments[judgments.benchmark == "rewardbench"]
    return scored(own.assign(benchmark="rewardbench: " + own.subset.map(SECTION_OF)), scoring)


def _scored_group(benchmark: str, judgments: pd.DataFrame, scoring: Scoring) -> pd.DataFrame:
    group = judgments[judgments.failed.isna()]
    score = group.correct.astype(float)
    weight = pd.Series(1 / max(len(group), 1), group.index)
    if scoring == "standard":
        score = score.where(group.verdict.isin(["A", "B"]), 0.5)
    if scoring == "standard" and benchmark.split(": ")[0] == "rewardbench":
        weight = pd.Series(section_weights(list(group.subset)), group.index)
    if scoring == "standard" and benchmark == "judgebench":
        score = _judgebench_score(group)
    return judgments.assign(score=score, weight=weight.reindex(judgments.index, fill_value=0.0))


def _judgebench_score(group: pd.DataFrame) -> pd.Series:
    # Its own protocol: the readable orders vote, and only a majority for the label is right.
    votes = np.sign(group[["p_given", "p_swapped"]].astype(float) - 0.5).sum(axis=1)
    return (np.sign(votes) == group.label.map({"A": 1, "B": -1})).astype(float)


def _average(frame: pd.DataFrame) -> pd.DataFrame:
    benchmarks = frame.benchmark.unique()
    # A benchmark of which nothing is there has no accuracy to average.
    there = frame.benchmark.where(frame.score.notna())
    of_all = there.groupby([frame.judge, frame.method]).transform("nunique") == len(benchmarks)
    whole = frame[of_all & (len(benchmarks) > 1)]
    # The ids of two benchmarks may be alike.
    ids = whole.benchmark + ":" + whole.id
    name = AVERAGE if set(benchmarks) == set(PUBLISHED) else OTHER_AVERAGE
    return whole.assign(benchmark=name, id=ids, weight=whole.weight / len(benchmarks))
