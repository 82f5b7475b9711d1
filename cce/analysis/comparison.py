"""Methods beside a baseline on the same pairs, in tables and in prose: accuracy, selections, and key points."""

import textwrap
from collections.abc import Mapping, Sequence
from functools import partial
from itertools import pairwise
from math import nan

import numpy as np
import pandas as pd
from jinja2 import PackageLoader, StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

from cce.analysis.accuracy import AT_EQUAL_LENGTH, GROUP, by_group, with_means
from cce.analysis.length import difference_at_equal_length
from cce.analysis.paper import paper_gain, sought_gain
from cce.analysis.statistics import difference, holm, mcnemar_p, pairs_needed, with_interval
from cce.crowd.methods import METHODS
from cce.names import AVERAGES, NO_JUDGE, family, method_parts, short_name
from cce.text import visible

COLUMNS = [*GROUP, "baseline", "pairs", "instructions", *with_interval("difference")]
COLUMNS += [*AT_EQUAL_LENGTH, "only_method", "only_baseline", "mcnemar_p", "mcnemar_holm", "paper", "sought"]
COLUMNS += ["pairs_needed"]
# By baseline: selections as judged, removal with all else alike, selections with removal. Then what the gain is made
# of: that of the prompt and of the count of losses alone, and what cce gains beyond these and beyond foreign notes.
CONTRASTS = {
    "cce-random": ["cce-praising", "cce-criticizing", "cce-balanced", "cce-random+removal"],
    "cce-criticizing": ["cce"],
    "cce-random+removal": ["cce-praising+removal", "cce", "cce-balanced+removal"],
    "vanilla": ["cce-prompt", "count", "cce"],
    "cce-prompt": ["cce"],
    "count": ["cce"],
    "cce-shuffled": ["cce"],
}


def comparison_table(scores: pd.DataFrame, baseline: str = "vanilla", sought: float | None = None) -> pd.DataFrame:
    """Compare each method with a baseline method of the same judge, on the pairs that both have judged.

    Takes what `scored` returns; methods that ask no model are compared with every judge's baseline. A method with a set
    of prompts of its own is compared with the baseline of the same set, where that was run. Returns COLUMNS: difference
    is in points, with its 95% bootstrap interval over instructions (NaN where all differ alike); equal_length is the
    same as `difference_at_equal_length` has it;
    only_method and only_baseline count the pairs that one of the two alone got right, and mcnemar_p is exact, two-sided
    and takes pairs as independent (NaN where pairs differ in weight); mcnemar_holm is the same, corrected for all rows
    of the table but averages; sought is the difference given, or the paper's, or GPT-4o's mean one for this method;
    pairs_needed are independent pairs that show it with 80% power at the 5% level.
    """
    there = scores.dropna(subset="score")
    free = there.judge == NO_JUDGE
    judges = there[~free].judge.unique()
    every = pd.concat([there[~free], *(there[free].assign(judge=judge) for judge in judges)])
    table = by_group(_paired(every, baseline), partial(_comparison, sought=sought), COLUMNS)
    return _corrected(with_means(table, [], [AT_EQUAL_LENGTH]))


def selection_comparisons(scores: pd.DataFrame) -> pd.DataFrame:
    """Compare every selection with random selection, outcome removal with none, and the method with its parts, at each
    budget: the rows of CONTRASTS.

    Takes what `scored` returns, with methods such as cce-random@8 and cce@8, and returns the rows of
    `comparison_table`. All methods select from the same crowd judgments, so the differences are paired in these too.
    """
    budgets, contrasts = dict.fromkeys(method_parts(method).budget for method in scores.method.unique()), {}
    for budget in filter(None, budgets):
        for baseline, methods in CONTRASTS.items():
            contrasts.setdefault(at_budget(baseline, budget), []).extend(
                at_budget(method, budget) for method in methods
            )
    return contrasted(scores, contrasts)


def round_comparisons(scores: pd.DataFrame, begin: str) -> pd.DataFrame:
    """Compare every round of `refine` with the round before, and `cce-again` with `cce`: rows of `comparison_table`.

    `begin` is the method that round 0 is: `cce` with the whole crowd in view.
    """
    known = scores.method.unique()
    rounds = sorted((name for name in known if family(name) == "refine"), key=lambda name: method_parts(name).budget)
    contrasts = {before: [after] for before, after in pairwise([begin, *rounds])}
    for name in (name for name in known if family(name) == "cce-again"):
        contrasts.setdefault(at_budget("cce", method_parts(name).budget), []).append(name)
    return contrasted(scores, contrasts)


