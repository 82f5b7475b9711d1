"""The store of completions: SQLite, one row per completion, committed the moment it arrives.

A run finds what an earlier one paid for. With `CCE_REPLAY=FILE` all comes from that file; what it lacks is an error.
"""

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import fields, replace
from functools import cache
from pathlib import Path

from tenacity import retry, retry_if_exception_message, wait_random
from tenacity.stop import stop_after_delay

from cce.errors import BadInput, NotRecorded, StoreUnusable
from cce.models.wire import Completion, Request
from cce.outputs import identity, store_files

# Marks a SQLite file as ours: the bytes "CCE1".
APPLICATION_ID = 0x43434531
# How long another process may hold a store.
LOCK_SECONDS = 60
# In one transaction, so that a second process never sees a table without the mark.
CREATE = f"""BEGIN IMMEDIATE; PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, request TEXT NOT NULL, response TEXT NOT NULL); COMMIT"""
# The first answer stays; a content that was refused may be answered later.
PUT = """INSERT INTO completions VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET response = excluded.response
WHERE json_extract(response, '$.finish') = 'refused'"""
HAS_MANNERS = "SELECT 1 FROM sqlite_master WHERE name = 'manners'"
LOCKED = retry_if_exception_message(match="database is locked")
LEFT = "make room, or name another file; what it holds is left as it is"
UNMERGED = "nothing of it was merged"


@contextmanager
def _usable(path: str | Path, outcome: str = LEFT) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreUnusable(f"store {path}: {error}; {outcome}") from None


class Store:
    """Completions by request, in a file, or in memory where no path is given; a `replay` only reads.

    Raises StoreUnusable where the path cannot be written or holds something that is not a store.
    """

    def __init__(self, path: str | Path | None = None, replay: bool = False):
        self.path, self.replay = path, replay
        with _usable(self.path):
            self.db = self._open()

    def get(self, request: Request) -> Completion | None:
        """The stored answer to this request, or None; in a replay a missing one raises NotRecorded."""
        if found := self.response(request.key):
            return Completion(**found, key=request.key)
        if self.replay:
            start = request.body["messages"][-1]["content"][:200]
            raise NotRecorded(f"{self.path} has no answer of {request.body['model']} to: {start!r}; record it anew")
        return None

    def put(self, request: Request, completion: Completion) -> Completion:
        """Keep an answer at once, and return it with its key; where two processes bought the same, the first stays."""
        # With the kind that was expected, so that the store tells the usual length of each.
        asked = json.dumps(request.body | {"expects": request.expects.kind})
        kept = {field.name: getattr(completion, field.name) for field in fields(completion) if field.compare}
        with _usable(self.path):
            row = (request.key, asked, json.dumps(kept))
            self.db.execute(PUT, row)
        return replace(completion, key=request.key)

    def manners(self, model: str, url: str) -> dict:
        """How this model at this address was found to want to be asked: `changes` of `Manners`."""
        return next((changes for *asked, changes in self._manners() if asked == [model, url]), {})

    def all_manners(self) -> list[tuple[str, dict]]:
        """The same of every model, with its name."""
        return [(model, changes) for model, _, changes in self._manners()]

    def _manners(self) -> list[tuple[str, str, dict]]:
        # A store that was never refused has no such table.
        with _usable(self.path):
            known = self.db.execute(HAS_MANNERS).fetchone()
            rows = self.db.execute("SELECT model, url, changes FROM manners ORDER BY 1").fetchall() if known else []
        return [(model, url, json.loads(changes)) for model, url, changes in rows]

    def keep_manners(self, model: str, url: str, changes: dict) -> None:
        """Keep these."""
        with _usable(self.path):
            self.db.execute(
                "CREATE TABLE IF NOT EXISTS manners (model TEXT, url TEXT, changes TEXT, PRIMARY KEY (model, url))"
            )
            self.db.execute("INSERT OR REPLACE INTO manners VALUES (?, ?, ?)", (model, url, json.dumps(changes)))

    def request(self, key: str) -> dict | None:
        """What was asked under this key: a request's body, or None."""
        return self._json("request", key)

    def response(self, key: str) -> dict | None:
        """What was answered under this key: the fields of a Completion that are kept, or None."""
        return self._json("response", key)

    def __len__(self) -> int:
        return self.db.execute("SELECT count(*) FROM completions").fetchone()[0]

    def _json(self, column: str, key: str) -> dict | None:
        with _usable(self.path):
            row = self.db.execute(f"SELECT {column} FROM completions WHERE key = ?", (key,)).fetchone()
        return json.loads(row[0]) if row else None

    # While another process turns on the log of a new store it is locked, and for that SQLite itself does not wait.
    @retry(retry=LOCKED, stop=stop_after_delay(LOCK_SECONDS), wait=wait_random(0, 0.1), reraise=True)
    def _open(self) -> sqlite3.Connection:
        if self.replay:
            return _checked(_connected(only_read(Path(self.path))))
        if self.path:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            _check_whole(Path(self.path))
        db = _connected(Path(self.path).absolute().as_uri() if self.path else ":memory:")
        if not db.execute("PRAGMA schema_version").fetchone()[0]:
            # Write-ahead logging survives a killed process and lets several processes share the file.
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(CREATE)
        return _checked(db)


