"""Which crowd judgments become the judge's background: criticizing, praising, balanced or random selection.

Source: section 3 and Table 4 of the paper. Its code counts unreadable verdicts as lost; here they are neither
lost nor won.
"""

from collections.abc import Callable, Sequence
from random import Random

from cce.crowd.answers import Member, members
from cce.crowd.case import Case
from cce.crowd.judgments import CrowdJudgment, Side, crowd_judgment
from cce.models.loop import together

Pool = Sequence[CrowdJudgment]


def _criticizing(pool: Pool, share: int) -> list[CrowdJudgment]:
    return [judgment for judgment in pool if judgment.outcome == "lost"][:share]


def _praising(pool: Pool, share: int) -> list[CrowdJudgment]:
    return [judgment for judgment in pool if judgment.outcome == "won"][:share]


def _balanced(pool: Pool, share: int) -> list[CrowdJudgment]:
    # The odd one is a loss of A's and a win of B's, so that a budget of two holds one of each.
    lost = (share + (pool[0].candidate == "A")) // 2
    return [*_criticizing(pool, lost), *_praising(pool, share - lost)]


def _random(pool: Pool, share: int) -> list[CrowdJudgment]:
    return list(pool[:share])


SELECTIONS: dict[str, Callable[[Pool, int], list[CrowdJudgment]]] = {
    "random": _random,
    "praising": _praising,
    "criticizing": _criticizing,
    "balanced": _balanced,
}


async def select(case: Case, selection: str, budget: int) -> list[CrowdJudgment]:
    """Draw `budget` crowd judgments: half from those that keep A, the rest from those that keep B.

    A side that has fewer of the wanted kind gives all it has; the other side does not fill up. Every selection
    draws from one seeded shuffle of the crowd, so that budgets are nested, and what two selections have in
    common is the same.
    """
    shares: dict[Side, int] = {"A": budget // 2, "B": budget - budget // 2}
    sides = await together(_of_side(case, selection, side, share) for side, share in shares.items())
    return [judgment for side in sides for judgment in side]


async def _of_side(case: Case, selection: str, side: Side, share: int) -> list[CrowdJudgment]:
    queue = _shuffled(case, side)
    if selection == "random":
        queue = queue[:share]  # chosen unseen, so that the others need not be judged
    pool = await together(crowd_judgment(case, side, member) for member in queue)
    return SELECTIONS[selection](pool, share)


def _shuffled(case: Case, side: Side) -> list[Member]:
    queue = members(case)
    Random(f"{case.protocol.seed}:selection:{side}:{case.pair.id}").shuffle(queue)
    return queue
