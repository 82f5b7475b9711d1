"""A plan: a run in which nobody is asked.

Where CCE_PLAN names a file, clients take completions from the run's own store, which is only read, and suppose those
that it lacks (`cce.models.supposed`). The file, the plan's ledger, gets a row for every completion that the run needs:
once, however many methods share it.
"""

import os
import sqlite3
from functools import cache
from pathlib import Path

from cce.errors import NotRecorded
from cce.models.store import Completion, Store, key_of
from cce.models.supposed import Supposer

# `address` is empty for a model of this machine, and `seconds` are those of this call alone.
LEDGER = """
CREATE TABLE IF NOT EXISTS needed (
    key TEXT PRIMARY KEY, model TEXT, address TEXT, concurrency INTEGER, in_store INTEGER,
    tokens_in INTEGER, tokens_out INTEGER, seconds REAL
)
"""


def planning() -> bool:
    """Whether this process plans: it asks nobody, starts no engine and trains nothing."""
    return "CCE_PLAN" in os.environ


class Plan:
    """A store that has an answer to everything, and notes in the ledger what was needed of a model at an address."""

    def __init__(self, store: str | Path | None, address: str, concurrency: int):
        self.recorded, self.supposer = _known(Path(store or "").absolute())
        self.ledger, self.seat = _opened(os.environ["CCE_PLAN"]), (address, concurrency)

    def get(self, request: dict) -> Completion:
        """The stored answer to this request, or a supposed one."""
        key, stored = key_of(request), self._stored(request)
        completion = stored or self.supposer.suppose(request, key)
        self.supposer.remember(request, completion.text)
        numbers = completion.prompt_tokens, completion.completion_tokens, completion.seconds
        row = (key, request["model"], *self.seat, stored is not None, *numbers)
        self.ledger.execute("INSERT OR IGNORE INTO needed VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)
        return completion

    def _stored(self, request: dict) -> Completion | None:
        try:
            return self.recorded.get(request)
        except NotRecorded:
            return None


@cache
def _known(path: Path) -> tuple[Store, Supposer]:
    recorded = Store(path, replay=True) if path.is_file() else Store()
    return recorded, Supposer(recorded)


def open_ledger(file: str) -> sqlite3.Connection:
    """A plan's ledger, with its one table `needed`; made where it is missing."""
    ledger = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    # A ledger lives as long as its plan: nothing of it has to survive a lost machine.
    ledger.executescript(f"PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; {LEDGER}")
    return ledger


_opened = cache(open_ledger)
