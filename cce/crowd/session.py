"""A session: it asks the models about one pair or question, counts what was used, and fits texts to the context."""

import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from itertools import cycle
from typing import TypeVar

from cce.benchmarks.pair import Pair
from cce.crowd.prompts import Texts, flat, messages_of, render
from cce.errors import CallFailed, ContextOverflow
from cce.models.client import LLM
from cce.models.clock import came
from cce.models.wire import ANSWER, Completion, Expects, Form, Kind, Messages
from cce.names import Noise
from cce.options import Options
from cce.spending import Price

T = TypeVar("T")
# Below this many characters a cut text says nothing any more: then the context is simply too small.
SHORTEST_CUT = 200
ONE_TOKEN = {"temperature": 0.0, "max_tokens": 1, "top_logprobs": 20}  # as many as OpenAI allows


@dataclass
class Session:
    """The models that are asked about a pair or question, how they are asked, and what that has used so far.

    `used` has the completions, each with its kind and its model's price, by their keys, so that what two methods or two
    sessions share counts once; `shortened` has an entry for each prompt that had to be; `refused` names the crowd's
    members that a filter refused. A session made of this one by `replace` adds to the same three. `other` is a further
    pair, where one is needed; `noise` is what is wrong with the crowd.
    """

    name: str
    options: Options
    judge: LLM | None = None  # None where the method asks no model
    crowd: tuple[LLM, ...] = ()
    other: Pair | None = None
    noise: Noise | None = None
    used: dict[str, tuple[Kind, Completion, Price | None]] = field(default_factory=dict)
    shortened: list[str] = field(default_factory=list)
    refused: set[str] = field(default_factory=set)

    @property
    def orders(self) -> int:
        """How many orders each comparison is made in."""
        return 2 if self.options.order == "both" else 1

    async def ask(self, model: LLM, messages: str | Messages, expects: Expects = ANSWER, **sampling) -> Completion:
        """A completion, counted as used once, and waited for, whether it was sent or found in the store."""
        sampling = {"max_tokens": self.options.max_tokens} | sampling
        completion = await model.acomplete(messages, expects=expects, **sampling)
        self.used[completion.key] = expects.kind, completion, model.listed_price
        came(expects.kind, completion)
        return completion

    async def converse(
        self, model: LLM, turns: Sequence[str], temperature: float, sample: int = 0, known: Sequence[str] = ()
    ) -> list[Completion]:
        """The model's answer to each turn of a user, its own earlier answers in view.

        The first turns may have `known` answers, from whomever: the model answers those that follow.
        """
        talk, answers = [text for turn in zip(turns, known, strict=False) for text in turn], []

        async def attempt(texts: Texts) -> Completion:
            return await self.ask(model, _in_turn(texts["talk"]), temperature=temperature, sample=sample)

        for turn in turns[len(known) :]:
            talk.append(turn)
            answers.append(await self.fitted({"talk": talk}, attempt))
            talk.append(answers[-1].text)
        return answers

    async def fill(
        self, name: str, texts: Texts, expects: Expects, max_tokens: int | None = None, **whole: str
    ) -> Completion:
        """The judge's answer to the prompt of this name, filled with texts shortened to fit, and `whole` ones."""
        sampling = {"temperature": self.options.judge_temperature, "max_tokens": max_tokens or self.options.max_tokens}

        async def attempt(fitting: Texts) -> Completion:
            prompt = messages_of(name, self.options.prompts, **fitting, **whole)
            return await self.ask(self.judge, prompt, expects, **sampling)

        return await self.fitted(texts, attempt)

    async def stated(
        self, name: str, texts: Texts, expects: Expects, question: str, by_token: Form, sampling: dict, **whole: str
    ) -> tuple[Completion, float | None, str]:
        """The judge's answer to a prompt, filled as by `fill`, and the value that it states, by its text or by a token;
        without one, why.

        The prompt `question` asks for that token in a further turn: not every server continues a prefilled answer.
        """

        async def attempt(fitting: Texts) -> tuple[Completion, float | None, str]:
            prompt = messages_of(name, self.options.prompts, **fitting, **whole)
            said = await self.ask(self.judge, prompt, expects, **sampling)
            if self.options.verdict == "text":
                return said, *expects.form.stated(said)
            asked = {"role": "user", "content": render(question, self.options.prompts)}
            messages = [*prompt, {"role": "assistant", "content": said.text}, asked]
            letter = await self.ask(self.judge, messages, Expects("letter", by_token, expects.apart), **ONE_TOKEN)
            return said, *by_token.stated(letter)

        return await self.fitted(texts, attempt)

    async def fitted(self, texts: Texts, attempt: Callable[[Texts], Awaitable[T]]) -> T:
        """Make the attempt with these texts; where they overflow the context, shorten the longest and try again.

        Every text longer than a limit keeps its beginning and its end, half the limit each. The limit starts at three
        quarters of the longest text and shrinks by a quarter until prompt and answer fit.
        """
        limit, shortened = max(map(len, flat(texts))), texts
        while True:
            try:
                return await attempt(shortened)
            except ContextOverflow as overflow:
                limit = math.floor(0.75 * limit)
                if limit < SHORTEST_CUT:
                    why = f"{overflow}, even with every text cut to {SHORTEST_CUT} characters"
                    raise CallFailed(f"{self.name}: {why}") from overflow
                if shortened is texts:
                    self.shortened.append(self.name)
                shortened = {name: _cut(value, limit) for name, value in texts.items()}

    @property
    def context_cuts(self) -> int:
        """How many prompts had to be shortened."""
        return len(self.shortened)

    def cost(self) -> dict:
        """What the session has used: calls, tokens, seconds of model time."""
        used = [completion for _, completion, _ in self.used.values()]
        tokens = {name: sum(getattr(one, name) for one in used) for name in ("prompt_tokens", "completion_tokens")}
        return {"calls": len(used)} | tokens | {"seconds": round(sum(one.seconds for one in used), 3)}

    def dollars(self) -> float | None:
        """What the session has used in US dollars, by the list of prices; None where a model has no known price."""
        used = [(price, one.prompt_tokens, one.completion_tokens) for _, one, price in self.used.values()]
        if any(price is None for price, _, _ in used):
            return None
        return round(sum(price.of(*tokens)["dollars"] for price, *tokens in used), 8)

    def cut_off(self, *kinds: Kind) -> float | None:
        """The share of the completions of these kinds that `max_tokens` cut off; None without any."""
        ends = [completion.finish == "length" for kind, completion, _ in self.used.values() if kind in kinds]
        return sum(ends) / len(ends) if ends else None


def _in_turn(texts: Sequence[str]) -> Messages:
    # The user speaks first.
    return [{"role": role, "content": text} for role, text in zip(cycle(("user", "assistant")), texts, strict=False)]


def _cut(value: str | Sequence[str], limit: int) -> str | list[str]:
    if not isinstance(value, str):
        return [_cut(text, limit) for text in value]
    half = limit // 2
    cut = f"{value[:half]}\n[... {len(value) - 2 * half} characters cut ...]\n{value[-half:]}"
    return cut if len(value) > limit else value
