"""What does it cost that a completion which was paid for survives a power cut?

Set-up: 1,000 answers of 2,000 characters to prompts of 3,000, kept as a run keeps them, one and 32 at a time. Floor:
the same rows by sqlite3 alone, one commit each, without waiting for the disk. Bound: 32 at a time, five times that.
"""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure
from cce.models.store import Store, statement_of
from cce.models.wire import Completion, Request
from cce.project import root

ANSWER = Completion("y" * 2000, "stop", 700, 500, 1.0)


def figures(rows: int = 1000) -> list[Figure]:
    """Milliseconds for each completion."""
    requests = [Request({"model": "m", "n": n, "messages": [{"content": "x" * 3000}]}) for n in range(rows)]
    # On the project's own disk: a folder for temporary files may be in memory.
    with TemporaryDirectory(dir=root()) as folder:
        floor = unwaited(Path(folder) / "floor", requests)
        alone, many = (kept(Path(folder) / f"kit-{at_once}", requests, at_once) for at_once in (1, 32))
    return [
        Figure("keep a completion, one at a time", alone, "ms", floor),
        Figure("keep a completion, 32 at a time", many, "ms", floor, 5),
    ]


def kept(path: Path, requests: list[Request], at_once: int) -> float:
    """So many at once by the kit, each on the disk before the next begins."""
    store = Store(path)

    async def keep_all() -> None:
        gate = asyncio.Semaphore(at_once)

        async def keep(request: Request) -> None:
            async with gate:
                await store.keep(request, ANSWER)

        await asyncio.gather(*map(keep, requests))

    start = time.perf_counter()
    asyncio.run(keep_all())
    seconds = time.perf_counter() - start
    store.close()
    return 1000 * seconds / len(requests)


def unwaited(path: Path, requests: list[Request]) -> float:
    """The same rows in a table of their own, each committed, and none waited for."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL")
        db.execute("CREATE TABLE completions (key TEXT PRIMARY KEY, request TEXT, response TEXT, checksum TEXT)")
        start = time.perf_counter()
        for request in requests:
            db.execute("INSERT INTO completions VALUES (?, ?, ?, ?)", statement_of(request, ANSWER)[1])
        return 1000 * (time.perf_counter() - start) / len(requests)
