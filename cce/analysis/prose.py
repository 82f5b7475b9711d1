"""Comparisons in prose: what the differences show, and what so few pairs cannot show."""

import textwrap
from collections.abc import Callable, Iterator

import pandas as pd

from cce.analysis.accuracy import AVERAGES
from cce.names import short_name

# Where fewer pairs tell two methods apart, the bootstrap interval covers the truth clearly less often than it claims.
ENOUGH = 5


def in_words(comparisons: pd.DataFrame) -> str:
    """One item per row of `comparison_table`; where there is an average over benchmarks, of its rows alone."""
    if comparisons.empty:
        return "No two methods of one judge were run that could be compared."
    averages = comparisons[comparisons.benchmark.isin(AVERAGES)]
    return _items(_comparison, comparisons if averages.empty else averages)


def rationales_in_words(differences: pd.DataFrame) -> str:
    """One item per row of `key_point_differences`: whether the direction of the paper's claim came out."""
    return _items(_rationales, differences)


def steps_in_words(steps: pd.DataFrame) -> str:
    """One item per row of `score_steps`: what one way to pick gained over another."""
    return _items(_step, steps)


def _items(parts: Callable[..., Iterator[str]], rows: pd.DataFrame) -> str:
    items = (" ".join(parts(row)) for row in rows.itertuples())
    return "\n".join(textwrap.fill(item, 110, initial_indent="- ", subsequent_indent="  ") for item in items)


def _comparison(row) -> Iterator[str]:
    yield _names(row)
    gain, test = f"{row.difference:+.1f} points", "" if pd.isna(row.mcnemar_p) else f"; McNemar p = {row.mcnemar_p:.2g}"
    if pd.isna(row.difference_low):
        yield f"{gain}; every pair differs by the same amount, so there is no interval."
    elif row.only_method + row.only_baseline < ENOUGH:
        yield f"{gain}; fewer than {ENOUGH} pairs tell the two apart, too few to judge by{test}."
    else:
        yield f"{gain} ({_interval(row.difference_low, row.difference_high)}{test})."
    if pd.notna(row.paper):
        yield f"The paper: {row.paper:+.1f}."
    if pd.notna(row.pairs_needed):
        # A plan made from a small run's scatter has two digits at most.
        needed = int(float(f"{row.pairs_needed:.2g}"))
        yield f"To see {row.sought:+.1f} points takes some {needed:,} independent pairs;"
        yield f"here are {row.pairs:,} on {row.instructions:,} instructions."


def _rationales(row) -> Iterator[str]:
    yield _names(row)
    yield _measure("key points", row.points, row.points_low, row.points_high)
    yield _measure("points of coverage", row.coverage, row.coverage_low, row.coverage_high)
    yield f"over {row.rationales} rationales."


def _step(row) -> Iterator[str]:
    yield f"{row.score}, {row.model} against {row.baseline}:"
    if pd.isna(row.gain):
        yield "nothing to compare."
    elif pd.isna(row.gain_low):
        yield f"{row.gain:+.2f} on each of {row.answers} answers, so there is no interval."
    else:
        yield f"{row.gain:+.2f} ({_interval(row.gain_low, row.gain_high, 2)}), over {row.answers} answers."


def _names(row) -> str:
    return f"{short_name(row.judge)}, {row.method} against {row.baseline} on {row.benchmark}:"


def _measure(name: str, gain: float, low: float, high: float) -> str:
    if pd.isna(gain):
        return f"no {name} to compare;"
    return f"{gain:+.1f} {name} ({'no scatter' if pd.isna(low) else _interval(low, high)});"


def _interval(low: float, high: float, digits: int = 1) -> str:
    zero = "excludes" if low > 0 or high < 0 else "includes"
    return f"95% interval {low:+.{digits}f} to {high:+.{digits}f}, which {zero} zero"
