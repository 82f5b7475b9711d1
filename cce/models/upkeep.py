"""Work on stores: what several hold put into one, and what of one is damaged."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from math import inf
from pathlib import Path
from typing import NamedTuple

from cce.errors import BadInput
from cce.models.store import PUT, Store
from cce.models.store_file import opened_to_read, usable
from cce.models.store_tables import Row, is_sound, ready
from cce.outputs import identity, store_files

ROWS = "SELECT key, request, response, checksum FROM completions WHERE rowid"
# So many rows are read at once, and as one transaction written.
BLOCK = 1000
# After so many in a row that cannot be read nothing follows.
UNREAD = 10_000
# What SQLite raises over a damaged file.
DAMAGE = sqlite3.DatabaseError, UnicodeDecodeError
# What two answers to one request differ in, besides their cost.
SAID = ("text", "finish", "first_token")


class Merged(NamedTuple):
    """How many completions of a source were added, were there already, have another answer there, and are damaged."""

    added: int
    there: int
    different: int
    damaged: int


class Checked(NamedTuple):
    """How many completions a store holds that are what was written, and how many that are not."""

    sound: int
    damaged: int


def merge(into: Path, sources: Sequence[Path]) -> list[Merged]:
    """Put all completions of the sources into the store `into`, which is made if missing; the first answer stays.

    Sources are only read, also while a run writes to them, and of a damaged one all that can be read is taken.
    Raises BadInput for a store merged into itself, StoreUnusable for a file that is no store: both before anything is
    written.
    """
    for source in sources:
        if {*map(identity, store_files(into))} & {*map(identity, store_files(source))}:
            raise BadInput(f"{source}: a store cannot be merged into itself")
        _read(source).close()
    with closing(Store(into)) as store:
        return [_added(store, source) for source in sources]


def check(path: Path) -> Checked:
    """Read every row of a store, and compare it with its checksum. Raises StoreUnusable for what is no store."""
    with closing(_read(path)) as db:
        rows = [row is not None for row in _rows(db)]
    return Checked(sum(rows), len(rows) - sum(rows))


def _read(path: Path) -> sqlite3.Connection:
    with usable(path, "nothing of it was read"):
        return ready(opened_to_read(path.resolve(), cut_off_too=True), to_read=True)


def _added(store: Store, source: Path) -> Merged:
    before, found, different, damaged, block = len(store), 0, 0, 0, []
    with closing(_read(source)) as db:
        for row in _rows(db):
            found, damaged = found + 1, damaged + (row is None)
            if row:
                different += _differ(store.response(row[0]), row[2])
                block.append((PUT, row))
            if len(block) == BLOCK:
                store.write(block)
                block = []
    store.write(block)
    added = len(store) - before
    return Merged(added, found - damaged - added, different, damaged)


def _differ(known: dict | None, response: str) -> bool:
    new = json.loads(response)
    return known is not None and any(known.get(name) != new.get(name) for name in SAID)


def _rows(db: sqlite3.Connection) -> Iterator[Row | None]:
    """Every row; None for one that is damaged. What stands behind the end of a file that is cut off is unknown."""
    start, last, unread = 0, _last(db), 0
    while start <= last and unread <= UNREAD:
        for row in _block(db, start, int(min(start + BLOCK, last + 1))):
            if row is None and last == inf:
                unread += 1
            else:
                yield from [None] * unread
                yield row if row and is_sound(*row) else None
                unread = 0
        start += BLOCK


def _block(db: sqlite3.Connection, start: int, end: int) -> list[Row | None]:
    try:
        return db.execute(f"{ROWS} >= ? AND rowid < ?", (start, end)).fetchall()
    except DAMAGE:
        return [row for number in range(start, end) for row in _one(db, number)]


def _one(db: sqlite3.Connection, number: int) -> list[Row | None]:
    try:
        return db.execute(f"{ROWS} = ?", (number,)).fetchall()
    except DAMAGE:
        return [None]


def _last(db: sqlite3.Connection) -> float:
    # Of a file that is cut off nobody can say.
    with suppress(*DAMAGE):
        return db.execute("SELECT max(rowid) FROM completions").fetchone()[0] or 0
    return inf
