"""A call of a model: what is asked, what its caller expects, and what comes back; on the wire and for the store."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from cce.text import whole_characters

Messages = list[dict[str, str]]
FirstToken = dict[str, float]
Kind = Literal["answer", "judgment", "removal", "letter", "list"]
# Made once: json.dumps would make one for every key.
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True)
class Form:
    """How a judge states a value, such as a verdict or a rating: how it is read, and how it is written.

    `read` takes a text, or the log-probabilities of the first token where `of` says so, and gives None where no value
    stands there. `write` takes a value from `least` to `most` and a rationale, and is the inverse of `read`.
    """

    read: Callable[[Any], float | None]
    write: Callable[[float, str], Any]
    least: float = 0.0
    most: float = 1.0
    of: Literal["text", "first_token"] = "text"


@dataclass(frozen=True)
class Expects:
    """What a caller expects of a call. It is kept beside the request, outside its key, and nobody is told.

    A dry run supposes an answer of this `kind` which states a value in this `form`. Requests that outcomes would tell
    apart, though they are the same as long as these are only supposed, differ in `apart`.
    """

    kind: Kind = "answer"
    form: Form | None = None
    apart: str = ""


ANSWER = Expects()


@dataclass(frozen=True)
class Completion:
    """What a model answered.

    `finish` is the endpoint's reason to stop, "overflow" where the prompt did not fit the context, or "schema refused".
    `first_token` maps the likeliest first tokens to their log-probabilities, where these were asked for.
    `seconds` is the time from sending the request to the whole answer. `key` is the request's in the store, and
    `supposed` says that a dry run made the answer up; neither is kept.
    """

    text: str
    finish: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    first_token: FirstToken | None = None
    key: str = field(default="", compare=False)
    supposed: bool = field(default=False, compare=False)

    def kept(self) -> dict:
        """What the store keeps."""
        names = ("text", "finish", "prompt_tokens", "completion_tokens", "seconds", "first_token")
        return {name: getattr(self, name) for name in names}


@dataclass(frozen=True)
class Request:
    """What is asked: `body` has model, messages, temperature, max_tokens, sample, top_logprobs, and perhaps schema."""

    body: dict
    expects: Expects = ANSWER

    @cached_property
    def key(self) -> str:
        """The store's key: a digest of the body's canonical JSON. How the endpoint is reached is no part of it."""
        return hashlib.sha256(CANONICAL.encode(self.body).encode()).hexdigest()

    def wire_form(self) -> dict:
        """The body of a chat completion request."""
        body = self.body
        wire = {name: body[name] for name in ("model", "messages", "temperature", "max_tokens")}
        wire["seed"] = body["sample"]
        if body["top_logprobs"]:
            wire |= {"logprobs": True, "top_logprobs": body["top_logprobs"]}
        if "schema" in body:
            answer = {"name": "answer", "strict": True, "schema": body["schema"]}
            wire["response_format"] = {"type": "json_schema", "json_schema": answer}
        return wire


def completion_of(reply: dict, seconds: float) -> Completion:
    """What is kept of an endpoint's reply, a refusal in its own field included.

    Raises ValueError where the reply is no chat completion.
    """
    try:
        return _completion(reply, seconds)
    except (AttributeError, IndexError, KeyError, TypeError) as problem:
        raise ValueError(f"{str(reply)[:200]!r} is no chat completion ({problem!r})") from None


def _completion(reply: dict, seconds: float) -> Completion:
    choice, usage = reply["choices"][0], reply.get("usage") or {}
    message, logprobs = choice["message"], (choice.get("logprobs") or {}).get("content")
    return Completion(
        whole_characters(message.get("content") or message.get("refusal") or ""),
        choice.get("finish_reason") or "stop",
        usage.get("prompt_tokens", 0),
        usage.get("completion_tokens", 0),
        round(seconds, 3),
        {top["token"]: top["logprob"] for top in logprobs[0]["top_logprobs"]} if logprobs else None,
    )
