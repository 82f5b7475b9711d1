"""Accuracy: what each verdict scores, Table 1, and Figure 3's curves over the number of crowd judgments."""

from collections.abc import Callable, Sequence
from math import inf
from typing import Literal, get_args

import numpy as np
import pandas as pd

from cce.analysis.length import at_equal_length, mean_of
from cce.analysis.paper import ACCURACY, REFERENCE, figure3, paper_accuracy, paper_name
from cce.analysis.statistics import consistency, kappa, proportion, with_interval
from cce.benchmarks import PUBLISHED
from cce.benchmarks.published import SECTION_OF, Scoring, check_scoring, section_weights
from cce.crowd.methods import METHODS
from cce.errors import BadInput
from cce.names import AVERAGE, AVERAGES, OTHER_AVERAGE, family, method_parts

# What one row of a table summarises, and one point of a curve.
GROUP, POINT = ["benchmark", "judge", "method"], ["benchmark", "judge", "selection", "budget"]
COUNTS, COSTS = ["pairs", "missing"], ["prompt_tokens", "completion_tokens", "calls"]
AT_EQUAL_LENGTH, FOLLOWS_LENGTH = with_interval("equal_length"), with_interval("follows_length")
COLUMNS = [*GROUP, *COUNTS, "correct", "unreadable", "ties", *ACCURACY, "paper", "floor", *AT_EQUAL_LENGTH]
COLUMNS += [*FOLLOWS_LENGTH, "kappa", "consistent", "notes", "filled", "without_note", *COSTS, "seconds"]
COLUMNS += ["context_cut", "judgments_cut_off", "answers_cut_off"]
CURVE_COLUMNS = [*POINT, "seeds", *COUNTS, *ACCURACY, "lowest", "highest", "floor", "rationale_tokens", "spent_tokens"]
CURVE_COLUMNS += ["paper", "paper_tokens"]
# What a pair is worth whose label is a tie; `scored` says how.
Ties = Literal["out", "half", "own"]
# Those methods that know the lengths alone: the better of them is what a judge has to clear.
FLOORS = ["longer", "shorter"]
# Figure 3's mean over all pairs.
OVERALL = "overall"
# The paper's curve was drawn with random selection: its ends are the random rows of Table 4.
CURVES = {"random": "cce-random", "criticizing": "cce"}


def scored(judgments: pd.DataFrame, scoring: Scoring = "paper", ties: Ties = "out") -> pd.DataFrame:
    """The judgments that have a label, with the columns `score` (0 to 1, NaN where missing) and `weight` added.

    Pairs whose label is a tie are left `out`; or they are worth `half` to a verdict for A or B; or a tie is a category
    of its `own`, and that is wrong. A tie is right of them in both.

    Takes frames of `evaluate` and of `read_rows`. The accuracy of a benchmark, judge and method is the weighted mean of
    its scores; each such group's weights add up to 1. The average of several benchmarks follows as one of its own.
    Raises BadInput where no pair has a label.
    """
    check_scoring(scoring)
    if ties not in get_args(Ties):
        raise BadInput(f"ties {ties!r}: one of {', '.join(get_args(Ties))}")
    known = judgments.label.notna() & ((judgments.label != "tie") | (ties != "out"))
    labelled = judgments[known].reset_index(drop=True)
    if labelled.empty:
        raise BadInput("no judged pair has a label, so there is no accuracy; `cce judge` writes the verdicts alone")
    frame = labelled.assign(score=_scores(labelled, scoring, ties), weight=_weights(labelled, scoring))
    return pd.concat([frame, _average(frame)], ignore_index=True)


def sections(judgments: pd.DataFrame, scoring: Scoring = "paper") -> pd.DataFrame:
    """The scored judgments of RewardBench, each section as a benchmark of its own (`rewardbench: chat`)."""
    own = judgments[judgments.benchmark == "rewardbench"]
    return scored(own.assign(benchmark="rewardbench: " + own.subset.map(SECTION_OF)), scoring)


def by_group(frame: pd.DataFrame, summary: Callable, columns: list | None = None, group: list = GROUP) -> pd.DataFrame:
    """One row per group, in the frame's order: its key, and the dict that `summary` makes of its rows."""
    places = frame.groupby(group, observed=True).ngroup()
    # One group at a time: iterating over a groupby copies the frame.
    groups = (frame[places == place] for place in places.unique())
    return pd.DataFrame([dict(rows[group].iloc[0]) | summary(rows) for rows in groups], columns=columns)


