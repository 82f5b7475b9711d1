"""Judging by a rubric, requirement by requirement: the pair's own, or one that the judge writes first.

RubricBench (arXiv 2603.01562) compares both with a judge that has none.
"""

from dataclasses import replace

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.models.wire import Expects


async def rubric(session: Session, pair: Pair) -> Judged:
    """The judge says of each requirement in the pair's criteria whether A and B meet it, and then decides."""
    return Judged(await compare(session, Comparison.of(pair), "rubric"))


async def self_rubric(session: Session, pair: Pair) -> Judged:
    """The same by a rubric that the judge writes from the question alone, one for both orders. The pair's own criteria
    are not shown; where it writes nothing, the judgment is that of vanilla without them.
    """
    written = await session.fill("rubric_of_question", {"questions": pair.questions}, Expects("list"))
    own = replace(Comparison.of(pair), criteria=written.text.strip())
    return Judged(await compare(session, own, "rubric" if own.criteria else "vanilla"))
