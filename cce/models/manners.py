"""Manners: how a model wants to be asked, as its endpoint shows by what it refuses.

A refusal that names one of a request's parameters changes that parameter for the model and nothing else: it is dropped,
renamed, lowered or raised, and the request is sent again. A refusal that only mentions a parameter changes nothing.
What was learnt is kept in the store, so that no later run has to learn it again, and is told with the results.
"""

import asyncio
import os
import re
from dataclasses import dataclass, field
from functools import cache

from cce.models.wire import asked_in

# How chat templates and endpoints refuse a system message; some templates see only that two speakers do not alternate.
NO_SYSTEM = r"system (role|message|prompt)|'system'|developer instruction|roles (must alternate|are supported)"
# What endpoints call a parameter in a refusal, perhaps in quotes, in camel case, or within an object.
QUOTED = r"[\"'`\\]*(?:\w+\.)?(?:{})[\"'`\\]*"
NAMES = {
    "max_tokens": QUOTED.format("max_?tokens"),
    "max_completion_tokens": QUOTED.format("max_?(?:completion|output)?_?tokens"),
    "temperature": QUOTED.format("temperature"),
    "seed": QUOTED.format("seed"),
    "logprobs": QUOTED.format("(?:top_?)?logprobs"),
    "schema": QUOTED.format("response_?format|json_?schema|guided_json|structured[ _]outputs?"),
}
# How OpenAI, Azure, Mistral, Google, xAI, Groq, DeepSeek and Anthropic refuse a parameter by its name.
REFUSALS = (
    r"unsupported (?:parameter|value): {name}",
    r"{name}(?: of type \S+)? (?:is|are) (?:not supported|unsupported|not allowed|not permitted|deprecated)",
    r"argument supplied: {name}",
    r"(?:unknown (?:name|parameter|field)|not supported on this model):? {name}",
    r"(?:does not|doesn't) support (?:the )?(?:parameter )?{name}",
    r"not allowed to request {name}",
    r"extra_forbidden.{{0,60}}body[\"', \\]+{name}",
)
# Where a number is out of bounds: the most that is taken, and the least.
MOST = (
    r"{name}.{{0,80}}(?:at most|less than or equal to|<=|max(?:imum)?(?: allowed)?(?: value)?(?: is|:)?) ?(\d+)",
    r"{name}.{{0,60}}(?:range|between).{{0,20}}?\d+ ?(?:,|and) ?(\d+)",
    r"requested sample {name} of \d+, which is greater than max allowed: (\d+)",
)
LEAST = (r"{name}.{{0,80}}(?:at least|greater than or equal to|>=|minimum(?: value)?(?: is|:)?) ?(\d+)",)
DROPPED = "temperature", "seed"
# What is worth telling with the results; {} is the model.
TOLD = {
    "system": "{} takes no system message: the user's message begins with it",
    "temperature": "{} is asked at the endpoint's own temperature, since it takes no other",
    "seed": "{} takes no seed: another run may sample other answers",
    "schema": "{} takes no JSON schema: it is asked for lists in words",
    "max_tokens": "{} is given the longest answer as max_completion_tokens",
    "most_tokens": "{} takes no more than {} tokens for an answer",
    "least_tokens": "{} takes no fewer than {} tokens for an answer",
    "top_logprobs": "{} tells no more than {} log-probabilities",
}


@dataclass
class Manners:
    """What one model at an address wants otherwise than it is asked: `changes` by what they concern.

    system, temperature, seed and schema, with True: a system message goes before the user's text, the others are left
    out, and whoever wants a schema asks otherwise. max_tokens:
    the name under which it is sent. most_tokens, least_tokens and top_logprobs: numbers that are taken.
    """

    changes: dict[str, str | int | bool] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)
    finding_out: asyncio.Lock = field(default_factory=asyncio.Lock)

    def applied(self, wire: dict) -> dict:
        """The body of a request as this model takes it."""
        wire = {name: value for name, value in wire.items() if name not in DROPPED or name not in self.changes}
        if self.changes.get("system") and wire["messages"][0]["role"] == "system":
            system, user, *more = wire["messages"]
            wire["messages"] = [{"role": "user", "content": asked_in({"messages": [system, user]})}, *more]
        if "top_logprobs" in wire:
            wire["top_logprobs"] = min(wire["top_logprobs"], self.changes.get("top_logprobs", wire["top_logprobs"]))
        return wire | {self.changes.get("max_tokens", "max_tokens"): self.longest(wire.pop("max_tokens"))}

    def longest(self, tokens: int) -> int:
        """How many tokens of an answer are asked for where so many are wanted."""
        return max(min(tokens, self.changes.get("most_tokens", tokens)), self.changes.get("least_tokens", 0))

    def learn(self, wire: dict, status: int, said: str) -> str | None:
        """What a refusal of this body teaches: the name of the change that was made; None where there is none."""
        name, value = (_taught(wire, said) if status in (400, 422, 500) else None) or (None, None)
        # A server's own failure may speak of anything; templates fail so where they get a system message.
        if self.changes.get(name) == value or (status == 500 and name != "system"):
            return None
        self.changes[name] = value
        return name

    def told(self, model: str, names: tuple[str, ...] = tuple(TOLD)) -> list[str]:
        """The changes in words."""
        return [TOLD[name].format(model, value) for name, value in self.changes.items() if name in names]


@cache
def manners_of(url: str, name: str) -> Manners:
    """Those of the model of this name at this address, in this process."""
    return Manners()


# Their locks belong to a loop.
os.register_at_fork(after_in_child=manners_of.cache_clear)


def refuses(said: str, name: str) -> bool:
    """Whether a refusal names this parameter as refused."""
    return any(re.search(pattern.format(name=NAMES[name]), said, re.I | re.S) for pattern in REFUSALS)


def _taught(wire: dict, said: str) -> tuple[str, str | int | bool] | None:
    """The change that a refusal of this body asks for, by what it concerns."""
    if wire["messages"][0]["role"] == "system" and re.search(NO_SYSTEM, said, re.I):
        return "system", True
    if "max_tokens" in wire and "max_completion_tokens" in said and refuses(said, "max_tokens"):
        return "max_tokens", "max_completion_tokens"
    for name in DROPPED:
        if name in wire and refuses(said, name):
            return name, True
    if "response_format" in wire and refuses(said, "schema"):
        return "schema", True
    tokens, logprobs = wire.get("max_tokens") or wire["max_completion_tokens"], wire.get("top_logprobs", 0)
    if (most := _number(MOST, "max_completion_tokens", said)) and most < tokens:
        return "most_tokens", most
    if (least := _number(LEAST, "max_completion_tokens", said)) and least > tokens:
        return "least_tokens", least
    if (most := _number(MOST, "logprobs", said)) and 2 <= most < logprobs:
        return "top_logprobs", most
    return None


def _number(patterns: tuple[str, ...], name: str, said: str) -> int | None:
    found = (re.search(pattern.format(name=NAMES[name]), said, re.I | re.S) for pattern in patterns)
    return next((int(one[1]) for one in found if one), None)
