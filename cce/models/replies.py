"""Replies: what an endpoint says, read once, where it comes in.

Thinking is not the answer. Servers send it in a field of its own, as parts of a list, or as a block in the text that is
closed, never closed or never opened. It is kept apart: nothing is read from it, and no other model sees it.
"""

import json
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
# No call takes as many.
MOST_TOKENS = 10**9
# So much of what is no completion is told.
SHOWN = 500
# The words of OpenAI for why an answer ended, by those of others; and what means that it broke off.
FINISHES = dict.fromkeys(("max_tokens", "max_output_tokens", "model_length", "token_limit", "max_length"), "length")
FINISHES |= dict.fromkeys(
    ("content_filtered", "safety", "sensitive", "refusal", "prohibited_content"), "content_filter"
)
BROKEN = "error", "abort", "aborted", "cancelled", "network_error", "insufficient_system_resource"


def parsed(content: bytes) -> object:
    """A reply's JSON. Raises ValueError for what is none, or none that can be read."""
    try:
        return json.loads(content.decode(errors="replace"))
    except RecursionError:
        raise ValueError("its JSON is nested too deeply") from None


def completion_of(reply: dict, seconds: float) -> Completion:
    """What is kept of an endpoint's reply, also of a refusal. Raises ValueError for what is no chat completion."""
    try:
        choice = reply["choices"][0]
        message, logprobs = choice["message"], (choice.get("logprobs") or {}).get("content")
        finish = str(choice.get("finish_reason") or "stop").lower()
        if reply.get("error") or choice.get("error") or finish in BROKEN:
            raise KeyError(finish)
        text, thinking = _told(message)
        told = text, FINISHES.get(finish, finish), *used(reply), round(seconds, 3)
        who = (str(reply.get(name) or "") for name in ("model", "system_fingerprint"))
        return Completion(*told, _likeliest(logprobs), *who, thinking)
    except (AttributeError, IndexError, KeyError, TypeError):
        raise ValueError(f"{json.dumps(reply, ensure_ascii=False)[:SHOWN]} is no chat completion") from None


def said_in(reply: object) -> int:
    """How much of an answer is in a reply, in characters."""
    try:
        return len(str(reply["choices"][0]["message"]["content"] or ""))
    except (IndexError, KeyError, TypeError):
        return 0


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


def used(reply: object) -> tuple[int, int]:
    """Tokens of the prompt and of the answer with its thinking, which Google and xAI count in the total alone; 0 where
    a reply does not say so in numbers that can be.
    """
    usage = reply.get("usage") if isinstance(reply, dict) else None
    told = usage if isinstance(usage, dict) else {}
    prompt, answer, total = (_count(told.get(f"{name}_tokens")) for name in ("prompt", "completion", "total"))
    return prompt, max(answer, total - prompt)


def _count(tokens: object) -> int:
    number = isinstance(tokens, int | float) and not isinstance(tokens, bool)
    return int(tokens) if number and 0 <= tokens <= MOST_TOKENS else 0


def _likeliest(logprobs: list | None) -> FirstToken | None:
    # An answer without a token has no first one; an endpoint that tells none at all is another matter.
    if logprobs is None:
        return None
    listed = logprobs[0].get("top_logprobs") or [] if logprobs else []
    return {top["token"]: float(top["logprob"]) for top in listed if _is_logprob(top.get("logprob"))}


def _is_logprob(number: object) -> bool:
    # JSON has NaN and Infinity here, and numbers of hundreds of digits. OpenAI's least is -9999.
    return isinstance(number, int | float) and not isinstance(number, bool) and -1e6 <= number <= 1e-6
