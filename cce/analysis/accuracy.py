"""Accuracy: what each verdict scores, Table 1, and Figure 3's curves over the number of crowd judgments.

Everything that the analysis says of accuracy is a weighted mean of these scores.
"""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd

from cce.analysis.paper import REFERENCE, figure3, paper_accuracy, paper_name
from cce.analysis.statistics import consistency, interval, kappa
from cce.benchmarks import PUBLISHED
from cce.benchmarks.published import SECTION_OF, Scoring, check_scoring, section_weights
from cce.errors import BadInput
from cce.names import family, method_parts

# What one row of a table summarises, and one point of a curve.
GROUP = ["benchmark", "judge", "method"]
POINT = ["benchmark", "judge", "selection", "budget"]
COSTS = ["prompt_tokens", "completion_tokens", "calls"]
COLUMNS = [*GROUP, "pairs", "missing", "correct", "unreadable", "ties", "accuracy", "accuracy_low", "accuracy_high"]
COLUMNS += ["paper", "kappa", "consistent", "notes", *COSTS, "seconds", "cut"]
CURVE_COLUMNS = [*POINT, "seeds", "pairs", "missing", "accuracy", "accuracy_low", "accuracy_high", "lowest", "highest"]
CURVE_COLUMNS += ["length", "rationale_tokens", "spent_tokens", "paper", "paper_tokens"]
# The mean of benchmarks, each counting alike; the first name is for the paper's five, as in its Table 1.
AVERAGES = AVERAGE, OTHER_AVERAGE = "average", "average of these"
# The last panel of Figure 3: the mean over the pairs of its three benchmarks.
OVERALL = "overall"
# The paper's curve was drawn with random selection: its ends are the random rows of Table 4.
CURVES = {"random": "cce-random", "criticizing": "cce"}


def scored(judgments: pd.DataFrame, scoring: Scoring = "paper") -> pd.DataFrame:
    """The judgments that have a label, with the columns `score` (0 to 1) and `weight` added.

    The accuracy of a benchmark, judge and method is the weighted mean of its scores; the weights of each such group
    add up to 1. A missing judgment has no score (NaN) and no weight: see `present`. Where there are several benchmarks,
    their average follows as a benchmark of its own. `cce.benchmarks.published` explains the two ways to score.
    Raises BadInput where no pair has a label.
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


def by_group(
    frame: pd.DataFrame,
    summary: Callable[[pd.DataFrame], dict],
    columns: list[str] | None = None,
    group: list[str] = GROUP,
) -> pd.DataFrame:
    """A table with one row per group, in the frame's order: the group's key, and what `summary` makes of its rows.

    Without rows it has the `columns` alone.
    """
    groups = frame.groupby(group, sort=False)
    return pd.DataFrame([dict(zip(group, key, strict=True)) | summary(rows) for key, rows in groups], columns=columns)


def accuracy_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Summarise what `scored` returns, with one row per benchmark, judge and method, in the frame's order.

    Returns the columns benchmark, judge, method, pairs, missing (judgments that failed calls kept from being made;
    they count for nothing in what follows), correct, unreadable (percent), ties, accuracy (percent, the weighted mean
    of the scores) with accuracy_low and accuracy_high (95% interval), paper (percent, NaN where the paper has no such
    cell), kappa (agreement with the label beyond chance), consistent (percent of pairs whose two orders agree, NaN in
    one order), notes (mean number of crowd judgments shown to the judge), prompt_tokens, completion_tokens, calls,
    seconds (of model time), cut (pairs shortened to fit the context).
    """
    table = by_group(scores, _summary, COLUMNS)
    table["paper"] = [paper_accuracy(*cell) for cell in table[GROUP].itertuples(index=False)]
    # As the accuracy beside it, an average's agreement is the mean of the benchmarks', and none where one has none.
    average, agreement = table.benchmark.isin(AVERAGES), ["kappa", "consistent"]
    means = table[~average].groupby(["judge", "method"])[agreement].agg(lambda column: column.mean(skipna=False))
    rows = pd.MultiIndex.from_frame(table.loc[average, ["judge", "method"]])
    table.loc[average, agreement] = means.reindex(rows).to_numpy()
    return table


