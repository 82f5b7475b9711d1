"""Notebook 01 through a real vLLM server, what that server is asked beyond text, and its own speed beside the kit's.

Example runs:
    make vllm-check                                              # SmolLM2 on this machine's CPU
    python bench/vllm_check.py NAME@http://localhost:8000/v1     # a vLLM server of your own, for its rates
"""

import asyncio
import json
import os
import re
import signal
import sqlite3
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.request import Request, urlopen

import pandas as pd
import papermill
import yaml
from openai import AsyncOpenAI, OpenAI

from cce import LLM, load_pairs
from cce.analysis.structured import POINTS, read_points
from cce.analysis.tables import readable
from cce.benchmarks.pair import Pair
from cce.crowd.compare import TOP_LOGPROBS
from cce.crowd.prompts import render
from cce.crowd.verdict import read_distribution
from cce.models.client import completion_of, wire_form
from cce.models.endpoint import endpoint_of
from cce.models.student import started
from cce.project import commit, enter

OUT = Path("runs/vllm-check")
NAME = "SmolLM2-135M-Instruct"
PARAMETERS = Path("bench/vllm_check.yaml")
# Both cores of two; 4 GiB hold 180,000 tokens of this model, so that a run's prompts stay in the cache.
CPU = {"VLLM_CPU_OMP_THREADS_BIND": f"0-{os.cpu_count() - 1}", "VLLM_CPU_KVCACHE_SPACE": "4"}
# The module, since the command of that name is missing from the build for CPUs. Prompts are read whole: on a CPU, vLLM
# 0.32.0 dies of a prompt read in parts where the request has a seed ("CPU Generator does not use offset").
SERVE = ["-m", "vllm.entrypoints.openai.api_server", "--model", ".", "--served-model-name", NAME, "--enforce-eager"]
SERVE += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "8192"]
VERDICT = {"type": "object", "properties": {"verdict": {"enum": ["A", "B"]}}, "required": ["verdict"]}


def main(model: str | None = None) -> None:
    """Print the checks and the speeds; the exit status is 1 where the server did not do what it was asked."""
    enter()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with own_server() if model is None else given(model) as server:
        print(f"{date.today()}, commit {commit()}, vLLM {ask(server, '/version')['version']}")
        checked = pd.DataFrame(checks(server), columns=["asked", "got", "held"])
        show(checked)
        show_speeds(server)
    sys.exit(not checked.held.all())


def show(table: pd.DataFrame) -> None:
    """Print a table as Markdown."""
    rows = [list(table), ["---"] * table.shape[1], *readable(table).itertuples(index=False)]
    print("", *(f"| {' | '.join(map(str, row))} |" for row in rows), "", sep="\n")


# The server


@contextmanager
def own_server() -> Iterator[str]:
    """The embedded model behind vLLM on a free port of loopback, as NAME@URL; stopped whatever happens."""
    folder = OUT / NAME
    if not (folder / "config.json").is_file():
        write_model(folder)
    os.environ.update(CPU)
    process, url = started([str((OUT / "env/bin/python").absolute()), *SERVE], folder)
    try:
        yield f"{NAME}@{url}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def given(model: str) -> Iterator[str]:
    """A server that runs already, and goes on running."""
    yield model


def write_model(folder: Path) -> None:
    """The embedded model as a Hugging Face folder, in bfloat16."""
    import torch

    from cce.models.base import load_base

    model, tokenizer = load_base("embedded", torch.bfloat16)
    tokenizer.save_pretrained(folder)
    model.save_pretrained(folder)


def ask(server: str, path: str, body: dict | None = None) -> dict:
    """The JSON answer of one of vLLM's own routes, which lie beside /v1."""
    data = json.dumps(body).encode() if body else None
    with urlopen(Request(address(server) + path, data, {"Content-Type": "application/json"})) as answer:
        return json.load(answer)


def address(server: str) -> str:
    """The server's address, without /v1."""
    return endpoint_of(server).address().removesuffix("/v1")


# What it is asked beyond text: a row a question, with what came back and whether it is as it should be


