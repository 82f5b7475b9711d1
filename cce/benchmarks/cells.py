"""What a row's cell holds, whatever wrote it: nothing, a text in parts, a conversation with all its turns, a label."""

import json
from collections.abc import Mapping
from itertools import groupby
from numbers import Number
from operator import itemgetter

# Texts that may be empty: an empty answer is an answer. Anywhere else a blank text says nothing.
WRITTEN = ("instruction", "answer_a", "answer_b", "chosen", "rejected")
LETTERS = {"a": "A", "b": "B", "tie": "tie"}
# By the role of a message: whose turn it belongs to, and how it is headed beside others in that turn.
ROLES = {
    "user": ("user", "User"),
    "assistant": ("assistant", "Answer"),
    "system": ("user", "System message"),
    "developer": ("user", "System message"),
    "tool": ("assistant", "Tool result"),
    "function": ("assistant", "Tool result"),
}


def plain(value: object) -> object:
    """The value as Python's own: arrays are lists, and whatever means that nothing is there is None."""
    if isinstance(value, str):
        return value
    # Numpy's arrays and numbers.
    value = value.tolist() if hasattr(value, "tolist") else value
    if isinstance(value, Mapping):
        return {name: plain(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    not_a_number = isinstance(value, Number) and value != value
    # The last two are pandas's.
    return None if not_a_number or type(value).__name__ in ("NAType", "NaTType") else value


def present(row: Mapping) -> dict:
    """The cells that hold something, by name."""
    # Nearly all cells are texts, and all rows come by here.
    cells = {name: value if isinstance(value, str) else plain(value) for name, value in row.items()}
    return {name: value for name, value in cells.items() if value is not None and (name in WRITTEN or not blank(value))}


def blank(value: object) -> bool:
    """Whether this is a text without any sign."""
    return isinstance(value, str) and (not value or value.isspace())


def whole_number(value: object) -> object:
    """1 for 1.0: a column of whole numbers in which one is missing holds floats."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def letter(value: object) -> object:
    """A, B or tie where the value says one of these, in whatever case; anything else as it is."""
    return LETTERS.get(value.strip().casefold(), value) if isinstance(value, str) else value


def text_of(value: object) -> object:
    """One text for content in parts, such as [{"type": "text", "text": ...}]; anything else as it is.

    Raises ValueError for a part that is no text, such as an image.
    """
    parts = isinstance(value, (list, tuple)) and value and all(isinstance(p, dict) and "type" in p for p in value)
    return "\n".join(map(_part, value)) if parts else value


def _part(part: dict) -> str:
    if part["type"] == "tool_use":
        return f"[Tool call]\n{_call(part)}"
    inner = text_of(part.get("text", part.get("content")))
    inner = inner.get("value") if isinstance(inner, dict) else inner
    if not isinstance(inner, str):
        raise ValueError(f"a part of the type {part['type']!r}: only texts can be judged; leave this row out")
    return f"[Tool result]\n{inner}" if part["type"] == "tool_result" else inner


def _call(call: object) -> str:
    call = call.get("function", call) if isinstance(call, dict) else call
    if not isinstance(call, dict):
        raise ValueError(f"a call of a tool is an object, not {call!r:.60}")
    asked = call.get("arguments", call.get("input", ""))
    return f"{call.get('name')}: {asked if isinstance(asked, str) else json.dumps(asked, default=str)}"


def is_talk(value: object) -> bool:
    """Whether this is a list of messages."""
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) and "role" in one for one in value)


def in_turns(talk: object) -> object:
    """Messages of any role as turns of user and assistant: a system message stands in the user's turn, tools in the
    assistant's. What is no list of messages is given back. Raises ValueError for a role or content that is none.
    """
    if not is_talk(talk):
        return talk
    turns = groupby((one for message in talk for one in _said(message)), key=itemgetter(0))
    return [{"role": role, "content": _headed([said[1:] for said in turn])} for role, turn in turns]


def _said(message: dict) -> list[tuple[str, str, str]]:
    """Whose turn it is, a heading, and the text: of the message's content, and of each tool that it calls."""
    role, content = str(message["role"]), text_of(message.get("content"))
    if role not in ROLES:
        raise ValueError(f"a message of the role {role!r}: one of {', '.join(ROLES)} is wanted")
    called = message.get("tool_calls") or []
    calls = [(role, "Tool call", _call(call)) for call in (called if isinstance(called, list) else [called])]
    if not content and calls:
        return calls
    if not isinstance(content, str):
        raise ValueError(f"a message of the role {role!r} has no text: its content is {content!r:.60}")
    return [(*ROLES[role], content), *calls]


def _headed(said: list[tuple[str, str]]) -> str:
    """The texts of a turn one below the other, each under its heading where they are of several kinds."""
    several = len({heading for heading, _ in said}) > 1
    return "\n\n".join(f"[{heading}]\n{text}" if several else text for heading, text in said)
