"""Noise in the crowd: accuracy over the share of it that is wrong, and the share at which the method loses to vanilla.

A method such as `cce@8~flipped25` is the one without noise, `cce@8`, with so many percent of its crowd turned round,
taken from another question, or led by a liar (see `cce.crowd.noise`).
"""

from collections.abc import Sequence
from math import inf, nan

import numpy as np
import pandas as pd

from cce.analysis.accuracy import GROUP
from cce.analysis.comparison import comparison_table
from cce.analysis.statistics import interval_of, proportion, resampled_means, with_interval
from cce.names import AVERAGES, method_name, method_parts

ACCURACY, DIFFERENCE = with_interval("accuracy"), with_interval("difference")
COLUMNS = [*GROUP, "noise", "share", "pairs", *ACCURACY, *DIFFERENCE]
CROSSINGS = [*GROUP, "noise", "shares", "falls_below", *with_interval("at_share"), "never"]
FROM_THE_START, NEVER = "from the start", "never in the range"


def noise_levels(scores: pd.DataFrame) -> pd.DataFrame:
    """Every method that was run with noise, at each share of it and, at a share of 0, without: COLUMNS.

    Takes what `scored` returns. `share` is in percent; accuracy likewise, and difference in points from vanilla on the
    same pairs, both with their 95% intervals.
    """
    levels = _levels(scores)
    names = {name for own in levels.values() for name in own.values()}
    known = scores[scores.method.isin({*names, "vanilla"})].dropna(subset="score")
    beside = comparison_table(known).set_index(GROUP)[DIFFERENCE] if levels else None
    rows = []
    for (benchmark, judge, method), own in levels.items():
        for (noise, share), name in own.items():
            told = {"benchmark": benchmark, "judge": judge, "method": method, "noise": noise, "share": share}
            level = known[(known.benchmark == benchmark) & (known.judge == judge) & (known.method == name)]
            accuracy = proportion(level.score, level.weight, level.cluster).named("accuracy", 100)
            rows.append(told | {"pairs": len(level)} | accuracy | dict(beside.loc[benchmark, judge, name]))
    return pd.DataFrame(rows, columns=COLUMNS)


def _levels(scores: pd.DataFrame) -> dict[tuple, dict[tuple[str, int], str]]:
    """By benchmark, judge and method without noise, the methods' names by kind of noise and share, in their order."""
    found = {}
    for benchmark, judge, name in scores[GROUP].drop_duplicates().itertuples(index=False):
        parts = method_parts(name)
        if parts.noise:
            kind, share = parts.noise
            plain = method_name(parts._replace(noise=None))
            found.setdefault((benchmark, judge, plain), {}).update({(kind, 0): plain, (kind, share): name})
    return {place: dict(sorted(levels.items())) for place, levels in found.items()}


def noise_crossings(scores: pd.DataFrame) -> pd.DataFrame:
    """At what share of noise each method falls below vanilla: CROSSINGS, for kinds of noise with two shares and more.

    `at_share` is where the line through the paired differences first falls below zero, in percent, with its 95%
    bootstrap interval over instructions, and NaN where it never does. Resamples that never fall count as the largest
    share, and `never` counts them in percent. `falls_below` says it in words. Every pair counts alike, and averages
    have no row.
    """
    single, rows = scores[~scores.benchmark.isin(AVERAGES)], []
    for place, levels in _levels(single).items():
        for kind in dict.fromkeys(kind for kind, _ in levels):
            names = {share: name for (of, share), name in levels.items() if of == kind}
            if len(names) > 2:
                rows.append(dict(zip(GROUP, place, strict=True)) | {"noise": kind} | _crossing(single, place, names))
    return pd.DataFrame(rows, columns=CROSSINGS)


def _crossing(scores: pd.DataFrame, place: tuple, names: dict[int, str]) -> dict:
    own = scores[(scores.benchmark == place[0]) & (scores.judge == place[1])]
    wide = own[own.method.isin([*names.values(), "vanilla"])].pivot(index=["id", "cluster"], columns="method")["score"]
    wide, shares = wide.dropna().astype(float), np.array(list(names))
    gains, cluster = wide[list(names.values())].sub(wide.vanilla, axis=0), wide.index.get_level_values("cluster")
    at = crossing(shares, gains.mean().to_numpy())
    drawn = np.array([crossing(shares, one) for one in resampled_means(gains, cluster)])
    found = interval_of(at if at < inf else nan, np.minimum(drawn, shares[-1]), cluster.nunique()).named("at_share")
    said = NEVER if at == inf else FROM_THE_START if at == 0 and gains.mean().iloc[0] < 0 else f"at {at:.0f}%"
    told = {"shares": ", ".join(map(str, shares)), "falls_below": said}
    return told | found | {"never": 100 * np.mean(drawn == inf)}


def crossing(shares: Sequence[float], gains: Sequence[float]) -> float:
    """Where the line through these gains first falls below zero: the first share where it begins there, infinity where
    it never does.
    """
    below = np.flatnonzero(np.asarray(gains) < 0)
    if not len(below):
        return inf
    if (place := below[0]) == 0:
        return float(shares[0])
    (left, right), (before, after) = shares[place - 1 : place + 1], gains[place - 1 : place + 1]
    return float(left + (right - left) * before / (before - after))
