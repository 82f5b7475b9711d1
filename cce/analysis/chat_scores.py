"""Table 3's two scores of a fine-tuned model: MT-Bench's mean rating, and AlpacaEval 2's win rates."""

from collections.abc import Iterator
from math import nan

import numpy as np
import pandas as pd
from scipy.stats import bootstrap

from cce.analysis.statistics import difference
from cce.benchmarks.alpaca_eval import chosen_strength, length_controlled_win_rate, preferred

# Each is a regression of its own.
RESAMPLES = 499


def mt_bench_table(grades: pd.DataFrame) -> pd.DataFrame:
    """Summarise a frame of `grade`: for each judge and model a row a category, a row a turn, and one over all.

    Returns judge, model, part (the category, "turn 1", "turn 2" ... or "all"), answers (how many), unreadable (how
    many of them have no rating; the mean leaves them out), rating (mean) with rating_low and rating_high (95%
    bootstrap interval over questions; NaN where all are alike).
    """
    return pd.DataFrame(
        {"judge": judge, "model": model, "part": part} | _rating(rows)
        for (judge, model), own in grades.groupby(["judge", "model"], sort=False)
        for part, rows in _parts(own)
    )


def alpaca_table(
    annotations: pd.DataFrame, difficulty: pd.DataFrame | None = None, gamed: pd.DataFrame | None = None
) -> pd.DataFrame:
    """Summarise annotations as `preferences` returns them, a row a model.

    Args:
        annotations: of one or more models.
        difficulty, gamed: as `load_gamed` returns them; without them there is no length-controlled rate.

    Returns model, instructions (how many), unreadable (how many of them have no preference), win_rate and
    length_controlled (percent), each with X_low and X_high (95% bootstrap interval over instructions; the regression
    is fitted anew to each sample, at the penalty chosen for the whole; NaN where all are alike), length (mean, of the
    model's outputs, in characters). A rate that cannot be computed is NaN.
    """
    groups = annotations.groupby("generator_2", sort=False)
    return pd.DataFrame({"model": model} | _rates(rows, difficulty, gamed) for model, rows in groups)


def _parts(grades: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    yield from grades.groupby("category", sort=False)
    yield from ((f"turn {turn}", rows) for turn, rows in grades.groupby("turn"))
    yield "all", grades


def _rating(grades: pd.DataFrame) -> dict:
    read = grades[grades.rating.notna()]
    counts = {"answers": len(grades), "unreadable": len(grades) - len(read)}
    return counts | _mean("rating", read.rating, read.id)


def _rates(annotations: pd.DataFrame, difficulty: pd.DataFrame | None, gamed: pd.DataFrame | None) -> dict:
    share = preferred(annotations)
    read = share.notna()
    controlled = (nan, nan, nan) if gamed is None or not read.any() else _controlled(annotations, difficulty, gamed)
    return {
        "instructions": len(annotations),
        "unreadable": int((~read).sum()),
        **_mean("win_rate", 100 * share[read], annotations["index"][read]),
        **dict(zip(["length_controlled", "length_controlled_low", "length_controlled_high"], controlled, strict=True)),
        "length": annotations.len_output_2.mean(),
    }


def _mean(name: str, values: pd.Series, cluster: pd.Series) -> dict:
    names = (name, f"{name}_low", f"{name}_high")
    if values.empty:
        return dict.fromkeys(names, nan)
    same = np.ones(len(values))
    return dict(zip(names, difference(values, 0 * same, same, cluster), strict=True))


def _controlled(annotations: pd.DataFrame, difficulty: pd.DataFrame, gamed: pd.DataFrame) -> tuple[float, float, float]:
    strength = chosen_strength(annotations, difficulty, gamed)

    def rate(rows: np.ndarray) -> float:
        return length_controlled_win_rate(annotations.iloc[rows], difficulty, gamed, strength)

    places = np.arange(len(annotations))
    drawn = bootstrap(
        (places,), rate, n_resamples=RESAMPLES, vectorized=False, method="percentile", rng=np.random.default_rng(0)
    )
    return rate(places), *drawn.confidence_interval
