"""Where a model is served, what the failure of a call to it means, and how often a call is made again.

- 408, 409, 429, 5xx, no connection or a broken one, no whole reply in time, a reply that is no completion: the call is
  made again, up to ATTEMPTS times in all, and not once GIVE_UP_SECONDS have passed.
- 401, 402, 403, 404 or a spent quota, and no connection after all attempts: the endpoint is of no use, the run stops.
- Any other refusal, and any other failure after all attempts: this call has failed, and what it was for is missing.
  A refusal of one content by a filter is always of this kind, whatever its status.

Between two attempts lies a random wait of up to 0.5, 1, 2, ... 30 seconds, so that many calls that failed together do
not come back together, or the time that the endpoint asks for, in a header or in words, where that is longer.
"""

import asyncio
import atexit
import hashlib
import os
import re
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache, partial
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import openai
from httpx2 import ConnectError, ConnectTimeout, Limits, Timeout
from pydantic import HttpUrl, TypeAdapter, ValidationError
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential
from tenacity.stop import stop_after_attempt, stop_after_delay

from cce.errors import BadInput, EmbeddedMissing
from cce.models.engines import CONCURRENCY, CONTEXT, JUDGE, engine_of, llama_cpp, student_name, weights
from cce.models.keys import NO_KEY, is_openai, key_for, masked, own_name
from cce.models.loop import run
from cce.names import model_parts
from cce.spending import on_loopback

OPENAI_URL = "https://api.openai.com/v1"
# How providers say that nothing is left to spend, and that they refuse one content. Nothing else is wrong then.
SPENT = r"insufficient[_ ](quota|balance|funds|credits)|credit balance|billing_hard_limit"
FILTERED = r"content[ _-]?(policy|filter|management)|responsible ?ai|safety|moderation|flagged|prohibited content"
# A wait in words, such as "try again in 6m0s" or "in 20ms".
IN_WORDS = (
    r"again in (?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m(?!s))?(?:(?P<seconds>\d+(?:\.\d+)?) ?s)?(?:(?P<ms>\d+)ms)?"
)
# The waits between so many outlast a minute of refusals.
ATTEMPTS = 10
GIVE_UP_SECONDS = 1800
# Of one whole reply, however slowly it comes.
TIMEOUT_SECONDS = 600.0


@dataclass(frozen=True)
class Endpoint:
    """A model's own name, its address, its key, and what it can take.

    `address` gives the base URL, and starts an engine of our own where none runs yet; `url` is empty for those. So many
    requests at once, whatever the user says, and so many tokens, at which an answer is cut off, or None for no limit.
    """

    name: str
    address: Callable[[], str]
    key: str = NO_KEY
    url: str = ""
    concurrency: int | None = None
    context: int | None = None

    def masked(self, said: str) -> str:
        """What the endpoint said, without the key, which some repeat."""
        return masked(said, self.key)


def endpoint_of(model: str, needs_key: bool = True) -> Endpoint:
    """The endpoint of `NAME`, `NAME@BASE_URL`, `embedded`, `embedded-judge`, or a folder that a training made.

    Raises BadInput where the name is empty, the address is not http(s), the folder holds no finished training, or
    OpenAI is addressed and there is no key, which a dry run and a replay do not need.
    """
    by_llama_cpp = partial(Endpoint, concurrency=CONCURRENCY, context=CONTEXT)
    if model == "embedded":
        return by_llama_cpp(model, partial(llama_cpp, weights()))
    if model == "embedded-judge":
        # A judge that was trained anew must not be given the store's answers of the former one.
        return by_llama_cpp(f"{model}-{_digest(JUDGE)}", partial(llama_cpp, weights(), JUDGE))
    if model and Path(model).is_dir():
        engine, name = engine_of(Path(model)), student_name(Path(model))
        return (by_llama_cpp if engine.name == "llama.cpp" else Endpoint)(name, engine.start)
    name, url = _name_and_url(model, needs_key)
    return Endpoint(name, lambda: url, key_for(url, needs_key), url)


def _digest(file: Path) -> str:
    if not file.is_file():
        raise EmbeddedMissing(f"the embedded judge's adapter {file} is missing: make embedded-judge")
    return hashlib.sha256(file.read_bytes()).hexdigest()[:12]


