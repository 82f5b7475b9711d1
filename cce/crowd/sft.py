"""SFT sets: the responses that were picked become examples to learn from (Table 3 of the paper)."""

from collections.abc import Sequence

import pandas as pd

from cce.models.card import Card
from cce.models.training import Example

NOT_FOR = (
    "Anything but comparing ways to pick training data. It imitates the responses of other models, errors included, "
    "and how well it answers is unknown but for the scores that were measured."
)
LICENCE = "That of its base and of the instructions, with the terms of the models that responded and picked."


def taught_by_picks(picks: pd.DataFrame) -> list[Example]:
    """The examples that one method's picks make, one a pool: its instruction, and the response that was picked.

    `picks` are as `pick` returns them.
    """
    return [_example(row.instruction, row.response) for row in picks.itertuples()]


def card_of(picks: pd.DataFrame, instructions: str, samplers: Sequence[str]) -> Card:
    """The card of the student that one method's picks teach.

    Args:
        picks: as of `taught_by_picks`.
        instructions: the data set that they come from.
        samplers: the models whose responses were picked from, with or without their addresses.
    """
    method, judge = picks.method.iloc[0], picks.judge.iloc[0].split("@")[0]
    voices = ", ".join(dict.fromkeys(name.split("@")[0] for name in samplers))
    data = f"Of {picks.responses.iloc[0]} responses by {voices} to each instruction of {instructions} one was picked: "
    what = "A model of answers, one of several that differ only in which sampled responses taught it."
    return Card(f"Taught by {method} picks", what, f"{data}{method}, judge {judge}.", LICENCE, NOT_FOR)


def _example(instruction: str, response: str) -> Example:
    return {
        "prompt": [{"role": "user", "content": instruction}],
        "completion": [{"role": "assistant", "content": response}],
    }
