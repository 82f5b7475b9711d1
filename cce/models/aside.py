"""Answers that a store cannot keep: they wait in a file beside it, or in the folder for temporary files, and the next
process that opens the store takes them in.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import gettempdir
from typing import TextIO

from cce.outputs import ASIDE
from cce.text import whole_characters


def put_aside(store: Path | None, rows: Sequence[Sequence]) -> str:
    """Write these rows where that is possible, and say where, for the end of an error; nothing for no rows."""
    if not rows or store is None:
        return ""
    for file in _places(store):
        with suppress(OSError), _locked(file, "a") as out:
            out.writelines(json.dumps(row) + "\n" for row in rows)
            out.flush()
            os.fsync(out.fileno())
            return f"; {len(rows)} answers that were paid for wait in {file}, and the next run takes them in"
    return f"; {len(rows)} answers that were paid for could be written nowhere, and are lost"


@contextmanager
def taken_in(store: Path) -> Iterator[list[list]]:
    """The rows that wait for this store. Where the block ends well they are in, and their files are deleted."""
    rows, files = [], list(filter(_is_own, _places(store)))
    for file in files:
        with _locked(file, "r") as waiting:
            for line in waiting:
                # The last one may have been cut off.
                with suppress(ValueError):
                    rows.append(json.loads(line))
    yield rows
    for file in files:
        file.unlink(missing_ok=True)


@contextmanager
def _locked(file: Path, mode: str) -> Iterator[TextIO]:
    number = os.open(file, (os.O_APPEND | os.O_CREAT if mode == "a" else 0) | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    with open(number, mode, encoding="utf-8") as opened:
        if not _is_own(file):
            raise PermissionError(f"{file} is somebody else's")
        fcntl.flock(number, fcntl.LOCK_EX)
        yield opened


def _is_own(file: Path) -> bool:
    # In a folder that all may write to, others may put a file or a link of this name.
    return file.is_file() and not file.is_symlink() and file.stat().st_uid == os.geteuid()


def _places(store: Path) -> list[Path]:
    name = hashlib.sha256(whole_characters(str(store)).encode()).hexdigest()[:16]
    return [store.with_name(store.name + ASIDE), Path(gettempdir()) / f"cce-{name}{ASIDE}"]
