"""Batches: requests of one model that are bought together through a provider's Batch API, often at half the price.

What has been collected (see `cce.models.collector`) becomes one batch, or several within the API's bounds. A batch
lives so, and each step is on the disk before the next begins:

1. Its file is uploaded, which costs nothing, and the batch is noted in the store with its requests.
2. It is created, and its id is noted. A process that dies in between has paid for it, perhaps: the next one looks for
   it among the provider's batches, by its name and its file, and takes it for never created only where it is not
   listed LISTED_SECONDS after it may have been.
3. It is polled until it ends. Each reply goes to whoever asked for it, and the commit that keeps the answer takes the
   request's note away.
4. Requests without an answer, since the batch expired, failed, was cancelled or did not get to them, lose their note.
   Whoever waits for one asks again, and it goes into a new batch.

So a request is in one batch at a time, from its note until its answer is in the store or it is known to have none.
"""

import asyncio
import atexit
import os
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from functools import cache, partial
from pathlib import Path
from typing import TypeVar

import httpx2
import openai
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception

from cce.errors import BadInput, CCEError, EndpointFailed
from cce.models import failures
from cce.models.batch_lines import MOST_REQUESTS, parts, replies_in, unanswered
from cce.models.batch_notes import Batch, Notes
from cce.models.batch_states import ENDED, State, beyond_limit, progress, why
from cce.models.collector import Collector, Take
from cce.models.endpoint import Endpoint, connections
from cce.models.landing import heard
from cce.models.store import Store
from cce.models.wire import Request
from cce.outputs import alone
from cce.spending import BUDGET
from cce.text import tell

T = TypeVar("T")
# Between two looks at a batch, at first and at most.
POLL_SECONDS, LONGEST_POLL = 5.0, 120.0
# Within so many a provider lists what was created there.
LISTED_SECONDS = 60.0
# A batch of fewer requests that is beyond the provider's limit is not split any more.
LEAST_SPLIT = 10


