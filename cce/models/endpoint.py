"""Where a model is served, and how it may be asked: `NAME`, `NAME@BASE_URL`, a model of this machine, or a folder."""

import asyncio
import atexit
import hashlib
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from urllib.parse import urlsplit

from httpx2 import Limits, Timeout
from openai import AsyncOpenAI, DefaultAioHttpClient
from pydantic import HttpUrl, TypeAdapter, ValidationError

from cce.errors import BadInput, EmbeddedMissing
from cce.models.engines import CONCURRENCY, CONTEXT, JUDGE, engine_of, llama_cpp, student_name, weights
from cce.models.loop import run
from cce.models.retries import TIMEOUT_SECONDS
from cce.names import model_parts

OPENAI_URL = "https://api.openai.com/v1"
CONNECT_SECONDS = 30
CLOSING_SECONDS = 2
NO_KEY = "no-key"
SHORTEST_KEY = 8
HTTP = TypeAdapter(HttpUrl)


@dataclass(frozen=True)
class Endpoint:
    """A model's own name, its address, its key, and what it can take.

    `address` gives the base URL, and starts an engine of our own where none runs yet. `concurrency` is how many
    requests it takes at once, whatever the user says; `context` is the number of tokens at which it cuts an answer
    off without a word. Both are None where it needs neither. `url` is empty for a model of this machine.
    """

    name: str
    address: Callable[[], str]
    key: str = NO_KEY
    url: str = ""
    concurrency: int | None = None
    context: int | None = None

    def masked(self, said: str) -> str:
        """What the endpoint said, without the key, which some repeat."""
        # A stand-in such as EMPTY is no secret, but a word.
        return said if len(self.key) < SHORTEST_KEY or self.key == NO_KEY else said.replace(self.key, "***")


def endpoint_of(model: str, needs_key: bool = True) -> Endpoint:
    """The endpoint of `NAME`, `NAME@BASE_URL`, `embedded`, `embedded-judge`, or a folder that a training made.

    Raises BadInput where the name is empty, the address is not http(s), the folder holds no finished training, or
    OpenAI is addressed and there is no key, which a dry run and a replay do not need.
    """
    if model == "embedded":
        return _on_this_machine(model, partial(llama_cpp, weights()))
    if model == "embedded-judge":
        # A judge that was trained anew must not be given the store's answers of the former one.
        return _on_this_machine(f"{model}-{_digest(JUDGE)}", partial(llama_cpp, weights(), JUDGE))
    if model and Path(model).is_dir():
        engine = engine_of(Path(model))
        name = student_name(Path(model))
        return _on_this_machine(name, engine.start) if engine.name == "llama.cpp" else Endpoint(name, engine.start)
    name, url = _name_and_url(model)
    return Endpoint(name, lambda: url, api_key(url, needs_key), url)


def _digest(file: Path) -> str:
    if not file.is_file():
        raise EmbeddedMissing(f"the embedded judge's adapter {file} is missing: make embedded-judge")
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _on_this_machine(name: str, address: Callable[[], str]) -> Endpoint:
    return Endpoint(name, address, concurrency=CONCURRENCY, context=CONTEXT)


def _name_and_url(model: str) -> tuple[str, str]:
    name, url = model_parts(model)
    if not name or "@" in name or (url and not _is_address(url)):
        raise BadInput(
            f"model {model!r}: write NAME or NAME@BASE_URL, such as gpt-4o or my-model@http://localhost:8000/v1"
        )
    return name, url or OPENAI_URL


def _is_address(url: str) -> bool:
    try:
        return bool(HTTP.validate_python(url))
    except ValidationError:
        return False


def api_key(url: str, needed: bool = True) -> str:
    """The key for this address, from the environment only.

    OPENAI_API_KEY goes to OpenAI alone; every other address gets CCE_API_KEY, or none.
    Raises BadInput where OpenAI is addressed, a key is needed, and there is none.
    """
    if f".{urlsplit(url).hostname}".endswith(".openai.com"):
        if needed and not os.environ.get("OPENAI_API_KEY"):
            raise BadInput(
                f"no key for {url}: set OPENAI_API_KEY, or name the model NAME@BASE_URL to use another server"
            )
        return os.environ.get("OPENAI_API_KEY") or NO_KEY
    return os.environ.get("CCE_API_KEY") or NO_KEY


@cache
def connections(url: str, concurrency: int, key: str) -> AsyncOpenAI:
    """One client, and so one pool of connections, for each address."""
    limits = Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    timeout = Timeout(TIMEOUT_SECONDS, connect=CONNECT_SECONDS)
    # Over aiohttp, whose pool costs half as much a request as httpx's where hundreds are in flight. Calls are made
    # again by `patiently`, and by nobody else.
    http = DefaultAioHttpClient(limits=limits, timeout=timeout)
    client = AsyncOpenAI(base_url=url, api_key=key, max_retries=0, timeout=timeout, http_client=http)
    atexit.register(_close, client)
    return client


def _close(client: AsyncOpenAI) -> None:
    # Left open, its connections are complained of on standard error when the program ends.
    with suppress(TimeoutError):
        run(asyncio.wait_for(client.close(), CLOSING_SECONDS))
