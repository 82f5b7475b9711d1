"""The baselines: one judgment by one prompt, several sampled ones, and the longer answer."""

from cce.benchmarks.pair import Pair
from cce.crowd.compare import Comparison, compare
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, Reading, majority
from cce.models.loop import together

# Methods of one judgment differ in their prompt alone: prompts/NAME.jinja.
SINGLE = ("vanilla", "longprompt", "evalplan", "16-criteria")
# Votes must differ to be worth counting; the paper does not print its sampling temperature.
TEMPERATURE = 0.7


async def single(session: Session, pair: Pair, prompt: str) -> Judged:
    """The judge compares the two answers once, as the prompt of this name asks it to."""
    return Judged(await compare(session, Comparison.of(pair), prompt))


async def maj(session: Session, pair: Pair, budget: int) -> Judged:
    """The verdict of most of `budget` sampled vanilla judgments; unreadable ones have no vote."""
    return Judged(majority(await _votes(session, pair, budget)))


async def agg(session: Session, pair: Pair, budget: int) -> Judged:
    """One more judgment with `budget` sampled ones in view, the same that `maj` counts, each in its own order."""
    votes = await _votes(session, pair, budget)
    notes = [[vote.readings[order].text for vote in votes] for order in range(session.orders)]
    return Judged(await compare(session, Comparison.of(pair), "agg", notes=notes))


async def _votes(session: Session, pair: Pair, budget: int) -> list[Judgment]:
    own = Comparison.of(pair)
    return await together(compare(session, own, sample=sample, temperature=TEMPERATURE) for sample in range(budget))


async def length(session: Session, pair: Pair) -> Judged:
    """The answer with more characters, over all turns, wins; equal lengths are a tie. The floor for every judge."""
    a, b = (sum(map(len, answers)) for answers in (pair.answers_a, pair.answers_b))
    p_a = 0.5 if a == b else float(a > b)
    return Judged(Judgment(tuple(Reading("", p) for p in (p_a, 1 - p_a)[: session.orders]), p_a))
