"""The store of completions: SQLite, one row a completion, committed the moment it arrives.

The key covers what was asked (model, messages, sampling, sample number) and not how the endpoint was
reached, so that a run finds what an earlier one paid for. `CCE_REPLAY=FILE` takes every completion from
that file and turns a missing one into an error.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from tenacity import retry, retry_if_exception_message, wait_random
from tenacity.stop import stop_after_delay

from cce.errors import NotRecorded, StoreUnusable

# Marks a SQLite file as ours: the bytes "CCE1".
APPLICATION_ID = 0x43434531
# How long another process may hold a store.
LOCK_SECONDS = 60
# Made once: json.dumps would make one for every key.
CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"))
# In one transaction, so that a second process never sees a table without the mark.
CREATE = f"""
BEGIN IMMEDIATE;
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, request TEXT NOT NULL, response TEXT NOT NULL);
COMMIT;
"""


@dataclass(frozen=True)
class Completion:
    """What a model answered.

    `finish` is the endpoint's reason to stop, "overflow" where the prompt did not fit the context, or "schema refused".
    `first_token` maps the likeliest first tokens to their log-probabilities, where these were asked for.
    `seconds` is the time from sending the request to the whole answer.
    """

    text: str
    finish: str
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0
    first_token: dict[str, float] | None = None


def key_of(request: dict) -> str:
    """The store's key for a request: a digest of its canonical JSON."""
    return hashlib.sha256(CANONICAL.encode(request).encode()).hexdigest()


class Store:
    """Completions by request, in a file, or in memory where no path is given.

    Raises StoreUnusable where the path cannot be written or holds something that is not a store.
    """

    def __init__(self, path: str | Path | None = None, replay: bool = False):
        self.path, self.replay = path, replay
        with self._usable():
            self.db = self._open()

    def get(self, request: dict) -> Completion | None:
        """The stored answer to this request, or None; in a replay a missing one raises NotRecorded."""
        with self._usable():
            row = self.db.execute("SELECT response FROM completions WHERE key = ?", (key_of(request),)).fetchone()
        if row:
            return Completion(**json.loads(row[0]))
        if self.replay:
            start = request["messages"][-1]["content"][:200]
            raise NotRecorded(f"{self.path} has no answer of {request['model']} to: {start!r}; record it anew")
        return None

    def put(self, request: dict, completion: Completion) -> None:
        """Keep an answer, at once; the first one stays where two processes bought the same."""
        row = (key_of(request), json.dumps(request), json.dumps(asdict(completion)))
        with self._usable():
            self.db.execute("INSERT OR IGNORE INTO completions VALUES (?, ?, ?)", row)

    def __len__(self) -> int:
        return self.db.execute("SELECT count(*) FROM completions").fetchone()[0]

    # While another process turns on the log of a new store it is locked, and for that SQLite itself does not wait.
    @retry(
        retry=retry_if_exception_message(match="database is locked"),
        stop=stop_after_delay(LOCK_SECONDS),
        wait=wait_random(0, 0.1),
        reraise=True,
    )
    def _open(self) -> sqlite3.Connection:
        if self.replay:
            return self._checked(sqlite3.connect(only_read(Path(self.path)), uri=True, check_same_thread=False))
        if self.path:
            Path(self.path).parent.mkdir(parents=True, exist_ok=True)
            _check_whole(Path(self.path))
        db = sqlite3.connect(
            self.path or ":memory:", timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False
        )
        if db.execute("PRAGMA schema_version").fetchone()[0]:
            return self._checked(db)
        # Write-ahead logging survives a killed process and lets several processes share the file.
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript(CREATE)
        return self._checked(db)

    @contextmanager
    def _usable(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise StoreUnusable(
                f"store {self.path}: {error}; make room, or name another file; what it holds is left as it is"
            ) from None

    def _checked(self, db: sqlite3.Connection) -> sqlite3.Connection:
        if db.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
            raise sqlite3.DatabaseError("this file is not a store of completions")
        db.execute("PRAGMA synchronous = NORMAL")
        return db


def _check_whole(path: Path) -> None:
    """Refuse a file that is shorter than it says, before SQLite would write into it.

    Bytes 16 and 28 of a SQLite file hold the size of a page and the number of pages; of a file whose last writer was
    killed the log beside it holds the rest.
    """
    if not path.is_file() or path.with_name(path.name + "-wal").exists():
        return
    with path.open("rb") as file:
        header = file.read(32)
    size, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    # Of a page of 65,536 bytes the field holds 1.
    if header.startswith(b"SQLite format 3") and path.stat().st_size < (65_536 if size == 1 else size) * pages:
        raise sqlite3.DatabaseError("the file is cut off")


def only_read(path: Path) -> str:
    """The URI at which SQLite reads a store and leaves it as it is."""
    # With no log beside it nobody writes to it, and SQLite need not put files of its own there, as it otherwise would.
    immutable = "" if path.with_name(path.name + "-wal").exists() else "&immutable=1"
    return f"{path.absolute().as_uri()}?mode=ro{immutable}"


def open_store(path: str | Path | None) -> Store:
    """The store at this path, opened once a process, or one in memory; CCE_REPLAY, where set, goes before both."""
    recorded = os.environ.get("CCE_REPLAY")
    if recorded:
        return _opened(Path(recorded).absolute(), replay=True)
    return _opened(Path(path).absolute()) if path else Store()


_opened = cache(Store)