def checks(server: str) -> list[tuple[str, str, bool]]:
    """Schemas, log-probabilities and token counts, each asked for as the kit does."""
    llm, prompt = LLM(server), vanilla(load_pairs("pocket", limit=1)[0])
    said = llm.complete(prompt, max_tokens=64, temperature=0.7).text
    letter = [{"role": "user", "content": prompt}, {"role": "assistant", "content": said}]
    letter.append({"role": "user", "content": render("letter", None)})
    return [
        verdict_schema(llm, prompt),
        points_schema(llm, prompt),
        log_probabilities(llm, letter),
        tokens(llm, letter),
    ]


def vanilla(pair: Pair) -> str:
    """The plain comparison of a pair, as the judge gets it."""
    texts = {"questions": pair.questions, "answers_a": pair.answers_a, "answers_b": pair.answers_b}
    return render("vanilla", None, criteria="", **texts)


def verdict_schema(llm: LLM, prompt: str) -> tuple[str, str, bool]:
    """An object with one of two letters and nothing else."""
    text = llm.complete(prompt, max_tokens=64, schema=VERDICT).text
    held = re.fullmatch(r'\s*{\s*"verdict"\s*:\s*"[AB]"\s*}\s*', text)
    return "`response_format` with a schema: the verdict, A or B", f"`{' '.join(text.split())}`", bool(held)


def points_schema(llm: LLM, prompt: str) -> tuple[str, str, bool]:
    """The schema of notebook 04; a model this small repeats itself until it is cut off."""
    text = llm.complete(prompt, max_tokens=96, schema=POINTS).text
    free = llm.complete(prompt, max_tokens=96).text
    got = f"`{' '.join(text.split())[:40]}...`; without it `{' '.join(free.split())[:40]}...`"
    return "the schema of notebook 04: a list of points", got, text.lstrip().startswith("{") and bool(read_points(text))


def log_probabilities(llm: LLM, letter: list[dict]) -> tuple[str, str, bool]:
    """The first token's likeliest alternatives, and what is read of them."""
    first = llm.complete(letter, max_tokens=1, top_logprobs=TOP_LOGPROBS).first_token or {}
    p_first = read_distribution(first)
    got = f"{len(first)} tokens, read as probability {p_first and round(p_first, 3)} of A"
    return f"`top_logprobs={TOP_LOGPROBS}`", got, len(first) == TOP_LOGPROBS and p_first is not None


def choice(llm: LLM, letter: list[dict]) -> tuple[str, str, bool]:
    """The same with all other tokens forbidden, which vLLM alone can do; the kit does not ask for it."""
    request = {"model": llm.endpoint.name, "messages": letter, "sample": 0, "temperature": 0.0, "max_tokens": 1}
    allowed = {"extra_body": {"structured_outputs": {"choice": ["A", "B"]}}}
    with OpenAI(base_url=llm.endpoint.address(), api_key=llm.endpoint.key) as client:
        answer = client.chat.completions.create(**wire_form(request | {"top_logprobs": TOP_LOGPROBS}), **allowed)
    p_first = read_distribution(completion_of(answer, 0.0).first_token)
    got = f"`{answer.choices[0].message.content}`, read as probability {p_first and round(p_first, 3)} of A"
    return (
        "the same with `structured_outputs`: a choice of A and B",
        got,
        answer.choices[0].message.content in ("A", "B"),
    )


def tokens(llm: LLM, letter: list[dict]) -> tuple[str, str, bool]:
    """The counts that come with an answer, against the server's own tokenizer."""
    answer = llm.complete(letter, max_tokens=16)
    counted = ask(llm.model, "/tokenize", {"model": llm.endpoint.name, "messages": letter})["count"]
    got = f"{answer.prompt_tokens} and {answer.completion_tokens}; its tokenizer counts {counted} in the prompt"
    held = answer.prompt_tokens == counted and 0 < answer.completion_tokens <= 16
    return "token counts of prompt and answer (at most 16)", got, held


# Its speed, under the kit and under the plainest client


