"""Pace: how fast an address is asked, so that no run dies of a rate limit.

So many requests at once at most, and so many requests and tokens a minute where the user says so. After a refusal for
its limits an address is left alone for the time that it names, in a header or in words, or else for one that is drawn
and grows; then fewer are sent at once, and slowly more again with every answer.
"""

import asyncio
import os
import random
import re
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cache
from math import inf

# Seconds; requests and tokens a minute are counted over as many.
MINUTE = 60.0
# Without a word from the address it is left alone for up to 0.5, 1, 2, ... seconds, and no longer than LONGEST; an
# address that asks for more than LONGEST_ASKED is asked again after that.
SHORTEST, LONGEST, LONGEST_ASKED = 0.5, 30.0, 600.0
# A wait in words, such as "try again in 6m0s" or "in 20ms", and as some headers have it.
NUMBER = r"\d+(?:\.\d+)?"
SPAN = rf"(?:(?P<hours>\d+)h)?(?:(?P<minutes>\d+)m(?!s))?(?:(?P<seconds>{NUMBER}) ?s(?:ec\w*)?)?(?:(?P<ms>{NUMBER})ms)?"
IN_WORDS = re.compile(rf"(?:again|retry) (?:in|after) {SPAN}", re.I)
WORTH = {"hours": 3600, "minutes": 60, "seconds": 1, "ms": 0.001}


@dataclass(eq=False)
class Turn:
    """One request's, sent once, of about so many tokens; `since` is when it was sent."""

    tokens: int
    since: float = 0.0
    held: bool = False


class Pace:
    """The turns of one address. Everything happens on one event loop."""

    def __init__(self, most: int, requests_a_minute: int | None = None, tokens_a_minute: int | None = None):
        self.most, self.allowed, self.held = most, float(most), 0
        self.requests, self.tokens = requests_a_minute, tokens_a_minute
        self.waiting: deque[tuple[Turn, asyncio.Future]] = deque()
        self.lately: deque[Turn] = deque()
        self.not_before = self.lowered = 0.0
        self.refusals, self.alone_since = 0, None
        self.timer: asyncio.TimerHandle | None = None

    async def take(self, turn: Turn) -> None:
        """Wait for a turn. First come, first served."""
        if not self.waiting and self._delay(turn) == 0:
            return self._give(turn)
        given = asyncio.get_running_loop().create_future()
        self.waiting.append((turn, given))
        self._next()
        try:
            await given
        except asyncio.CancelledError:
            self.leave(turn)
            raise

    def leave(self, turn: Turn) -> None:
        """End a turn, or give up waiting for it."""
        self.held -= turn.held
        turn.held = False
        self._next()

    def answered(self, turn: Turn, tokens: int, headers: Mapping[str, str]) -> None:
        """An answer came, of so many tokens with its prompt: it counts with these, and one more may be sent soon."""
        turn.tokens, self.refusals, self.alone_since = tokens or turn.tokens, 0, None
        # With as many answers as are allowed at once, one more is.
        self.allowed = min(self.most, self.allowed + 1 / self.allowed)
        self._leave_alone(renewed(headers, turn.tokens))

    def refused(self, turn: Turn, asked: float) -> None:
        """The address refused for its limits, and asked to be left alone for so many seconds, or 0."""
        self.alone_since = self.alone_since or time.monotonic()
        drawn = random.uniform(0.5, 1) * min(LONGEST, SHORTEST * 2 ** min(self.refusals, 10))
        # Those that were sent before are refused for the same reason: they count once.
        if turn.since >= self.lowered:
            self.lowered, self.refusals = time.monotonic(), self.refusals + 1
            self.allowed = max(1.0, self.allowed / 2)
            self._leave_alone(asked or drawn)
        else:
            self._leave_alone(asked)

    def patience(self) -> float:
        """For how many seconds it has answered nothing but refusals for its limits."""
        return time.monotonic() - self.alone_since if self.alone_since else 0.0

    def _leave_alone(self, seconds: float) -> None:
        self.not_before = max(self.not_before, time.monotonic() + min(seconds, LONGEST_ASKED) if seconds else 0.0)

    def _delay(self, turn: Turn) -> float:
        """Seconds until this turn can be given; infinite where one that is held must end first."""
        if self.held >= int(self.allowed):
            return inf
        if not (self.not_before or self.requests or self.tokens):
            return 0.0
        now = time.monotonic()
        while self.lately and self.lately[0].since <= now - MINUTE:
            self.lately.popleft()
        spent = sum(one.tokens for one in self.lately)
        full = len(self.lately) >= (self.requests or inf) or spent + turn.tokens > (self.tokens or inf)
        renewed = self.lately[0].since + MINUTE if full and self.lately else now
        return max(0.0, self.not_before - now, renewed - now)

    def _give(self, turn: Turn) -> None:
        turn.held, turn.since = True, time.monotonic()
        self.held += 1
        if self.requests or self.tokens:
            self.lately.append(turn)

    def _next(self) -> None:
        if self.timer:
            self.timer.cancel()
        while self.waiting and self.waiting[0][1].cancelled():
            self.waiting.popleft()
        while self.waiting and (delay := self._delay(self.waiting[0][0])) == 0:
            turn, given = self.waiting.popleft()
            if not given.cancelled():
                self._give(turn)
                given.set_result(None)
        if self.waiting and delay < inf:
            self.timer = asyncio.get_running_loop().call_later(delay, self._next)


@cache
def pace_of(url: str, concurrency: int, requests_a_minute: int | None, tokens_a_minute: int | None) -> Pace:
    """That of an address. Models there share it if they are given the same bounds."""
    return Pace(concurrency, requests_a_minute, tokens_a_minute)


os.register_at_fork(after_in_child=pace_of.cache_clear)


def asked_for(said: str, headers: Mapping[str, str]) -> float:
    """The seconds that a refusal asks to wait, in words or in its headers; 0 where it does not."""
    told = IN_WORDS.search(said)
    named = (headers.get("retry-after"), f"{headers.get('retry-after-ms', 0)}ms")
    return max(_span(told) if told else 0.0, *map(seconds_in, named), renewed(headers))


def renewed(headers: Mapping[str, str], tokens: int = 0) -> float:
    """The seconds until a limit is renewed of which the headers tell that nothing is left, or fewer tokens than these.

    Providers call such a header x-ratelimit-remaining-requests, anthropic-ratelimit-tokens-remaining, and the like.
    """
    waits = [0.0]
    for name, left in headers.items():
        if "ratelimit" in name and "remaining" in name:
            with suppress(ValueError):
                if float(left) <= (tokens if "token" in name else 0):
                    waits.append(seconds_in(headers.get(name.replace("remaining", "reset"))))
    return max(waits)


def seconds_in(header: str | None) -> float:
    """A header's wait: by number, by the time in seconds or milliseconds since 1970, by a date, or as 6m0s."""
    text = (header or "").strip()
    with suppress(ValueError):
        number = float(text)
        since = number / 1000 if number > 1e12 else number
        return max(0.0, since - time.time() if since > 1e9 else number)
    if (spelt := re.fullmatch(SPAN, text)) and text:
        return _span(spelt)
    for read in (parsedate_to_datetime, datetime.fromisoformat):
        with suppress(TypeError, ValueError):
            date = read(text)
            return max(0.0, (date.replace(tzinfo=date.tzinfo or UTC) - datetime.now(UTC)).total_seconds())
    return 0.0


def _span(found: re.Match) -> float:
    return sum(WORTH[name] * float(number) for name, number in found.groupdict("0").items())
