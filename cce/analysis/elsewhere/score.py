"""Scores of judgments from elsewhere: the tables that notebook 01 prints, for any judge."""

import pandas as pd

from cce.analysis.accuracy import Ties, accuracy_table, scored
from cce.analysis.comparison import comparison_table
from cce.analysis.elsewhere.people import agreement_with_people, win_rate
from cce.analysis.statistics import with_interval
from cce.benchmarks.published import Scoring
from cce.errors import BadInput
from cce.names import AVERAGES

# What a table has to say of judgments whose making nobody saw.
ACCURACIES = ["benchmark", "judge", "method", "pairs", "missing", "correct", "unreadable", "ties"]
ACCURACIES += [*with_interval("accuracy"), *with_interval("equal_length"), "kappa", "consistent", "given", "swapped"]
DIFFERENCES = ["benchmark", "judge", "method", "baseline", "pairs", "instructions", *with_interval("difference")]
DIFFERENCES += ["only_method", "only_baseline", "mcnemar_p", "mcnemar_holm", "sought", "pairs_needed"]
OTHER = {"method": "judge", "judge": "method"}
RULES = {"out": "left out", "half": "worth half to a verdict for one of the two", "own": "a category of their own"}


def compared(
    judgments: pd.DataFrame,
    by: str = "method",
    baseline: str | None = None,
    subsets: bool = False,
    ties: Ties = "out",
    scoring: Scoring = "paper",
    sought: float = 5.0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Accuracies, and the differences from a baseline: methods of each judge, or judges of each method.

    Takes a frame of `load_judgments`. Returns the columns ACCURACIES, of which given and swapped are the accuracies in
    either order, and the rows of `comparison_table`, of which DIFFERENCES are worth a look; `pairs_needed` show a
    difference of `sought` points. Raises BadInput for a word that is none, and for a baseline that is not there.
    """
    if by not in OTHER:
        raise BadInput(f"by {by!r}: method or judge")
    judgments = by_subset(judgments) if subsets else judgments
    if by == "judge":
        judgments = judgments.rename(columns=OTHER)
    scores = scored(judgments, scoring, ties)
    table = accuracy_table(scores).merge(_by_order(scores), how="left", on=["benchmark", "judge", "method"])
    differences = comparison_table(scores, _baseline(scores, baseline), sought)
    if by == "judge":
        table, differences = table.rename(columns=OTHER), differences.rename(columns=OTHER)
    return table[ACCURACIES], differences


def by_subset(judgments: pd.DataFrame) -> pd.DataFrame:
    """The judgments with each subset as a benchmark of its own."""
    benchmark, subset = (judgments[name].astype(object).fillna("").astype(str) for name in ("benchmark", "subset"))
    return judgments.assign(benchmark=(benchmark + ": " + subset).str.strip(": "))


def beside_people(judgments: pd.DataFrame, votes: pd.DataFrame) -> pd.DataFrame:
    """Each judge and method beside people's votes: its agreement with them and theirs with each other, and the share
    of pairs on which A is preferred, by the votes alone and with its verdicts.
    """
    rows = []
    for (judge, method), verdicts in judgments.groupby(["judge", "method"], sort=False):
        judged, others = agreement_with_people(votes, verdicts).to_dict("records")
        told = {"judge": judge, "method": method, "votes": judged["pairs_of_votes"]}
        for name, row in (("agreement", judged), ("among_people", others)):
            told |= {f"{name}{end}": row[f"agreement{end}"] for end in ("", "_low", "_high")}
        alone, _, both = win_rate(votes, verdicts).to_dict("records")
        for name, row in (("a_preferred", alone), ("with_verdicts", both)):
            told |= {f"{name}{end}": row[f"win_rate{end}"] for end in ("", "_low", "_high")}
        rows.append(told | {"kappa": judged["kappa"], "alpha_of_people": others["alpha"]})
    return pd.DataFrame(rows)


def told(judgments: pd.DataFrame, ties: Ties) -> str:
    """How the labels that are ties were counted, and how many pairs have no label."""
    labels = judgments.drop_duplicates(["benchmark", "id"]).label
    tied, without = (labels == "tie").sum(), labels.isna().sum()
    return f"{len(labels):,} pairs; {tied:,} labelled a tie: {RULES[ties]}; {without:,} without a label: left out"


def _baseline(scores: pd.DataFrame, wanted: str | None) -> str:
    methods = list(dict.fromkeys(scores.method))
    if wanted is not None and wanted not in methods:
        raise BadInput(f"baseline {wanted!r}: one of {', '.join(methods)}")
    return wanted or next((name for name in methods if name.lower() == "vanilla"), methods[0])


def _by_order(scores: pd.DataFrame) -> pd.DataFrame:
    # In one order a verdict is right or not; an unreadable one and a tie are not.
    right = {"A": lambda p: p > 0.5, "B": lambda p: p < 0.5, "tie": lambda p: p == 0.5}
    single = scores[~scores.benchmark.isin(AVERAGES)].copy()
    for order in ("given", "swapped"):
        p = single[f"p_{order}"].astype(float)
        asked = single[f"p_{order}"].notna().groupby([single.judge, single.method]).transform("any")
        found = sum((single.label == label) & test(p) for label, test in right.items())
        single[order] = (100.0 * found).where(asked)
    return single.groupby(["benchmark", "judge", "method"], sort=False)[["given", "swapped"]].mean().reset_index()
