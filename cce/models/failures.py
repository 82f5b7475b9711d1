"""Failures: what it means that a call failed, whether it is made again, and how that is said.

- 408, 409, 5xx, no connection or a broken one, no whole reply in time, a reply that is no completion: the call is made
  again, up to ATTEMPTS times in all, and not once GIVE_UP_SECONDS have passed; for what comes back the same each time,
  up to SAME times. Between two attempts lies a random wait of up to 0.5, 1, 2, ... 30 seconds, so that many calls that
  failed together do not come back together, or the time that the endpoint asks for.
- 429 is no failure: the address is left alone for a while (see `cce.models.pace`), and asked again.
- 401, 402, 403, 404 or a spent quota, and no connection after all attempts: the endpoint is of no use, the run stops.
- Any other refusal, and any other failure after all attempts: this call has failed, and what it was for is missing.
  A refusal of one content by a filter is always of this kind, whatever its status.
"""

import re
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt, wait_random_exponential

from cce.errors import CCEError
from cce.models.keys import masked
from cce.models.pace import LONGEST_ASKED, Pace, asked_for
from cce.spending import on_loopback
from cce.text import visible

# How providers say that nothing is left to spend, and that they refuse one content. Nothing else is wrong then.
SPENT = r"insufficient[_ ](quota|balance|funds|credits)|credit balance|billing_hard_limit|out of credits"
FILTERED = r"content[ _-]?(policy|filter|management)|responsible ?ai|safety|moderation|flagged|prohibited content"
# How OpenAI, vLLM, SGLang, llama.cpp, TGI, Together, Google, Cohere, Anthropic, Mistral, xAI, Groq, Bedrock, LM Studio
# and OpenRouter say that a prompt is too long; none of them has a status code for it.
TOO_LONG = (
    r"context[ _](length|size|window|limit|the overflows)|max(imum|_) ?(model|sequence|prompt) ?(_?len)?"
    r"|(prompt|input|text|message)s? (is|are) too (long|large)|(token )?count\b.{0,30}exceeds|too many tokens: "
    r"|`?inputs`?( tokens \+ `max_new_tokens`)? must (be|have)|longer than the model|reduce the length of"
    r"|input[_ ]too[_ ]large|request too large|exceeds? budget|too large for model with|model token limit"
    r"|range of input length"
)
# The waits between so many outlast a minute of failures.
ATTEMPTS = 10
GIVE_UP_SECONDS = 1800
# A reply that is no completion and the same each time may have been paid for each time.
SAME = 3
# A request that so many batches had no answer to is given up.
IN_BATCHES = 3
# Of one whole reply, however slowly it comes.
TIMEOUT_SECONDS = 600.0
# So much of what an endpoint says is shown.
SHOWN = 300
_backoff = wait_random_exponential(multiplier=0.5, max=30)


class Patience:
    """That with one call: how often it failed, and whether the same way each time."""

    def __init__(self, pace: Pace):
        self.pace, self.failures, self.same, self.said, self.since = pace, 0, 0, "", 0.0

    def over(self, state: RetryCallState) -> bool:
        """Whether the call is given up."""
        error = state.outcome.exception()
        if limited(error):
            return self.pace.patience() > GIVE_UP_SECONDS
        self.failures, self.since = self.failures + 1, self.since or time.monotonic()
        self.same, self.said = self.same + 1 if str(error) == self.said else 1, str(error)
        useless = not isinstance(error, openai.OpenAIError | TimeoutError) and self.same >= SAME
        return useless or self.failures >= ATTEMPTS or time.monotonic() - self.since > GIVE_UP_SECONDS


def patient(pace: Pace, again: Callable[[RetryCallState], None], rest: Callable) -> AsyncRetrying:
    """Makes a call until it succeeds or fails for good, and raises what it failed with.

    It tells `again` of each wait, and lets `rest` wait for so many seconds.
    """
    stop = Patience(pace).over
    return AsyncRetrying(
        retry=retry_if_exception(passes), stop=stop, wait=_wait, sleep=rest, before_sleep=again, reraise=True
    )


def patient_in_batches(again: Callable[[RetryCallState], None]) -> AsyncRetrying:
    """The same for a call that is made in batches, of which the next begins when all others wait, too."""
    stop = stop_after_attempt(IN_BATCHES)
    return AsyncRetrying(retry=retry_if_exception(passes), stop=stop, before_sleep=again, reraise=True)


def pause(state: RetryCallState) -> float:
    """Seconds until the next attempt: a random wait, or what the endpoint asks for."""
    return max(_backoff(state), min(wait_asked(state.outcome.exception()), LONGEST_ASKED))


def limited(error: BaseException) -> bool:
    """Whether the address refused for its limits: it takes the same call a while later."""
    refused = isinstance(error, openai.APIStatusError) and error.status_code == 429
    return refused and not hopeless(error) and not too_long(error)


def passes(error: BaseException) -> bool:
    """Whether the same call may succeed a while later."""
    if isinstance(error, openai.APIStatusError):
        for_now = error.status_code in (408, 409) or error.status_code >= 500
        told_not_to = error.response.headers.get("x-should-retry") == "false"
        return limited(error) or (for_now and not (told_not_to or hopeless(error) or too_long(error)))
    # Whatever else: a reply that is no JSON, or not that of a completion, or none that HTTP knows.
    return not isinstance(error, CCEError) and "certificate" not in _root(error).lower()