def scaling_table(scores_by_seed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Summarise runs that differ in the seed of the selection, with one row per benchmark, judge, selection and budget.

    Takes one frame of `scored` per seed, with the methods vanilla, cce-random@N and cce@N. Returns the columns
    benchmark, judge, selection, budget (0 is vanilla), seeds, pairs, missing (over all seeds), accuracy (percent, mean
    over seeds) with accuracy_low and accuracy_high (95% interval over pairs), lowest and highest (accuracy of one
    seed), length (accuracy of the method of that name), rationale_tokens (mean length), spent_tokens (mean tokens of
    prompts and answers per pair), paper and paper_tokens (of Figure 3, which has one judge and random selection alone;
    NaN elsewhere). A run of the figure's three benchmarks also has its `overall`, over all their pairs alike.
    """
    every = [_with_overall(scores) for scores in scores_by_seed]
    runs = pd.concat([_on_curves(scores).assign(seed=seed) for seed, scores in enumerate(every)])
    # Where nothing was judged there is no point.
    table = by_group(runs[runs.groupby(POINT).score.transform("count") > 0], _point, CURVE_COLUMNS, POINT)
    longer = every[0][every[0].method == "length"]
    table["length"] = table.benchmark.map({name: _accuracy(rows) for name, rows in longer.groupby("benchmark")})
    paper = figure3().assign(judge=REFERENCE, selection="random").set_index(POINT)[["accuracy", "tokens"]]
    places = pd.MultiIndex.from_frame(table[POINT].assign(judge=table.judge.map(paper_name)))
    table[["paper", "paper_tokens"]] = paper.reindex(places).to_numpy()
    return table


def _scored_group(benchmark: str, judgments: pd.DataFrame, scoring: Scoring) -> pd.DataFrame:
    group = judgments[judgments.failed.isna()]
    score = group.correct.astype(float)
    weight = pd.Series(1 / max(len(group), 1), group.index)
    if scoring == "standard":
        score = score.where(group.verdict.isin(["A", "B"]), 0.5)
    if scoring == "standard" and benchmark.split(": ")[0] == "rewardbench":
        weight = pd.Series(section_weights(list(group.subset)), group.index)
    if scoring == "standard" and benchmark == "judgebench":
        # Its own protocol: the readable orders vote, and only a majority for the label is right.
        votes = np.sign(group[["p_given", "p_swapped"]].astype(float) - 0.5).sum(axis=1)
        score = (np.sign(votes) == group.label.map({"A": 1, "B": -1})).astype(float)
    return judgments.assign(score=score, weight=weight.reindex(judgments.index, fill_value=0.0))


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


def _accuracy(scores: pd.DataFrame) -> float:
    return round(100 * (scores.score * scores.weight).sum() / scores.weight.sum(), 1)


def _interval(scores: pd.DataFrame) -> dict[str, float]:
    low, high = interval(scores.score, scores.weight, scores.cluster)
    return {"accuracy_low": round(100 * low, 1), "accuracy_high": round(100 * high, 1)}


def _summary(scores: pd.DataFrame) -> dict:
    group = present(scores)
    counts = {"pairs": len(group), "missing": len(scores) - len(group)}
    if group.empty:
        return counts
    return counts | {
        "correct": int(group.correct.sum()),
        "unreadable": round(100 * group.verdict.isna().mean(), 1),
        "ties": int((group.verdict == "tie").sum()),
        "accuracy": _accuracy(group),
        **_interval(group),
        "kappa": round(kappa(group.verdict, group.label), 2),
        "consistent": round(100 * consistency(group.p_given, group.p_swapped), 1),
        "notes": round(group.notes.mean(), 2),
        **group[COSTS].sum(),
        "seconds": round(group.seconds.sum(), 1),
        "cut": int((group.context_cuts > 0).sum()),
    }


def _with_overall(scores: pd.DataFrame) -> pd.DataFrame:
    single = scores[~scores.benchmark.isin(AVERAGES)]
    if set(single.benchmark) != set(figure3().benchmark) - {OVERALL}:
        return scores
    ids = single.benchmark + ":" + single.id
    return pd.concat([single, single.assign(benchmark=OVERALL, id=ids, weight=1.0)])


def _on_curves(scores: pd.DataFrame) -> pd.DataFrame:
    # The vanilla judgment begins both curves.
    families = scores.method.map(family)
    scores = scores.assign(budget=[method_parts(method).budget or 0 for method in scores.method])
    curves = [
        scores[families.isin(["vanilla", name])].assign(selection=selection) for selection, name in CURVES.items()
    ]
    return pd.concat(curves).sort_values("budget", kind="stable")


def _point(every: pd.DataFrame) -> dict:
    runs = present(every)
    pairs = runs.groupby("id", sort=False).agg({"score": "mean", "weight": "first", "cluster": "first"})
    accuracies = runs.groupby("seed").apply(_accuracy)
    return {
        "seeds": len(accuracies),
        "pairs": len(pairs),
        "missing": len(every) - len(runs),
        "accuracy": round(accuracies.mean(), 1),
        **_interval(pairs),
        "lowest": accuracies.min(),
        "highest": accuracies.max(),
        "rationale_tokens": round(runs.rationale_tokens.mean(), 1),
        "spent_tokens": round((runs.prompt_tokens + runs.completion_tokens).mean(), 1),
    }
