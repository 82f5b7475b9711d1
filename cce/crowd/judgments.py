"""Crowd judgments: the judge compares each crowd answer with A and with B, by the same prompt as vanilla."""

import asyncio
from dataclasses import dataclass
from typing import Literal

from cce.crowd.answers import Member, crowd_answer, members
from cce.crowd.case import Case
from cce.crowd.compare import Duel, compare
from cce.crowd.verdict import Judgment


@dataclass(frozen=True)
class CrowdJudgment:
    """The comparison of a candidate with one crowd answer; the candidate keeps its own place, A or B."""

    candidate: Literal["A", "B"]
    member: Member
    judgment: Judgment

    @property
    def lost(self) -> bool:
        """The candidate was found worse. A tie or an unreadable verdict is no loss."""
        return self.judgment.verdict == ("B" if self.candidate == "A" else "A")


async def crowd_judgments(case: Case) -> list[CrowdJudgment]:
    """All comparisons of the case's crowd: two a member, those that keep A first."""
    voices = members(case.crowd)
    both = await asyncio.gather(*[_against_both(case, member) for member in voices])
    return [judgment for side in zip(*both, strict=True) for judgment in side]


async def _against_both(case: Case, member: Member) -> tuple[CrowdJudgment, CrowdJudgment]:
    theirs, pair = await crowd_answer(case, member), Duel.of(case.pair)
    keeps_a = Duel(pair.questions, pair.first, theirs, pair.criteria)
    keeps_b = Duel(pair.questions, theirs, pair.second, pair.criteria)
    on_a, on_b = await asyncio.gather(compare(case, keeps_a), compare(case, keeps_b))
    return CrowdJudgment("A", member, on_a), CrowdJudgment("B", member, on_b)
