"""Rows in other shapes than a pair's: preferences, lists of messages, lists as JSON texts; each in a pair's fields."""

import json

from cce.benchmarks.cells import in_turns, is_talk, whole_number
from cce.benchmarks.pair import shuffled_sides

LISTS = ("conversation_a", "conversation_b", "crowd", "votes", "messages", "prompt", "chosen", "rejected")
TEXTS = ("instruction", "answer_a", "answer_b")
ANSWERS = {"answer_a", "answer_b", "conversation_a", "conversation_b"}


def as_fields(row: dict, number: int, seed: int) -> dict:
    """The cells of the row of this number in a pair's fields; the seed draws on which side the chosen answer stands.

    Raises ValueError for what makes no pair.
    """
    if row.keys().isdisjoint(LISTS) and all(isinstance(row.get(name), str) for name in TEXTS):
        return row
    row = _lists(row)
    row = row if ANSWERS & set(row) else _preference(row, number, seed)
    asked = next((row[name] for name in ("instruction", "prompt", "messages") if name in row), None)
    return _told(row, asked) if {"answer_a", "answer_b"} <= set(row) else row


def _lists(row: dict) -> dict:
    """The row with lists in place of their JSON texts, as a table of text holds them."""
    found = {}
    for name in LISTS:
        if isinstance(row.get(name), str) and row[name].lstrip().startswith("["):
            try:
                value = json.loads(row[name])
            except (ValueError, RecursionError):
                continue
            # A text may well begin with a bracket.
            if name in ("crowd", "votes") or is_talk(value):
                found[name] = value
    return row | found


def _preference(row: dict, number: int, seed: int) -> dict:
    lacking = {"chosen", "rejected"} - set(row)
    if lacking:
        if len(lacking) == 1:
            raise ValueError(f"{lacking.pop()} is missing")
        return row
    # Published preferences have no ids.
    row = {"id": str(number), **row}
    row |= shuffled_sides(str(whole_number(row["id"])), row["chosen"], row["rejected"], seed)
    # Of two answers that are the same none is the better one.
    return row if row["chosen"] != row["rejected"] else row | {"label": None}


def _told(row: dict, asked: object) -> dict:
    """The row with an instruction and answers, or with conversations where there are several turns."""
    sides = {side: row[f"answer_{side}"] for side in "ab"}
    if not any(map(is_talk, (asked, *sides.values()))):
        return row if asked is None else row | {"instruction": asked}
    talks = {side: in_turns(_talk(asked, answer)) for side, answer in sides.items()}
    if asked is None and any(talk[0]["role"] != "user" for talk in talks.values()):
        raise ValueError("instruction is missing: no turn of the user's stands before the answer")
    rest = {name: value for name, value in row.items() if name not in TEXTS}
    single = all([turn["role"] for turn in talk] == ["user", "assistant"] for talk in talks.values())
    if single and talks["a"][0] == talks["b"][0]:
        answers = {f"answer_{side}": talk[1]["content"] for side, talk in talks.items()}
        return rest | {"instruction": talks["a"][0]["content"]} | answers
    return rest | {f"conversation_{side}": talk for side, talk in talks.items()}


def _talk(asked: object, answer: object) -> list[dict]:
    """The whole conversation: the answer's own messages, behind what was asked where they do not hold that."""
    said = answer if is_talk(answer) else [{"role": "assistant", "content": answer}]
    if asked is None or any(message["role"] == "user" for message in said):
        return said
    return (asked if is_talk(asked) else [{"role": "user", "content": asked}]) + said