class Batches(Collector):
    """The batches of one model at one address, with what waits in them noted in one store."""

    def __init__(self, store: Store, endpoint: Endpoint, concurrency: int):
        super().__init__(endpoint)
        self.notes = Notes(store, endpoint.name, endpoint.url)
        self.connected = partial(connections, endpoint.url, concurrency, endpoint.key)
        self.connected = partial(self.connected, endpoint.key_header, endpoint.headers)
        self.most = MOST_REQUESTS
        self.living: dict[str, asyncio.Task] = {}  # by the name of the batch
        self.beginning: asyncio.Task | None = None

    async def begun(self, take: Take) -> None:
        self.beginning = self.beginning or heard(self._begin(take))
        await asyncio.shield(self.beginning)

    async def _begin(self, take: Take) -> None:
        for batch in (left for left in self.notes.left() if left.name not in self.living):
            self.replies |= {key: asyncio.get_running_loop().create_future() for key in batch.requests}
            self.taken |= {key: heard(take(request)) for key, request in batch.requests.items()}
            self._start(batch)
        # Each of them reserves what it may cost before anybody else does.
        await asyncio.sleep(0)

    async def _send(self, requests: dict[str, Request], lines: dict[str, str]) -> None:
        for part in parts(lines, self.most):
            self._start(Batch({key: requests[key] for key in part}, part))

    def _start(self, batch: Batch) -> None:
        self.living[batch.name] = heard(self._live(batch))
        self.living[batch.name].add_done_callback(lambda _: self.living.pop(batch.name, None))

    async def _live(self, batch: Batch) -> None:
        try:
            await (self._make(batch) if batch.lines else self._find(batch))
            ended = await self._ended(batch) if batch.id else None
            replies = await self._replies(batch, ended) if ended else {}
            self.notes.forget(key for key in batch.requests if key not in replies or replies[key].is_error)
            if len(batch.lines) > LEAST_SPLIT and beyond_limit(ended):
                return await self._send_less(batch)
            missing = unanswered(why(ended) if ended else "its batch was never created")
            replies = {key: replies.get(key, missing) for key in batch.requests}
        except Exception as error:
            replies = dict.fromkeys(batch.requests, self._in_words(error, batch))
            # It may live on at the provider: whoever asks next takes it up again.
            self.beginning = None
        for key, reply in replies.items():
            self._give(key, reply)

    async def _make(self, batch: Batch) -> None:
        named = f"{batch.name}.jsonl", "".join(batch.lines.values()).encode()
        uploaded = await self._patiently(batch, lambda: self.connected().files.create(file=named, purpose="batch"))
        batch.file, batch.since = uploaded.id, time.time()
        self.notes.add(batch)
        unsure = False

        async def create() -> str:
            nonlocal unsure
            # An attempt that failed on this side may have succeeded on the other.
            if unsure and (found := await self._listed(batch)):
                return found
            unsure, batch.since = True, time.time()
            self.notes.renew(batch)
            try:
                return await self._created(batch)
            except openai.APIStatusError as refusal:
                unsure = refusal.status_code in (408, 409) or refusal.status_code >= 500
                raise

        try:
            batch.id = await self._patiently(batch, create)
        except openai.APIStatusError:
            if not unsure:
                # Refused, it is not there, and its requests wait for nothing.
                self.notes.forget(batch.requests)
                batch.file = ""
            raise
        self.notes.renew(batch)

    async def _created(self, batch: Batch) -> str:
        made = {"input_file_id": batch.file, "endpoint": self.path, "metadata": {"name": batch.name}}
        return (await self.connected().batches.create(**made, completion_window="24h")).id

    async def _find(self, batch: Batch) -> None:
        if not batch.id:
            batch.id = await self._patiently(batch, lambda: self._listed(batch))
            self.notes.renew(batch)

    async def _listed(self, batch: Batch) -> str:
        """The id of this batch by the provider's list, empty where it was never created."""
        while True:
            age = time.time() - batch.since
            async for one in self.connected().batches.list(limit=100):
                if one.input_file_id == batch.file or batch.name in (one.metadata or {}).values():
                    return one.id
            if age > LISTED_SECONDS:
                return ""
            await asyncio.sleep(LISTED_SECONDS / 4)

    async def _ended(self, batch: Batch) -> State:
        pause, told = POLL_SECONDS, ""
        while True:
            state = await self._patiently(batch, lambda: self.connected().batches.retrieve(batch.id))
            if (now := f"{self.endpoint.name}: {progress(state)}") != told:
                told = now
                tell(f"{told}; ${BUDGET.spent['dollars']:,.2f} spent so far", file=sys.stderr)
            if state.status in ENDED:
                return state
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, LONGEST_POLL)

    async def _replies(self, batch: Batch, ended: State) -> dict[str, httpx2.Response]:
        replies = {}
        for file in filter(None, (ended.error_file_id, ended.output_file_id)):
            content = await self._patiently(batch, partial(self.connected().files.content, file))
            replies |= replies_in(content.content)
        return replies

    async def _send_less(self, batch: Batch) -> None:
        # The provider takes so many tokens at a time: when another batch has ended, or else in two.
        del self.living[batch.name]
        if self.living:
            await asyncio.wait(self.living.values(), return_when=asyncio.FIRST_COMPLETED)
        else:
            self.most = max(1, len(batch.lines) // 2)
        for key, line in batch.lines.items():
            self._collect(batch.requests[key], line)

    async def _patiently(self, batch: Batch, ask: Callable[[], Awaitable[T]]) -> T:
        """What the provider says, asked again where that may help, and for longer of a batch that lives there."""

        def over(state: RetryCallState) -> bool:
            if batch.id or failures.limited(state.outcome.exception()):
                return state.seconds_since_start > failures.GIVE_UP_SECONDS
            return state.attempt_number >= failures.ATTEMPTS

        async def attempt() -> T:
            return await ask()

        again = {"retry": retry_if_exception(failures.passes), "wait": failures.pause, "reraise": True}
        return await AsyncRetrying(**again, stop=over)(attempt)

    def _in_words(self, error: Exception, batch: Batch) -> Exception:
        if isinstance(error, CCEError):
            return error
        name, url = self.endpoint.name, self.endpoint.url
        said = failures.in_words(error, url, self.endpoint.key)
        if getattr(error, "status_code", None) in (404, 405, 501):
            if not batch.file:
                return EndpointFailed(f"{name}: {url} has no Batch API ({said}); leave out --batch")
            remedy = "is the key that of the account that made it? If it is gone, merge this store into a new one"
            return EndpointFailed(f"{name}: what waits in {batch.id or batch.file} is not to be had ({said}); {remedy}")
        return EndpointFailed(f"{name}: {said}; the same command goes on, and pays for nothing twice")


_all: dict[tuple[Store, str, str], Batches] = {}
_held = ExitStack()
atexit.register(_held.close)
# They are the parent's.
os.register_at_fork(after_in_child=_all.clear)


def batches_of(store: Store, endpoint: Endpoint, concurrency: int) -> Batches:
    """Those of a model with this store, which no other process may use for batches meanwhile: two would buy one answer
    twice. Raises BadInput, naming the process that does.
    """
    _hold(store.path)
    place = store, endpoint.url, endpoint.name
    if place not in _all:
        _all[place] = Batches(store, endpoint, concurrency)
    return _all[place]


def check_none_waits(store: Store, endpoint: Endpoint) -> None:
    """Raise BadInput where requests of this model wait in batches: asked directly, they would be paid for twice."""
    if waiting := Notes(store, endpoint.name, endpoint.url).waiting():
        remedy = "add --batch, which takes them in; or, to pay anew, merge this store into a new one and name that"
        raise BadInput(f"store {store.path}: {waiting:,} requests to {endpoint.name} wait in batches; {remedy}")


@cache
def _hold(path: Path | None) -> None:
    if path:
        _held.enter_context(alone(path))
