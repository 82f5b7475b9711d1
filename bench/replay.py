"""What does a finished run cost when it is run again?

Set-up: vanilla over 100,000 planted pairs, all of whose completions are in the store; nobody listens at the judge's
address. Floor: the same rows read by their keys with sqlite3 and json alone. Bounds: 15 s, 500 MB; and with `large`,
for 300,000 and 1,000,000 pairs, at most 1.2 times the seconds that 100,000 take, for each 100,000, and 600 MB.
"""

import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.figure import Figure
from bench.pairs import planted, write_pairs
from bench.race import before_server, process

NOWHERE = "judge@http://127.0.0.1:9/v1"


def figures(pairs: int = 100_000, large: bool = False) -> list[Figure]:
    """Seconds and peak memory of a replay, and how both grow."""
    kit, floor = replayed(pairs)
    what = f"replay of {pairs:,} completions"
    found = [
        Figure(what, kit["seconds"], "s", floor, 15, relative=False),
        Figure(f"{what}: peak memory", kit["peak_mb"], "MB", None, 500, relative=False),
    ]
    for times in (3, 10) if large else ():
        more, _ = replayed(times * pairs)
        what = f"replay of {times * pairs:,}"
        note = f"floor: the same for {pairs:,}"
        found.append(
            Figure(f"{what}, for each {pairs:,}", more["seconds"] / times, "s", kit["seconds"], 1.2, note=note)
        )
        found.append(Figure(f"{what}: peak memory", more["peak_mb"], "MB", None, 600, relative=False))
    return found


def replayed(number: int) -> tuple[dict, float]:
    """The kit's replay of so many pairs, and the floor in seconds."""
    with TemporaryDirectory() as folder:
        job = {"store": f"{folder}/store.sqlite", "method": "vanilla", "concurrency": 32}
        fill(Path(folder), number, job)
        file = write_pairs(Path(folder) / "pairs.jsonl", number)
        return process("bench.kit", **job, pairs=file, judge=NOWHERE, crowd=[]), read(job["store"])


def fill(folder: Path, number: int, job: dict) -> None:
    """Judge one pair, and keep its answer under every other pair's name as well."""
    from cce.models.store import Store, statement_of
    from cce.models.wire import Completion, Request
    from cce.names import model_parts

    one = write_pairs(folder / "one.jsonl", 1)
    before_server(0, "bench.kit", **job, pairs=one, crowd=0)
    store, name = Store(job["store"]), planted("0000000")["id"]
    request, response = store.db.execute("SELECT request, response FROM completions").fetchone()
    answer = Completion(**json.loads(response))
    rows = []
    for place in range(number):
        body = json.loads(request.replace(name, f"{place:07}"))
        del body["expects"]  # which stands beside the request
        del body["url"]
        rows.append(statement_of(Request(body, url=model_parts(NOWHERE).url), answer))
    store.write(rows)
    store.close()


def read(store: str) -> float:
    """Seconds to find every response by its key, one at a time, and to parse it."""
    with closing(sqlite3.connect(store)) as db:
        keys = db.execute("SELECT key FROM completions").fetchall()
        start = time.perf_counter()
        for key in keys:
            json.loads(db.execute("SELECT response FROM completions WHERE key = ?", key).fetchone()[0])
        return time.perf_counter() - start
