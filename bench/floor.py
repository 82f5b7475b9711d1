"""The floor: the requests of a finished run, sent again by plain `AsyncOpenAI` under a semaphore, and thrown away.

Prints one JSON object, as `bench.kit` does.
"""

import asyncio
import json
import resource
import sqlite3
import sys
import time
from contextlib import closing

from openai import AsyncOpenAI

from cce.models import engines
from cce.models.endpoint import endpoint_of
from cce.models.wire import wire_form


def requests_of(store: str) -> list[dict]:
    """What a run sent, in the order in which the answers arrived, as keyword arguments of the OpenAI client."""
    with closing(sqlite3.connect(store)) as db:
        rows = db.execute("SELECT request FROM completions ORDER BY rowid").fetchall()
    return [wire_form(json.loads(request)) for (request,) in rows]


async def main(judge: str, store: str, concurrency: int) -> dict:
    """Send all requests to the judge's address."""
    # Where the judge is embedded, its server gets as many slots as requests are to be in flight.
    engines.CONCURRENCY = concurrency
    requests, endpoint = requests_of(store), endpoint_of(judge)
    client = AsyncOpenAI(base_url=endpoint.address(), api_key=endpoint.key, timeout=600)
    gate = asyncio.Semaphore(concurrency)

    async def answered(request: dict) -> int:
        async with gate:
            return (await client.chat.completions.create(**request)).usage.completion_tokens

    start = time.perf_counter()
    tokens = await asyncio.gather(*map(answered, requests))
    return {
        "seconds": time.perf_counter() - start,
        "calls": len(tokens),
        "tokens": sum(tokens),
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(main(**json.loads(sys.argv[1])))))
