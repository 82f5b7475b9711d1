"""One comparison of two answers: the prompt, the judge's rationale, the verdict, in one order or in both."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from cce.benchmarks.pair import Pair
from cce.crowd.prompts import Texts
from cce.crowd.session import Session
from cce.crowd.verdict import LETTERS, Judgment, Reading, combine, marks_of
from cce.models.loop import together
from cce.models.wire import Expects


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
        """As given, and where `orders` is 2 swapped as well."""
        return [self, self.swapped()][:orders]

    def texts(self) -> Texts:
        """What a prompt is filled with, under the names that all prompts use."""
        return {"questions": self.questions, "answers_a": self.first, "answers_b": self.second}


class Remark(NamedTuple):
    """A note in the background of a comparison; of a crowd judgment also whom it compared: A or B, and a letter."""

    note: str
    candidate: str = ""
    letter: str = ""


async def compare(
    session: Session,
    comparison: Comparison,
    prompt: str = "vanilla",
    *,
    notes: Sequence[list[Remark]] = (),
    without_notes: str = "vanilla",
    own: Sequence[str] = (),
    apart: str = "",
    sample: int = 0,
    temperature: float | None = None,
) -> Judgment:
    """Let the session's judge compare the two answers by the prompt of this name, in the session's orders.

    `notes` holds a list of remarks for each order, where the prompt has room for them: it gets `notes`, `candidates`
    and `letters`. `without_notes` is the prompt for an order whose list is empty. `own` holds what the judge itself
    wrote before, in each order. `apart` is that of `Expects`.
    The `temperature` is the options' for judgments where none is given.
    """
    warmth = session.options.judge_temperature if temperature is None else temperature
    form = marks_of(session.options.prompts)
    expects, sampling = Expects("judgment", form, apart), {"sample": sample, "temperature": warmth}

    async def reading(shown: Comparison, background: list[Remark] | None, before: str | None) -> Reading:
        name = without_notes if background == [] else prompt
        texts = shown.texts()
        if background is not None:
            texts |= {f"{field}s": [getattr(one, field) for one in background] for field in Remark._fields}
        texts |= {} if before is None else {"own": before}
        stated = await session.stated(name, texts, expects, "letter", LETTERS, sampling, criteria=shown.criteria)
        said, p_first, why = stated
        return Reading(said.text, p_first, said.completion_tokens, said.key, said.supposed, why)

    orders = comparison.in_orders(session.orders)
    nothing = [None] * len(orders)
    asked = zip(orders, notes or nothing, own or nothing, strict=True)
    return combine(await together(reading(*each) for each in asked))
