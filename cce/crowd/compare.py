"""One comparison of two answers: the prompt, the judge's rationale, the verdict, in one order or in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from cce.benchmarks.pair import Pair
from cce.crowd.prompts import render
from cce.crowd.session import Session, Texts
from cce.crowd.verdict import LETTERS, MARKS, Judgment, Reading, combine, read_distribution, read_text
from cce.models.loop import together
from cce.models.wire import Completion, Expects

# The paper decodes at 0.1.
TEMPERATURE = 0.1


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

    def in_orders(self, orders: int) -> list["Comparison"]:
        """The comparison as it is, and swapped where two orders are asked for."""
        return [self, self.swapped()][:orders]

    def texts(self) -> Texts:
        """What a prompt is filled with, under the names that all prompts use."""
        return {"questions": list(self.questions), "answers_a": list(self.first), "answers_b": list(self.second)}


async def compare(
    session: Session,
    comparison: Comparison,
    prompt: str = "vanilla",
    *,
    notes: Sequence[list[str]] = (),
    sample: int = 0,
    temperature: float = TEMPERATURE,
    apart: str = "",
) -> Judgment:
    """Let the session's judge compare the two answers, in the session's orders.

    `prompt` names the prompt's file; `notes` holds a list of background notes for each order, where the prompt
    has room for them. An order without a note is judged by `vanilla`. `apart` is that of `Expects`.
    """

    async def reading(shown: Comparison, noted: list[str] | None) -> Reading:
        name = "vanilla" if noted == [] else prompt
        return await _reading(session, shown, name, noted, apart, sample=sample, temperature=temperature)

    orders = comparison.in_orders(session.orders)
    asked = zip(orders, notes or [None] * len(orders), strict=True)
    return combine(await together(reading(*one) for one in asked))


async def _reading(
    session: Session, shown: Comparison, name: str, notes: list[str] | None, apart: str, **sampling
) -> Reading:
    async def attempt(texts: Texts) -> Reading:
        prompt = render(name, session.options.prompts, criteria=shown.criteria, **texts)
        said = await session.ask(session.judge, prompt, Expects("judgment", MARKS, apart), **sampling)
        p_first = await _p_first(session, prompt, said)
        return Reading(said.text, p_first, said.completion_tokens, said.key, said.supposed)

    return await session.fitted(shown.texts() | ({"notes": notes} if notes else {}), attempt)


async def _p_first(session: Session, prompt: str, said: Completion) -> float | None:
    if session.options.verdict == "text":
        return read_text(said.text)
    question = render("letter", session.options.prompts)
    answer = await session.ask_letter(session.judge, prompt, said.text, question, Expects("letter", LETTERS))
    return read_distribution(answer.first_token)
