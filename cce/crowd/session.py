"""A session: it asks the models about one pair or question, counts what was used, and fits texts to the context."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeVar

from cce.errors import CallFailed, ContextOverflow
from cce.models.client import LLM
from cce.models.wire import ANSWER, Completion, Expects, Messages
from cce.options import Options

T = TypeVar("T")
Texts = dict[str, str | list[str]]
# Below this many characters a cut text says nothing any more: then the context is simply too small.
SHORTEST_CUT = 200
# As many as OpenAI allows.
TOP_LOGPROBS = 20


class Answer(NamedTuple):
    """A model's answer to a conversation: one text per turn, and the keys of the completions in the store."""

    texts: tuple[str, ...]
    keys: tuple[str, ...] = ()


@dataclass
class Session:
    """The models that are asked about one thing, how they are asked, and what that has used so far.

    `name` is that of the pair or question. `used` has the completions by their keys, so that what two methods or two
    sessions share counts once; `context_cuts` counts the prompts that had to be shortened.
    """

    name: str
    options: Options
    judge: LLM | None = None  # None where the method asks no model
    crowd: tuple[LLM, ...] = ()
    used: dict[str, Completion] = field(default_factory=dict)
    context_cuts: int = 0

    @property
    def orders(self) -> int:
        """How many orders each comparison is made in."""
        return 2 if self.options.order == "both" else 1

    async def ask(self, model: LLM, messages: str | Messages, expects: Expects = ANSWER, **sampling) -> Completion:
        """A completion, counted as used once, whether it was sent or found in the store."""
        sampling = {"max_tokens": self.options.max_tokens} | sampling
        completion = await model.acomplete(messages, expects=expects, **sampling)
        self.used[completion.key] = completion
        return completion

    async def ask_letter(self, model: LLM, prompt: str, said: str, question: str, expects: Expects) -> Completion:
        """The likeliest first tokens of a one-token answer to one more question, after what the model said.

        A further turn takes the place of a prefilled answer, which not every server continues.
        """
        turns = [("user", prompt), ("assistant", said), ("user", question)]
        messages = [{"role": role, "content": content} for role, content in turns]
        return await self.ask(model, messages, expects, temperature=0.0, max_tokens=1, top_logprobs=TOP_LOGPROBS)

    async def converse(self, model: LLM, questions: Sequence[str], temperature: float, sample: int = 0) -> Answer:
        """The model's answer to each turn of a user, its own earlier answers in view."""
        said: list[Completion] = []
        for turn in range(1, len(questions) + 1):
            said.append(
                await self._next(model, list(questions[:turn]), [one.text for one in said], temperature, sample)
            )
        return Answer(tuple(one.text for one in said), tuple(one.key for one in said))

    async def _next(
        self, model: LLM, questions: list[str], answers: list[str], temperature: float, sample: int
    ) -> Completion:
        async def attempt(texts: Texts) -> Completion:
            turns = [("user", texts["questions"][0])]
            for answer, question in zip(texts["answers"], texts["questions"][1:], strict=True):
                turns += [("assistant", answer), ("user", question)]
            messages = [{"role": role, "content": content} for role, content in turns]
            return await self.ask(model, messages, temperature=temperature, sample=sample)

        return await self.fitted({"questions": questions, "answers": answers}, attempt)

    async def fitted(self, texts: Texts, attempt: Callable[[Texts], Awaitable[T]]) -> T:
        """Make the attempt with these texts; where they overflow the context, shorten the longest and try again.

        The rule: every text longer than a limit keeps its beginning and its end, half the limit each; the
        limit starts at three quarters of the longest text and shrinks by a quarter until prompt and answer
        fit. Each shortened prompt counts as one context cut.
        """
        limit = max(map(len, _flat(texts)))
        shortened = texts
        while True:
            try:
                return await attempt(shortened)
            except ContextOverflow as overflow:
                limit = math.floor(0.75 * limit)
                if limit < SHORTEST_CUT:
                    raise CallFailed(
                        f"{self.name}: {overflow}, even with every text cut to {SHORTEST_CUT} characters"
                    ) from overflow
                self.context_cuts += shortened is texts
                shortened = {name: _cut(value, limit) for name, value in texts.items()}

    def cost(self) -> dict:
        """What the session has used: calls, tokens, seconds of model time."""
        return cost_of(self.used)


def cost_of(used: dict[str, Completion]) -> dict:
    """What these completions cost: calls, tokens, seconds of model time."""
    return {
        "calls": len(used),
        "prompt_tokens": sum(completion.prompt_tokens for completion in used.values()),
        "completion_tokens": sum(completion.completion_tokens for completion in used.values()),
        "seconds": round(sum(completion.seconds for completion in used.values()), 3),
    }


def _flat(texts: Texts) -> list[str]:
    return [text for value in texts.values() for text in ([value] if isinstance(value, str) else value)]


def _cut(value: str | list[str], limit: int) -> str | list[str]:
    if not isinstance(value, str):
        return [_cut(text, limit) for text in value]
    half = limit // 2
    if len(value) <= limit:
        return value
    return f"{value[:half]}\n[... {len(value) - 2 * half} characters cut ...]\n{value[-half:]}"
