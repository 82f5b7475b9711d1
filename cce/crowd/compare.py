"""One comparison of two answers: the prompt, the judge's rationale, the verdict, in one order or in both."""

from collections.abc import Sequence
from dataclasses import dataclass

from cce.benchmarks.pair import Pair
from cce.crowd.case import Case, Texts
from cce.crowd.prompts import render
from cce.crowd.verdict import Judgment, Reading, combine, read_distribution, read_text
from cce.models.loop import together

# The paper decodes at 0.1.
TEMPERATURE = 0.1
# As many as OpenAI allows.
TOP_LOGPROBS = 20


@dataclass(frozen=True)
class Duel:
    """Two answers side by side, a string a turn; the first stands in Assistant A's place."""

    questions: tuple[str, ...]
    first: tuple[str, ...]
    second: tuple[str, ...]
    criteria: str = ""

    @classmethod
    def of(cls, pair: Pair) -> "Duel":
        """The pair's own two answers, A first."""
        return cls(pair.questions, pair.answers_a, pair.answers_b, pair.criteria)

    def swapped(self) -> "Duel":
        """The same two answers in each other's place."""
        return Duel(self.questions, self.second, self.first, self.criteria)


async def compare(
    case: Case,
    duel: Duel,
    prompt: str = "vanilla",
    *,
    notes: Sequence[list[str]] = (),
    sample: int = 0,
    temperature: float = TEMPERATURE,
) -> Judgment:
    """Let the case's judge compare the two answers, in the orders of the case.

    `prompt` names the prompt's file; `notes` holds a list of background notes for each order, where the prompt
    has room for them. An order without a note is judged by `vanilla`.
    """
    orders = [duel, duel.swapped()][: case.orders]
    notes = notes or [None] * len(orders)
    names = ["vanilla" if noted == [] else prompt for noted in notes]
    asked = zip(orders, names, notes, strict=True)
    return combine(await together(_reading(case, *one, sample, temperature) for one in asked))


async def _reading(
    case: Case, duel: Duel, name: str, notes: list[str] | None, sample: int, temperature: float
) -> Reading:
    async def attempt(texts: Texts) -> Reading:
        prompt = render(name, case.protocol.prompts, criteria=duel.criteria, **texts)
        said = await case.ask(case.judge, prompt, sample=sample, temperature=temperature)
        return Reading(said.text, await _p_first(case, prompt, said.text), said.completion_tokens, prompt)

    texts = {"questions": list(duel.questions), "answers_a": list(duel.first), "answers_b": list(duel.second)}
    return await case.fitted(texts | ({"notes": notes} if notes else {}), attempt)


async def _p_first(case: Case, prompt: str, said: str) -> float | None:
    if case.protocol.verdict == "text":
        return read_text(said)
    # A further turn instead of a prefilled answer, which not every server continues.
    letter = render("letter", case.protocol.prompts)
    turns = [("user", prompt), ("assistant", said), ("user", letter)]
    messages = [{"role": role, "content": content} for role, content in turns]
    answer = await case.ask(case.judge, messages, temperature=0.0, max_tokens=1, top_logprobs=TOP_LOGPROBS)
    return read_distribution(answer.first_token)
