"""Instructions to sample responses for: LIMA, TULU-3's SFT mixture, the kit's own, and any JSONL file of them.

load_instructions("lima", limit=100)
load_instructions("my_instructions.jsonl")
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from cce.benchmarks import load_pairs
from cce.benchmarks.draw import drawn
from cce.benchmarks.files import Row, Source, find_rows
from cce.benchmarks.own import own_rows
from cce.benchmarks.pair import Text
from cce.benchmarks.question import Said
from cce.errors import BadInput


class Instruction(BaseModel):
    """What a user asks for, in one turn."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    id: Text
    instruction: Said


def load_instructions(
    name_or_path: str, data_dir: str | Path | None = None, limit: int | None = None, seed: int = 0
) -> list[Instruction]:
    """Load instructions, the first turn alone where there are several.

    Args:
        name_or_path: lima (Zhou et al. 2023, arXiv 2305.11206), tulu3_sft (Lambert et al. 2024, arXiv 2411.15124),
            pocket_train (the instructions of the kit's own pairs for training), or the path of a file of
            instructions (id, instruction).
        data_dir: folder of the published files; without it the environment's CCE_DATA, without that the hub.
        limit, seed: how many to draw, at random by the seed; a smaller limit draws from a larger one's.

    Returns the instructions in the source's order.
    Raises BadInput for a bad name, limit or file, DataMissing where a data set cannot be found.
    """
    return drawn(_all(name_or_path, data_dir), "instructions", name_or_path, limit, seed)


def _all(name: str, data_dir: str | Path | None) -> Iterable[Instruction]:
    if name == "pocket_train":
        return (Instruction(id=pair.id, instruction=pair.instruction) for pair in load_pairs(name))
    if name in PUBLISHED:
        return _published(name, data_dir)
    if not Path(name).suffix:
        known = ", ".join([*PUBLISHED, "pocket_train"])
        raise BadInput(f"unknown instructions {name!r}: one of {known}, or the path of a file of instructions")
    return own_rows(Path(name), Instruction)


def _published(name: str, data_dir: str | Path | None) -> Iterator[Instruction]:
    source, first_turn = PUBLISHED[name]
    try:
        for place, row in enumerate(find_rows(source, data_dir)):
            # The id stays the row's place where one before it is empty.
            if turn := first_turn(row):
                yield Instruction(id=str(place), instruction=turn)
    except (KeyError, TypeError, ValueError) as problem:
        raise BadInput(f"{name}: a row lacks a field ({problem}); is the file as published?") from problem


def _of_lima(row: Row) -> str:
    # The hub has the turns in one list; the other form in circulation keeps those before the last one apart.
    if "conversations" in row:
        return row["conversations"][0]
    return row["history"][0][0] if row["history"] else row["instruction"]


def _of_tulu3(row: Row) -> str:
    # A system message may come first.
    return next((message["content"] for message in row["messages"] if message["role"] == "user"), "")


PUBLISHED = {
    "lima": (Source("GAIR/lima", "train", r"lima/[^/]*(lima|train)[^/]*$", path="train.jsonl"), _of_lima),
    "tulu3_sft": (Source("allenai/tulu-3-sft-mixture", "train", r"tulu[-_]?3.*sft"), _of_tulu3),
}
