"""How many ratings are enough: repeated ratings of RewardBench 2's responses by five judges, and a rule to stop asking.

An item has one good response and three others. It counts 1 where the good one has the highest mean rating, 1/k where k
share it, and 0 elsewhere: the benchmark's own rule. A rating that failed is left out of its mean.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from cce.analysis.elsewhere import score_rows
from cce.analysis.elsewhere.forms import RATERS, ratings
from cce.analysis.pools import credit
from cce.analysis.statistics import difference, with_interval

# Leads in mean rating at which no further one is asked for; 9 is out of reach, so that all are.
LEADS = [0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 9.0]
# What a rule may lose on the half that it is set on, in points.
LOSS = 0.25
COLUMNS = ["judge", "lead", "items", "ratings", "asked", *with_interval("accuracy"), *with_interval("less_than_all")]


@dataclass(frozen=True)
class Rated:
    """One judge's ratings, by item, response (the good one first) and time; NaN where one failed. `items` are names."""

    judge: str
    items: np.ndarray
    ratings: np.ndarray

    @property
    def times(self) -> int:
        """How often each response was rated."""
        return self.ratings.shape[2]


def rated(data_dir: str | Path | None = None) -> list[Rated]:
    """The ratings of each judge, as shipped or from the published files."""
    found: dict[str, list] = {}
    for judge, item, subset, scores in ratings(score_rows(data_dir)):
        found.setdefault(judge, []).append((f"{subset}-{item}", np.array(scores, float)))
    known = [judge for judge in RATERS.values() if judge in found]
    return [Rated(judge, *map(np.array, zip(*found[judge], strict=True))) for judge in known]


def as_judgments(judges: Sequence[Rated], seed: int) -> pd.DataFrame:
    """The good response beside each other one as a judgment with a probability: in how many of all pairs of their
    ratings A's is the higher one, equal ones being a half. The seed draws which of the two is A.
    """
    drawn = np.random.default_rng(seed)
    return pd.concat([_judgments(one, drawn.random) for one in judges], ignore_index=True)


def _judgments(one: Rated, drawn: Callable) -> pd.DataFrame:
    good, others = one.ratings[:, :1, :, None], one.ratings[:, 1:, None, :]
    higher = np.where(np.isnan(good - others), np.nan, (np.sign(good - others) + 1) / 2)
    known = ~np.isnan(higher).all(axis=(-2, -1))
    p_good, item = np.nanmean(higher[known], axis=(-2, -1)), np.repeat(one.items, known.sum(axis=1))
    is_a = drawn(len(item)) < 0.5
    told = {"id": [f"{name}-{n}" for n, name in enumerate(item)], "cluster": item, "label": np.where(is_a, "A", "B")}
    return pd.DataFrame(
        told | {"judge": one.judge, "method": f"rate@{one.times}", "p_a": np.where(is_a, p_good, 1 - p_good)}
    )


def accuracy_of(means: np.ndarray) -> np.ndarray:
    """By item, the score of mean ratings by item and response."""
    return credit(np.where(np.isnan(means), -np.inf, means), np.arange(means.shape[-1]) == 0)


def number_table(judges: Sequence[Rated]) -> pd.DataFrame:
    """Accuracy over the number of ratings, the mean over all choices of so many for each item: judge, ratings, items,
    accuracy with its interval in percent.
    """
    rows = []
    for one in judges:
        for number in range(1, one.times + 1):
            chosen = [list(times) for times in combinations(range(one.times), number)]
            scores = np.mean([accuracy_of(_mean(one.ratings[..., times])) for times in chosen], axis=0)
            told = difference(scores, 0, 1, one.items).named("accuracy", 100)
            rows.append({"judge": one.judge, "ratings": number, "items": len(scores)} | told)
    return pd.DataFrame(rows)


def stopping_table(judges: Sequence[Rated], seed: int) -> pd.DataFrame:
    """The rule on the half of the items on which it was not set, beside all ratings: COLUMNS.

    Responses are rated in rounds, and no more once the best mean leads the next by `lead`. The lead is the smallest of
    LEADS that costs at most LOSS points on the other half, where the chosen one is set. `ratings` is how many rounds
    an item took on average, `asked` the same in percent of all, less_than_all the paired difference in points.
    """
    rows = []
    for one in judges:
        setting = np.random.default_rng(seed).permutation(len(one.items)) < len(one.items) // 2
        whole = accuracy_of(_mean(one.ratings))
        runs = {lead: _stopped(one, lead) for lead in LEADS}
        chosen = next(lead for lead, (score, _) in runs.items() if 100 * (whole - score)[setting].mean() <= LOSS)
        score, rounds = (found[~setting] for found in runs[chosen])
        rows.append(_stopping_row(one, chosen, score, rounds, whole[~setting], one.items[~setting]))
    return pd.DataFrame(rows, columns=COLUMNS)


def frontier_table(judges: Sequence[Rated]) -> pd.DataFrame:
    """Accuracy over ratings asked for, at every lead, on all items: COLUMNS."""
    rows = []
    for one in judges:
        whole = accuracy_of(_mean(one.ratings))
        rows += [_stopping_row(one, lead, *_stopped(one, lead), whole, one.items) for lead in LEADS]
    return pd.DataFrame(rows, columns=COLUMNS)


def _stopping_row(
    one: Rated, lead: float, score: np.ndarray, rounds: np.ndarray, whole: np.ndarray, items: np.ndarray
) -> dict:
    accuracy, less = (difference(score, base, 1, items) for base in (0, whole))
    told = {"judge": one.judge, "lead": lead, "items": len(score), "ratings": rounds.mean()}
    told |= {"asked": 100 * rounds.mean() / one.times}
    return told | accuracy.named("accuracy", 100) | less.named("less_than_all", 100)


def _stopped(one: Rated, lead: float) -> tuple[np.ndarray, np.ndarray]:
    """By item, the score at which the rule stops, and after how many rounds."""
    running = np.stack([_mean(one.ratings[..., :number]) for number in range(1, one.times + 1)])
    ordered = np.sort(np.nan_to_num(running, nan=0.0), axis=-1)
    enough = ordered[..., -1] - ordered[..., -2] >= lead
    enough[-1] = True
    rounds = enough.argmax(axis=0)
    return accuracy_of(running[rounds, np.arange(len(rounds))]), rounds + 1


def _mean(values: np.ndarray) -> np.ndarray:
    # NaN, and no warning, where all failed.
    known = ~np.isnan(values)
    return np.where(known.any(axis=-1), np.nansum(values, axis=-1) / np.maximum(known.sum(axis=-1), 1), np.nan)