def _name_and_url(model: str, needed: bool) -> tuple[str, str]:
    name, url = model_parts(model)
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
def connections(url: str, concurrency: int, key: str) -> openai.AsyncOpenAI:
    """One client, and so one set of connections, for each address, bound and key."""
    limits = Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    timeout = Timeout(TIMEOUT_SECONDS, connect=30)
    # Over aiohttp, which costs half as much per request as httpx where hundreds are in flight. This machine is never
    # reached through a proxy. A redirect would take the prompts elsewhere.
    more = {"trust_env": not on_loopback(url), "follow_redirects": False}
    http = openai.DefaultAioHttpClient(limits=limits, timeout=timeout, **more)
    # A query in the address, such as Azure's api-version, stays behind the path.
    address = urlsplit(url)
    base, query = address._replace(query="").geturl(), dict(parse_qsl(address.query))
    given = {"base_url": base, "api_key": key, "default_query": query}
    client = openai.AsyncOpenAI(**given, max_retries=0, timeout=timeout, http_client=http)
    if not is_openai(url):
        # What the environment says of an account at OpenAI is for OpenAI.
        client.organization = client.project = None
    atexit.register(_close, client)
    return client


def _close(client: openai.AsyncOpenAI) -> None:
    # Left open, its connections are complained of on standard error when the program ends.
    with suppress(TimeoutError):
        run(asyncio.wait_for(client.close(), timeout=2))


def patient(again: Callable[[RetryCallState], None]) -> AsyncRetrying:
    """Makes a call until it succeeds or fails for good, and raises what it failed with; tells `again` of each wait."""
    stop = stop_after_attempt(ATTEMPTS) | stop_after_delay(GIVE_UP_SECONDS)
    return AsyncRetrying(retry=retry_if_exception(passes), stop=stop, wait=_wait, before_sleep=again, reraise=True)


def passes(error: BaseException) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, openai.APIStatusError):
        refused_for_good = hopeless(error) or error.response.headers.get("x-should-retry") == "false"
        return not refused_for_good and (error.status_code in (408, 409, 429) or error.status_code >= 500)
    # A reply that is no JSON, or not that of a completion, is a ValueError.
    return isinstance(error, openai.APIConnectionError | openai.APIResponseValidationError | TimeoutError | ValueError)


def hopeless(error: BaseException) -> bool:
    """Whether no other call to this endpoint will fare better."""
    if isinstance(error, openai.APIStatusError):
        spent = re.search(SPENT, f"{error.code} {error.type} {told_by(error)}", re.I) is not None
        return spent or (error.status_code in (401, 402, 403, 404) and not filtered(error))
    return isinstance(error.__cause__, ConnectError | ConnectTimeout)


def filtered(error: BaseException) -> bool:
    """Whether one content was refused, as by a filter: that says nothing of any other."""
    refused = isinstance(error, openai.APIStatusError) and error.status_code in (400, 403, 422, 451)
    return refused and re.search(FILTERED, f"{error.code} {told_by(error)}", re.I) is not None


def told_by(error: openai.APIStatusError) -> str:
    """What a refusal says: the message that OpenAI's form has a place for, or else all of the body."""
    told = isinstance(error.body, dict) and isinstance(error.body.get("message"), str)
    return error.message if told else error.response.text


_backoff = wait_random_exponential(multiplier=0.5, max=30)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception()
    asked = _asked(error) if isinstance(error, openai.APIStatusError) else 0.0
    # An endpoint that asks for more than ten minutes is not waited for any longer.
    return max(_backoff(state), min(asked, 600))


def _asked(error: openai.APIStatusError) -> float:
    """The seconds that the endpoint asks to wait, by a header or in words; 0 where it does not."""
    headers, told = error.response.headers, re.search(IN_WORDS, told_by(error))
    named = {name: float(number) for name, number in told.groupdict("0").items()} if told else {}
    in_words = timedelta(milliseconds=named.pop("ms", 0), **named).total_seconds()
    return max(in_words, _by_header(headers.get("Retry-After")), _by_header(headers.get("retry-after-ms")) / 1000)


def _by_header(header: str | None) -> float:
    # By number or by date; 0 without one that can be read.
    with suppress(ValueError):
        return float(header or 0)
    with suppress(TypeError, ValueError):
        return (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    return 0.0
