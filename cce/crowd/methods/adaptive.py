"""The crowd only as far as it is needed: `cce-adaptive@N` stops asking it, `cce-escalated@N` asks it only when unsure.

The rule of the first. Of a crowd of n members, asked in an order drawn by lot, each leans to A (B lost to it and A did
not), to B, or to neither. The lead is how many more lean to one side. Asking stops once the lead is so large that fewer
members are left than it, which no member can turn any more; or once it reaches `lead_needed(n)`, so that over the lots a
crowd whose lead as a whole is another one is taken wrongly with a probability of ERROR at most, however often one looks.

Proof: take a crowd of which u members lean to one side, d <= u to the other. In all orders are alike likely; by
reflection (Feller, An Introduction to Probability Theory and Its Applications, volume 1, III.1) the lead of the smaller
side ever reaches b with probability C(u + d, u + b) / C(u + d, u). That is largest where u = d = n / 2, in which case
either side may be the one that is taken. Such a bound on the whole path needs no correction for looking: it is that of an
anytime-valid test of a finite crowd (as in Waudby-Smith and Ramdas, NeurIPS 2020), computed exactly.
"""

from functools import cache
from math import comb

# How often a crowd that is not asked to its end may be taken for what it is not.
ERROR = 0.05


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
