"""Comparisons in words: what the differences show, and what so few pairs can't."""

import textwrap

import pandas as pd

from cce.analysis.scoring import AVERAGES
from cce.names import short_name

# Where fewer pairs tell two methods apart, the bootstrap interval covers the truth clearly less often than it claims.
ENOUGH = 5


def in_words(comparisons: pd.DataFrame) -> str:
    """An item a row of `comparison_table`; where there is an average over benchmarks, of its rows alone."""
    if comparisons.empty:
        return "No two methods of one judge were run that could be compared."
    averages = comparisons[comparisons.benchmark.isin(AVERAGES)]
    comparisons = comparisons if averages.empty else averages
    return "\n".join(_item(_in_words(row)) for row in comparisons.itertuples())


def rationales_in_words(differences: pd.DataFrame) -> str:
    """An item a row of `key_point_differences`: whether the direction of the paper's claim came out."""
    return "\n".join(_item(_rationale_in_words(row)) for row in differences.itertuples())


def steps_in_words(steps: pd.DataFrame) -> str:
    """An item a row of `score_steps`: what one way to pick gained over another."""
    return "\n".join(_item(_step_in_words(row)) for row in steps.itertuples())


def _item(text: str) -> str:
    return textwrap.fill(text, 110, initial_indent="- ", subsequent_indent="  ")


def _rationale_in_words(row) -> str:
    names = f"{short_name(row.judge)}, {row.method} against {row.baseline} on {row.benchmark}:"
    measures = [("key points", row.points, row.points_low, row.points_high)]
    measures += [("points of coverage", row.coverage, row.coverage_low, row.coverage_high)]
    return f"{names} {'; '.join(_measure(*measure) for measure in measures)}; over {row.rationales} rationales."


def _measure(name: str, gain: float, low: float, high: float) -> str:
    if pd.isna(gain):
        return f"no {name} to compare"
    return f"{gain:+.1f} {name} ({'no scatter' if pd.isna(low) else interval_in_words(low, high)})"


def _step_in_words(row) -> str:
    names = f"{row.score}, {row.model} against {row.baseline}:"
    if pd.isna(row.gain):
        return f"{names} nothing to compare."
    if pd.isna(row.gain_low):
        return f"{names} {row.gain:+.2f} on each of {row.answers} answers, so there is no interval."
    return f"{names} {row.gain:+.2f} ({interval_in_words(row.gain_low, row.gain_high, 2)}), over {row.answers} answers."


def _in_words(row) -> str:
    names = f"{short_name(row.judge)}, {row.method} against {row.baseline} on {row.benchmark}:"
    return " ".join(filter(None, [names, _difference(row), _paper(row), _power(row)]))


def _difference(row) -> str:
    if pd.isna(row.difference_low):
        return f"{row.difference:+.1f} points; every pair differs by the same amount, so there is no interval."
    test = "" if pd.isna(row.mcnemar_p) else f"; McNemar p = {row.mcnemar_p:.2g}"
    if row.only_method + row.only_baseline < ENOUGH:
        return f"{row.difference:+.1f} points; fewer than {ENOUGH} pairs tell the two apart, too few to judge by{test}."
    return f"{row.difference:+.1f} points ({interval_in_words(row.difference_low, row.difference_high)}{test})."


def interval_in_words(low: float, high: float, digits: int = 1) -> str:
    """The interval, and whether zero is in it."""
    zero = "excludes" if low > 0 or high < 0 else "includes"
    return f"95% interval {low:+.{digits}f} to {high:+.{digits}f}, which {zero} zero"


def _paper(row) -> str:
    return "" if pd.isna(row.paper) else f"The paper: {row.paper:+.1f}."


def _power(row) -> str:
    if pd.isna(row.pairs_needed):
        return ""
    here = f"{row.pairs:,} on {row.instructions:,} instructions"
    return (
        f"To see {row.sought:+.1f} points takes some {_rounded(row.pairs_needed):,} independent pairs; here are {here}."
    )


def _rounded(pairs: float) -> int:
    # A plan made from a small run's scatter has two digits at most.
    return int(float(f"{pairs:.2g}"))
