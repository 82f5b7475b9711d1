"""A case: one pair before one judge, by one method. It asks the models, keeps count, and fits texts to the context."""

import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeVar

from cce.benchmarks.pair import Pair
from cce.crowd.prompts import check_folder
from cce.errors import BadInput, CallFailed, ContextOverflow
from cce.models.client import LLM, Messages
from cce.models.store import Completion

if TYPE_CHECKING:
    from cce.crowd.judgments import CrowdJudgment
    from cce.crowd.methods.cce import Note

T = TypeVar("T")
Order = Literal["given", "both"]
Texts = dict[str, str | list[str]]

# Below this many characters a cut text says nothing any more: then the context is simply too small.
SHORTEST_CUT = 200


@dataclass(frozen=True)
class Protocol:
    """How a judge is asked and read; the defaults are the paper's.

    `order` both asks with the answers swapped as well; `verdict` distribution reads log-probabilities.
    `seed` draws the selection; `max_tokens` bounds each answer of a model; `prompts` is a folder of the user's own.
    """

    order: Order = "given"
    verdict: Literal["text", "distribution"] = "text"
    seed: int = 0
    max_tokens: int = 1024
    prompts: str | None = None

    def __post_init__(self):
        for name, value, allowed in (
            ("order", self.order, ("given", "both")),
            ("verdict", self.verdict, ("text", "distribution")),
        ):
            if value not in allowed:
                raise BadInput(f"{name} {value!r}: one of {', '.join(allowed)}")
        if self.max_tokens < 1:
            raise BadInput(f"max_tokens {self.max_tokens}: at least 1")
        check_folder(self.prompts)


@dataclass
class Case:
    """One pair, its judge, its crowd and the protocol, with what it used and did so far.

    `crowd_judgments` were made, in the order in which they ended; `selected` ones were drawn, and `notes` are what
    became of these in the given order. `outcome_cuts` rewritings still held an outcome, over all orders, and
    `context_cuts` prompts had to be shortened.
    """

    pair: Pair
    judge: LLM | None  # None where the method asks no model
    crowd: tuple[LLM, ...] = ()
    protocol: Protocol = Protocol()
    used: dict[str, Completion] = field(default_factory=dict)
    crowd_judgments: "list[CrowdJudgment]" = field(default_factory=list)
    selected: "list[CrowdJudgment]" = field(default_factory=list)
    notes: "list[Note]" = field(default_factory=list)
    outcome_cuts: int = 0
    context_cuts: int = 0

    @property
    def orders(self) -> int:
        """How many orders each comparison is made in; what the pair's benchmark prescribes goes before the protocol."""
        return 2 if (self.pair.order or self.protocol.order) == "both" else 1

    async def ask(self, model: LLM, messages: str | Messages, **sampling) -> Completion:
        """A completion, counted as used by this case once, whether it was sent or found in the store."""
        completion = await model.acomplete(messages, **{"max_tokens": self.protocol.max_tokens, **sampling})
        self.used[repr((model.model, messages, sampling))] = completion
        return completion

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
                        f"{self.pair.id}: {overflow}, even with every text cut to {SHORTEST_CUT} characters"
                    ) from overflow
                self.context_cuts += shortened is texts
                shortened = {name: _cut(value, limit) for name, value in texts.items()}


def _flat(texts: Texts) -> list[str]:
    return [text for value in texts.values() for text in ([value] if isinstance(value, str) else value)]


def _cut(value: str | list[str], limit: int) -> str | list[str]:
    if not isinstance(value, str):
        return [_cut(text, limit) for text in value]
    half = limit // 2
    return (
        value
        if len(value) <= limit
        else f"{value[:half]}\n[... {len(value) - 2 * half} characters cut ...]\n{value[-half:]}"
    )
