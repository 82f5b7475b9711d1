"""Where a model is served: its name, its address, its key, and the connections to it."""

import asyncio
import atexit
import hashlib
import os
import resource
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from math import inf
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import openai
import psutil
from httpx2 import Limits, Response, Timeout, create_ssl_context
from httpx2 import Request as HttpRequest
from pydantic import HttpUrl, TypeAdapter, ValidationError

from cce.errors import BadInput, EmbeddedMissing
from cce.models.engines import CONCURRENCY, CONTEXT, JUDGE, KEY, engine_of, llama_cpp, student_name, weights
from cce.models.failures import TIMEOUT_SECONDS
from cce.models.keys import NO_KEY, is_openai, key_for, masked, own_name
from cce.models.loop import run
from cce.models.settings import reached, settings_of
from cce.spending import on_loopback

OPENAI_URL = "https://api.openai.com/v1"
# Of one reply, after unpacking: no answer is as long, nor is the file of a batch's.
LARGEST_REPLY, LARGEST_FILE = 16 * 2**20, 2**30


@dataclass(frozen=True)
class Endpoint:
    """A model's own name, its address, its key and the headers it is sent by, and what it can take.

    `address` gives the base URL, and starts an engine of our own where none runs yet; `url` is empty for those. So many
    requests at once, whatever the user says, and so many tokens, at which an answer is cut off, or None for no limit.
    """

    name: str
    address: Callable[[], str]
    key: str = NO_KEY
    url: str = ""
    concurrency: int | None = None
    context: int | None = None
    key_header: str | None = None
    headers: tuple[tuple[str, str], ...] = ()

    def masked(self, said: str) -> str:
        """What the endpoint said, without the key, which some repeat."""
        return masked(said, self.key)


def endpoint_of(model: str, needs_key: bool = True) -> Endpoint:
    """The endpoint of `NAME`, as its settings say, of `NAME@BASE_URL`, `embedded`, `embedded-judge`, or a folder that a
    training made.

    Raises BadInput where the name is empty, the address is not http(s), the folder holds no finished training, or
    OpenAI is addressed and there is no key, which a dry run and a replay do not need.
    """
    of_ours = partial(Endpoint, key=KEY)
    by_llama_cpp = partial(of_ours, concurrency=CONCURRENCY, context=CONTEXT)
    if model == "embedded":
        return by_llama_cpp(model, partial(llama_cpp, weights()))
    if model == "embedded-judge":
        # A judge that was trained anew must not be given the store's answers of the former one.
        return by_llama_cpp(f"{model}-{_digest(JUDGE)}", partial(llama_cpp, weights(), JUDGE))
    if model and Path(model).is_dir():
        engine, name = engine_of(Path(model)), student_name(Path(model))
        return (by_llama_cpp if engine.name == "llama.cpp" else of_ours)(name, engine.start)
    name, url = _name_and_url(model, needs_key)
    settings = settings_of(model)
    more = {"context": settings.context, "key_header": settings.key_header, "headers": (*settings.headers.items(),)}
    return Endpoint(name, lambda: url, key_for(url, needs_key, settings.key), url, **more)


def _digest(file: Path) -> str:
    if not file.is_file():
        raise EmbeddedMissing(f"the embedded judge's adapter {file} is missing: make embedded-judge")
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _name_and_url(model: str, needed: bool) -> tuple[str, str]:
    name, url = reached(model)
    if not url and needed and (elsewhere := os.environ.get("OPENAI_BASE_URL")):
        remedy = f"write {name}@{elsewhere.rstrip('/')}, or unset it"
        raise BadInput(f"model {model!r}: OPENAI_BASE_URL is set, and is not read here; {remedy}")
    url = url or OPENAI_URL
    with suppress(ValidationError):
        if name and "@" not in name and TypeAdapter(HttpUrl).validate_python(url):
            _check_address(name, url)
            return name, url
    raise BadInput(f"model {model!r}: write NAME or NAME@BASE_URL, such as gpt-4o or my-model@http://localhost:8000/v1")


