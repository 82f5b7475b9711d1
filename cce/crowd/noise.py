"""Noise: a crowd of which a stated share is wrong, to see how much of it a method bears.

`flipped` turns crowd judgments round, which takes no call: as if the judge had found the opposite. `foreign` takes the
member's answer to another pair's question. `liar` is one member that answers wrongly and with complete confidence. Each
judgment, or each answer, has a lot of its own: what is noisy at 25% is noisy at 50%.
"""

from dataclasses import replace
from functools import partial

from cce.crowd.marks import turned
from cce.crowd.phrasings import rename
from cce.crowd.prompts import Texts, messages_of
from cce.crowd.session import Session
from cce.crowd.verdict import Judgment, Reading
from cce.models.client import LLM
from cce.models.wire import Completion
from cce.names import Noise


def strikes(noise: Noise, lot: str) -> bool:
    """Whether the one that drew this lot, a number in hexadecimal digits, is among the noise's percent."""
    return int(lot[:8], 16) / 16**8 < noise.percent / 100


def flipped(judgment: Judgment) -> Judgment:
    """The opposite: what was said of A is said of B, in marks and in words, and the probability of A becomes B's.

    Names are found as `rename` does. A verdict in a form of the user's own stays as it is written, and so does one that
    names no name, such as "the latter".
    """

    def opposite(reading: Reading) -> Reading:
        # What is supposed says nothing of either, but must be another text than the one that is not flipped.
        swap = partial(rename, names={"A": "B", "B": "A"})
        text = f"{reading.text} flipped" if reading.supposed else turned(reading.text, swap)
        return replace(reading, text=text, p_first=None if reading.p_first is None else 1 - reading.p_first)

    p_a = None if judgment.p_a is None else 1 - judgment.p_a
    return Judgment(tuple(map(opposite, judgment.readings)), p_a)


async def lies(session: Session, model: LLM, texts: Texts, sample: int) -> list[Completion]:
    """Wrong answers to the `questions` for which there are no `answers` yet, each with those before it in view."""

    async def attempt(fitting: Texts) -> Completion:
        prompt = messages_of("liar", session.options.prompts, **fitting)
        return await session.ask(model, prompt, temperature=session.options.crowd_temperature, sample=sample)

    questions, answers, said = texts["questions"], list(texts["answers"]), []
    while len(answers) < len(questions):
        asked = {"questions": questions[: len(answers) + 1], "answers": answers}
        said.append(await session.fitted(asked, attempt))
        answers = [*answers, said[-1].text]
    return said