def _connected(uri: str) -> sqlite3.Connection:
    return sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)


def _checked(db: sqlite3.Connection) -> sqlite3.Connection:
    if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise sqlite3.DatabaseError("this file is not a store of completions")
    db.execute("PRAGMA synchronous = NORMAL")
    return db


def _check_whole(path: Path) -> None:
    # A file shorter than it says is refused before SQLite writes into it; after a kill the log beside it has the rest.
    if not path.is_file() or path.with_name(path.name + "-wal").exists():
        return
    with path.open("rb") as file:
        header = file.read(32)
    # The size of a page, of 65,536 bytes as 1, and the number of pages.
    size, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if header.startswith(b"SQLite format 3") and path.stat().st_size < (65_536 if size == 1 else size) * pages:
        raise sqlite3.DatabaseError("the file is cut off")


def only_read(path: Path) -> str:
    """The URI at which SQLite reads a store and leaves it as it is."""
    # With no log beside it nobody writes to it, and SQLite need not put files of its own there, as it otherwise would.
    immutable = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro{immutable}"


def open_store(path: str | Path | None) -> Store:
    """The store at this path, opened once per process, or one in memory; CCE_REPLAY, where set, goes before both."""
    recorded = os.environ.get("CCE_REPLAY")
    file = recorded or path
    return _opened(Path(file).absolute(), replay=bool(recorded)) if file else Store()


_opened = cache(Store)


def merge(into: Path, sources: Sequence[Path]) -> list[tuple[int, int]]:
    """Put the completions of all sources into the store `into`, which is made if missing; the first answer stays.

    Sources are only read, also while a run writes to them. Returns for each how many completions were added, and how
    many were there already. Raises BadInput for a store merged into itself, StoreUnusable for a file that is no store:
    both before anything is written. A source that turns out broken later adds nothing; those before it are added.
    """
    for source in sources:
        if {*map(identity, store_files(into))} & {*map(identity, store_files(source))}:
            raise BadInput(f"{source}: a store cannot be merged into itself")
        with _usable(source, UNMERGED), closing(_connected(only_read(source))) as db:
            _checked(db)
    with closing(Store(into).db) as db:
        return [_added(db, source) for source in sources]


def _added(db: sqlite3.Connection, source: Path) -> tuple[int, int]:
    with _usable(source, UNMERGED):
        db.execute("ATTACH ? AS source", (only_read(source),))
        # In one transaction, so that both numbers are of the same moment of a source that still grows.
        db.execute("BEGIN")
        added = db.execute("INSERT OR IGNORE INTO completions SELECT * FROM source.completions").rowcount
        found = db.execute("SELECT count(*) FROM source.completions").fetchone()[0]
        db.execute("COMMIT")
        db.execute("DETACH source")
    return added, found - added
