"""Table 1: accuracy by benchmark, judge and method, with its interval, its cost, and the paper's number."""

import pandas as pd

from cce.analysis.paired import GROUP
from cce.analysis.paper.cells import paper_accuracy
from cce.analysis.scoring import AVERAGES, present
from cce.analysis.statistics import consistency, interval, kappa

COSTS = ["prompt_tokens", "completion_tokens", "calls"]


def accuracy_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Summarise scored judgments, a row a benchmark, judge and method, in the frame's order.

    Args:
        scores: as `scored` makes them.

    Returns the columns benchmark, judge, method, pairs, missing (judgments that failed calls kept from being made, and
    that count for nothing in all that follows), correct, unreadable (percent), ties, accuracy (percent, the
    weighted mean of the scores) with accuracy_low and accuracy_high (95% interval), paper (percent, NaN where the
    paper has no such cell), kappa (agreement with the label beyond chance), consistent (percent of pairs whose two
    orders agree, NaN in one order), notes (crowd judgments shown to the judge, mean a pair), prompt_tokens,
    completion_tokens, calls, seconds (of model time), cut (pairs shortened to fit the context).
    """
    table = scores.groupby(GROUP, sort=False).apply(_summary).reset_index()
    table = table.assign(paper=[paper_accuracy(*cell) for cell in table[GROUP].itertuples(index=False)])[COLUMNS]
    return _with_mean_agreement(table)


def _with_mean_agreement(table: pd.DataFrame) -> pd.DataFrame:
    # As the accuracy beside it, an average's agreement is the mean of the benchmarks', and none where one has none.
    agreement = ["kappa", "consistent"]
    average = table.benchmark.isin(AVERAGES)
    means = table[~average].groupby(["judge", "method"])[agreement].agg(lambda column: column.mean(skipna=False))
    rows = pd.MultiIndex.from_frame(table.loc[average, ["judge", "method"]])
    table.loc[average, agreement] = means.reindex(rows).values
    return table


COLUMNS = [
    *GROUP,
    "pairs",
    "missing",
    "correct",
    "unreadable",
    "ties",
    "accuracy",
    "accuracy_low",
    "accuracy_high",
    "paper",
    "kappa",
    "consistent",
    "notes",
    *COSTS,
    "seconds",
    "cut",
]
SUMMARY = [name for name in COLUMNS if name not in (*GROUP, "paper")]


def _summary(scores: pd.DataFrame) -> pd.Series:
    group = present(scores)
    if group.empty:
        return pd.Series({"pairs": 0, "missing": len(scores)}, index=SUMMARY, dtype=object)
    low, high = interval(group.score, group.weight, group.cluster)
    agreement = consistency(group.p_given, group.p_swapped)
    return pd.Series(
        {
            "pairs": len(group),
            "missing": len(scores) - len(group),
            "correct": int(group.correct.sum()),
            "unreadable": round(100 * group.verdict.isna().mean(), 1),
            "ties": int((group.verdict == "tie").sum()),
            "accuracy": round(100 * (group.score * group.weight).sum() / group.weight.sum(), 1),
            "accuracy_low": round(100 * low, 1),
            "accuracy_high": round(100 * high, 1),
            "kappa": round(kappa(group.verdict, group.label), 2),
            "consistent": round(100 * agreement, 1),
            "notes": round(group.notes.mean(), 2),
            **{column: int(group[column].sum()) for column in COSTS},
            "seconds": round(group.seconds.sum(), 1),
            "cut": int((group.context_cuts > 0).sum()),
        },
        dtype=object,
    )
