"""What a store knows of batches: which were made, and which requests wait in them.

A request has a note from before its batch is created until its answer is in the store: one commit keeps the answer and
takes the note away (`Store.write`). So whoever opens the store later knows what is paid for and not there yet.
"""

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from secrets import token_hex

from cce.models.store import Store, asked_of
from cce.models.store_file import usable
from cce.models.wire import Expects, Request

# Providers delete what they answered after 30 days: what waits for longer is waited for in vain.
KEPT_SECONDS = 30 * 86400


@dataclass(eq=False)
class Batch:
    """Requests of one model by their keys, under a `name` that no other batch has.

    `file` is the provider's name for what was uploaded, and `id` that of the batch, empty until each is known; `since`
    is when it may have been created, in seconds since 1970. `lines` are those of the file, where it is of this process.
    """

    requests: dict[str, Request]
    lines: dict[str, str] = field(default_factory=dict)
    name: str = field(default_factory=lambda: f"cce-{token_hex(16)}")
    file: str = ""
    id: str = ""
    since: float = field(default_factory=time.time)


class Notes:
    """Those on one model at one address."""

    def __init__(self, store: Store, model: str, url: str):
        self.store, self.model, self.url = store, model, url

    def add(self, batch: Batch) -> None:
        """Note a batch that may be created from now on; its requests wait in no other any more."""
        row = batch.name, self.model, self.url, batch.file, batch.id, batch.since
        rows = [(key, batch.name, asked_of(request)) for key, request in batch.requests.items()]
        waiting = [("INSERT OR REPLACE INTO batched VALUES (?, ?, ?)", each) for each in rows]
        self.store.write([("INSERT INTO batches VALUES (?, ?, ?, ?, ?, ?)", row), *waiting])

    def renew(self, batch: Batch) -> None:
        """Note its id, and when it may have been created."""
        self.store.write([("UPDATE batches SET id = ?, since = ? WHERE name = ?", (batch.id, batch.since, batch.name))])

    def forget(self, keys: Iterable[str]) -> None:
        """Note that these requests wait no more: they have no answer, and may be asked again."""
        self.store.write([("DELETE FROM batched WHERE key = ?", (key,)) for key in keys])

    def left(self) -> list[Batch]:
        """The batches that earlier processes left, with the requests that wait in them."""
        self._tidy()
        found = "SELECT name, file, id, since FROM batches WHERE model = ? AND url = ?"
        with usable(self.store.path):
            rows = self.store.db.execute(found, (self.model, self.url)).fetchall()
        return [Batch(self._waiting(name), {}, name, *known) for name, *known in rows]

    def waiting(self) -> int:
        """How many requests wait in batches."""
        found = """SELECT count(*) FROM batched JOIN batches ON batch = name
        WHERE model = ? AND url = ? AND since >= ?"""
        asked = self.model, self.url, time.time() - KEPT_SECONDS
        with usable(self.store.path):
            return self.store.db.execute(found, asked).fetchone()[0]

    def _tidy(self) -> None:
        old = "batch IN (SELECT name FROM batches WHERE since < ?)"
        self.store.write(
            [
                (f"DELETE FROM batched WHERE {old}", (time.time() - KEPT_SECONDS,)),
                ("DELETE FROM batches WHERE name NOT IN (SELECT batch FROM batched)", ()),
            ]
        )

    def _waiting(self, name: str) -> dict[str, Request]:
        with usable(self.store.path):
            rows = self.store.db.execute("SELECT key, request FROM batched WHERE batch = ?", (name,)).fetchall()
        return {key: request_of(json.loads(asked)) for key, asked in rows}


def request_of(asked: dict) -> Request:
    """The request of which a store has this."""
    body = {name: value for name, value in asked.items() if name not in ("url", "expects")}
    return Request(body, Expects(asked["expects"]), asked.get("url", ""))
