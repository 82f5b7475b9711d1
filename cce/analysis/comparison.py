"""Methods beside a baseline on the same pairs, in tables and in prose: accuracy, selections, and key points."""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from math import nan

import numpy as np
import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined

from cce.analysis.accuracy import AVERAGES, GROUP, by_group
from cce.analysis.paper import paper_gain, sought_gain
from cce.analysis.statistics import difference, mcnemar_p, pairs_needed
from cce.names import NO_JUDGE, method_parts, short_name

COLUMNS = [*GROUP, "baseline", "pairs", "instructions", "difference", "difference_low", "difference_high"]
COLUMNS += ["only_method", "only_baseline", "mcnemar_p", "paper", "sought", "pairs_needed"]
# By baseline: selections as judged, removal with all else alike, selections with removal.
CONTRASTS = {
    "cce-random": ["cce-praising", "cce-criticizing", "cce-balanced", "cce-random+removal"],
    "cce-criticizing": ["cce"],
    "cce-random+removal": ["cce-praising+removal", "cce", "cce-balanced+removal"],
}


def comparison_table(scores: pd.DataFrame, baseline: str = "vanilla") -> pd.DataFrame:
    """Compare each method with a baseline method of the same judge, on the pairs that both have judged.

    Takes what `scored` returns; methods that ask no model are compared with every judge's baseline. Returns COLUMNS:
    difference is in points, with its 95% bootstrap interval over instructions (NaN where all differ alike);
    only_method and only_baseline count the pairs that one of the two alone got right, and mcnemar_p is exact, two-sided
    and takes pairs as independent (NaN where pairs differ in weight); sought is the paper's difference, or GPT-4o's
    mean one for this method; pairs_needed are independent pairs that show it with 80% power at the 5% level.
    """
    there = scores.dropna(subset="score")
    free = there.judge == NO_JUDGE
    judges = there[~free].judge.unique()
    every = pd.concat([there[~free], *(there[free].assign(judge=judge) for judge in judges)])
    return by_group(_paired(every, baseline), partial(_comparison, baseline), COLUMNS)


def selection_comparisons(scores: pd.DataFrame) -> pd.DataFrame:
    """Compare every selection with random selection, and outcome removal with none, at each budget.

    Takes what `scored` returns, with methods such as cce-random@8 and cce@8, and returns the rows of
    `comparison_table`. All methods select from the same crowd judgments, so the differences are paired in these too.
    """
    contrasts = {}
    for budget in filter(None, dict.fromkeys(method_parts(method).budget for method in scores.method.unique())):
        contrasts |= {f"{one}@{budget}": [f"{name}@{budget}" for name in others] for one, others in CONTRASTS.items()}
    return contrasted(scores, contrasts)


