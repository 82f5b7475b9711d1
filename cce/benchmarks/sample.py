"""A sample of what notebooks load, to plan by: a few questions of each set, with all that stands on them there.

What is asked about one question shares its crowd's answers, so that questions are drawn whole. Those are drawn that
come first by the lots of `limit`: what a limit leaves of a set has the questions that the whole set has in its sample.
"""

from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from random import Random
from typing import NamedTuple

# Of each set so many questions: as many as hold ITEMS pairs, but no fewer than make an interval.
ITEMS, FEWEST = 8, 3


class Stratum(NamedTuple):
    """How many items and questions a set has, and the questions that were drawn of it, each with its items."""

    items: int
    questions: int
    drawn: Counter[str]


class Sample:
    """Draws from what is loaded, and keeps the `strata` that it drew from; a set that was read before is not again."""

    def __init__(self) -> None:
        self.strata: list[Stratum] = []
        self._sets: dict[tuple, tuple[list[str], list]] = {}

    def of(self, items: Iterable, source: tuple, limit: int | None, seed: int) -> list:
        """The sampled questions' items, of those that the limit leaves of a set, in the set's order."""
        if (source, seed) not in self._sets:
            self._sets[source, seed] = _in_order(items, seed)
        questions, kept = self._sets[source, seed]
        left = questions[:limit]
        chosen = [(place, item) for rank, place, item in kept if limit is None or rank < limit]
        if chosen:
            self.strata.append(Stratum(len(left), len(set(left)), Counter(item.asked for _, item in chosen)))
        return [item for _, item in sorted(chosen, key=lambda one: one[0])]


def lot(item: object, seed: int) -> float:
    """What an item draws, whatever else is in its set: those with the lowest are what a limit leaves."""
    return Random(f"{seed}:limit:{item.id}").random()


def _in_order(items: Iterable, seed: int) -> tuple[list[str], list]:
    """The questions of all items by their lots, and of those that are sampled the rank, the place and the item."""
    order = sorted(enumerate(items), key=lambda one: lot(one[1], seed))
    questions = [item.asked for _, item in order]
    sizes, sampled = Counter(questions), {}
    for question in questions:
        if len(sampled) >= FEWEST and sum(sampled.values()) >= ITEMS:
            break
        sampled[question] = sizes[question]
    return questions, [(rank, *one) for rank, one in enumerate(order) if one[1].asked in sampled]


# What is loaded where a plan has set one.
SAMPLE: ContextVar[Sample | None] = ContextVar("sample", default=None)
