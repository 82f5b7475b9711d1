"""Instructions to sample responses for, and pools: the responses to one instruction.

load_instructions("lima", limit=100)
load_pools("responses.jsonl")
"""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from cce.benchmarks import load_pairs
from cce.benchmarks.files import Folder, Row, Source, as_published, find_rows, user_rows
from cce.benchmarks.pair import NonEmpty, Text
from cce.benchmarks.sampling import drawn
from cce.errors import BadInput


class Instruction(BaseModel):
    """What a user asks for, in one turn."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    id: Text
    instruction: NonEmpty


class Pool(BaseModel):
    """An instruction and the responses to it, of which one is to be picked; equal texts may stand among them."""

    model_config = ConfigDict(frozen=True, coerce_numbers_to_str=True)
    id: Text
    instruction: Text
    responses: tuple[Text, ...]

    @model_validator(mode="after")
    def _whole(self) -> "Pool":
        if not self.instruction or not self.responses:
            raise ValueError("needs an instruction and at least one response")
        return self

    @property
    def distinct(self) -> list[str]:
        """The responses that differ, each where it first stands."""
        return list(dict.fromkeys(self.responses))


def load_pools(path: str | Path) -> list[Pool]:
    """Load a file of pools, JSONL of {id, instruction, responses: [...]}. Raises BadInput naming row and field."""
    return drawn(user_rows(Path(path), Pool), "pools", str(path), limit=None, seed=0)


def load_instructions(
    name_or_path: str, data_dir: Folder = None, limit: int | None = None, seed: int = 0
) -> list[Instruction]:
    """Load instructions in the source's order, the first turn alone where there are several.

    They are those of lima (Zhou et al. 2023, arXiv 2305.11206), tulu3_sft (Lambert et al. 2024, arXiv 2411.15124),
    pocket_train (the kit's own pairs for training), or the path of a file of instructions (id, instruction).
    `data_dir`, `limit` and `seed` are as for `load_pairs`.
    Raises BadInput for a bad name, limit or file, DataMissing where a data set cannot be found.
    """
    if name_or_path == "pocket_train":
        found = (Instruction(id=pair.id, instruction=pair.instruction) for pair in load_pairs(name_or_path))
    elif name_or_path in SOURCES:
        found = _published(name_or_path, data_dir)
    elif Path(name_or_path).suffix:
        found = user_rows(Path(name_or_path), Instruction)
    else:
        known = f"one of {', '.join(SOURCES)}, pocket_train, or the path of a file of instructions"
        raise BadInput(f"unknown instructions {name_or_path!r}: {known}")
    return drawn(found, "instructions", name_or_path, limit, seed)


def _published(name: str, data_dir: Folder) -> Iterator[Instruction]:
    source, first_turn = SOURCES[name]
    with as_published(f"{name}: a row lacks a field"):
        for place, row in enumerate(find_rows(source, data_dir)):
            # The id stays the row's place where one before it is empty.
            if turn := first_turn(row):
                yield Instruction(id=str(place), instruction=turn)


def _of_lima(row: Row) -> str:
    # The hub has the turns in one list; the other form in circulation keeps those before the last one apart.
    if "conversations" in row:
        return row["conversations"][0]
    return row["history"][0][0] if row["history"] else row["instruction"]


def _of_tulu3(row: Row) -> str:
    # A system message may come first.
    return next((message["content"] for message in row["messages"] if message["role"] == "user"), "")


LIMA = "68958e98267f5fb4a52a03ebcdae4ae59213fa7c"
TULU3_SFT = "b14afda60f1bbebe55d5d2fa1e4df5042f97f8be"
SOURCES = {
    "lima": (Source("GAIR/lima", "train", r"lima/[^/]*(lima|train)[^/]*$", LIMA, path="train.jsonl"), _of_lima),
    "tulu3_sft": (Source("allenai/tulu-3-sft-mixture", "train", r"tulu[-_]?3.*sft", TULU3_SFT), _of_tulu3),
}
