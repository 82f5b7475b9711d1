"""Crowd judgments: the judge compares a crowd answer with A or with B, by the same prompt as vanilla."""

from dataclasses import dataclass
from typing import Literal

from cce.crowd.answers import Member, crowd_answer
from cce.crowd.case import Case
from cce.crowd.compare import Duel, compare
from cce.crowd.verdict import Judgment

Side = Literal["A", "B"]


@dataclass(frozen=True)
class CrowdJudgment:
    """The comparison of a candidate with one crowd answer, a string a turn.

    In the given order the candidate keeps its own place.
    """

    candidate: Side
    member: Member
    answer: tuple[str, ...]
    judgment: Judgment

    @property
    def outcome(self) -> Literal["won", "lost"] | None:
        """What the comparison found of the candidate; None for a tie or an unreadable verdict."""
        if self.judgment.verdict not in ("A", "B"):
            return None
        return "won" if self.judgment.verdict == self.candidate else "lost"

    def place(self, order: int) -> Side:
        """Where the candidate stood in this order (0 given, 1 swapped)."""
        return "A" if (self.candidate == "A") == (order == 0) else "B"

    def telling_order(self, order: int) -> int:
        """This order where it found what the comparison found as a whole, else the other one.

        A judge that prefers a position may find for the candidate in one order although it lost over both.
        Of a comparison with an outcome one order at least says so.
        """
        p_here = self.judgment.p_in(order)
        found = None if p_here in (None, 0.5) else "A" if p_here > 0.5 else "B"
        return order if self.outcome is None or found == self.judgment.verdict else 1 - order


async def crowd_judgment(case: Case, candidate: Side, member: Member) -> CrowdJudgment:
    """Compare the candidate with this member's answer, which takes the other candidate's place."""
    theirs, pair = await crowd_answer(case, member), Duel.of(case.pair)
    kept = (pair.first, theirs) if candidate == "A" else (theirs, pair.second)
    judgment = await compare(case, Duel(pair.questions, *kept, pair.criteria))
    case.crowd_judgments.append(CrowdJudgment(candidate, member, theirs, judgment))
    return case.crowd_judgments[-1]
