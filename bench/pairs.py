"""Planted pairs: as long as short chat answers are, and alike but for their number."""

import json
from pathlib import Path

# Answers of about 400 characters, so that a prompt has about 2,000.
ANSWER = "To mend a bicycle's puncture take off the wheel, find the hole in the tube and put a patch on it. "


def write_pairs(path: Path, number: int) -> str:
    """Write so many pairs as JSONL, and give the path as a string."""
    with path.open("w") as file:
        for place in range(number):
            file.write(json.dumps(planted(f"{place:07}")) + "\n")
    return str(path)


def planted(name: str) -> dict:
    """A pair in which nothing but its name tells it from another."""
    answers = {f"answer_{side}": f"Answer {side} to {name}. {ANSWER * 4}" for side in "ab"}
    return {"id": name, "instruction": f"Question {name}: how do I mend a puncture?", **answers, "label": "A"}
