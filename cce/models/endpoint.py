"""Where a model is served: `NAME` or `NAME@BASE_URL` becomes an address, a key and one connection pool."""

import os
from functools import cache
from urllib.parse import urlsplit

from httpx2 import Limits
from openai import AsyncOpenAI, DefaultAsyncHttpxClient

from cce.errors import BadInput

OPENAI_URL = "https://api.openai.com/v1"
# With the client's backoff of 0.5 to 8 seconds this outlasts a minute of refusals; Retry-After goes first.
MAX_RETRIES = 10
TIMEOUT_SECONDS = 600


def parse_model(model: str) -> tuple[str, str]:
    """Split `NAME` or `NAME@BASE_URL` into name and address; `embedded` has the address "embedded".

    Raises BadInput where the name is empty or the address is not http(s).
    """
    name, at, url = model.rpartition("@") if "@" in model else (model, "", OPENAI_URL)
    if name == "embedded" and not at:
        return name, "embedded"
    if not name or urlsplit(url).scheme not in ("http", "https"):
        raise BadInput(
            f"model {model!r}: write NAME or NAME@BASE_URL, such as gpt-4o or my-model@http://localhost:8000/v1"
        )
    return name, url.rstrip("/")


def api_key(url: str) -> str:
    """The key for this address, from the environment only.

    OPENAI_API_KEY goes to OpenAI alone; every other address gets CCE_API_KEY, or none.
    Raises BadInput where OpenAI is addressed and there is no key.
    """
    if (urlsplit(url).hostname or "").endswith("openai.com"):
        if not os.environ.get("OPENAI_API_KEY"):
            raise BadInput(
                f"no key for {url}: set OPENAI_API_KEY, or name the model NAME@BASE_URL to use another server"
            )
        return os.environ["OPENAI_API_KEY"]
    return os.environ.get("CCE_API_KEY") or "no-key"


@cache
def pool(url: str, concurrency: int, key: str) -> AsyncOpenAI:
    """One client, hence one connection pool, an address."""
    limits = Limits(max_connections=concurrency, max_keepalive_connections=concurrency)
    return AsyncOpenAI(
        base_url=url,
        api_key=key,
        max_retries=MAX_RETRIES,
        timeout=TIMEOUT_SECONDS,
        http_client=DefaultAsyncHttpxClient(limits=limits, timeout=TIMEOUT_SECONDS),
    )
