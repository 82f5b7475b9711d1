"""Calls: a request on its way: its turn at the endpoint, how it is asked, what is paid, and what a failure means."""

import asyncio
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace

import httpx2
import openai

from cce.errors import CallFailed, CCEError, EndpointFailed
from cce.models import failures
from cce.models.collector import Collector
from cce.models.dry_run import DryRun
from cce.models.endpoint import Endpoint, connections
from cce.models.landing import heard, under_way
from cce.models.manners import Manners, refuses
from cce.models.pace import Pace, Turn, pace_of
from cce.models.replies import completion_of, parsed, said_in, used
from cce.models.settings import Settings
from cce.models.store import Store
from cce.models.wire import Completion, Request, without_special_tokens
from cce.names import short_name
from cce.spending import BUDGET, Bill, Price
from cce.text import tell

WITHOUT_LOGPROBS = 'it tells no log-probabilities: read verdicts from its text, by verdict="text"'
# Tokens that a gateway may put there.
BEFORE_THE_PROMPT = 10_000
# An endpoint at which so many calls in a row failed for good will fail the others too.
FAILURES_IN_A_ROW = 20
# By address: calls that failed for good since the last that did not.
_in_a_row: Counter[str] = Counter()


@dataclass(eq=False)
class Call:
    """A request on its way to an address, begun at `start`, with its turn there."""

    request: Request
    url: str
    pace: Pace
    turn: Turn
    start: float = 0.0

    def is_sent(self) -> bool:
        """Whether it is with the endpoint now, and not at rest between two attempts."""
        return self.turn.held

    async def rest(self, seconds: float) -> None:
        """Let others go first for so many seconds, and wait for a new turn."""
        self.pace.leave(self.turn)
        await asyncio.sleep(seconds)
        self.turn = Turn(self.turn.tokens)
        await self.pace.take(self.turn)


