"""The store of completions: SQLite, one row per completion, on the disk before anyone goes on with it.

A run finds what an earlier one paid for. With `CCE_REPLAY=FILE` all comes from that file; what it lacks is an error.
What arrives while the disk is busy is committed together: under load a commit costs each row next to nothing.
"""

import atexit
import json
import os
import sqlite3
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import fields, replace
from pathlib import Path
from threading import Lock

from tenacity import retry, retry_if_exception_message, wait_random
from tenacity.stop import stop_after_delay

from cce.errors import NotRecorded, StoreUnusable
from cce.models import store_file
from cce.models.aside import put_aside, taken_in
from cce.models.commits import Commits, Statement
from cce.models.store_file import usable
from cce.models.store_tables import CREATE, SOUND, Row, checksum, is_sound, ready
from cce.models.wire import Completion, Request
from cce.outputs import identity

# The first answer stays; a content that was refused may be answered later, and a damaged row is worth nothing.
PUT = f"""INSERT INTO completions VALUES (?, ?, ?, ?) ON CONFLICT (key) DO UPDATE
SET request = excluded.request, response = excluded.response, checksum = excluded.checksum
WHERE NOT {SOUND} OR json_extract(response, '$.finish') = 'refused'"""
SPEND = """INSERT INTO spent VALUES (?, ?, ?, ?) ON CONFLICT (run) DO UPDATE SET
calls = calls + excluded.calls, tokens = tokens + excluded.tokens, dollars = dollars + excluded.dollars"""
NEXT_MARK = "UPDATE log SET mark = substr(mark, 1, 25) || printf('%012d', substr(mark, 26) + 1)"
# By another process, perhaps one that adds the same column.
LOCKED = retry_if_exception_message(match="database is locked|duplicate column name")


