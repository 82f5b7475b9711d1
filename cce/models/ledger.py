"""The ledger of a dry run (`cce.models.dry_run`): what was needed, and for what."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Need(NamedTuple):
    """A completion that is needed of a model at an address, which is empty for this machine.

    `seconds` are of this call alone; `question` is that for which it was first needed, and `stage` what the caller
    expects, or the final judgment.
    """

    key: str
    model: str
    address: str
    concurrency: int
    in_store: bool
    tokens_in: int
    tokens_out: int
    seconds: float
    question: str
    stage: str


@dataclass(eq=False)
class Ledger:
    """Each completion that was `needed`, once, by its key; and every key with each method that `asked` for it."""

    needed: dict[str, Need] = field(default_factory=dict)
    asked: set[tuple[str, str]] = field(default_factory=set)
