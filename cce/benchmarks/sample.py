"""A sample of what notebooks load, to plan by: a few questions of each set, with all that stands on them there.

What is judged on one question shares its crowd's answers and comparisons, so that questions are drawn whole. Those are
drawn that come first by the lots of `limit`: what a limit leaves of a set has its sample among that of the whole.
"""

from collections import Counter
from collections.abc import Iterable
from contextvars import ContextVar
from random import Random
from typing import NamedTuple


class Stratum(NamedTuple):
    """How many items and questions a set has, and the questions that were drawn of it, each with its items."""

    items: int
    questions: int
    drawn: Counter[str]


class Sample:
    """Draws so many questions from each set that is loaded, and keeps the `strata` that it drew. A set is read once."""

    def __init__(self, questions: int) -> None:
        self.questions, self.strata = questions, []
        self._sets: dict[tuple, tuple[list[str], list]] = {}

    def of(self, items: Iterable, source: tuple, limit: int | None, seed: int) -> list:
        """The sampled questions' items, of those that the limit leaves of a set, in the set's order."""
        known = self._sets.get((source, seed)) or _in_order(items, seed)
        questions = list(dict.fromkeys(known[0]))[: self.questions]
        self._sets[source, seed] = known[0], [one for one in known[1] if one[-1].asked in questions]
        left = known[0][:limit]
        chosen = [(place, item) for rank, place, item in self._sets[source, seed][1] if rank < len(left)]
        if chosen:
            self.strata.append(Stratum(len(left), len(set(left)), Counter(item.asked for _, item in chosen)))
        return [item for _, item in sorted(chosen, key=lambda one: one[0])]


def lot(item: object, seed: int) -> float:
    """What an item draws, whatever else is in its set: those with the lowest are what a limit leaves."""
    return Random(f"{seed}:limit:{item.id}").random()


def _in_order(items: Iterable, seed: int) -> tuple[list[str], list]:
    """The questions of all items by their lots; and each item's rank, its place in the set, and itself."""
    order = sorted(enumerate(items), key=lambda one: lot(one[1], seed))
    return [item.asked for _, item in order], [(rank, *one) for rank, one in enumerate(order)]


# Draws what is loaded where a plan has set one.
SAMPLE: ContextVar[Sample | None] = ContextVar("sample", default=None)