class Store:
    """Completions by request, in a file, or in memory where no path is given; a `replay` only reads.

    `damaged` has the keys of rows that are not what was written: they are left out, and asked for again.
    Raises StoreUnusable where the path cannot be written or holds something that is not a store.
    """

    def __init__(self, path: str | Path | None = None, replay: bool = False):
        # SQLite's log lies beside the file itself, not beside a link to it.
        self.path, self.replay, self.damaged = path and Path(path).resolve(), replay, set()
        # One commit at a time on the one connection that writes, from whichever thread.
        self.commits, self.turn = Commits(self.write), Lock()
        self.probed, self.process = not path, os.getpid()
        with usable(self.path):
            self.db = self._opened()
            # What is read does not wait for what is written.
            self.writer = self.db if replay or not path else ready(store_file.connected(self.path.as_uri()))
            self.place = path and identity(self.path)
        if path and not replay:
            self._take_in()

    def get(self, request: Request) -> Completion | None:
        """The stored answer to this request, or None; in a replay a missing one raises NotRecorded."""
        for key in request.keys:
            if found := self.response(key):
                return Completion(**found, key=key)
        if self.replay:
            start = request.body["messages"][-1]["content"][:200]
            raise NotRecorded(f"{self.path} has no answer of {request.body['model']} to: {start!r}; record it anew")
        return None

    async def keep(self, request: Request, completion: Completion) -> Completion:
        """Keep an answer, together with what else arrives meanwhile, and return it with its key once it is on the disk;
        where two processes bought the same, the first stays.
        """
        await self._kept(statement_of(request, completion))
        return replace(completion, key=request.key)

    async def spend(self, run: str, spent: Counter) -> None:
        """Note what a run has spent: calls, tokens and dollars."""
        await self._kept((SPEND, (run, spent["calls"], spent["tokens"], spent["dollars"])))

    def spent(self, run: str) -> Counter:
        """What this run has spent so far."""
        with usable(self.path):
            row = self.db.execute("SELECT calls, tokens, dollars FROM spent WHERE run = ?", (run,)).fetchone()
            # A bound that holds by a damaged sum holds nothing.
            if row and not all(isinstance(number, (int, float)) for number in row):
                raise sqlite3.DatabaseError("malformed: it does not tell what was spent")
        return Counter(dict(zip(("calls", "tokens", "dollars"), row or (), strict=False)))

    def probe(self) -> None:
        """Raise StoreUnusable, before anything is bought, where there is no room for what will be."""
        if not self.probed:
            with usable(self.path):
                store_file.check_room(self.path.parent)
            self.probed = True

    def manners(self, model: str, url: str) -> dict:
        """How this model at this address was found to want to be asked: `changes` of `Manners`."""
        return next((changes for *asked, changes in self._manners() if asked == [model, url]), {})

    def all_manners(self) -> list[tuple[str, dict]]:
        """The same of every model, with its name."""
        return [(model, changes) for model, _, changes in self._manners()]

    def _manners(self) -> list[tuple[str, str, dict]]:
        with usable(self.path):
            rows = self.db.execute("SELECT model, url, changes FROM manners ORDER BY 1").fetchall()
        return [(model, url, changes) for model, url, text in rows if (changes := _changes_in(text)) is not None]

    def keep_manners(self, model: str, url: str, changes: dict) -> None:
        """Keep these."""
        self.write([("INSERT OR REPLACE INTO manners VALUES (?, ?, ?)", (model, url, json.dumps(changes)))])

    def request(self, key: str) -> dict | None:
        """What was asked under this key: a request's body, or None."""
        found = self._row(key)
        return found and json.loads(found[0])

    def response(self, key: str) -> dict | None:
        """What was answered under this key: the fields of a Completion that are kept, or None."""
        found = self._row(key)
        return found and json.loads(found[1])

    def __len__(self) -> int:
        return self.db.execute("SELECT count(*) FROM completions").fetchone()[0]

    def write(self, statements: Sequence[Statement]) -> None:
        """Commit these together. Raises StoreUnusable, which says where answers wait that could not be kept."""
        try:
            with usable(self.path), self.turn:
                self._check_process()
                self._check_there()
                self._transaction(statements)
                self._check_there()
        except StoreUnusable as error:
            rows = [row for sql, row in statements if sql == PUT]
            raise StoreUnusable(f"{error}{put_aside(self.path, rows)}") from None

    def close(self) -> None:
        """Write the log back, so that the store is one whole file."""
        for db in (self.db, self.writer):
            with suppress(sqlite3.Error):
                db.close()

    def _check_process(self) -> None:
        # A forked process would break the locks of the one that opened it.
        if os.getpid() != self.process:
            raise OSError("it was opened before this process was forked; make models and judge in one and the same")

    def _row(self, key: str) -> tuple[str, str] | None:
        found = "SELECT request, response, checksum FROM completions WHERE key = ?"
        with usable(self.path):
            self._check_process()
            row = self.db.execute(found, (key,)).fetchone()
        if row and not is_sound(key, *row):
            self.damaged.add(key)
            return None
        return row and row[:2]

    async def _kept(self, statement: Statement) -> None:
        # In memory nothing is waited for.
        await self.commits.commit(statement) if self.writer is not self.db else self.write([statement])

    def _transaction(self, statements: Sequence[Statement]) -> None:
        self.writer.execute("BEGIN IMMEDIATE")
        try:
            for sql, values in statements:
                self.writer.execute(sql, values)
            self.writer.execute(NEXT_MARK)
            self.writer.execute("COMMIT")
        except sqlite3.Error:
            with suppress(sqlite3.Error):
                self.writer.execute("ROLLBACK")
            raise

    def _check_there(self) -> None:
        if self.path and identity(self.path) != self.place:
            raise OSError("it was deleted or replaced while this run writes to it")

    def _take_in(self) -> None:
        with taken_in(self.path) as rows:
            if rows := [tuple(row) for row in rows if len(row) == 4 and is_sound(*row)]:
                self.write([(PUT, row) for row in rows])

    # While another process turns on the log of a new store it is locked, and for that SQLite itself does not wait.
    @retry(retry=LOCKED, stop=stop_after_delay(store_file.LOCK_SECONDS), wait=wait_random(0, 0.1), reraise=True)
    def _opened(self) -> sqlite3.Connection:
        if self.replay:
            return ready(store_file.opened_to_read(self.path), to_read=True)
        if self.path:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        db = store_file.opened(self.path) if self.path else store_file.connected(":memory:")
        if not db.execute("PRAGMA schema_version").fetchone()[0]:
            # Write-ahead logging survives a killed process and lets several processes share the file.
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(CREATE)
        return ready(db)


def _changes_in(text: object) -> dict | None:
    # What is damaged is found out anew.
    with suppress(ValueError, TypeError, RecursionError):
        return changes if isinstance(changes := json.loads(text), dict) else None
    return None


def statement_of(request: Request, completion: Completion) -> tuple[str, Row]:
    """What keeps an answer, for `Store.write`."""
    # With the kind that was expected, so that the store tells the usual length of each.
    asked = json.dumps(request.identity | {"expects": request.expects.kind})
    kept = json.dumps({field.name: getattr(completion, field.name) for field in fields(completion) if field.compare})
    return PUT, (request.key, asked, kept, checksum(request.key, asked, kept))


def open_store(path: str | Path | None) -> Store:
    """The store at this path, opened once per process, or one in memory; CCE_REPLAY, where set, goes before both."""
    recorded = os.environ.get("CCE_REPLAY")
    if not (file := recorded or path):
        return Store()
    place = Path(file).resolve(), bool(recorded)
    if place not in _open:
        _open[place] = Store(*place)
    return _open[place]


_open: dict[tuple[Path, bool], Store] = {}
# Of the process that this one was forked from: they are its own, and closing them here would break its locks.
_inherited: list[dict] = []


@atexit.register
def close_all() -> None:
    """Close all stores of this process."""
    for store in _open.values():
        store.close()
    _open.clear()


def _leave_to_parent() -> None:
    _inherited.append(dict(_open))
    _open.clear()


os.register_at_fork(after_in_child=_leave_to_parent)
