"""Vanilla: the judge compares the two answers once."""

from cce.crowd.case import Case
from cce.crowd.compare import Duel, compare
from cce.crowd.verdict import Judgment


async def vanilla(case: Case) -> Judgment:
    """The MT-Bench kind of pairwise judgment, without a tie option."""
    return await compare(case, Duel.of(case.pair))
