"""The file of a store, as SQLite has it: whether it is whole, whether the log beside it is its own, and how it is
opened.

What was committed last stands in a write-ahead log beside the file until it is written back. SQLite takes any log that
lies there for the file's own: a file that was copied over another, or back from a copy, would lose what it holds. So
each commit leaves a mark, the store's own name and a number, in the file or its log, and the two must go on from each
other.
"""

import os
import re
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from cce.errors import StoreUnusable

# How long another process may hold a store.
LOCK_SECONDS = 60
MARK = re.compile(rb"CCE-LOG-([0-9a-f]{16})-([0-9]{12})")
# Sizes in SQLite's format of a log: its header, and that of each page in it.
LOG_HEADER, FRAME_HEADER = 32, 24
# So much must fit on the disk before anything is bought.
ROOM_BYTES = 1 << 20
LEFT = "make room, or name another file; what it holds is left as it is"
DAMAGED = "`cce store merge NEW OLD` saves what can be read of it"


@contextmanager
def usable(path: str | Path | None, outcome: str = LEFT) -> Iterator[None]:
    """Turn an error of SQLite or of the file system into StoreUnusable, which says what became of the store."""
    try:
        yield
    # SQLite's own words may hold bytes of a damaged file.
    except (sqlite3.Error, OSError, UnicodeDecodeError) as error:
        damaged = isinstance(error, UnicodeDecodeError) or "malformed" in str(error)
        remedy = DAMAGED if damaged else outcome
        raise StoreUnusable(f"store {path}: {error}; {remedy}") from None


def log_of(path: Path) -> Path:
    """Where the log of the store at this path lies."""
    return path.with_name(path.name + "-wal")


def connected(uri: str) -> sqlite3.Connection:
    """A connection that commits each statement at once, unless told otherwise."""
    return sqlite3.connect(uri, uri=True, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)


def opened(path: Path) -> sqlite3.Connection:
    """A connection that may write. Raises sqlite3.DatabaseError for a file that is cut off, or whose log is foreign."""
    _check_whole(path)
    check_log(path)
    return connected(path.absolute().as_uri())


def opened_to_read(path: Path, cut_off_too: bool = False) -> sqlite3.Connection:
    """A connection that leaves the store as it is, also in a folder where nothing can be written.

    Of a file that is cut off SQLite reads nothing, unless it is to read what is left, one row after the other.
    """
    if not path.is_file():
        raise FileNotFoundError("there is no such file")
    check_log(path)
    db = _reading(path)
    db.execute(f"PRAGMA writable_schema = {int(cut_off_too)}")
    return db


def _reading(path: Path) -> sqlite3.Connection:
    # With no log beside it nobody writes to it, and SQLite need not put files of its own there, as it otherwise would.
    if not log_of(path).exists():
        return connected(f"{path.absolute().as_uri()}?mode=ro&immutable=1")
    db = connected(f"{path.absolute().as_uri()}?mode=ro")
    try:
        db.execute("SELECT 1 FROM sqlite_master").fetchone()
        return db
    except sqlite3.OperationalError:
        db.close()
        return _opened_copy(path)


def check_room(folder: Path) -> None:
    """Raise OSError where the disk has no room for what will be bought."""
    with tempfile.TemporaryFile(dir=folder) as room:
        room.write(bytes(ROOM_BYTES))
        room.flush()
        os.fsync(room.fileno())


def check_log(path: Path) -> None:
    """Raise sqlite3.DatabaseError where the log beside the file is another file's, or of another time."""
    for wait in (0.05, 0.1, 0.2):
        before = _state(path)
        if _go_together(path):
            return
        time.sleep(wait)
        # Where another process writes meanwhile, what was read of the two is of two moments.
        if _state(path) == before and not _go_together(path):
            foreign = f"the log {log_of(path).name} beside it is another file's, or of another time"
            raise sqlite3.DatabaseError(f"{foreign}; move it away to use the file without it")


def _state(path: Path) -> list[tuple]:
    return [(file.stat().st_size, file.stat().st_mtime_ns) for file in (path, log_of(path)) if file.exists()]


def _go_together(path: Path) -> bool:
    marks = _marks_in_log(log_of(path))
    if not marks:
        return True
    known = _mark_in_file(path)
    (name, first), (_, last) = marks[0], marks[-1]
    if known is None:
        return first <= 1
    return known[0] == name and first <= known[1] + 1 and last >= known[1]


def _mark_in_file(path: Path) -> tuple[bytes, int] | None:
    # Immutable: without its log.
    alone = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    with suppress(sqlite3.Error, UnicodeDecodeError, TypeError), closing(connected(alone)) as db:
        found = MARK.fullmatch(bytes(db.execute("SELECT CAST(mark AS BLOB) FROM log").fetchone()[0]))
        return found and (found[1], int(found[2]))
    return None


def _marks_in_log(log: Path) -> list[tuple[bytes, int]]:
    """The name and number of each commit in the log, in order; none for one that is empty, or of an earlier version."""
    content = log.read_bytes() if log.is_file() else b""
    size = FRAME_HEADER + int.from_bytes(content[8:12])
    frames = (content[start : start + size] for start in range(LOG_HEADER, len(content), size))
    # What an earlier turn of the log left behind has another salt.
    valid = (frame for frame in frames if frame[8:16] == content[16:24])
    numbered = ([(name, int(number)) for name, number in MARK.findall(frame)] for frame in valid)
    # Of one page the highest: what it held before may stand there still.
    return [max(marks, key=lambda mark: mark[1]) for marks in numbered if marks]


def _check_whole(path: Path) -> None:
    # A file shorter than it says is refused before SQLite writes into it; after a kill the log beside it has the rest.
    if not path.is_file() or log_of(path).exists():
        return
    with path.open("rb") as file:
        header = file.read(32)
    # The size of a page, of 65,536 bytes as 1, and the number of pages.
    size, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if header.startswith(b"SQLite format 3") and path.stat().st_size < (65_536 if size == 1 else size) * pages:
        raise sqlite3.DatabaseError("the file is cut off; `cce store merge NEW OLD` saves what is left of it")


def _opened_copy(path: Path) -> sqlite3.Connection:
    # SQLite reads a log by a file that it makes beside it: where it may not, in a folder of our own.
    folder = Path(tempfile.mkdtemp(prefix="cce-store-"))
    for file in (path, log_of(path)):
        shutil.copyfile(file, folder / file.name)
    db = connected((folder / path.name).as_uri())
    db.execute("SELECT 1 FROM sqlite_master").fetchone()
    # What is open stays readable without its name.
    shutil.rmtree(folder)
    return db
