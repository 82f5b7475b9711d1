"""What the failure of a call means, and how often a call is made again.

- 408, 409, 429, 5xx, no connection or a broken one, no whole reply in time, a reply that is no completion: the call is
  made again, up to ATTEMPTS times in all, and not once GIVE_UP_SECONDS have passed.
- 401, 402, 403, 404 or a spent quota, and no connection after all attempts: the endpoint is of no use, the run stops.
- Any other refusal, and any other failure after all attempts: this call has failed, and what it was for is missing.

Between two attempts lies a random wait of up to 0.5, 1, 2, ... LONGEST_WAIT seconds, so that many calls that failed
together do not come back together, or the time that the endpoint asks for (Retry-After), where that is longer.
"""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, wait_random_exponential
from tenacity.stop import stop_after_attempt, stop_after_delay

T = TypeVar("T")

# The waits between so many outlast a minute of refusals.
ATTEMPTS = 10
LONGEST_WAIT = 30
# An endpoint that asks for more is not waited for any longer than this.
LONGEST_ASKED = 600
GIVE_UP_SECONDS = 1800
# Of one whole reply, however slowly it comes.
TIMEOUT_SECONDS = 600.0
PASSING = (408, 409, 429)
HOPELESS = (401, 402, 403, 404)
SPENT = "insufficient_quota"

_backoff = wait_random_exponential(multiplier=0.5, max=LONGEST_WAIT)


async def patiently(call: Callable[[], Awaitable[T]], again: Callable[[], None]) -> T:
    """Make a call until it succeeds or fails for good, and raise what it failed with; tell `again` before each wait."""

    async def attempt() -> T:
        return await call()

    retrying = AsyncRetrying(
        retry=retry_if_exception(passes),
        stop=stop_after_attempt(ATTEMPTS) | stop_after_delay(GIVE_UP_SECONDS),
        wait=_wait,
        before_sleep=lambda _: again(),
        reraise=True,
    )
    return await retrying(attempt)


def passes(error: BaseException) -> bool:
    """Whether the same call may succeed a moment later."""
    if isinstance(error, openai.APIStatusError):
        refused_for_good = hopeless(error) or error.response.headers.get("x-should-retry") == "false"
        return not refused_for_good and (error.status_code in PASSING or error.status_code >= 500)
    # A reply that is no JSON, or not that of a completion, is a ValueError.
    return isinstance(error, openai.APIConnectionError | openai.APIResponseValidationError | TimeoutError | ValueError)


def hopeless(error: BaseException) -> bool:
    """Whether no other call to this endpoint will fare better."""
    if isinstance(error, openai.APIStatusError):
        return error.status_code in HOPELESS or error.code == SPENT
    return isinstance(error.__cause__, httpx2.ConnectError | httpx2.ConnectTimeout)


def _wait(state: RetryCallState) -> float:
    error = state.outcome.exception()
    asked = _asked(error.response.headers.get("Retry-After")) if isinstance(error, openai.APIStatusError) else 0.0
    return max(_backoff(state), min(asked, LONGEST_ASKED))


def _asked(header: str | None) -> float:
    """The seconds that a Retry-After header names, by number or by date; 0 without one that can be read."""
    try:
        return float(header or 0)
    except ValueError:
        pass
    try:
        return (parsedate_to_datetime(header) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        return 0.0