def contrasted(scores: pd.DataFrame, contrasts: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The rows of `comparison_table` for several baselines, each with the methods that are compared with it."""
    methods = [(baseline, scores.method.isin([baseline, *others])) for baseline, others in contrasts.items()]
    tables = [comparison_table(scores[rows], baseline) for baseline, rows in methods]
    return pd.concat([table for table in tables if len(table)] or [pd.DataFrame(columns=COLUMNS)], ignore_index=True)


def key_point_table(points: pd.DataFrame) -> pd.DataFrame:
    """Summarise a frame of `key_points`, with one row per benchmark, judge and method.

    Returns benchmark, judge, method, rationales, with_pool (those of pairs on which any point was found; only these
    have a coverage), points (mean) and coverage (mean, percent), each with its 95% bootstrap interval over instructions
    (X_low, X_high; NaN where all are alike), rationale_tokens (mean) and points_per_100_tokens (of all together).
    """
    return by_group(points.assign(points_baseline=0, coverage_baseline=0), _key_points)


def key_point_differences(points: pd.DataFrame, baseline: str = "vanilla") -> pd.DataFrame:
    """Compare each method's rationales with a baseline's on the same pairs: benchmark, judge, method, baseline,
    rationales, and the mean differences in points and in coverage, with their intervals as in `key_point_table`.
    """
    pairs = _paired(points, baseline)
    return by_group(pairs, lambda rows: {"baseline": baseline, "rationales": len(rows)} | _point_gains(rows))


def in_words(comparisons: pd.DataFrame) -> str:
    """One item per row of `comparison_table`; where there is an average over benchmarks, of its rows alone."""
    if comparisons.empty:
        return "No two methods of one judge were run that could be compared."
    averages = comparisons[comparisons.benchmark.isin(AVERAGES)]
    return _items("comparison", comparisons if averages.empty else averages)


def rationales_in_words(differences: pd.DataFrame) -> str:
    """One item per row of `key_point_differences`: whether the direction of the paper's claim came out."""
    return _items("rationales", differences)


def steps_in_words(steps: pd.DataFrame) -> str:
    """One item per row of `score_steps`: what one way to pick gained over another."""
    return _items("step", steps)


def _items(kind: str, rows: pd.DataFrame) -> str:
    templates = Environment(loader=PackageLoader("cce.analysis", "."), undefined=StrictUndefined)
    templates.tests["missing"], templates.filters["short_name"] = pd.isna, short_name
    prose = getattr(templates.get_template("prose.jinja").module, kind)
    texts = (" ".join(prose(row).split()) for row in rows.itertuples())
    return "\n".join(textwrap.fill(text, 110, initial_indent="- ", subsequent_indent="  ") for text in texts)


def _paired(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    # Each row of a method with the columns of its baseline's row on the same pair beside it.
    own, others = frame[frame.method == baseline].drop(columns="method"), frame[frame.method != baseline]
    return others.merge(own, on=["benchmark", "judge", "id"], suffixes=("", "_baseline"), validate="many_to_one")


def _comparison(baseline: str, pairs: pd.DataFrame) -> dict:
    cell = (*pairs[GROUP].iloc[0], baseline)
    gain = difference(pairs.score, pairs.score_baseline, pairs.weight, pairs.cluster)
    counts = {"baseline": baseline, "pairs": len(pairs), "instructions": pairs.cluster.nunique()}
    right, before = pairs.score == 1, pairs.score_baseline == 1
    tests = {"only_method": (right & ~before).sum(), "only_baseline": (~right & before).sum()}
    tests["mcnemar_p"] = mcnemar_p(right, before)
    alike = np.allclose(pairs.weight, pairs.weight.iloc[0])
    plan = {"sought": sought_gain(*cell), "pairs_needed": _pairs_needed(sought_gain(*cell) / 100, pairs)}
    return counts | gain.named("difference", 100) | (tests if alike else {}) | {"paper": paper_gain(*cell)} | plan


def _pairs_needed(sought: float, pairs: pd.DataFrame) -> float:
    gains = pairs.score - pairs.score_baseline
    # What the mean's standard error would be times the root of the number of pairs, whatever they weigh.
    mean = np.average(gains, weights=pairs.weight)
    spread = np.sqrt(len(pairs) * ((pairs.weight * (gains - mean)) ** 2).sum()) / pairs.weight.sum()
    # Without a difference to look for, or without scatter, there is nothing to plan by.
    return pairs_needed(sought, spread) if abs(sought) > 0 and spread > 0 else nan


def _key_points(rationales: pd.DataFrame) -> dict:
    tokens, points = rationales.rationale_tokens, rationales.points
    counts = {"rationales": len(rationales), "with_pool": int(rationales.coverage.notna().sum())}
    density = 100 * points.sum() / tokens.sum() if tokens.any() else nan
    lengths = {"rationale_tokens": tokens.mean(), "points_per_100_tokens": density}
    return counts | _point_gains(rationales) | lengths


def _point_gains(pairs: pd.DataFrame) -> dict:
    covered = pairs.dropna(subset=["coverage", "coverage_baseline"])
    points = difference(pairs.points, pairs.points_baseline, 1, pairs.cluster)
    coverage = difference(covered.coverage, covered.coverage_baseline, 1, covered.cluster)
    return points.named("points") | coverage.named("coverage", 100)