def accuracy_table(scores: pd.DataFrame) -> pd.DataFrame:
    """Summarise what `scored` returns, with one row per benchmark, judge and method, in the frame's order.

    Returns COLUMNS. Shares are in percent, and accuracy_low and accuracy_high are the 95% interval. Judgments that are
    `missing` count for nothing else; `paper` is NaN where the paper has no such cell, and `consistent` in one order;
    all costs are sums. `floor` is the accuracy of the better of FLOORS, where one was run; `equal_length` and
    `follows_length` are those of `at_equal_length`. How far a crowd's budget was filled: `notes` is the mean per pair;
    `filled` and `without_note` are the percentages of pairs for which as many crowd judgments were selected as the
    budget allows, and of pairs without any note; NaN for a method without a crowd. `context_cut` counts the pairs that
    were shortened to fit a context; of the judgments with their rewritings, and of the crowd's answers, so many percent
    were cut off by max_tokens.
    """
    table = by_group(scores, _summary, COLUMNS)
    table["paper"] = list(map(paper_accuracy, table.benchmark, table.judge, table.method))
    table["floor"] = table.benchmark.map(_floors(scores))
    # As the accuracy beside it, an average's agreement is the mean of the benchmarks', and none where one has none.
    return with_means(table, ["kappa", "consistent", "floor"], [AT_EQUAL_LENGTH, FOLLOWS_LENGTH])


def with_means(table: pd.DataFrame, numbers: Sequence[str], estimates: Sequence[Sequence[str]]) -> pd.DataFrame:
    """The table with the means of its benchmarks' numbers and estimates in the rows of its averages.

    `estimates` are names of a number and of both ends of its interval. A mean is NaN where a benchmark has none.
    """
    for place, row in table[table.benchmark.isin(AVERAGES)].iterrows():
        parts = table[(table.judge == row.judge) & (table.method == row.method) & ~table.benchmark.isin(AVERAGES)]
        parts = parts[parts.benchmark.isin(PUBLISHED)] if row.benchmark == AVERAGE else parts
        table.loc[place, numbers] = parts[numbers].mean(skipna=False)
        for names in estimates:
            table.loc[place, names] = np.round(mean_of(parts[names].to_numpy(float)), 2)
    return table


