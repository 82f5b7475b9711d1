"""Majority voting: several sampled vanilla judgments, one vote each."""

from cce.crowd.case import Case
from cce.crowd.compare import Duel, compare
from cce.crowd.verdict import Judgment, majority
from cce.models.loop import together

# Votes must differ to be worth counting; the paper does not print its sampling temperature.
TEMPERATURE = 0.7


async def maj(case: Case, budget: int) -> Judgment:
    """The verdict of most of `budget` sampled judgments; unreadable ones have no vote."""
    duel = Duel.of(case.pair)
    votes = [compare(case, duel, sample=sample, temperature=TEMPERATURE) for sample in range(budget)]
    return majority(await together(votes))