def _check_address(name: str, url: str) -> None:
    address = urlsplit(url)
    if address.username or address.password:
        raise BadInput(f"model {name!r}: a key or name stands in its address; set {own_name(address.hostname)} instead")
    if address.path.endswith("/completions"):
        raise BadInput(f"model {name!r} at {url}: leave out /chat/completions, which is added to the address")


@cache
def _certificates() -> ssl.SSLContext:
    # Takes a tenth of a second to read: once for all addresses.
    try:
        return create_ssl_context()
    except OSError as problem:  # which an SSLError is, too
        named = [f"{name}={os.environ[name]}" for name in ("SSL_CERT_FILE", "SSL_CERT_DIR") if os.environ.get(name)]
        said = f"{(named or ['the certificates of this machine'])[0]}: cannot be read ({problem})"
        raise BadInput(f"{said}; a file of certificates in PEM form is wanted") from None


# What else a process may come to have open: files, the store, and those of its libraries.
OTHER_FILES = 64


def _allow_files(url: str, concurrency: int) -> None:
    """See that so many connections may be open beside what is open. Raises BadInput where that is not allowed."""
    soft, hard = (inf if one == resource.RLIM_INFINITY else one for one in resource.getrlimit(resource.RLIMIT_NOFILE))
    wanted = psutil.Process().num_fds() + concurrency + OTHER_FILES
    if wanted > hard:
        remedy = f"allow more by `ulimit -n {wanted}`, or lower concurrency"
        raise BadInput(
            f"{concurrency} requests at once to {url} want {wanted:,} open files, and {hard:,} may be; {remedy}"
        )
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


@cache
def connections(
    url: str, concurrency: int, key: str, key_header: str | None = None, headers: tuple[tuple[str, str], ...] = ()
) -> openai.AsyncOpenAI:
    """One client, and so one set of connections, for each address, bound, key and headers."""
    _allow_files(url, concurrency)
    limits = Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    timeout = Timeout(TIMEOUT_SECONDS, connect=30)
    # Over aiohttp, which costs half as much per request as httpx where hundreds are in flight. This machine is never
    # reached through a proxy. A redirect would take the prompts elsewhere.
    more = {"trust_env": not on_loopback(url), "follow_redirects": False}
    # What is left out with the environment's proxies for this machine, its certificates are heeded for all.
    more["verify"] = _certificates()
    more["event_hooks"] = {"request": [_without_bearer] * (key_header is not None), "response": [_bounded]}
    http = openai.DefaultAioHttpClient(limits=limits, timeout=timeout, **more)
    # A query in the address, such as Azure's api-version, stays behind the path.
    address = urlsplit(url)
    base, query = address._replace(query="").geturl(), dict(parse_qsl(address.query))
    own = dict(headers) | ({key_header: key} if key_header else {})
    given = {"base_url": base, "api_key": key, "default_query": query, "default_headers": own}
    client = openai.AsyncOpenAI(**given, max_retries=0, timeout=timeout, http_client=http)
    if not is_openai(url):
        # What the environment says of an account at OpenAI is for OpenAI.
        client.organization = client.project = None
    atexit.register(_close, client)
    return client


async def _without_bearer(request: HttpRequest) -> None:
    # The key goes by the header that the settings name.
    del request.headers["Authorization"]


async def _bounded(response: Response) -> None:
    # Read here, piece by piece, since a small reply may unpack to any size.
    parts, size = [], 0
    largest = LARGEST_FILE if response.request.url.path.endswith("/content") else LARGEST_REPLY
    async for part in response.aiter_bytes():
        parts.append(part)
        if (size := size + len(part)) > largest:
            raise ValueError(f"a reply of more than {largest / 2**20:.0f} MB")
    response._content = b"".join(parts)


# Connections belong to the process that made them, and to its loop.
os.register_at_fork(after_in_child=connections.cache_clear)


def _close(client: openai.AsyncOpenAI) -> None:
    # Left open, its connections are complained of on standard error when the program ends.
    with suppress(TimeoutError):
        run(asyncio.wait_for(client.close(), timeout=2))