def scaling_table(scores_by_seed: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Summarise runs that differ in the seed of the selection, with one row per benchmark, judge, selection and budget.

    Takes one frame of `scored` per seed, with the methods vanilla (a budget of 0), cce-random@N and cce@N. Returns
    CURVE_COLUMNS: accuracy is in percent, the mean over seeds with its 95% interval over pairs, lowest and highest are
    those of one seed, floor is that of the better of FLOORS; tokens are means per pair; paper and paper_tokens are
    Figure 3's, NaN elsewhere. A run of the figure's three benchmarks also has its `overall`, over all pairs alike.
    """
    runs = pd.concat([scores.assign(seed=seed) for seed, scores in enumerate(scores_by_seed)])
    single = runs[~runs.benchmark.isin(AVERAGES)]
    if set(single.benchmark) == set(figure3().benchmark) - {OVERALL}:
        runs = pd.concat([single, _as_one(single, OVERALL, 1.0)])
    curves = _on_curves(runs)
    # Where nothing was judged there is no point.
    table = by_group(curves[curves.groupby(POINT).score.transform("count") > 0], _point, CURVE_COLUMNS, POINT)
    table["floor"] = table.benchmark.map(_floors(runs[runs.seed == 0]))
    paper = figure3().assign(judge=REFERENCE, selection="random").set_index(POINT)
    places = pd.MultiIndex.from_frame(table[POINT].assign(judge=table.judge.map(paper_name)))
    table[["paper", "paper_tokens"]] = paper.reindex(places)[["accuracy", "tokens"]].to_numpy()
    return table


def _scores(rows: pd.DataFrame, scoring: Scoring, ties: Ties) -> pd.Series:
    score, decided, tied = rows.correct.astype(float), rows.verdict.isin(["A", "B"]), rows.label == "tie"
    if ties == "half":
        score = score.mask(tied & decided, 0.5)
    if scoring == "standard":
        score = score.where(decided | tied, 0.5)
        # JudgeBench's own protocol: the readable orders vote, and only a majority for the label is right.
        votes = np.sign(rows[["p_given", "p_swapped"]].astype(float) - 0.5).sum(axis=1)
        right = np.sign(votes) == np.where(rows.label == "A", 1, -1)
        score = score.mask(rows.benchmark == "judgebench", right.astype(float))
    return score.where(rows.failed.isna())


def _weights(rows: pd.DataFrame, scoring: Scoring) -> pd.Series:
    there = rows.failed.isna()
    weight = there / there.groupby([rows[name] for name in GROUP], observed=True).transform("sum")
    if scoring == "standard":
        sectioned = there & (rows.benchmark.str.split(": ").str[0] == "rewardbench")
        subsets = rows.loc[sectioned, [*GROUP, "subset"]].groupby(GROUP, observed=True).subset
        weight[sectioned] = subsets.transform(section_weights)
    return weight.fillna(0.0)


def _average(frame: pd.DataFrame) -> pd.DataFrame:
    # Where the paper's five are all there, they alone make the mean that stands beside the paper's.
    benchmarks, name = frame.benchmark.unique(), OTHER_AVERAGE
    if set(benchmarks) >= set(PUBLISHED):
        benchmarks, name = PUBLISHED, AVERAGE
        frame = frame[frame.benchmark.isin(PUBLISHED)]
    # A benchmark of which nothing is there has no accuracy to average.
    there = frame.benchmark.where(frame.score.notna())
    of_all = there.groupby([frame.judge, frame.method], observed=True).transform("nunique") == len(benchmarks)
    whole = frame[of_all & (len(benchmarks) > 1)]
    return _as_one(whole, name, whole.weight / len(benchmarks))


def _floors(scores: pd.DataFrame) -> dict[str, float]:
    known = scores[scores.method.isin(FLOORS) & scores.score.notna()]
    each = {place: _accuracy(rows) for place, rows in known.groupby(["benchmark", "method"], observed=True)}
    benchmarks = dict.fromkeys(benchmark for benchmark, _ in each)
    return {name: max(each.get((name, floor), -inf) for floor in FLOORS) for name in benchmarks}


def _as_one(rows: pd.DataFrame, benchmark: str, weight: pd.Series | float) -> pd.DataFrame:
    # The ids of two benchmarks may be alike, save where they are the places of rows.
    ids = rows.id if pd.api.types.is_integer_dtype(rows.id) else rows.benchmark + ":" + rows.id
    return rows.assign(benchmark=benchmark, id=ids, weight=weight)


def _accuracy(scores: pd.DataFrame) -> float:
    return round(100 * np.average(scores.score, weights=scores.weight), 1)


def _summary(every: pd.DataFrame) -> dict:
    scores = every.dropna(subset="score")
    counts = {"pairs": len(scores), "missing": len(every) - len(scores)}
    if scores.empty:
        return counts
    verdicts = {"correct": int(scores.correct.sum()), "unreadable": round(100 * scores.verdict.isna().mean(), 1)}
    verdicts["ties"] = int((scores.verdict == "tie").sum())
    accuracy = proportion(scores.score, scores.weight, scores.cluster).named("accuracy", 100, 1)
    agreement = {"kappa": round(kappa(scores.verdict, scores.label), 2)}
    agreement["consistent"] = round(100 * consistency(scores.p_given, scores.p_swapped), 1)
    costs = {**scores[COSTS].sum().astype(int), "seconds": round(scores.seconds.sum(), 1)}
    cut = {"context_cut": int((scores.context_cuts > 0).sum())}
    cut |= {
        name: round(100 * scores[name].astype(float).mean(), 1) for name in ("judgments_cut_off", "answers_cut_off")
    }
    return counts | verdicts | accuracy | _by_length(scores) | agreement | _fill(scores) | costs | cut


def _by_length(scores: pd.DataFrame) -> dict:
    if scores.benchmark.iloc[0] in AVERAGES:
        return {}
    accuracy, follows = at_equal_length(scores)
    return accuracy.named("equal_length", 100, 1) | follows.named("follows_length", 1, 2)


def _fill(scores: pd.DataFrame) -> dict:
    method, notes = method_parts(scores.method.iloc[0]), {"notes": round(scores.notes.mean(), 2)}
    # A student's name is no method's.
    if method.family not in METHODS or not METHODS[method.family].crowded:
        return notes
    filled, without = (scores.selected == method.budget).mean(), (scores.notes == 0).mean()
    return notes | {"filled": round(100 * filled, 1), "without_note": round(100 * without, 1)}


def _on_curves(scores: pd.DataFrame) -> pd.DataFrame:
    # The vanilla judgment begins both curves.
    scores = scores.assign(budget=[method_parts(method).budget or 0 for method in scores.method])
    families = scores.method.map(family)
    curves = [scores[families.isin(["vanilla", of])].assign(selection=name) for name, of in CURVES.items()]
    return pd.concat(curves).sort_values("budget", kind="stable")


def _point(every: pd.DataFrame) -> dict:
    runs = every.dropna(subset="score")
    pairs = runs.groupby("id", sort=False).agg({"score": "mean", "weight": "first", "cluster": "first"})
    seeds = runs.groupby("seed").apply(_accuracy)
    counts = {"seeds": len(seeds), "pairs": len(pairs), "missing": len(every) - len(runs)}
    interval = proportion(pairs.score, pairs.weight, pairs.cluster).named("accuracy", 100, 1)
    accuracy = {"accuracy": round(seeds.mean(), 1), "lowest": seeds.min(), "highest": seeds.max()}
    spent = (runs.prompt_tokens + runs.completion_tokens).mean()
    tokens = {"rationale_tokens": round(runs.rationale_tokens.mean(), 1), "spent_tokens": round(spent, 1)}
    return counts | interval | accuracy | tokens
