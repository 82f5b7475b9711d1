"""A pool: several responses to one instruction, of which one is to be picked.

load_pools("responses.jsonl")
"""

from pathlib import Path

from pydantic import BaseModel, ConfigDict, model_validator

from cce.benchmarks.draw import drawn
from cce.benchmarks.own import own_rows
from cce.benchmarks.pair import Text


class Pool(BaseModel):
    """An instruction and the responses to it, at least one; equal texts may stand among them."""

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
    """Load a file of pools, JSONL of {id, instruction, responses: [...]}, in its order.

    Raises BadInput naming the file, and the row and the field where one of them is at fault.
    """
    return drawn(own_rows(Path(path), Pool), "pools", str(path), limit=None, seed=0)
