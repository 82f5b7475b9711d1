"""Which crowd judgments become the judge's background: criticizing selection keeps those that A or B lost."""

from collections.abc import Sequence
from random import Random

from cce.crowd.judgments import CrowdJudgment


def criticizing(pool: Sequence[CrowdJudgment], budget: int, seed: int, pair_id: str) -> list[CrowdJudgment]:
    """Draw `budget` lost comparisons: half from those that keep A, the rest from those that keep B.

    A side that lost less often than that gives all it has; the other side does not fill up. The draw is a
    seeded shuffle of which a smaller budget takes the beginning, so that budgets are nested.
    Source: section 3 of the paper; its code counts unreadable verdicts as lost, we do not.
    """
    shares = {"A": budget // 2, "B": budget - budget // 2}
    return [lost for side, share in shares.items() for lost in _shuffled(pool, side, seed, pair_id)[:share]]


def _shuffled(pool: Sequence[CrowdJudgment], side: str, seed: int, pair_id: str) -> list[CrowdJudgment]:
    lost = [judgment for judgment in pool if judgment.candidate == side and judgment.lost]
    Random(f"{seed}:selection:{side}:{pair_id}").shuffle(lost)
    return lost
