"""Rating each answer alone, several times: the cheap rival of comparing the two (arXiv 2604.13717).

That paper averages eight sampled ratings from 1 to 10 of each response to a prompt, and takes the highest mean.
"""

from statistics import fmean

from cce.benchmarks.pair import Pair
from cce.crowd.ratings import DIGITS, RATINGS, without_ratings
from cce.crowd.record import Judged
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, Reading
from cce.models.loop import together
from cce.models.wire import Expects


async def rate(session: Session, pair: Pair, budget: int) -> Judged:
    """The answer with the higher mean of `budget` sampled ratings wins; equal means are a tie. Ratings that cannot be
    read have no part in the mean, and an answer without any makes the judgment unreadable.

    No order has a part in it: both orders ask no more than one. The probability of A is 1/2 for equal means, 1 or 0 for
    means that lie as far apart as the scale allows, and linear between: it ranks judgments, and is not calibrated.
    """
    a, b = await together(_ratings(session, pair, answers, budget) for answers in (pair.answers_a, pair.answers_b))
    means = [fmean(read) if (read := [one.p_first for one in of if one.p_first is not None]) else None for of in (a, b)]
    p_a = None if None in means else (1 + means[0] - means[1]) / 2
    shown = [_shown(a, b, p_a), _shown(b, a, None if p_a is None else 1 - p_a)]
    return Judged(Judgment(tuple(shown[: session.orders]), p_a))


async def _ratings(session: Session, pair: Pair, answers: tuple[str, ...], budget: int) -> list[Reading]:
    """So many ratings of one answer, as readings whose `p_first` is the rating's place on its scale, from 0 to 1."""
    texts = {"questions": pair.questions, "answers": [without_ratings(text) for text in answers]}
    expects, scale = Expects("judgment", RATINGS), DIGITS if session.options.verdict == "distribution" else RATINGS

    async def rating(sample: int) -> Reading:
        sampling = {"temperature": session.options.sample_temperature, "sample": sample}
        stated = await session.stated("rate", texts, expects, "rating", DIGITS, sampling, criteria=pair.criteria)
        said, value, why = stated
        place = None if value is None else (value - scale.least) / (scale.most - scale.least)
        return Reading(said.text, place, said.completion_tokens, said.key, said.supposed, why)

    return await together(map(rating, range(budget)))


def _shown(first: list[Reading], second: list[Reading], p_first: float | None) -> Reading:
    """What stands for a judgment: the first explanation for each answer, and the key of the one that stands first."""
    text = f"Assistant A: {first[0].text}\n\nAssistant B: {second[0].text}"
    supposed = any(one.supposed for one in first + second)
    why = next((one.why for one in first + second if one.why), "") if p_first is None else ""
    return Reading(text, p_first, first[0].tokens + second[0].tokens, first[0].key, supposed, why)