@dataclass
class Run:
    """What the server's own counters say of a piece of work, and how long it took."""

    name: str
    requests: int
    prompt_tokens: int
    cached: int
    generated: int
    seconds: float


COUNTERS = ("request_success", "prompt_tokens", "prefix_cache_hits", "generation_tokens")


def show_speeds(server: str) -> None:
    """The kit's run, the same requests from the plainest client, and the engine's two rates."""
    parameters = yaml.safe_load(PARAMETERS.read_text()) | {"judges": [server], "crowd": [server] * 2}
    asyncio.run(send(server, warm_up(server), parameters["concurrency"]))
    kit = measured(server, "notebook 01", lambda: run_notebook(parameters))
    requests = stored(parameters["store"])

    def plain(name: str, salt: str, **changed) -> Run:
        sent = [wire_form(request) | {"extra_body": {"cache_salt": salt}} | changed for request in requests]
        return measured(server, name, lambda: asyncio.run(send(server, sent, parameters["concurrency"])))

    floor = plain("the same requests, plain client, nothing cached", "floor")
    again = plain("once more, the prompts cached", "floor")
    prompts = plain("the prompts alone (one token each), nothing cached", "prompts", max_tokens=1)
    runs = pd.DataFrame([kit, floor, again, prompts])
    show(runs.assign(generated_a_second=(runs.generated / runs.seconds).round(1)))
    print(f"both letters among the likeliest {TOP_LOGPROBS}: {both_listed(parameters['store'])}")
    print(f"the kit: {kit.seconds / floor.seconds:.2f} times the floor's seconds")
    read = (prompts.prompt_tokens - prompts.cached) / prompts.seconds
    print(f"for bench/hours.py, where one GPU serves: --rates {read:.0f} {again.generated / again.seconds:.0f}")


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


def counters(server: str) -> list[int]:
    """The server's counters so far, over all its engines and reasons to stop."""
    with urlopen(address(server) + "/metrics") as answer:
        text = answer.read().decode()
    return [int(sum(map(float, re.findall(rf"^vllm:{name}_total{{.*}} (\S+)$", text, re.M)))) for name in COUNTERS]


def run_notebook(parameters: dict) -> float:
    """Run notebook 01 on an empty store; the seconds of the cell that judges."""
    for file in OUT.glob("store.sqlite*"):
        file.unlink()
    executed = str(OUT / "01_judge_accuracy.ipynb")
    made = papermill.execute_notebook(
        "notebooks/01_judge_accuracy.ipynb",
        executed,
        parameters,
        progress_bar=False,
        extra_arguments=["--IPKernelApp.log_level=ERROR"],
    )
    show(pd.read_csv(OUT / "01_judge_accuracy.csv")[["method", "pairs", "correct", "unreadable", "notes", "calls"]])
    return next(cell.metadata.papermill.duration for cell in made.cells if "evaluate(pairs" in cell.source)


def stored(store: str) -> list[dict]:
    """The requests of a store, in the order in which they were answered."""
    with sqlite3.connect(store) as db:
        return [json.loads(request) for (request,) in db.execute("SELECT request FROM completions ORDER BY rowid")]


def both_listed(store: str) -> str:
    """In how many of the requests for a letter the log-probabilities of both came back."""
    with sqlite3.connect(store) as db:
        answers = [
            json.loads(response)["first_token"] for (response,) in db.execute("SELECT response FROM completions")
        ]
    letters = [{token.strip() for token in first} for first in answers if first]
    return f"{sum({'A', 'B'} <= tokens for tokens in letters)} of {len(letters)} requests"


async def send(server: str, requests: list[dict], concurrency: int) -> float:
    """Send requests through a plain client with a semaphore; the seconds it takes."""
    gate, start = asyncio.Semaphore(concurrency), time.perf_counter()
    async with AsyncOpenAI(base_url=address(server) + "/v1", api_key="none", timeout=600) as client:

        async def one(request: dict) -> None:
            async with gate:
                await client.chat.completions.create(**request)

        await asyncio.gather(*map(one, requests))
    return time.perf_counter() - start


if __name__ == "__main__":
    main(*sys.argv[1:])
