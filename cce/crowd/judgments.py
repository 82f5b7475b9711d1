"""Crowd judgments: the judge compares each crowd answer with A and with B, by the same prompt as vanilla."""

from dataclasses import dataclass
from typing import Literal

from cce.crowd.answers import Member, crowd_answer, members
from cce.crowd.case import Case
from cce.crowd.compare import Duel, compare
from cce.crowd.verdict import Judgment
from cce.models.loop import together


@dataclass(frozen=True)
class CrowdJudgment:
    """The comparison of a candidate with one crowd answer; in the given order the candidate keeps its own place."""

    candidate: Literal["A", "B"]
    member: Member
    judgment: Judgment

    @property
    def lost(self) -> bool:
        """The candidate was found worse. A tie or an unreadable verdict is no loss."""
        return self.judgment.verdict == ("B" if self.candidate == "A" else "A")

    def place(self, order: int) -> Literal["A", "B"]:
        """Where the candidate stood in this order (0 given, 1 swapped)."""
        return "A" if (self.candidate == "A") == (order == 0) else "B"

    def telling_order(self, order: int) -> int:
        """This order where the candidate lost in it, else the other one.

        A judge that prefers a position may find for the candidate in one order although it lost over both.
        Of a lost comparison one order at least says so.
        """
        p_first = self.judgment.readings[order].p_first
        lost_here = p_first < 0.5 if self.place(order) == "A" else p_first > 0.5
        return order if lost_here else 1 - order


async def crowd_judgments(case: Case) -> list[CrowdJudgment]:
    """All comparisons of the case's crowd: two a member, those that keep A first."""
    both = await together(_against_both(case, member) for member in members(case.crowd))
    return [judgment for side in zip(*both, strict=True) for judgment in side]


async def _against_both(case: Case, member: Member) -> tuple[CrowdJudgment, CrowdJudgment]:
    theirs, pair = await crowd_answer(case, member), Duel.of(case.pair)
    keeps_a = Duel(pair.questions, pair.first, theirs, pair.criteria)
    keeps_b = Duel(pair.questions, theirs, pair.second, pair.criteria)
    on_a, on_b = await together([compare(case, keeps_a), compare(case, keeps_b)])
    return CrowdJudgment("A", member, on_a), CrowdJudgment("B", member, on_b)
