"""Merging stores: what several machines bought, in one file."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from cce.errors import BadInput, StoreUnusable
from cce.models.store import APPLICATION_ID, LOCK_SECONDS, Store, only_read


def merge(into: Path, sources: Sequence[Path]) -> list[tuple[int, int]]:
    """Put the completions of all sources into the store `into`, which is made if missing.

    Sources are only read, also while a run writes to them. Of two answers to one request the one in `into` stays, else
    that of the first source.
    Returns for each source how many completions were added, and how many were there already.
    Raises BadInput for a store merged into itself, StoreUnusable for a file that is no store: both before anything is
    written. A source that turns out broken later adds nothing; those before it have been added.
    """
    for source in sources:
        _check(source, into)
    Store(into).db.close()
    with closing(_opened(f"{into.absolute().as_uri()}?mode=rw")) as db:
        return [_added(db, source) for source in sources]


def _check(source: Path, into: Path) -> None:
    if source.exists() and into.exists() and source.samefile(into):
        raise BadInput(f"{source}: a store cannot be merged into itself")
    with _named(source), closing(_opened(only_read(source))) as db:
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise sqlite3.DatabaseError("this file is not a store of completions")


def _added(db: sqlite3.Connection, source: Path) -> tuple[int, int]:
    with _named(source):
        db.execute("ATTACH ? AS source", (only_read(source),))
        # In one transaction, so that both numbers are of the same moment of a source that still grows.
        db.execute("BEGIN")
        added = db.execute("INSERT OR IGNORE INTO completions SELECT * FROM source.completions").rowcount
        found = db.execute("SELECT count(*) FROM source.completions").fetchone()[0]
        db.execute("COMMIT")
        db.execute("DETACH source")
    return added, found - added


def _opened(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None)


@contextmanager
def _named(source: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise StoreUnusable(f"store {source}: {error}; nothing of it was merged") from error
