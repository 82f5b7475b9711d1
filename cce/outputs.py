"""Files that are written: whole or not at all, never over a file that is read, and by one process at a time."""

import errno
import fcntl
import os
import re
import shutil
import socket
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import sha256
from io import FileIO
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from cce.errors import BadInput, OutputUnusable

# Files by what they are to the user.
Files = Mapping[str, Iterable[str | Path | None]]
# What SQLite puts beside a store, and where answers wait that a store could not keep.
BESIDE_A_STORE, ASIDE = ("-wal", "-shm", "-journal"), "-aside.jsonl"
FULL = errno.ENOSPC, errno.EDQUOT, errno.EFBIG
ELSEWHERE = "name a file in a folder that can be written"
NO_ROOM = "make room, or name another file, and run it again; what models have answered is in the store"


def keep_apart(read: Files, written: Files) -> None:
    """Refuse to write a file that is read, or written as another one too: by its name, a link or any other path.

    What the command prints into counts as well. Raises BadInput, naming both.
    """
    known = _streams() | {identity(file): what for what, files in read.items() for file in files if file}
    for what, files in written.items():
        for file in files:
            if (other := known.setdefault(identity(file), what)) != what:
                raise BadInput(f"{what} {file} is {other} as well; name another file")


def identity(file: str | Path | int) -> object:
    """The same for all names of one file, also of one that is yet to be made; an open one is named by its number."""
    try:
        found = os.stat(file)
    except OSError:
        return os.path.realpath(file)
    return found.st_dev, found.st_ino


def store_files(store: str | Path | None) -> list[str]:
    """A store and the files beside it that belong to it."""
    return [os.path.realpath(store) + end for end in ("", *BESIDE_A_STORE, ASIDE)] if store else []


def _streams() -> dict[object, str]:
    known = {}
    for number, name in enumerate(("standard input", "standard output", "standard error")):
        with suppress(OSError):
            if stat.S_ISREG(os.fstat(number).st_mode):
                known[identity(number)] = name
    return known


def target_of(file: Path) -> Path:
    """The file behind the links, where text may take its place. Raises OutputUnusable, which says why it may not."""
    target = Path(os.path.realpath(file))
    with clearly(file):
        if problem := _problem(file, target):
            raise OutputUnusable(f"{file}: {problem}")
    return target


def _problem(file: Path, target: Path) -> str | None:
    if _is_store(target):
        return "that is a store or another database; name another file"
    try:
        mode = os.stat(file).st_mode
    except FileNotFoundError:
        return None
    if stat.S_ISDIR(mode):
        return "that is a folder; name a file in it"
    if not stat.S_ISREG(mode):
        return "that is no regular file; name one"
    # root may write to all files, and means a read-only one to stay all the same.
    read_only = not mode & 0o222 or not os.access(target, os.W_OK)
    return "that is read-only; make it writable, or name another file" if read_only else None


def _is_store(file: Path) -> bool:
    store = file.with_name(re.sub(f"({'|'.join((*BESIDE_A_STORE, ASIDE))})$", "", file.name) or file.name)
    if not store.is_file():
        return False
    with store.open("rb") as opened:
        return opened.read(15) == b"SQLite format 3"


def check_writable(file: Path) -> None:
    """Make sure that the file can be written later. Raises OutputUnusable where it cannot, and leaves all as it is."""
    probe = _beside(target_of(file))
    with clearly(file):
        probe.touch(exist_ok=False)
        probe.unlink()


def write_whole(file: Path, text: str) -> None:
    """Write the file at once: a reader, or a process that is killed, never leaves or finds half of it.

    A link stays a link, and a file keeps its permissions. Raises OutputUnusable where it cannot be written.
    """
    begun(file, text).close()


def begun(file: Path, text: str) -> FileIO:
    """The same, and the file is returned open, to `append` to."""
    target = target_of(file)
    beside = _beside(target)
    with clearly(file):
        new = beside.open("xb", buffering=0)
        try:
            if target.exists():
                shutil.copymode(target, beside)
            append(new, text)
            # Or a machine that goes down could leave an empty file in the place of the former one.
            os.fsync(new)
            os.replace(beside, target)
        except BaseException:
            new.close()
            beside.unlink(missing_ok=True)
            raise
    return new


def append(file: FileIO, text: str) -> None:
    """Add the whole text, or nothing of it where the disk is full."""
    start, left = file.tell(), text.encode("utf-8", "replace")
    try:
        while left:
            left = left[file.write(left) :]
    except OSError:
        file.seek(start)
        file.truncate()
        raise


def _beside(target: Path) -> Path:
    # By a name that nobody else uses, and no longer than any folder takes.
    return target.with_name(f".cce-{uuid4().hex}.part")


@contextmanager
def clearly(file: Path) -> Iterator[None]:
    """Turn an error of the operating system's over this file into OutputUnusable, with what to do about it."""
    try:
        yield
    except OSError as problem:
        remedy = NO_ROOM if problem.errno in FULL else ELSEWHERE
        raise OutputUnusable(f"{file}: {problem.strerror or problem}; {remedy}") from None


@contextmanager
def alone(file: Path) -> Iterator[None]:
    """Write a file or folder as the only process while the block runs. Raises BadInput, naming the process that does.

    The mark is a lock on a hidden file beside it, which the kernel lifts however the process ends. A file system
    without locks lets everyone in.
    """
    target = Path(os.path.realpath(file))
    mark = target.with_name(f".cce-{sha256(target.name.encode()).hexdigest()[:16]}.lock")
    with clearly(file):
        held = _held(mark, file)
    with held:
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def _held(mark: Path, file: Path) -> TextIO:
    while True:
        held = mark.open("a+")
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            held.seek(0)
            who = held.read() or "another process"
            held.close()
            raise BadInput(f"{file}: {who} is writing it; wait for its end, or name another place") from None
        except OSError:
            pass
        # Or the one before has just taken its mark away.
        if identity(mark) == identity(held.fileno()):
            _sign(held.fileno(), mark)
            return held
        held.close()


def _sign(held: int, mark: Path) -> None:
    try:
        os.truncate(held, 0)
        os.write(held, f"process {os.getpid()} on {socket.gethostname()}".encode())
    except OSError:
        mark.unlink()
        raise
