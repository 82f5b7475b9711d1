"""Replies: what an endpoint says, read once, where it comes in.

Thinking is not the answer. Servers send it in a field of its own, as parts of a list, or as a block in the text that is
closed, never closed or never opened. It is kept apart: nothing is read from it, and no other model sees it.
"""

import math
import re

from cce.models.wire import Completion, FirstToken
from cce.text import whole_characters

# Others, such as <reasoning>, are asked for in answers.
TAGS = "think(?:ing)?|thought"
# A closed block, wherever it stands.
BLOCK = re.compile(rf"<({TAGS})>(.*?)</\1>|\[THINK\](.*?)\[/THINK\]", re.S | re.I)
# The end of a block that was never opened, since the chat template opened it; the beginning of one that never ended.
END = re.compile(rf"</(?:{TAGS})>|\[/THINK\]", re.I)
BEGINNING = re.compile(rf"^[ \t]*(?:<(?:{TAGS})>|\[THINK\])", re.I | re.M)
FIELDS = "reasoning_content", "reasoning"


def completion_of(reply: dict, seconds: float) -> Completion:
    """What is kept of an endpoint's reply, also of a refusal. Raises ValueError for what is no chat completion."""
    try:
        choice, usage = reply["choices"][0], reply.get("usage") or {}
        message, logprobs = choice["message"], (choice.get("logprobs") or {}).get("content")
        text, thinking = _told(message)
        tokens = (_count(usage.get(name)) for name in ("prompt_tokens", "completion_tokens"))
        told = text, choice.get("finish_reason") or "stop", *tokens, round(seconds, 3), _likeliest(logprobs)
        who = (str(reply.get(name) or "") for name in ("model", "system_fingerprint"))
        return Completion(*told, *who, thinking)
    except (AttributeError, IndexError, KeyError, TypeError) as problem:
        raise ValueError(f"{str(reply)[:300]!r} is no chat completion ({problem!r})") from None


def without_thinking(text: str) -> tuple[str, str]:
    """The answer, and the thinking that stood in it."""
    thought = []
    text = BLOCK.sub(lambda block: thought.append(block[2] or block[3] or "") or "", text)
    *before, text = END.split(text)
    beginning = BEGINNING.search(text)
    after = [text[beginning.end() :]] if beginning else []
    text = text[: beginning.start()] if beginning else text
    thought += [*before, *after]
    return (text.strip() if thought else text), "\n\n".join(filter(None, map(str.strip, thought)))


def _told(message: dict) -> tuple[str, str]:
    said = message.get("content") or message.get("refusal") or ""
    parts = said if isinstance(said, list) else [{"type": "text", "text": said}]
    text = "".join(part["text"] for part in parts if part.get("type") in ("text", "output_text"))
    thought = [_joined(part.get("thinking")) for part in parts if part.get("type") == "thinking"]
    thought += [message[name] for name in FIELDS if isinstance(message.get(name), str)][:1]
    answer, inside = without_thinking(whole_characters(text))
    return answer, whole_characters("\n\n".join(filter(None, [*thought, inside])))


def _joined(thinking: object) -> str:
    parts = thinking if isinstance(thinking, list) else [{"text": thinking}]
    return "".join(part["text"] for part in parts if isinstance(part.get("text"), str))


def _count(tokens: object) -> int:
    number = isinstance(tokens, int | float) and not isinstance(tokens, bool) and math.isfinite(tokens)
    return max(0, int(tokens)) if number else 0


def _likeliest(logprobs: list | None) -> FirstToken | None:
    # An answer without a token has no first one; an endpoint that tells none at all is another matter.
    if logprobs is None:
        return None
    listed = logprobs[0].get("top_logprobs") or [] if logprobs else []
    return {top["token"]: top["logprob"] for top in listed if isinstance(top.get("logprob"), int | float)}
