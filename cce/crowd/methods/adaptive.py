"""The crowd only as far as it is needed: `cce-adaptive@N` stops asking it, `cce-escalated@N` asks it only when unsure.

The rule of the first. The crowd's n members are asked in an order drawn by lot. Each leans to A (B lost to it, and A
did not), to B, or to neither; the lead is how many more lean to one side. No more are asked once fewer are left than
the lead, so that they cannot turn it; or once the lead is `lead_needed(n)`. Then the crowd as a whole comes out
otherwise in at most ERROR of the orders in which it could have been asked, however often one looks.

Proof: of the members, u lean to one side and d <= u to the other, and all their orders are alike likely. By reflection
(Feller, An Introduction to Probability Theory, volume 1, III.1) the smaller side's lead ever reaches b in a share of
C(u + d, u + b) / C(u + d, u) of these. That is largest where u = d = n / 2, and there both sides can be taken. A bound
on the whole path needs no correction for looking: this is an anytime-valid test of a finite crowd (for those by
betting, see Waudby-Smith and Ramdas 2020, arXiv 2006.04347), with its error computed exactly.
"""

from dataclasses import replace
from functools import cache
from math import comb

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.members import CrowdJudgment, choose, crowd_judgment, drawn
from cce.crowd.methods.cce import by_notes, cce
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.models.loop import together

# How often a crowd that is not asked to its end may be taken for what it is not.
ERROR = 0.05


async def adaptive(session: Session, pair: Pair, budget: int) -> Judged:
    """`cce` of this budget with as many of its crowd as the rule asks, one after another, in place of all at once.

    A crowd that is asked to its end gives what `cce` gives.
    """
    crowd, made, lead = drawn(session, pair, "adaptive"), [], 0
    for asked, member in enumerate(crowd, start=1):
        beside = await together(crowd_judgment(session, pair, side, member) for side in ("A", "B"))
        made += filter(None, beside)
        lead += _leaning(beside)
        if is_decided(lead, asked, len(crowd)):
            break
    return await by_notes(session, pair, choose(session, pair, made, "criticizing", budget), removal=True)


async def escalated(session: Session, pair: Pair, budget: int) -> Judged:
    """Vanilla's verdict, read by distribution, where it is as probable as the option `sure` wants; else that of `cce`.

    `analysis.escalation_table` says which threshold loses nothing.
    """
    by_letter = replace(session, options=session.options.but(verdict="distribution"))
    first = await compare(by_letter, Comparison.of(pair))
    likelier = None if first.p_a is None else max(first.p_a, 1 - first.p_a)
    if first.supposed or likelier is None or likelier < session.options.sure:
        return await cce(session, pair, budget, "criticizing", removal=True)
    return Judged(first)


def _leaning(beside: list[CrowdJudgment | None]) -> int:
    # A member whose answer or comparison was refused leans to neither.
    lost_a, lost_b = (one is not None and one.outcome == "lost" for one in beside)
    return int(lost_b) - int(lost_a)


@cache
def lead_needed(members: int) -> int:
    """The lead at which a crowd of so many members need not be asked further, by ERROR."""
    half, every = members // 2, 2 * (members // 2)
    return next(lead for lead in range(1, half + 2) if 2 * comb(every, half + lead) <= ERROR * comb(every, half))


def is_decided(lead: int, asked: int, members: int) -> bool:
    """Whether the crowd's lead is known well enough, after so many of its members."""
    return abs(lead) >= min(lead_needed(members), members - asked + 1)


def expected_members(members: int, agreement: float) -> float:
    """How many members are asked on average, where each leans to one side with the probability `agreement`, by itself,
    and else to the other.
    """
    running, expected = {0: 1.0}, 0.0
    for asked in range(1, members + 1):
        after: dict[int, float] = {}
        for lead, chance in running.items():
            for step, share in ((1, agreement), (-1, 1 - agreement)):
                after[lead + step] = after.get(lead + step, 0.0) + chance * share
        expected += sum(running.values())
        running = {lead: chance for lead, chance in after.items() if not is_decided(lead, asked, members)}
    return expected
