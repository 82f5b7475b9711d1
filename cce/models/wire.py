"""A call of a model: what is asked, what its caller expects, and what comes back; on the wire and for the store."""

import hashlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

Messages = list[dict[str, str]]
FirstToken = dict[str, float]
Kind = Literal["answer", "judgment", "removal", "letter", "list"]
# The beginning of a special token, up to where a space breaks it: those of SmolLM and StarCoder, Llama, Qwen, Phi,
# Mistral, Gemma and DeepSeek.
SPECIAL = re.compile(
    r"<(?=[|\uff5c]|/?s>|(?:start|end)_of_turn>|(?:[be]os|unk|pad)>|repo_?name>|file_sep>|filename>|gh_stars>|issue_\w+>"
    r"|jupyter_\w+>|empty_output>|fim[_-]\w+>)|\[(?=/?INST\]|/?SYSTEM_PROMPT\])"
)
# Made once: json.dumps would make one for every key.
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))


# Reasons to stop that leave an answer without its end.
CUT_OFF = {"length": "cut off by max_tokens before its verdict", "content_filter": "cut off by the endpoint's filter"}


@dataclass(frozen=True)
class Form:
    """How a judge states a value, such as a verdict or a rating: how it is read, and how it is written.

    `read` takes a text, or the log-probabilities of the first token where `of` says so; it gives None for no value.
    `write` takes a value from `least` to `most` and a rationale, and is the inverse of `read`. A text that was cut off
    may have a value in its middle that is not the one it was to end with: `read_cut_off`, where there is one, reads it.
    """

    read: Callable[[Any], float | None]
    write: Callable[[float, str], Any]
    least: float = 0.0
    most: float = 1.0
    of: Literal["text", "first_token"] = "text"
    read_cut_off: Callable[[str], float | None] | None = None

    def value(self, said: "Completion") -> float | None:
        """What the completion states; None for no value."""
        cut_off = self.of == "text" and said.finish in CUT_OFF and self.read_cut_off
        return (self.read_cut_off if cut_off else self.read)(getattr(said, self.of))

    def stated(self, said: "Completion") -> tuple[float | None, str]:
        """The value that the completion states; without one, why."""
        value = self.value(said)
        return value, self._why_not(said) if value is None else ""

    def _why_not(self, said: "Completion") -> str:
        if self.of == "first_token":
            return "what was asked for is not among its likeliest first tokens"
        if said.finish in CUT_OFF:
            return CUT_OFF[said.finish]
        return "no verdict stands in its text" if said.text.strip() else "its answer is empty"


@dataclass(frozen=True)
class Expects:
    """What a caller expects of a call, outside the request's key: a dry run supposes an answer of this kind and form.

    Requests that outcomes would tell apart, though they are the same while these are only supposed, differ in `apart`.
    """

    kind: Kind = "answer"
    form: Form | None = None
    apart: str = ""


ANSWER = Expects()


@dataclass(frozen=True)
class Completion:
    """What a model answered, `seconds` after the request was sent; 0 where it came in a batch, which does not tell.

    `finish` is the endpoint's reason to stop in OpenAI's words, or "overflow" where the prompt did not fit the context,
    "schema refused", or "refused" where a filter took this content.
    `first_token` maps the likeliest first tokens to their log-probabilities, where these were asked for. `model` and
    `fingerprint` are what the endpoint calls the model that answered, and its configuration, where it says so. What the
    model thought before it answered is in `thinking`, and is no part of the text. `key` is the request's in the store,
    and `supposed` says that a dry run made the answer up; the store keeps neither.
    """

    text: str
    finish: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    first_token: FirstToken | None = None
    model: str = ""
    fingerprint: str = ""
    thinking: str = ""
    key: str = field(default="", compare=False)
    supposed: bool = field(default=False, compare=False)

    @property
    def tokens(self) -> int:
        """Those of the prompt and of the answer."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True)
class Request:
    """What is asked: `body` has model, messages, temperature, max_tokens, sample, top_logprobs, and perhaps schema and
    extra_body, which a user adds to each request. `url` is the address; it is empty for this machine's own engines.
    """

    body: dict
    expects: Expects = ANSWER
    url: str = ""

    @property
    def identity(self) -> dict:
        """What tells it from any other: the body, and the address, since two may call different models by one name."""
        return self.body | ({"url": self.url} if self.url else {})

    @cached_property
    def key(self) -> str:
        """The store's key: a digest of the identity's canonical JSON."""
        return _digest(self.identity)

    @property
    def keys(self) -> list[str]:
        """This key, and the one that stores of earlier versions have, which knew no address."""
        return [self.key, _digest(self.body)] if self.url else [self.key]

    @property
    def special(self) -> set[str]:
        """What it holds that some models refuse."""
        held = {"system": self.body["messages"][0]["role"] == "system", "logprobs": self.body["top_logprobs"]}
        return {name for name, there in held.items() if there}

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
        return wire | body.get("extra_body", {})


def _digest(asked: dict) -> str:
    return hashlib.sha256(CANONICAL.encode(asked).encode()).hexdigest()


def without_special_tokens(messages: Messages) -> Messages:
    """The messages with every special token of the usual models broken up, such as <|im_end|>: in a text that is judged
    one would end the user's turn, and what follows would speak as somebody else.
    """
    return [message | {"content": SPECIAL.sub(r"\g<0> ", message["content"])} for message in messages]


def asked_in(request: dict) -> str:
    """All that a request of the store says to the model: a system message, where there is one, before the user's."""
    return "\n\n".join(message["content"] for message in request["messages"])