@dataclass(eq=False)
class Caller:
    """Sends the requests of one model, and puts what comes back into the store."""

    model: str
    endpoint: Endpoint
    settings: Settings
    manners: Manners
    store: Store | DryRun
    price: Price
    bill: Bill
    concurrency: int
    collector: Collector | None = None  # what sends requests together; None sends each directly
    unsaid: int = 0  # replies that did not say credibly what they took

    async def sent(self, request: Request) -> Completion:
        """The endpoint's answer, or what stands for a refusal that another request gets round.

        Raises CallFailed or EndpointFailed (which of them says `cce.models.failures`), BoundReached and StoreUnusable.
        """
        self.store.probe()
        settings, url = self.settings, self.endpoint.address()
        if self.collector:
            await self.collector.begun(self._taken)
            return await asyncio.shield(heard(self._bought(_unhurried(request, url))))
        pace = pace_of(url, self.concurrency, settings.requests_a_minute, settings.tokens_a_minute)
        # Providers that count tokens a minute count the longest answer for the answer.
        call = Call(request, url, pace, Turn(_size(request.body) // 4 + request.body["max_tokens"]))
        await pace.take(call.turn)
        # What is under way will be paid for: it goes on to the store even where nobody waits any more.
        bought = heard(self._bought(call))
        under_way[bought] = call.is_sent
        bought.add_done_callback(under_way.pop)
        bought.add_done_callback(lambda _: pace.leave(call.turn))
        return await asyncio.shield(bought)

    async def _taken(self, request: Request) -> Completion:
        """The answer to what an earlier run asked for in a batch, kept whether or not this run asks for it, too."""
        completion = await self._called(_unhurried(request, self.endpoint.url), self._as_taken(request))
        return await self.store.keep(request, completion)

    async def _bought(self, call: Call) -> Completion:
        call.start = time.perf_counter()
        self.bill.sent += 1
        try:
            completion = await self._tried(call)
            _in_a_row[call.url] = 0
        except CCEError:
            raise
        # Whatever else comes of one call says nothing of the others.
        except Exception as error:
            completion = self._refused(error, call)
        completion = await self.store.keep(call.request, completion)
        self.bill.tokens += completion.tokens
        return completion

    async def _tried(self, call: Call) -> Completion:
        if self.collector:
            return await failures.patient_in_batches(self._again)(self._called_politely, call)
        return await failures.patient(call.pace, self._again, call.rest)(self._called_as_taken, call)

    def _again(self, _: object) -> None:
        self.bill.again += 1

    async def _called_as_taken(self, call: Call) -> Completion:
        # The first request of its kind goes alone where it holds what some models refuse: one refusal tells of all.
        special = call.request.special
        if special <= self.manners.proven:
            return await self._called_politely(call)
        async with self.manners.finding_out:
            if not special <= self.manners.proven:
                completion = await self._called_politely(call)
                self.manners.proven |= special
                return completion
        return await self._called_politely(call)

    async def _called_politely(self, call: Call) -> Completion:
        while True:
            wire = self._as_taken(call.request)
            try:
                taken = self.collector and self.collector.taken.pop(call.request.key, None)
                return await (taken or self._called(call, wire))
            except openai.APIStatusError as error:
                if failures.limited(error):
                    call.pace.refused(call.turn, failures.wait_asked(error))
                # Another call may have learnt the same meanwhile.
                known = self._as_taken(call.request) != wire
                if not known and self._learnt(wire, error) in (None, "schema"):
                    raise

    def _as_taken(self, request: Request) -> dict:
        wire = self.manners.applied(request.wire_form())
        # What becomes of special tokens on an engine of somebody else's is its own matter.
        return wire if self.endpoint.url else wire | {"messages": without_special_tokens(wire["messages"])}

    def _learnt(self, wire: dict, error: openai.APIStatusError) -> str | None:
        if failures.too_long(error):
            return None
        if name := self.manners.learn(wire, error.status_code, failures.told_by(error)):
            self.store.keep_manners(short_name(self.model), self.endpoint.url, self.manners.changes)
            tell(*self.manners.told(self.model, (name,)), file=sys.stderr)
        return name

    async def _called(self, call: Call, wire: dict) -> Completion:
        most, reply = self._most(wire), None
        cost = self.price.of(*most)
        async with BUDGET.reserve(cost):
            try:
                reply = await self._reply(call, wire)
                said = parsed(reply.content)
                # A reply that is rejected costs what it says, too.
                cost = self._cost(said, most, len(reply.content))
                return self._completion(call, said, reply)
            except (openai.OpenAIError, CCEError) as error:
                if reply is None and failures.unworked(error):
                    cost = Counter(calls=1)
                raise
            finally:
                BUDGET.spent.update(cost)
                self.bill.dollars += cost["dollars"]
                if BUDGET.noted:
                    await self.store.spend(BUDGET.noted, cost)

    async def _reply(self, call: Call, wire: dict) -> httpx2.Response:
        if self.collector:
            return await self.collector.reply(call.request, wire)
        sent_by = self.endpoint.key, self.endpoint.key_header, self.endpoint.headers
        client = connections(call.url, self.concurrency, *sent_by)
        async with asyncio.timeout(failures.TIMEOUT_SECONDS):
            # The reply as it came: making objects of it costs as much as all else.
            return await client.post("/chat/completions", body=wire, cast_to=httpx2.Response)

    def _completion(self, call: Call, said: object, reply: httpx2.Response) -> Completion:
        if refusal := failures.refusal_in(said, reply):
            raise refusal
        completion = self._without_key(completion_of(said, self._seconds(call)))
        call.pace.answered(call.turn, completion.tokens, reply.headers)
        if call.request.body["top_logprobs"] and completion.first_token is None:
            raise EndpointFailed(f"{self.model}: {WITHOUT_LOGPROBS}")
        return completion

    def _seconds(self, call: Call) -> float:
        # How long a batch waited says nothing of how long the model took, which nobody tells.
        return 0.0 if self.collector else time.perf_counter() - call.start

    def _cost(self, said: object, most: tuple[int, int], size: int) -> Counter:
        """What a reply of so many bytes comes to: as it says, where that can be; if not, the most that it can be."""
        (prompt, answer), longest, written = used(said), max(most[1], size), said_in(said)
        # Hardly a token is longer than a line.
        credible = 0 < prompt <= 10 * most[0] + BEFORE_THE_PROMPT and answer <= longest and written <= 128 * answer
        self.unsaid += not credible
        return self.price.of(prompt, answer) if credible else self.price.of(most[0], max(most[1], written))

    def _without_key(self, completion: Completion) -> Completion:
        # Some servers repeat it. In the JSON of a reply it may be written with escapes, here no more.
        masked, tokens = self.endpoint.masked, completion.first_token
        tokens = tokens and {masked(token): logprob for token, logprob in tokens.items()}
        texts = {
            name: masked(getattr(completion, name)) for name in ("text", "thinking", "finish", "model", "fingerprint")
        }
        # An engine of our own calls a model by the place of its file; the name that it was given is its digest.
        texts |= {} if self.endpoint.url else {"model": "", "fingerprint": ""}
        return replace(completion, first_token=tokens, **texts)

    def _most(self, wire: dict) -> tuple[int, int]:
        # A token has a byte or more, and the chat template adds some: marks around messages, and a system prompt.
        return 64 + _size(wire), wire[self.manners.changes.get("max_tokens", "max_tokens")]

    def _refused(self, error: Exception, call: Call) -> Completion:
        # Refusals that another request gets round are stored as completions: a rerun or a replay must go the same way.
        body, status = call.request.body, getattr(error, "status_code", None)
        said = failures.in_words(error, call.url, self.endpoint.key)
        if failures.too_long(error):
            return Completion("", "overflow", seconds=self._seconds(call))
        # What servers and gateways answer to a schema that they cannot hold a model to.
        if "schema" in body and status in (400, 415, 422, 501):
            return Completion(said, "schema refused", seconds=self._seconds(call))
        if body["top_logprobs"] and refuses(said, "logprobs"):
            raise EndpointFailed(f"{self.model}: {said}; {WITHOUT_LOGPROBS}") from None
        # Neither the refusal of one content nor a rate limit says that others will fare no better.
        if failures.filtered(error):
            return Completion(said, "refused", seconds=self._seconds(call))
        # The chain is cut: some servers repeat the key in their refusal.
        if failures.hopeless(error):
            raise EndpointFailed(f"{self.model}: {said}; mend that, and the same command goes on") from None
        _in_a_row[call.url] += status != 429
        if _in_a_row[call.url] < FAILURES_IN_A_ROW:
            raise CallFailed(f"{self.model}: {said}") from None
        # Forgotten: the next run in this process may find the endpoint mended.
        said = f"{_in_a_row.pop(call.url)} calls in a row failed for good, such as: {said}"
        raise EndpointFailed(f"{self.model}: {said}") from None


def _unhurried(request: Request, url: str) -> Call:
    # A batch is bounded by its own measures, and a stop need not wait for it: the next run finds it again.
    return Call(request, url, Pace(1), Turn(0))


def _size(body: dict) -> int:
    # Of all that is said, in bytes.
    return sum(len(message["content"].encode()) for message in body["messages"])
