"""A jury: different models judge, and none answers. The judge and each crowd model compare A and B, as in vanilla.

Source: Verga et al., arXiv 2404.18796, who let a panel of smaller judges vote, or average what they find.
"""

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, majority
from cce.errors import ContentRefused
from cce.models.client import LLM
from cce.models.loop import together


async def jury(session: Session, pair: Pair) -> Judged:
    """The verdict of most; ties and unreadable votes are none, and between two halves the judge's own vote decides."""
    return Judged(majority(await _votes(session, pair)))


async def jury_mean(session: Session, pair: Pair) -> Judged:
    """The mean of the jurors' probabilities, each counting alike; those that are unreadable have no part."""
    return Judged(_mean(await _votes(session, pair)))


async def _votes(session: Session, pair: Pair) -> list[Judgment]:
    """The judge's vote, then the crowd models'; a model that is listed again has one vote. The jury goes on without a
    crowd model whose filter refuses the pair.
    """

    async def vote(juror: LLM) -> Judgment | None:
        try:
            return await compare(replace(session, judge=juror), Comparison.of(pair))
        except ContentRefused:
            if juror is session.judge:
                raise
            session.refused.add(juror.model)

    jurors = dict.fromkeys([session.judge, *session.crowd])
    return [one for one in await together(map(vote, jurors)) if one]


def _mean(votes: Sequence[Judgment]) -> Judgment:
    read = [vote for vote in votes if vote.verdict]
    if not read:
        return votes[0]
    p_a = fmean(vote.p_a for vote in read)
    # The rationale is that of a juror who says the same, where there is one.
    spokesman = next((vote for vote in read if (vote.p_a - 0.5) * (p_a - 0.5) > 0), read[0])
    means = (fmean(vote.readings[order].p_first for vote in read) for order in range(len(spokesman.readings)))
    readings = (replace(one, p_first=mean) for one, mean in zip(spokesman.readings, means, strict=True))
    return Judgment(tuple(readings), p_a)