def crowd_comparisons(scores: pd.DataFrame, by_crowd: Mapping[str, pd.DataFrame], method: str) -> pd.DataFrame:
    """Compare a method with other crowds, by their names, with itself in `scores` and with vanilla there: the rows of
    `comparison_table`, in which the method has the crowd's name behind its own.
    """
    others = {f"{method}, {name}": own[own.method == method] for name, own in by_crowd.items()}
    every = pd.concat([scores, *(own.assign(method=name) for name, own in others.items())], ignore_index=True)
    return contrasted(every, {method: list(others), "vanilla": [method, *others]})


def at_budget(name: str, budget: int) -> str:
    """The method of this family at a budget, or without one where the family has none."""
    return f"{name}@{budget}" if METHODS[name].budgeted else name


def contrasted(scores: pd.DataFrame, contrasts: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """The rows of `comparison_table` for several baselines, each with the methods that are compared with it."""
    methods = [(baseline, scores.method.isin([baseline, *others])) for baseline, others in contrasts.items()]
    tables = [comparison_table(scores[rows], baseline) for baseline, rows in methods]
    tables = [table for table in tables if len(table)] or [pd.DataFrame(columns=COLUMNS)]
    return _corrected(pd.concat(tables, ignore_index=True))


def _corrected(table: pd.DataFrame) -> pd.DataFrame:
    # An average repeats the pairs of its benchmarks.
    own = table.mcnemar_p.where(~table.benchmark.isin(AVERAGES))
    return table.assign(mcnemar_holm=holm(own))


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
    return by_group(
        pairs, lambda rows: {"baseline": rows.baseline.iloc[0], "rationales": len(rows)} | _point_gains(rows)
    )


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
    templates = ImmutableSandboxedEnvironment(loader=PackageLoader("cce.analysis", "."), undefined=StrictUndefined)
    templates.tests["missing"], templates.filters["short_name"] = pd.isna, short_name
    prose = getattr(templates.get_template("prose.jinja").module, kind)
    texts = (visible(" ".join(prose(row).split())) for row in rows.itertuples())
    return "\n".join(textwrap.fill(text, 110, initial_indent="- ", subsequent_indent="  ") for text in texts)


def _paired(frame: pd.DataFrame, baseline: str) -> pd.DataFrame:
    # Each row of a method with the columns of its baseline's row on the same pair beside it.
    known = frame.method.unique()
    of_method = {method: _baseline_of(method, baseline, known) for method in known}
    own = frame.rename(columns={"method": "baseline"})
    others = frame.assign(baseline=frame.method.map(of_method))[frame.method != baseline]
    place = ["benchmark", "judge", "id", "baseline"]
    return others.merge(own, on=place, suffixes=("", "_baseline"), validate="many_to_one")


def _baseline_of(method: str, baseline: str, known: Sequence[str]) -> str:
    """The baseline with the method's own set of prompts, where it was run; of that one the baseline itself."""
    own = f"{baseline}:{method_parts(method).prompts}"
    return own if own in known and own != method else baseline


def _comparison(pairs: pd.DataFrame, sought: float | None) -> dict:
    baseline = pairs.baseline.iloc[0]
    cell = (*pairs[GROUP].iloc[0], baseline)
    gain = difference(pairs.score, pairs.score_baseline, pairs.weight, pairs.cluster)
    counts = {"baseline": baseline, "pairs": len(pairs), "instructions": pairs.cluster.nunique()}
    right, before = pairs.score == 1, pairs.score_baseline == 1
    tests = {"only_method": (right & ~before).sum(), "only_baseline": (~right & before).sum()}
    tests["mcnemar_p"] = mcnemar_p(right, before)
    alike = np.allclose(pairs.weight, pairs.weight.iloc[0])
    sought = sought_gain(*cell) if sought is None else sought
    plan = {"sought": sought, "pairs_needed": _pairs_needed(sought / 100, pairs)}
    twin = {} if cell[0] in AVERAGES else difference_at_equal_length(pairs).named("equal_length", 100)
    gains = gain.named("difference", 100) | twin
    return counts | gains | (tests if alike else {}) | {"paper": paper_gain(*cell)} | plan


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
