"""Notebook 01 through a vLLM server, and the same requests from the plainest client."""

import asyncio
import json
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import papermill
import yaml
from openai import AsyncOpenAI

from bench.vllm.asked import vanilla
from bench.vllm.server import OUT, counters
from cce import load_pairs
from cce.analysis import readable
from cce.crowd.session import ONE_TOKEN
from cce.models.endpoint import endpoint_of
from cce.models.wire import Request

NOTEBOOK = Path("notebooks/01_judge_accuracy.ipynb")
PARAMETERS = Path(__file__).with_name("01_judge_accuracy.yaml")


@dataclass
class Run:
    """What the server's own counters say of a piece of work, and how long it took."""

    name: str
    requests: int
    prompt_tokens: int
    cached: int
    generated: int
    seconds: float


def show_speeds(server: str) -> None:
    """The kit's run, the same requests from the plainest client, and the engine's two rates."""
    parameters = yaml.safe_load(PARAMETERS.read_text()) | {"judges": [server], "crowd": [server] * 2}
    asyncio.run(send(server, warm_up(server), parameters["concurrency"]))
    kit = measured(server, "notebook 01", lambda: run_notebook(parameters))
    requests = stored(parameters["store"])

    def plain(name: str, salt: str, **changed) -> Run:
        sent = [Request(request).wire_form() | {"extra_body": {"cache_salt": salt}} | changed for request in requests]
        return measured(server, name, lambda: asyncio.run(send(server, sent, parameters["concurrency"])))

    floor = plain("the same requests, plain client, nothing cached", "floor")
    again = plain("once more, the prompts cached", "floor")
    prompts = plain("the prompts alone (one token each), nothing cached", "prompts", max_tokens=1)
    runs = pd.DataFrame([kit, floor, again, prompts])
    show(runs.assign(generated_a_second=(runs.generated / runs.seconds).round(1)))
    print(f"both letters among the likeliest {ONE_TOKEN['top_logprobs']}: {both_listed(parameters['store'])}")
    print(f"the kit: {kit.seconds / floor.seconds:.2f} times the floor's seconds")
    read = (prompts.prompt_tokens - prompts.cached) / prompts.seconds
    print(f"for bench/hours.py, where one GPU serves: --rates {read:.0f} {again.generated / again.seconds:.0f}")


def show(table: pd.DataFrame) -> None:
    """Print a table as Markdown."""
    rows = [list(table), ["---"] * table.shape[1], *readable(table).itertuples(index=False)]
    print("", *(f"| {' | '.join(map(str, row))} |" for row in rows), "", sep="\n")


def warm_up(server: str) -> list[dict]:
    """Requests on other pairs: an engine's first ones compile and allocate."""
    sampling = {"model": endpoint_of(server).name, "temperature": 0.7, "max_tokens": 64, "seed": 0}
    pairs = load_pairs("pocket_train", limit=64)
    return [sampling | {"messages": [{"role": "user", "content": vanilla(pair)}]} for pair in pairs]


def measured(server: str, name: str, work: Callable[[], float]) -> Run:
    """Do the work, which returns its seconds, and count what it made the server do."""
    before = counters(server)
    seconds = work()
    done = [after - first for first, after in zip(before, counters(server), strict=True)]
    return Run(name, *done, round(seconds, 1))


def run_notebook(parameters: dict) -> float:
    """Run notebook 01 on an empty store; the seconds of the cell that judges."""
    for file in OUT.glob("store.sqlite*"):
        file.unlink()
    quiet = {"progress_bar": False, "extra_arguments": ["--IPKernelApp.log_level=ERROR"]}
    made = papermill.execute_notebook(str(NOTEBOOK), str(OUT / NOTEBOOK.name), parameters, **quiet)
    table = pd.read_csv(OUT / f"{NOTEBOOK.stem}.csv")
    show(table[["method", "pairs", "correct", "unreadable", "notes", "calls"]])
    return next(cell.metadata.papermill.duration for cell in made.cells if "evaluate(pairs" in cell.source)


def stored(store: str) -> list[dict]:
    """The requests of a store, in the order in which they were answered."""
    with sqlite3.connect(store) as db:
        return [json.loads(request) for (request,) in db.execute("SELECT request FROM completions ORDER BY rowid")]


def both_listed(store: str) -> str:
    """In how many of the requests for a letter the log-probabilities of both came back."""
    with sqlite3.connect(store) as db:
        answers = [json.loads(response) for (response,) in db.execute("SELECT response FROM completions")]
    letters = [{token.strip() for token in answer["first_token"]} for answer in answers if answer["first_token"]]
    return f"{sum({'A', 'B'} <= tokens for tokens in letters)} of {len(letters)} requests"


async def send(server: str, requests: list[dict], concurrency: int) -> float:
    """Send requests through a plain client with a semaphore; the seconds it takes."""
    gate, start = asyncio.Semaphore(concurrency), time.perf_counter()
    endpoint = endpoint_of(server)
    async with AsyncOpenAI(base_url=endpoint.address(), api_key=endpoint.key, timeout=600) as client:

        async def one(request: dict) -> None:
            async with gate:
                await client.chat.completions.create(**request)

        await asyncio.gather(*map(one, requests))
    return time.perf_counter() - start