def unworked(error: BaseException) -> bool:
    """Whether nothing was done for this call that anybody could be charged for."""
    return isinstance(error, openai.APIStatusError | CCEError) or hopeless(error)


def hopeless(error: BaseException) -> bool:
    """Whether no other call to this endpoint will fare better."""
    if isinstance(error, openai.APIStatusError):
        spent = re.search(SPENT, f"{error.code} {error.type} {told_by(error)}", re.I) is not None
        return spent or (error.status_code in (401, 402, 403, 404, 405) and not filtered(error))
    # Who was reached, and hangs up at this call, may fare better with others.
    return any(
        isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError) for cause in _chain(error)
    )


def filtered(error: BaseException) -> bool:
    """Whether one content was refused, as by a filter: that says nothing of any other."""
    refused = isinstance(error, openai.APIStatusError) and error.status_code in (400, 403, 422, 451)
    return refused and re.search(FILTERED, f"{error.code} {told_by(error)}", re.I) is not None


def too_long(error: BaseException) -> bool:
    """Whether the prompt did not fit the model's context, so that a shorter one may."""
    refused = isinstance(error, openai.APIStatusError) and error.status_code in (400, 413, 422, 429, 500)
    return refused and re.search(TOO_LONG, f"{error.code} {told_by(error)}", re.I) is not None


def told_by(error: openai.APIStatusError) -> str:
    """What a refusal says: the message that OpenAI's form has a place for, or else all of the body."""
    told = isinstance(error.body, dict) and isinstance(error.body.get("message"), str)
    return error.body["message"] if told else error.response.text


def refusal_in(said: object, reply: httpx2.Response) -> openai.APIStatusError | None:
    """The refusal that a reply of status 200 holds, as a whole or in its choice, where it has a status of its own."""
    choices = said.get("choices") if isinstance(said, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    error = isinstance(said, dict) and (said.get("error") or choice.get("error"))
    code = str(error.get("code") or error.get("status")) if isinstance(error, dict) else ""
    if not re.fullmatch("[45][0-9]{2}", code):
        return None
    refusal = httpx2.Response(int(code), headers=reply.headers, content=reply.content, request=reply.request)
    return openai.APIStatusError(str(error.get("message") or error), response=refusal, body=error)


def wait_asked(error: BaseException) -> float:
    """The seconds that the endpoint asks to wait; 0 where it does not."""
    return asked_for(told_by(error), error.response.headers) if isinstance(error, openai.APIStatusError) else 0.0


def in_words(error: BaseException, url: str, key: str) -> str:
    """What failed at this address, and what may be done about it; without the key, which some servers repeat."""
    if isinstance(error, openai.APIStatusError):
        hint = _no_version(url) if error.status_code in (404, 405) else ""
        return f"HTTP {error.status_code}: {_shown(told_by(error), key)}{hint}"
    if hopeless(error) or "certificate" in _root(error).lower():
        return _unconnected(_root(error), url)
    if isinstance(error, TimeoutError | openai.APITimeoutError):
        return f"no whole reply from {url} in {TIMEOUT_SECONDS:g} s"
    hint = _no_version(url) if isinstance(error, ValueError) else ""
    return f"no completion from {url}: {_shown(str(error.__cause__ or error), key)}{hint}"


def _shown(said: str, key: str) -> str:
    # The beginning, on one line and without what a terminal would obey.
    return visible(" ".join(masked(said, key).split()))[:SHOWN]


def _no_version(url: str) -> str:
    # Of an address that looks as if its end were missing.
    address = urlsplit(url)
    whole = re.search(r"/v\d|/openai|/api|/inference", address.path)
    return (
        "" if whole else f"; is /v1 missing? The address may be {address._replace(path=f'{address.path}/v1').geturl()}"
    )


def _root(error: BaseException) -> str:
    return str([*_chain(error)][-1])


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error:
        yield error
        error = error.__cause__ or error.__context__


def _unconnected(reason: str, url: str) -> str:
    address = urlsplit(url)
    proxies = {} if on_loopback(url) or proxy_bypass(address.hostname) else getproxies()
    proxy = proxies.get(address.scheme) or proxies.get("all")
    by = f" through the proxy {urlsplit(proxy).hostname}:{urlsplit(proxy).port}" if proxy else ""
    remedy = "is the server up?"
    if proxy:
        remedy = "is the proxy up, and does it let this address through? HTTPS_PROXY names it, NO_PROXY goes round it"
    elif "certificate" in reason.lower():
        remedy = "SSL_CERT_FILE names a file of certificates to accept, such as your company's"
    elif "too many open files" in reason.lower():
        remedy = "allow more by `ulimit -n 4096`, or lower concurrency"
    elif re.search("name or service|nodename|resolv|name resolution|getaddrinfo|no address|dns", reason, re.I):
        remedy = f"is the name {address.hostname} right?"
    return f"no connection to {url}{by} ({visible(reason)[:SHOWN]}); {remedy}"


def _wait(state: RetryCallState) -> float:
    # After a refusal for its limits the address is left alone, which holds for all calls alike.
    return 0.0 if limited(state.outcome.exception()) else pause(state)
