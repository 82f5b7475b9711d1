"""One comparison of two answers: the prompt, the judge's rationale, the verdict, in one order or in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from cce.benchmarks.pair import Pair
from cce.crowd.prompts import Texts, render
from cce.crowd.session import Session
from cce.crowd.verdict import LETTERS, MARKS, Judgment, Reading, combine
from cce.models.loop import together
from cce.models.wire import Expects

TEMPERATURE = 0.1  # the paper's


@dataclass(frozen=True)
class Comparison:
    """Two answers side by side, one string per turn; the first stands in Assistant A's place."""

    questions: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    criteria: str = ""

    @classmethod
    def of(cls, pair: Pair) -> "Comparison":
        """The pair's own two answers, A first."""
        return cls(pair.questions, pair.answers_a, pair.answers_b, pair.criteria)

    def swapped(self) -> "Comparison":
        """The same two answers in each other's place."""
        return Comparison(self.questions, self.second, self.first, self.criteria)

    def texts(self) -> Texts:
        """What a prompt is filled with, under the names that all prompts use."""
        return {"questions": self.questions, "answers_a": self.first, "answers_b": self.second}


async def compare(
    session: Session,
    comparison: Comparison,
    prompt: str = "vanilla",
    *,
    notes: Sequence[list[str]] = (),
    apart: str = "",
    sample: int = 0,
    temperature: float = TEMPERATURE,
) -> Judgment:
    """Let the session's judge compare the two answers by the prompt of this name, in the session's orders.

    `notes` holds a list of background notes for each order, where the prompt has room for them. An order without a
    note is judged by `vanilla`. `apart` is that of `Expects`.
    """
    orders = [comparison, comparison.swapped()][: session.orders]
    expects, sampling = Expects("judgment", MARKS, apart), {"sample": sample, "temperature": temperature}
    asked = zip(orders, notes or [None] * len(orders), strict=True)
    return combine(await together(_reading(session, *one, prompt, expects, **sampling) for one in asked))


async def _reading(
    session: Session, shown: Comparison, notes: list[str] | None, prompt: str, expects: Expects, **sampling
) -> Reading:
    async def attempt(texts: Texts) -> Reading:
        name = "vanilla" if notes == [] else prompt
        asked = render(name, session.options.prompts, criteria=shown.criteria, **texts)
        said = await session.ask(session.judge, asked, expects, **sampling)
        p_first = await _p_first(session, asked, said.text)
        return Reading(said.text, p_first, said.completion_tokens, said.key, said.supposed)

    return await session.fitted(shown.texts() | ({"notes": notes} if notes else {}), attempt)


async def _p_first(session: Session, asked: str, said: str) -> float | None:
    if session.options.verdict == "text":
        return MARKS.read(said)
    question = render("letter", session.options.prompts)
    letter = await session.ask_letter(session.judge, asked, said, question, Expects("letter", LETTERS))
    return LETTERS.read(letter.first_token)
